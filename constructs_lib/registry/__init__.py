"""The registry in which a cell's functions look up its tenants."""

from constructs_lib.registry.tenant_entry import TenantEntry, TenantEntryProps

__all__ = ["TenantEntry", "TenantEntryProps"]
