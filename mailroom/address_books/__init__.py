"""Copies address books from tenants' stacks into the tenants' tables."""
