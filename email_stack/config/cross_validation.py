"""Rules between several cells and tenants."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from dataclasses import dataclass

from constructs_lib import names
from constructs_lib.limits import MOST_COUNTED_RESOURCES, MOST_POLICY_CHARACTERS, access_characters, most_receipt_rules
from constructs_lib.naming import receipt_rule_set_name
from email_stack.config.field_validation import sender_faults
from email_stack.config.models import Cell, Tenant
from email_stack.config.problems import Fault

__all__ = [
    "Claim",
    "access_faults",
    "cell_faults",
    "claim_faults",
    "receipt_rules_of",
    "tenant_cell_faults",
]


@dataclass(frozen=True, slots=True)
class Claim:
    """The names that one tenant takes for itself. A tenant with other mistakes has a claim too.

    Args:
        number: of the tenant, in the config's order.
        id: its id; None when that is not valid.
        subdomain: its subdomain; None when that is not valid.
        where: returns file and line, for another tenant's message; called only for such a message.
        reserved: names below its subdomain that it uses itself, each with its purpose.
    """

    number: int
    id: str | None
    subdomain: str | None
    where: Callable[[], str]
    reserved: tuple[tuple[str, str], ...] = ()


def claim_faults(claims: Sequence[Claim]) -> Iterator[tuple[int, Fault]]:
    """Repeated ids and subdomains, and subdomains within another tenant's; each with the number of its tenant."""
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
    """Two cells in one account and region, or with a settings API each, with the id of the later one; a cell that tells more
    operators than its stack holds, or whose key is elsewhere.
    """
    places: dict[tuple[str | None, str], str] = {}
    controlling = next((cell.id for cell in cells if cell.control is not None), "")
    for cell in cells:
        if len(cell.alerts) > MOST_COUNTED_RESOURCES:
            yield cell.id, _too_many_resources(("alerts",), len(cell.alerts), "tell a list of your own")
        if cell.encryption is not None:
            yield from ((cell.id, fault) for fault in _key_faults(cell.encryption.key_arn, cell))
        if cell.control is not None and cell.control.domain is not None:
            certificate, place = cell.control.domain.certificate_arn, ("control", "domain", "certificate_arn")
            yield from ((cell.id, fault) for fault in _place_faults(certificate, cell, "certificate", place))
        if cell.control is not None and cell.id != controlling:
            yield (
                cell.id,
                Fault(
                    f'must not be there beside that of cell "{controlling}" (one table has all held names)',
                    "remove it from one of them",
                    ("control",),
                    silent=True,
                ),
            )
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
    """Conflicts between a tenant and its cell."""
    yield from _room(tenant, cell)
    if tenant.encryption is not None or cell.encryption is not None:
        yield from sender_faults(tenant, encrypted=True)
    if tenant.encryption is not None:
        yield from _key_faults(tenant.encryption.key_arn, cell)
    for index, access in enumerate(tenant.access):
        account = access.role_arn.split(":")[4]
        if cell.account is not None and account != cell.account:
            yield Fault(
                f'must be a role of account {cell.account}, which cell "{cell.id}" is in',
                "name a role there; an application elsewhere takes it by sts:AssumeRole",
                ("access", index, "role_arn"),
            )
    parent = tenant.parent_zone
    if parent is None or parent.delegation_role_arn is None or cell.account is None:
        return
    if parent.delegation_role_arn.split(":")[4] == cell.account:
        yield Fault(
            f'must be in another account than cell "{cell.id}"',
            "remove it: in its own account the cell needs no role",
            ("parent_zone", "delegation_role_arn"),
        )


def access_faults(tenants: Iterable[tuple[int, Tenant]], encrypted: Container[str]) -> Iterator[tuple[int, Fault]]:
    """Roles whose policies would be longer than IAM's limit, each with the number of the tenant that exceeds it.

    Args:
        tenants: with their numbers, in the config's order.
        encrypted: ids of the tenants whose mail has a key of the customer's.
    """
    taken: dict[str, int] = {}
    for number, tenant in tenants:
        for index, access in enumerate(tenant.access):
            role = access.role_arn.lower()
            before = taken.get(role, 0)
            taken[role] = before + access_characters(access.may, encrypted=tenant.id in encrypted)
            if before <= MOST_POLICY_CHARACTERS < taken[role]:
                yield (
                    number,
                    Fault(
                        "must be a role with room for this policy (IAM takes "
                        f"{MOST_POLICY_CHARACTERS:,} characters of a role, the tenants up to here need {taken[role]:,})",
                        "give these tenants a role of their own",
                        ("access", index, "role_arn"),
                        silent=True,
                    ),
                )


def _room(tenant: Tenant, cell: Cell) -> Iterator[Fault]:
    """Fixed limits of one bucket policy and of one stack, which no quota raises."""
    rules = receipt_rules_of(tenant, cell)
    remedy = f"raise quotas.recipients_per_rule of cell {cell.id}, or receive at all with catch_all"
    most = most_receipt_rules(receipt_rule_set_name(cell.id), tenant.id)
    if rules > most:
        yield Fault(
            f"must be received by at most {most} receipt rules (the policy of the bucket names each, and holds 20 KiB), "
            f"need {rules}",
            remedy,
            ("addresses",),
            silent=True,
        )
    elif rules + len(tenant.alerts) > MOST_COUNTED_RESOURCES:
        yield _too_many_resources(
            ("alerts",) if len(tenant.alerts) > rules else ("addresses",),
            rules + len(tenant.alerts),
            "tell a list of your own" if len(tenant.alerts) > rules else remedy,
        )


def _too_many_resources(path: tuple[str, ...], count: int, remedy: str) -> Fault:
    return Fault(
        f"must need at most {MOST_COUNTED_RESOURCES} receipt rules and subscriptions (a stack of CloudFormation's holds 500 "
        f"resources), need {count}",
        remedy,
        path,
        silent=True,
    )


def _key_faults(key_arn: str, cell: Cell) -> Iterator[Fault]:
    """A key of another region or account. Policies of roles allow the use of keys of their own account alone."""
    yield from _place_faults(key_arn, cell, "key", ("encryption", "key_arn"))


def _place_faults(arn: str, cell: Cell, kind: str, where: tuple[str, ...]) -> Iterator[Fault]:
    """A resource of another region or account than the cell's."""
    region, account = arn.split(":")[3:5]
    if region != cell.region:
        yield Fault(f'must be in {cell.region}, the region of cell "{cell.id}"', f"name a {kind} of that region", where)
    elif cell.account is not None and account != cell.account:
        yield Fault(
            f'must be in account {cell.account}, that of cell "{cell.id}"', f"name a {kind} of that account", where
        )


def receipt_rules_of(tenant: Tenant, cell: Cell) -> int:
    """The number of the tenant's receipt rules in its cell."""
    recipients = 1 if tenant.catch_all else len(tenant.receiving_addresses)
    return -(-recipients // cell.quotas.recipients_per_rule)
