"""Writes the address books that tenants' stacks hold into the tenants' tables."""
