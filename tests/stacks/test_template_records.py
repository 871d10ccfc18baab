"""The record sets of the templates are those of the record model: no record is described anywhere else."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from constructs_lib.records import DkimToken, DnsRecord, delegation_record, zone_file_line
from email_stack.config import Config
from email_stack.config.tenant_records import zone_records

DKIM = [DkimToken(name=f"<DkimDNSTokenName{n}>", target=f"<DkimDNSTokenValue{n}>") for n in (1, 2, 3)]
"""What `resolved` makes of the attributes that CloudFormation reads from SES."""


def resolved(value: Any) -> Any:
    """A value of a template as text, attributes of other resources by their name in angle brackets."""
    match value:
        case {"Fn::GetAtt": [_, attribute]}:
            return f"<{attribute}>"
        case {"Fn::Join": [separator, parts]}:
            return separator.join(map(resolved, parts))
        case list():
            return tuple(map(resolved, value))
        case _:
            return value


def written(template: dict[str, Any]) -> Counter[tuple[Any, ...]]:
    """Every record set of a template: name, type, TTL, values, alias."""
    sets: list[dict[str, Any]] = []
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Route53::RecordSetGroup":
            sets += resource["Properties"]["RecordSets"]
        elif resource["Type"] == "AWS::Route53::RecordSet":
            sets.append(resource["Properties"])
    return Counter(
        (
            resolved(one["Name"]),
            one["Type"],
            one.get("TTL"),
            resolved(one.get("ResourceRecords")),
            tuple(sorted(one.get("AliasTarget", {}).items())),
        )
        for one in sets
    )


def as_set(record: DnsRecord) -> tuple[Any, ...]:
    """The same of a record of the model."""
    if record.alias_zone_id is not None:
        alias = {"DNSName": record.values[0], "EvaluateTargetHealth": False, "HostedZoneId": record.alias_zone_id}
        return (f"{record.name}.", record.type, None, None, tuple(sorted(alias.items())))
    values = record.rdata()[0] if record.type == "NS" else record.rdata()
    return (f"{record.name}.", record.type, str(record.ttl_seconds), values, ())


@pytest.mark.parametrize("name", ["elsewhere", "everything", "sendonly", "shortest"])
def test_zone_of_a_delegated_tenant(name: str, config: Config, templates: dict[str, Any]) -> None:
    """The zone holds all records of the model and no other; so does a parent zone of the same account."""
    tenant = config.tenant(name)
    expected = [as_set(record) for record in zone_records(tenant, config.cell(tenant.cell), DKIM)]
    parent = tenant.parent_zone
    if parent is not None and parent.delegation_role_arn is None:
        expected.append(as_set(delegation_record(subdomain=tenant.subdomain, name_servers=["<NameServers>"])))
    assert written(templates[f"Tenant-{name}"]) == Counter(expected)


def test_outputs_of_a_self_managed_tenant(config: Config, templates: dict[str, Any]) -> None:
    """The outputs hold the lines of the model, in its order, and no record set is created."""
    tenant = config.tenant("selfmanaged")
    template = templates["Tenant-selfmanaged"]
    outputs = [
        resolved(output["Value"]) for name, output in template["Outputs"].items() if name.startswith("DnsRecord")
    ]
    assert outputs == [zone_file_line(record) for record in zone_records(tenant, config.cell(tenant.cell), DKIM)]
    assert not written(template)
