"""The hosted zone of a delegated subdomain."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

import aws_cdk as cdk
from aws_cdk import aws_route53 as route53
from constructs import Construct

from constructs_lib import rules, values
from constructs_lib.checks import FLAG, KEPT_OR_NOT, Broken, Rule, check_props, got, optional, parts, placed
from constructs_lib.dns.record_batch import RecordBatch, record_sets
from constructs_lib.faults import RuleError, shown
from constructs_lib.intrinsics import is_token
from constructs_lib.naming import REMOVAL_METADATA
from constructs_lib.records import DnsRecord, PortalAlias, delegation_record, portal_records

__all__ = ["ParentZone", "SubdomainZone"]


@dataclass(frozen=True, kw_only=True, slots=True)
class ParentZone:
    """A zone of ours above the subdomain, in the same account.

    Args:
        hosted_zone_id: id of the parent's hosted zone.
        zone_name: its name.
    """

    hosted_zone_id: str
    zone_name: str


PARENT: Final = parts(
    ParentZone,
    {"hosted_zone_id": rules.HOSTED_ZONE_ID, "zone_name": rules.DOMAIN},
    "use ParentZone(hosted_zone_id=..., zone_name=...)",
)
_PORTAL: Final = parts(
    PortalAlias,
    {"target": rules.TARGET, "hosted_zone_id": rules.HOSTED_ZONE_ID, "ipv6": FLAG},
    "use PortalAlias(target=...)",
)


def _portal(value: Any) -> Iterator[Broken]:
    broken = list(_PORTAL(value))
    yield from broken
    if broken or is_token(value.target + value.hosted_zone_id):
        return
    try:
        values.portal_zone(value.target, value.hosted_zone_id)
    except RuleError as error:
        fault = error.faults[0]
        yield Broken(fault.message, got(value.hosted_zone_id), fault.remedy, ".hosted_zone_id")


PORTAL: Final[Rule] = _portal
_RULES: Final[dict[str, Rule]] = {
    "zone_name": rules.DOMAIN,
    "parent_zone": optional(PARENT),
    "portal": optional(PORTAL),
    "removal_policy": KEPT_OR_NOT,
}


class SubdomainZone(Construct):
    """The public hosted zone of a subdomain, and its delegation.

    Creates 1 hosted zone; with `parent_zone`, 1 NS record set there; with `portal`, 1 record set group of 1 or 2 aliases; each
    `add_records` adds 1 record set group.

    Args:
        zone_name: the subdomain: A-labels, no trailing dot.
        parent_zone: zone of ours that delegates it. Default: None, the owner of the parent zone writes the NS record from
            `name_servers`.
        portal: alias at the subdomain itself, beside its MX and TXT records. Default: None.
        removal_policy: Default: retain, except after a failed first deployment. DESTROY also keeps the zone, and notes the policy
            in its
            metadata: delete the zone by hand once it is not delegated any more. Otherwise the next owner of its name servers could
            answer for the subdomain.

    Raises:
        ValueError: `zone_name` does not lie below `parent_zone.zone_name`, or a text holds `{{` or a `${` that is no token
            (`check_texts`).

    Source: Route 53 developer guide, "Creating a subdomain that uses Route 53 as the DNS service"; RFC 1034 4.2.1.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        zone_name: str,
        parent_zone: ParentZone | None = None,
        portal: PortalAlias | None = None,
        removal_policy: cdk.RemovalPolicy = cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    ) -> None:
        super().__init__(scope, id)
        given = {"zone_name": zone_name, "parent_zone": parent_zone, "portal": portal, "removal_policy": removal_policy}
        check_props(self, f"zone {shown(zone_name)}", _RULES, **given)
        self.zone_name = zone_name
        self.zone = route53.PublicHostedZone(self, "Zone", zone_name=zone_name)
        goes = removal_policy == cdk.RemovalPolicy.DESTROY
        self.zone.apply_removal_policy(cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE if goes else removal_policy)
        if goes:
            cast("cdk.CfnResource", self.zone.node.default_child).add_metadata(REMOVAL_METADATA, "destroy")
        self.hosted_zone_id: str = self.zone.hosted_zone_id
        self.name_servers: list[str] = self.zone.hosted_zone_name_servers or []
        if parent_zone is not None:
            self._delegate_from(parent_zone)
        self.portal_records: tuple[DnsRecord, ...] = self._alias(portal) if portal is not None else ()

    def add_records(self, id: str, records: Sequence[DnsRecord]) -> RecordBatch:
        """Write `records` into the zone as one batch named `id`. Raises what `RecordBatch` raises."""
        return RecordBatch(self, id, hosted_zone_id=self.hosted_zone_id, zone_name=self.zone_name, records=records)

    def _delegate_from(self, parent: ParentZone) -> None:
        if not self.zone_name.endswith(f".{parent.zone_name}") and not is_token(self.zone_name + parent.zone_name):
            with placed(self):
                raise ValueError(
                    f'zone "{self.zone_name}": parent_zone must be a zone above it, got "{parent.zone_name}"; '
                    "name a zone that it ends in"
                )
        record = delegation_record(subdomain=self.zone_name, name_servers=self.name_servers)
        route53.CfnRecordSet(
            self,
            "Delegation",
            hosted_zone_id=parent.hosted_zone_id,
            name=f"{record.name}.",
            type=record.type,
            ttl=str(record.ttl_seconds),
            resource_records=self.name_servers,
        )

    def _alias(self, portal: PortalAlias) -> tuple[DnsRecord, ...]:
        records = portal_records(subdomain=self.zone_name, portal=portal)
        route53.CfnRecordSetGroup(self, "Portal", hosted_zone_id=self.hosted_zone_id, record_sets=record_sets(records))
        return records
