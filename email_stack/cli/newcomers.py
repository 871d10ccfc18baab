"""New tenants by the names of their stacks: checks whether they are already deployed at another place."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from constructs_lib.naming import TENANT_STACKS, tenant_stack_name
from email_stack.cli.places import Places
from email_stack.config import Cell, Config, Tenant
from email_stack.dnscheck.model import Endpoint
from email_stack.operations.standing import deployed_stacks, stacks_elsewhere
from email_stack.output.printable import counted
from email_stack.transitions import Risk, RiskKind, Template, same_subdomain

__all__ = ["Newcomers"]

_NAMED: Final = 10
"""Most stacks in a line."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Newcomers:
    """New tenants of a cell.

    Args:
        config: as loaded.
        cell: their cell.
        places: accounts to search.
        wanted: synthesized templates, by tenant.
        everything: names of all stacks in the cell's region.
    """

    config: Config
    cell: Cell
    places: Places
    wanted: Mapping[Tenant, Template]
    everything: Collection[str]

    def risks(self, resolver: Endpoint | None) -> list[tuple[str, Risk]]:
        """Risks by stack: tenants that are deployed under another id or elsewhere, or receive at an unknown place.

        Raises:
            AwsError: AWS refused, or could not be asked.
        """
        if not self.wanted:
            return []
        found = [*self._renamed(), *self._copies()]
        return [*found, *self._received({name for name, risk in found if risk.refused}, resolver)]

    def orphans(self) -> Iterator[Risk]:
        """Deployed tenants that the config no longer has, as one risk of the cell."""
        names = self._orphans()
        if names:
            more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
            yield Risk(
                kind=RiskKind.LEFT,
                text=f"{counted(len(names), 'stack')} of tenants that the config has no more: {', '.join(names[:_NAMED])}{more}; "
                "they still receive mail, and no command covers them: add them again, or remove them (docs/onboarding.md)",
                refused=False,
                subject=names[0],
            )

    def _orphans(self) -> list[str]:
        known = {tenant_stack_name(tenant.id) for tenant in self.config.tenants}
        return sorted(name for name in self.everything if name.startswith(TENANT_STACKS) and name not in known)

    def _renamed(self) -> Iterator[tuple[str, Risk]]:
        orphans, own = self._orphans(), self.places.own
        if not orphans or own is None:
            return
        for old, stack in deployed_stacks(orphans, self.cell, own).items():
            for tenant, template in self.wanted.items():
                if same_subdomain(stack.template, template):
                    yield tenant_stack_name(tenant.id), _other_id(tenant, old.removeprefix(TENANT_STACKS))

    def _copies(self) -> Iterator[tuple[str, Risk]]:
        """Tenants that would get a second copy, while the first one receives in another region or account."""
        by_name = {tenant_stack_name(tenant.id): (tenant, template) for tenant, template in self.wanted.items()}
        for place in self.places.others():
            for name, copies in stacks_elsewhere(by_name, place.without, place.session).items():
                tenant, wanted = by_name[name]
                for region, template in copies:
                    if same_subdomain(template, wanted):
                        yield name, _copy(tenant, f"{region}{place.said}", f"{self.cell.region}{self.places.said}")
        for account in self.places.closed:
            yield next(iter(by_name)), _not_looked_at(account)

    def _received(self, refused: Collection[str], resolver: Endpoint | None) -> Iterator[tuple[str, Risk]]:
        """Tenants without a found deployment whose MX leads to SES."""
        unknown = {
            tenant.subdomain: name for tenant in self.wanted if (name := tenant_stack_name(tenant.id)) not in refused
        }
        if not unknown:
            return
        from email_stack.dnscheck.already import receiving_already  # noqa: PLC0415 - dnspython takes longer than most commands

        for domain, region in receiving_already(list(unknown), resolver).items():
            yield unknown[domain], _led_elsewhere(domain, region)


def _other_id(tenant: Tenant, before: str) -> Risk:
    return Risk(
        kind=RiskKind.DATA,
        text=f"its subdomain is deployed as tenant {before}, with all its mail: SES has one identity of a domain, so that this "
        "deployment would fail halfway and leave a second, empty zone",
        refused=True,
        steps=(
            f"write the id as it was, {before} and not {tenant.id}: ids are permanent",
            f"or remove {before} first: docs/onboarding.md, Removing a tenant",
        ),
        subject=before,
    )


def _copy(tenant: Tenant, place: str, here: str) -> Risk:
    return Risk(
        kind=RiskKind.DATA,
        text=f"it is deployed in {place}, with all its mail; in {here} it would be a second, empty one, and no command would look "
        "at the first any more",
        refused=True,
        steps=(
            f'write region, account and cell of tenant "{tenant.id}" as they were: {place}',
            f"to move, add a cell of another id in {here}, and in it a tenant of another id with a subdomain of its own; set "
            "it up, then remove this one (docs/onboarding.md)",
        ),
        subject=place,
    )


def _not_looked_at(account: str) -> Risk:
    said = f"whether it is deployed in account {account} of another cell was not looked at: its role for look-ups cannot be taken"
    return Risk(kind=RiskKind.UNREAD, text=said, refused=False, subject=account)


def _led_elsewhere(domain: str, region: str) -> Risk:
    return Risk(
        kind=RiskKind.DATA,
        text=f"the MX of {domain} leads its mail to SES in {region} already, and no checked account has its stack: this "
        "may be a second, empty copy of a tenant whose mail is elsewhere",
        refused=True,
        steps=(
            "where it is this tenant: write account and region as they were, or use credentials of that account",
            "where another system receives by that MX, or none does any more: deploy with --force",
        ),
        subject=domain,
    )
