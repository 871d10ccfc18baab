"""Containers: each opened or held."""
