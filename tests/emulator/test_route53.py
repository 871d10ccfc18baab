"""Hosted zones, records and record groups."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from .conftest import Stacks, code_of

ZONE = {"Type": "AWS::Route53::HostedZone", "Properties": {"Name": "acme.example"}}


def record(name: str, kind: str, *values: str, ttl: int = 300) -> dict[str, Any]:
    """A record as a group lists it."""
    return {"Name": name, "Type": kind, "TTL": str(ttl), "ResourceRecords": list(values)}


def group(*records: dict[str, Any], **place: Any) -> dict[str, Any]:
    """A zone and a group of records in it."""
    properties = {**(place or {"HostedZoneId": {"Ref": "Zone"}}), "RecordSets": list(records)}
    return {
        "Zone": ZONE,
        "Group": {"Type": "AWS::Route53::RecordSetGroup", "DependsOn": "Zone", "Properties": properties},
    }


def served(stacks: Stacks, zone_id: str) -> dict[tuple[str, str], list[str]]:
    """Records of the zone besides its own NS and SOA."""
    found = stacks.client("route53").list_resource_record_sets(HostedZoneId=zone_id)["ResourceRecordSets"]
    return {
        (each["Name"], each["Type"]): [value["Value"] for value in each.get("ResourceRecords", [])]
        for each in found
        if (each["Name"], each["Type"]) not in {("acme.example.", "NS"), ("acme.example.", "SOA")}
    }


def test_a_zone_has_four_name_servers_of_its_own(stacks: Stacks) -> None:
    """GetAtt, the API and the zone's NS record agree, and another zone of that name has others."""
    outputs = {"Id": {"Ref": "Zone"}, "Servers": {"Fn::Join": [",", {"Fn::GetAtt": ["Zone", "NameServers"]}]}}
    _, first = stacks.deploy({"Zone": ZONE}, outputs)
    _, second = stacks.deploy({"Zone": ZONE}, outputs)
    servers = first["Servers"].split(",")
    assert len(servers) == 4
    assert not any(server.endswith(".") for server in servers)
    route53 = stacks.client("route53")
    assert route53.get_hosted_zone(Id=first["Id"])["DelegationSet"]["NameServers"] == servers
    own = [
        value["Value"]
        for each in route53.list_resource_record_sets(HostedZoneId=first["Id"])["ResourceRecordSets"]
        if each["Type"] == "NS"
        for value in each["ResourceRecords"]
    ]
    assert own == [f"{server}." for server in servers]
    assert first["Servers"] != second["Servers"]


def test_a_zone_takes_a_new_comment_and_tags_in_place(stacks: Stacks) -> None:
    """A zone keeps its id, and its records, when only these change."""
    zone = {
        "Type": ZONE["Type"],
        "Properties": {"Name": "acme.example", "HostedZoneTags": [{"Key": "a", "Value": "1"}]},
    }
    name, first = stacks.deploy({"Zone": zone}, {"Id": {"Ref": "Zone"}})
    new = {
        "Name": "acme.example",
        "HostedZoneConfig": {"Comment": "new"},
        "HostedZoneTags": [{"Key": "b", "Value": "2"}],
    }
    _, second = stacks.deploy({"Zone": {**zone, "Properties": new}}, {"Id": {"Ref": "Zone"}}, stack=name)
    assert first == second
    route53 = stacks.client("route53")
    assert route53.get_hosted_zone(Id=first["Id"])["HostedZone"]["Config"]["Comment"] == "new"
    tags = route53.list_tags_for_resource(ResourceType="hostedzone", ResourceId=first["Id"])["ResourceTagSet"]["Tags"]
    assert {"Key": "b", "Value": "2"} in tags
    assert "a" not in {tag["Key"] for tag in tags}


def test_a_zone_that_still_has_records_is_not_deleted(stacks: Stacks) -> None:
    """Records that the stack does not know of keep its zone."""
    name, outputs = stacks.deploy({"Zone": ZONE}, {"Id": {"Ref": "Zone"}})
    route53 = stacks.client("route53")
    change: dict[str, Any] = {
        "Action": "CREATE",
        "ResourceRecordSet": {
            "Name": "x.acme.example",
            "Type": "A",
            "TTL": 60,
            "ResourceRecords": [{"Value": "192.0.2.1"}],
        },
    }
    route53.change_resource_record_sets(HostedZoneId=outputs["Id"], ChangeBatch={"Changes": [change]})
    with pytest.raises(AssertionError, match="HostedZoneNotEmpty"):
        stacks.delete(name)
    change["Action"] = "DELETE"
    route53.change_resource_record_sets(HostedZoneId=outputs["Id"], ChangeBatch={"Changes": [change]})
    stacks.delete(name)


