"""Several record sets as one Route 53 change batch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final, get_args

from aws_cdk import aws_route53 as route53
from constructs import Construct

from constructs_lib import rules
from constructs_lib.checks import Broken, Rule, check_props, choice, each, got, matching, optional, parts, placed, whole
from constructs_lib.faults import shown
from constructs_lib.intrinsics import is_token
from constructs_lib.records import TXT_VALUE_CHARACTERS, DnsRecord, RecordType, txt_strings

__all__ = ["RecordBatch", "record_sets"]


_RECORD: Final = parts(
    DnsRecord,
    {
        "name": matching(
            r"[A-Za-z0-9_*.-]{1,253}", "a DNS name: letters, digits, hyphens, dots and _", "mail.acme.example"
        ),
        "type": choice(*get_args(RecordType)),
        "values": each(rules.anything_said, least=1),
        "ttl_seconds": whole(0, 2_147_483_647),
        "alias_zone_id": optional(rules.HOSTED_ZONE_ID),
    },
    "use DnsRecord(...)",
)


def _record(value: Any) -> Iterator[Broken]:
    broken = list(_RECORD(value))
    yield from broken
    if broken or value.type != "TXT":
        return
    for index, text in enumerate(value.values):
        try:
            txt_strings(text)
        except ValueError:
            message = f"must be printable ASCII of at most {TXT_VALUE_CHARACTERS} characters"
            yield Broken(message, got(text), "shorten it, or write it otherwise", f".values[{index}]")


_RULES: Final[dict[str, Rule]] = {
    "hosted_zone_id": rules.HOSTED_ZONE_ID,
    "zone_name": rules.DOMAIN,
    "records": each(_record, least=1),
}


class RecordBatch(Construct):
    """Records of one zone, created and deleted together.

    Creates 1 record set group: Route 53 applies it as one change batch, all or nothing, and a deployment waits once instead of once
    per record.

    Args:
        hosted_zone_id: zone to write to.
        zone_name: its name. Synthesis finds the mistakes that Route 53 would find at deployment.
        records: from `constructs_lib.records`; at least one.

    Raises:
        ValueError: no record, a name outside the zone, a CNAME at the zone's own name or beside another record of its name,
            two record sets of one name and type, a TXT value that does not fit, or a text that holds `{{` or a `${` that is no
            token (`check_texts`). Unresolved tokens are left alone.

    Source: RFC 1034 3.6.2 (CNAME); Route 53 developer guide, "ResourceRecordTypes".
    """

    def __init__(
        self, scope: Construct, id: str, *, hosted_zone_id: str, zone_name: str, records: Sequence[DnsRecord]
    ) -> None:
        super().__init__(scope, id)
        given = {"hosted_zone_id": hosted_zone_id, "zone_name": zone_name, "records": records}
        check_props(self, f"records of zone {shown(zone_name)}", _RULES, **given)
        with placed(self):
            _check(zone_name, records)
        route53.CfnRecordSetGroup(
            self,
            "Records",
            hosted_zone_id=hosted_zone_id,
            record_sets=record_sets(records),
        )


def record_sets(records: Sequence[DnsRecord]) -> list[route53.CfnRecordSetGroup.RecordSetProperty]:
    """The records in CloudFormation's form. An alias has no time to live."""
    return [
        route53.CfnRecordSetGroup.RecordSetProperty(
            name=f"{record.name}.",
            type=record.type,
            ttl=str(record.ttl_seconds),
            resource_records=list(record.rdata()),
        )
        if record.alias_zone_id is None
        else route53.CfnRecordSetGroup.RecordSetProperty(
            name=f"{record.name}.",
            type=record.type,
            alias_target=route53.CfnRecordSetGroup.AliasTargetProperty(
                dns_name=record.values[0], hosted_zone_id=record.alias_zone_id, evaluate_target_health=False
            ),
        )
        for record in records
    ]


def _check(zone_name: str, records: Sequence[DnsRecord]) -> None:
    types: dict[str, list[str]] = {}
    for record in records:
        if is_token(record.name) or is_token(zone_name):
            continue
        name = record.name.lower()
        if name != zone_name and not name.endswith(f".{zone_name}"):
            raise ValueError(
                f'records of zone "{zone_name}": {record.type} "{record.name}" lies outside the zone; use a name that ends in '
                f'".{zone_name}"'
            )
        if record.type == "CNAME" and name == zone_name:
            raise ValueError(
                f'records of zone "{zone_name}": a CNAME cannot stand at the name of its zone (RFC 1034 3.6.2); use an alias record'
            )
        types.setdefault(name, []).append(record.type)
    for name, held in types.items():
        if len(held) > 1 and "CNAME" in held:
            raise ValueError(
                f'records of zone "{zone_name}": "{name}" holds a CNAME beside {held}; a CNAME stands alone'
            )
        if len(set(held)) < len(held):
            raise ValueError(
                f'records of zone "{zone_name}": "{name}" is given twice with one type in {held}; merge the values'
            )
