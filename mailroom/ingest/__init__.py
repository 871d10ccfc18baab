"""Ingests delivered mail: from `clean/` into the store."""