def test_a_retained_zone_stays_with_its_records(stacks: Stacks) -> None:
    """DeletionPolicy Retain is honoured."""
    retained = {"Zone": {**ZONE, "DeletionPolicy": "Retain"}}
    name, outputs = stacks.deploy(retained, {"Id": {"Ref": "Zone"}})
    stacks.delete(name)
    assert stacks.client("route53").get_hosted_zone(Id=outputs["Id"])["HostedZone"]["Name"] == "acme.example."
    stacks.client("route53").delete_hosted_zone(Id=outputs["Id"])


@pytest.mark.parametrize(
    ("properties", "values"),
    [
        ({"Type": "NS", "Name": "child.acme.example", "ResourceRecords": ["ns.example."]}, ["ns.example."]),
        ({"Type": "TXT", "Name": "acme.example", "ResourceRecords": ['"v=spf1 -all"']}, ['"v=spf1 -all"']),
        ({"Type": "MX", "Name": "acme.example.", "ResourceRecords": ["10 mx.example"]}, ["10 mx.example"]),
        ({"Type": "CNAME", "Name": "www.acme.example", "ResourceRecords": ["x.example"]}, ["x.example"]),
    ],
    ids=["NS", "TXT", "MX", "CNAME"],
)
def test_a_record_is_created_changed_and_deleted(stacks: Stacks, properties: dict[str, Any], values: list[str]) -> None:
    """Records of every type this project writes come and go with their stack."""

    def resources(ttl: int) -> dict[str, Any]:
        found = {**properties, "HostedZoneId": {"Ref": "Zone"}, "TTL": str(ttl)}
        return {"Zone": ZONE, "Record": {"Type": "AWS::Route53::RecordSet", "Properties": found}}

    name, outputs = stacks.deploy(resources(300), {"Id": {"Ref": "Zone"}, "Name": {"Ref": "Record"}})
    key = (properties["Name"].rstrip(".") + ".", properties["Type"])
    assert served(stacks, outputs["Id"]) == {key: values}
    stacks.deploy(resources(60), stack=name)
    stacks.deploy({"Zone": ZONE}, stack=name)
    assert served(stacks, outputs["Id"]) == {}


def test_an_alias_stands_at_the_apex_beside_other_records(stacks: Stacks) -> None:
    """An alias A record needs no TTL and no CNAME."""
    target = {"DNSName": "d111111abcdef8.cloudfront.net", "HostedZoneId": "Z2FDTNDATAQYW2"}
    alias = {"Name": "acme.example", "Type": "A", "HostedZoneId": {"Ref": "Zone"}, "AliasTarget": target}
    resources = {"Zone": ZONE, "Alias": {"Type": "AWS::Route53::RecordSet", "Properties": alias}}
    _, outputs = stacks.deploy(resources, {"Id": {"Ref": "Zone"}})
    found = stacks.client("route53").list_resource_record_sets(HostedZoneId=outputs["Id"])["ResourceRecordSets"]
    (address,) = [each for each in found if each["Type"] == "A"]
    assert address["AliasTarget"]["EvaluateTargetHealth"] is False
    assert address["AliasTarget"]["DNSName"] == "d111111abcdef8.cloudfront.net."


def test_a_group_changes_by_its_differences(stacks: Stacks) -> None:
    """What is new, changed and gone is one batch; what is the same is left alone."""
    name, outputs = stacks.deploy(
        group(
            record("a.acme.example", "TXT", '"same"'),
            record("b.acme.example", "TXT", '"old"'),
            record("c.acme.example", "TXT", '"gone"'),
        ),
        {"Id": {"Ref": "Zone"}},
    )
    after = [record("a.acme.example", "TXT", '"same"'), record("b.acme.example", "TXT", '"new"')]
    stacks.deploy(group(*after, record("c.acme.example", "CNAME", "x.example")), stack=name)
    assert served(stacks, outputs["Id"]) == {
        ("a.acme.example.", "TXT"): ['"same"'],
        ("b.acme.example.", "TXT"): ['"new"'],
        ("c.acme.example.", "CNAME"): ["x.example"],
    }
    stacks.delete(name)


