"""Quota usage that a deployment adds to what is deployed. Pure.

Other users of the account may take a part of a quota. Then the resources to create count.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from constructs_lib.naming import cell_stack_name, control_stack_name, tenant_stack_name
from email_stack.config import Cell, Config, Tenant
from email_stack.config.capacity import all_needed, cell_needs, control_needs, customer_needs, tenant_needs
from email_stack.doctor.sources import SOURCES

__all__ = ["LARGEST", "Need", "memory_needed", "needs"]

LARGEST: Final = "function_memory_mib"
"""Quotas of a single resource: the largest value counts, not the sum."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Need:
    """Need of one quota.

    Args:
        total: of all cells and tenants, deployed or not.
        missing: of those not deployed yet; None if the deployed stacks are unknown.
    """

    total: int
    missing: int | None


def needs(
    config: Config, cell: Cell, tenants: Sequence[Tenant], made: Mapping[str, Collection[str] | None]
) -> dict[str, Need]:
    """Need of each quota that AWS can be asked about, by its name in `Quotas`.

    Args:
        config: as loaded.
        cell: the cell with these quotas. For account-wide quotas, the other cells of its account count too.
        tenants: checked tenants, of any cell.
        made: names of deployed stacks, by cell; None if they are unknown.
    """
    found: dict[str, Need] = {}
    for name, source in SOURCES.items():
        sharing = [
            other
            for other in config.cells
            if other.id == cell.id or (source.account_wide and other.account == cell.account and other.id in made)
        ]
        known = all(made.get(one.id) is not None for one in sharing)
        # Pairs of needs, and whether they are deployed.
        cells = [
            (takes.get(name, 0), stack in _made(made, one))
            for one in sharing
            for takes, stack in (
                (cell_needs(one), cell_stack_name(one.id)),
                (control_needs(one), control_stack_name(one.id)),
            )
        ]
        customers = [
            (customer_needs(one).get(name, 0), control_stack_name(one.id) in _made(made, one)) for one in sharing
        ]
        own = customers + [
            (tenant_needs(tenant, one).get(name, 0), tenant_stack_name(tenant.id) in _made(made, one))
            for one in sharing
            for tenant in tenants
            if tenant.cell == one.id
        ]
        total = all_needed(name, (takes for takes, _ in cells), (takes for takes, _ in own))
        missing = all_needed(
            name, (takes for takes, there in cells if not there), (takes for takes, there in own if not there)
        )
        found[name] = Need(total=total, missing=missing if known else None)
    return found


def memory_needed(cell: Cell, tenants: Sequence[Tenant]) -> int:
    """MiB of the cell's largest function."""
    own = [tenant_needs(tenant, cell) for tenant in tenants if tenant.cell == cell.id]
    return max(one.get(LARGEST, 0) for one in [cell_needs(cell), *own])


def _made(made: Mapping[str, Collection[str] | None], cell: Cell) -> Collection[str]:
    return made.get(cell.id) or ()
