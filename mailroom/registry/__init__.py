"""Tenants by configuration set: each tenant's stack writes its entry, and the cell's shared functions read it."""

from mailroom.registry.entry import Entry, entry_from
from mailroom.registry.registry import Registry

__all__ = ["Entry", "Registry", "entry_from"]