def test_a_refused_change_leaves_every_record_as_it_was(stacks: Stacks) -> None:
    """One bad record refuses the batch, good ones included."""
    name, outputs = stacks.deploy(group(record("a.acme.example", "TXT", '"old"')), {"Id": {"Ref": "Zone"}})
    bad = [record("a.acme.example", "TXT", '"new"'), record("b.acme.example", "TXT", "unquoted")]
    assert "InvalidChangeBatch" in stacks.refusal(group(*bad), stack=name)
    assert served(stacks, outputs["Id"]) == {("a.acme.example.", "TXT"): ['"old"']}


def test_a_group_finds_its_zone_by_name(stacks: Stacks) -> None:
    """HostedZoneName names the one zone of that name."""
    name = "byname.example"
    resources = group(record(f"a.{name}", "TXT", '"x"'), HostedZoneName=f"{name}.")
    resources["Zone"] = {"Type": ZONE["Type"], "Properties": {"Name": name}}
    _, outputs = stacks.deploy(resources, {"Id": {"Ref": "Zone"}})
    assert (f"a.{name}.", "TXT") in served(stacks, outputs["Id"])


@pytest.mark.parametrize(
    ("records", "reason"),
    [
        ([record("acme.example", "TXT", "v=spf1 -all")], "quotation marks"),
        ([record("acme.example", "TXT", f'"{"x" * 256}"')], "CharacterStringTooLong"),
        ([record("acme.example", "TXT", " ".join(['"' + "x" * 250 + '"'] * 17))], "ValueTooLong"),
        ([record("acme.example", "MX", "mx.example")], "InvalidMXRecord"),
        ([record("acme.example", "MX", "70000 mx.example")], "InvalidMXRecord"),
        ([record("acme.example", "CNAME", "x.example")], "at apex"),
        (
            [record("w.acme.example", "CNAME", "x.example"), record("w.acme.example", "TXT", '"x"')],
            "conflicts with other",
        ),
        ([record("acme.test", "TXT", '"x"')], "not permitted in zone"),
        ([record("notacme.example", "TXT", '"x"')], "not permitted in zone"),
        ([record("w.acme.example", "CNAME", "x.example", "y.example")], "one value"),
        ([record("w.acme.example", "TXT", '"x"', '"x"')], "Duplicate"),
        ([{"Name": "w.acme.example", "Type": "TXT", "ResourceRecords": ['"x"']}], "TTL are required"),
        ([record("acme.example", "NS", "ns.example.")], "already exists"),
    ],
)
def test_records_that_no_name_server_could_serve_are_refused(
    stacks: Stacks, records: list[dict[str, Any]], reason: str
) -> None:
    """Route 53 refuses the whole batch with InvalidChangeBatch."""
    refusal = stacks.refusal(group(*records))
    assert "InvalidChangeBatch" in refusal
    assert reason in refusal


def test_long_text_in_several_strings_is_taken(stacks: Stacks) -> None:
    """A value over 255 characters is served as several strings."""
    stacks.deploy(group(record("acme.example", "TXT", f'"{"x" * 255}" "{"y" * 255}"', r'"with \" quote"')))


def test_a_record_that_exists_already_is_refused(stacks: Stacks) -> None:
    """Two stacks cannot own one record."""
    _, outputs = stacks.deploy(group(record("a.acme.example", "TXT", '"x"')), {"Id": {"Ref": "Zone"}})
    same = {**record("a.acme.example", "TXT", '"y"'), "HostedZoneId": outputs["Id"]}
    assert "InvalidChangeBatch" in stacks.refusal({"Again": {"Type": "AWS::Route53::RecordSet", "Properties": same}})


def test_the_zones_own_records_stay(stacks: Stacks) -> None:
    """A zone keeps exactly one NS and one SOA of its own."""
    _, outputs = stacks.deploy({"Zone": ZONE}, {"Id": {"Ref": "Zone"}})
    route53 = stacks.client("route53")
    own = route53.list_resource_record_sets(HostedZoneId=outputs["Id"])["ResourceRecordSets"][0]
    with pytest.raises(ClientError) as caught:
        route53.change_resource_record_sets(
            HostedZoneId=outputs["Id"], ChangeBatch={"Changes": [{"Action": "DELETE", "ResourceRecordSet": own}]}
        )
    assert code_of(caught) == "InvalidChangeBatch"
