"""By what a cell's functions know its tenants."""

from constructs_lib.registry.tenant_entry import TenantEntry, TenantEntryProps

__all__ = ["TenantEntry", "TenantEntryProps"]
