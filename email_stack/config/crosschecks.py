"""What cells and tenants must agree on between them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from constructs_lib import names
from email_stack.config.models import Cell, Tenant
from email_stack.config.problems import Fault

__all__ = [
    "Claim",
    "cell_faults",
    "claim_faults",
    "receipt_rules_of",
    "tenant_cell_faults",
]


@dataclass(frozen=True, slots=True)
class Claim:
    """What a tenant takes that no other may: also known of one that is otherwise not valid.

    Args:
        number: of the tenant, in the config's order.
        id: its id; None when that is not valid.
        subdomain: its subdomain; None when that is not valid.
        where: tells file and line, for the other tenant's message; asked only when there is one.
        reserved: names below its subdomain that it uses itself, each with what for.
    """

    number: int
    id: str | None
    subdomain: str | None
    where: Callable[[], str]
    reserved: tuple[tuple[str, str], ...] = ()


def claim_faults(claims: Sequence[Claim]) -> Iterator[tuple[int, Fault]]:
    """Ids and subdomains taken twice, and subdomains within another tenant's; each with the number of its tenant."""
    ids: dict[str, Claim] = {}
    subdomains: dict[str, Claim] = {}
    for claim in claims:
        if claim.id is not None and (first := ids.setdefault(claim.id, claim)) is not claim:
            yield (
                claim.number,
                Fault(f"must be unique, is also at {first.where()}", "give each tenant an id of its own", ("id",)),
            )
        if claim.subdomain is not None and (first := subdomains.setdefault(claim.subdomain, claim)) is not claim:
            yield (
                claim.number,
                Fault(
                    f"must be unique, is also {_named(first)}'s",
                    "give each tenant a subdomain of its own",
                    ("subdomain",),
                ),
            )
    for claim in claims:
        if claim.subdomain is not None and (outer := _outer(claim.subdomain, subdomains)) is not None:
            yield claim.number, _nested(claim.subdomain, outer)


def _outer(subdomain: str, subdomains: dict[str, Claim]) -> Claim | None:
    ancestor = subdomain.partition(".")[2]
    while ancestor:
        if ancestor in subdomains:
            return subdomains[ancestor]
        ancestor = ancestor.partition(".")[2]
    return None


def _nested(subdomain: str, outer: Claim) -> Fault:
    use = next(
        (f", as its {use}" for name, use in outer.reserved if subdomain == name or names.is_below(subdomain, name)), ""
    )
    return Fault(
        f'must not be within "{outer.subdomain}" of {_named(outer)}{use}',
        "use a name beside it, not below it",
        ("subdomain",),
    )


def _named(claim: Claim) -> str:
    return f'tenant "{claim.id}"' if claim.id is not None else f"the tenant at {claim.where()}"


def cell_faults(cells: Sequence[Cell]) -> Iterator[tuple[str, Fault]]:
    """Two cells in one account and region; with the id of the later one."""
    places: dict[tuple[str | None, str], str] = {}
    for cell in cells:
        first = places.setdefault((cell.account, cell.region), cell.id)
        if first != cell.id:
            yield (
                cell.id,
                Fault(
                    f'must not share account and region with cell "{first}" (SES has one active receipt rule set in each)',
                    "put it in another account or region, or its tenants into that cell",
                    ("region",),
                ),
            )


def tenant_cell_faults(tenant: Tenant, cell: Cell) -> Iterator[Fault]:
    """What a tenant and its cell do not agree on."""
    parent = tenant.parent_zone
    if parent is None or parent.delegation_role_arn is None or cell.account is None:
        return
    if parent.delegation_role_arn.split(":")[4] == cell.account:
        yield Fault(
            f'must be in another account than cell "{cell.id}"',
            "remove it: in its own account the cell needs no role",
            ("parent_zone", "delegation_role_arn"),
        )


def receipt_rules_of(tenant: Tenant, cell: Cell) -> int:
    """Receipt rules that the tenant takes in its cell."""
    recipients = 1 if tenant.catch_all else len(tenant.receiving_addresses)
    return -(-recipients // cell.quotas.recipients_per_rule)
