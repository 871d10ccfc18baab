"""Which stacks a choice of tenants means."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import typer

from constructs_lib.naming import cell_stack_name, control_stack_name, delegation_stack_name, tenant_stack_name
from email_stack.config import Cell, Config, Tenant

__all__ = ["any_region", "cell_stacks", "chosen_tenants", "stack_names", "tenant_stacks"]


def tenant_stacks(tenant: Tenant) -> list[str]:
    """Names of the stacks that are this tenant's own, in the order they are deployed."""
    names = [tenant_stack_name(tenant.id)]
    if tenant.parent_zone is not None and tenant.parent_zone.delegation_role_arn is not None:
        names.append(delegation_stack_name(tenant.id))
    return names


def cell_stacks(cell: Cell) -> list[str]:
    """Names of the stacks that are a cell's own, in the order they are deployed."""
    return [cell_stack_name(cell.id), *([control_stack_name(cell.id)] if cell.control is not None else [])]


def stack_names(config: Config, tenants: Collection[str] | None, cell: str | None = None) -> list[str]:
    """Names of the stacks that are synthesized for `tenants` (None: for all) or for a cell, cells first.

    A settings API is deployed with its cell, and not with a tenant.

    Raises:
        ConfigError: a tenant or a cell that the config does not hold.
    """
    if cell is not None:
        return cell_stacks(config.cell(cell))
    chosen = config.tenants if tenants is None else [config.tenant(name) for name in tenants]
    used = {tenant.cell for tenant in chosen}
    cells = [name for one in config.cells if tenants is None for name in cell_stacks(one)]
    cells += [cell_stack_name(one.id) for one in config.cells if tenants is not None and one.id in used]
    return [*cells, *(name for tenant in chosen for name in tenant_stacks(tenant))]


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
