"""SubdomainZone and RecordBatch: what is created, kept and refused."""

from __future__ import annotations

import aws_cdk as cdk
import pytest
from aws_cdk.assertions import Match

from constructs_lib import ParentZone, PortalAlias, RecordBatch, SubdomainZone
from constructs_lib.records import DnsRecord, Purpose, RecordType
from tests.templates import new_stack, only, resources, template_of

ZONE = "post.acme.example"


def record(name: str, type_: RecordType, *values: str) -> DnsRecord:
    """A record of whatever purpose."""
    return DnsRecord(name=name, type=type_, values=values, purpose=Purpose.SPF)


def test_zone_alone_is_one_retained_public_zone() -> None:
    """Only a zone, kept on removal and on replacement: a deleted zone that is still delegated can be taken over."""
    stack = new_stack()
    SubdomainZone(stack, "Dns", zone_name=ZONE)
    template = template_of(stack)
    (zone,) = resources(template, "AWS::Route53::HostedZone").values()
    assert zone["Properties"] == {"Name": f"{ZONE}."}
    assert (zone["DeletionPolicy"], zone["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")
    assert len(template.to_json()["Resources"]) == 1


def test_no_stack_deletes_a_zone() -> None:
    """DESTROY is noted for whoever checks first that nobody is led there; an update that drops the zone leaves it."""
    stack = new_stack()
    SubdomainZone(stack, "Dns", zone_name=ZONE, removal_policy=cdk.RemovalPolicy.DESTROY)
    (zone,) = resources(template_of(stack), "AWS::Route53::HostedZone").values()
    assert (zone["DeletionPolicy"], zone["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")
    assert zone["Metadata"] == {"email-subdomain:removal": "destroy"}


def test_parent_zone_of_ours_gets_the_ns_record() -> None:
    """The NS record set in the parent holds the zone's own name servers."""
    stack = new_stack()
    SubdomainZone(
        stack, "Dns", zone_name=ZONE, parent_zone=ParentZone(hosted_zone_id="ZPARENT", zone_name="acme.example")
    )
    template = template_of(stack)
    (zone,) = resources(template, "AWS::Route53::HostedZone")
    assert only(template, "AWS::Route53::RecordSet") == {
        "HostedZoneId": "ZPARENT",
        "Name": f"{ZONE}.",
        "Type": "NS",
        "TTL": "3600",
        "ResourceRecords": {"Fn::GetAtt": [zone, "NameServers"]},
    }


@pytest.mark.parametrize("parent", ["globex.example", "cme.example", ZONE, f"deep.{ZONE}"])
def test_parent_must_be_above(parent: str) -> None:
    """A zone that the subdomain does not end in cannot delegate it."""
    with pytest.raises(ValueError, match="parent_zone must be a zone above it"):
        SubdomainZone(new_stack(), "Dns", zone_name=ZONE, parent_zone=ParentZone(hosted_zone_id="Z1", zone_name=parent))


@pytest.mark.parametrize(("ipv6", "types"), [(True, ["A", "AAAA"]), (False, ["A"])])
def test_portal_is_an_alias_at_the_subdomain_itself(ipv6: bool, types: list[str]) -> None:
    """Alias records stand beside MX and TXT, where a CNAME could not."""
    stack = new_stack()
    SubdomainZone(stack, "Dns", zone_name=ZONE, portal=PortalAlias(target="d1.cloudfront.net", ipv6=ipv6))
    record_sets = only(template_of(stack), "AWS::Route53::RecordSetGroup")["RecordSets"]
    assert [entry["Type"] for entry in record_sets] == types
    for entry in record_sets:
        assert entry["Name"] == f"{ZONE}."
        assert entry["AliasTarget"] == {
            "DNSName": "d1.cloudfront.net",
            "HostedZoneId": "Z2FDTNDATAQYW2",
            "EvaluateTargetHealth": False,
        }


def test_records_are_one_change_batch() -> None:
    """All records of a call are one resource, with absolute names and quoted TXT."""
    stack = new_stack()
    zone = SubdomainZone(stack, "Dns", zone_name=ZONE)
    zone.add_records("Email", [record(ZONE, "TXT", "v=spf1 -all"), record(f"mail.{ZONE}", "MX", "10 mx.example")])
    template_of(stack).has_resource_properties(
        "AWS::Route53::RecordSetGroup",
        {
            "HostedZoneId": {"Ref": Match.string_like_regexp("^Dns")},
            "RecordSets": [
                {"Name": f"{ZONE}.", "Type": "TXT", "TTL": "3600", "ResourceRecords": ['"v=spf1 -all"']},
                {"Name": f"mail.{ZONE}.", "Type": "MX", "TTL": "3600", "ResourceRecords": ["10 mx.example"]},
            ],
        },
    )


@pytest.mark.parametrize(
    ("records", "message"),
    [
        ([], "records must hold at least 1, got 0"),
        ([record("acme.example", "TXT", "x")], "lies outside the zone"),
        ([record(f"x{ZONE}", "TXT", "x")], "lies outside the zone"),
        ([record(ZONE, "CNAME", "x.example")], "CNAME cannot stand at the name of its zone"),
        ([record(f"a.{ZONE}", "CNAME", "x"), record(f"A.{ZONE}", "TXT", "x")], "CNAME beside"),
        ([record(ZONE, "TXT", "x"), record(ZONE, "TXT", "y")], "given twice with one type"),
        ([record(ZONE, "TXT", "ü")], "printable ASCII"),
    ],
)
def test_what_route53_would_refuse_is_refused_at_synth(records: list[DnsRecord], message: str) -> None:
    """The deployment would fail minutes later, or not at all on an emulator."""
    with pytest.raises(ValueError, match=message):
        RecordBatch(new_stack(), "Batch", hosted_zone_id="Z1", zone_name=ZONE, records=records)


def test_unresolved_names_are_left_alone() -> None:
    """Names that only SES knows pass, and stay references."""
    stack = new_stack()
    name = cdk.Fn.get_att("Identity", "DkimDNSTokenName1").to_string()
    RecordBatch(stack, "Batch", hosted_zone_id="Z1", zone_name=ZONE, records=[record(name, "CNAME", "x.example")])
    (entry,) = only(template_of(stack), "AWS::Route53::RecordSetGroup")["RecordSets"]
    assert entry["Name"] == {"Fn::Join": ["", [{"Fn::GetAtt": ["Identity", "DkimDNSTokenName1"]}, "."]]}
