"""Which stacks a choice of tenants means."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import typer

from constructs_lib.naming import cell_stack_name, delegation_stack_name, tenant_stack_name
from email_stack.config import Config, Tenant

__all__ = ["any_region", "chosen_tenants", "stack_names", "tenant_stacks"]


def tenant_stacks(tenant: Tenant) -> list[str]:
    """Names of the stacks that are this tenant's own, in the order they are deployed."""
    names = [tenant_stack_name(tenant.id)]
    if tenant.parent_zone is not None and tenant.parent_zone.delegation_role_arn is not None:
        names.append(delegation_stack_name(tenant.id))
    return names


def stack_names(config: Config, tenants: Collection[str] | None) -> list[str]:
    """Names of the stacks that are synthesized for `tenants` (None: for all), cells first.

    Raises:
        ConfigError: a tenant that the config does not hold.
    """
    chosen = config.tenants if tenants is None else [config.tenant(name) for name in tenants]
    used = {tenant.cell for tenant in chosen}
    cells = [cell.id for cell in config.cells if tenants is None or cell.id in used]
    return [*map(cell_stack_name, cells), *(name for tenant in chosen for name in tenant_stacks(tenant))]


def chosen_tenants(config: Config, tenant: str | None, every: bool) -> list[str] | None:
    """Ids of the tenants that TENANT or --all means; None for all.

    Raises:
        typer.BadParameter: neither or both are given.
        ConfigError: a tenant that the config does not hold.
    """
    if every == (tenant is not None):
        raise typer.BadParameter("name one TENANT, or say --all")
    return None if tenant is None else [config.tenant(tenant).id]


def any_region(config: Config, tenants: Sequence[str] | None) -> str:
    """Where credentials are asked about: any region that is deployed to will do."""
    return config.cell(config.tenant(tenants[0]).cell).region if tenants else config.cells[0].region
