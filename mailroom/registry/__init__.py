"""Which tenant a configuration set belongs to: written by the tenant's own stack, read by the functions that a cell shares."""

from mailroom.registry.entry import Entry, entry_from
from mailroom.registry.registry import Registry

__all__ = ["Entry", "Registry", "entry_from"]
