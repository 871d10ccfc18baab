"""Hand-overs to test with, and any that hypothesis can think of."""

from __future__ import annotations

import string
from collections.abc import Iterable
from datetime import UTC, datetime

from hypothesis import strategies as st

from constructs_lib.records import (
    DkimToken,
    Dmarc,
    DnsRecord,
    MtaSts,
    Purpose,
    RecordType,
    delegation_record,
    email_records,
    report_authorization_records,
)
from email_stack.dns_setup.model import DnsSetup
from email_stack.dnscheck.model import Finding, Observation, Report, SesState, Status

CHECKED_AT = datetime(2026, 11, 23, 10, 31, tzinfo=UTC)
ZONE = "xn--mller-kva.example"
SUBDOMAIN = f"post.{ZONE}"
NAME_SERVERS = ("ns-1.awsdns-00.com", "ns-512.awsdns-01.net", "ns-1024.awsdns-02.org", "ns-1536.awsdns-03.co.uk")
_TOKEN = "abcdefghijklmnopqrstuvwxyz234567"

Flat = tuple[str, str, int, frozenset[str]]
"""One record set: name, type, TTL and values, no trailing dots."""


def self_managed(zone: str = ZONE, subdomain: str = SUBDOMAIN) -> DnsSetup:
    """The eight records with a DMARC value over 255 octets, and optional ones of every kind, inside and outside `zone`."""
    rua = (*(f"dmarc-reports-{number}@vendor.example" for number in range(12)), f"dmarc@{zone}")
    dkim = [_TOKEN[at:] + _TOKEN[:at] for at in range(3)]
    records = email_records(
        subdomain=subdomain,
        region="eu-central-1",
        mail_from="bounce",
        dkim=[
            DkimToken(name=f"{one}._domainkey.{subdomain}", target=f"{one}.dkim.eu-central-1.amazonses.com")
            for one in dkim
        ],
        dmarc=Dmarc(rua=rua),
        redirect_domain="click.elsewhere.example",
        mta_sts=MtaSts(policy_host="d111111abcdef8.cloudfront.net"),
    )
    outside = report_authorization_records(subdomain=subdomain, dmarc_rua=rua)
    return DnsSetup(tenant="acme", subdomain=subdomain, zone=zone, records=(*records, *outside))


def delegated() -> DnsSetup:
    """One NS record set, and the permission for reports that lies outside the zone."""
    subdomain = "post.acme.example"
    return DnsSetup(
        tenant="acme",
        subdomain=subdomain,
        zone="acme.example",
        records=(
            delegation_record(subdomain=subdomain, name_servers=NAME_SERVERS),
            *report_authorization_records(subdomain=subdomain, dmarc_rua=["dmarc@vendor.example"]),
        ),
    )


def of_records(*records: DnsRecord, report: Report | None = None, tenant: str = "acme") -> DnsSetup:
    """A hand-over of just these, in the zone acme.example."""
    checked_at = CHECKED_AT if report is not None else None
    return DnsSetup(
        tenant=tenant,
        subdomain="post.acme.example",
        zone="acme.example",
        records=records,
        report=report,
        checked_at=checked_at,
    )


def every_status() -> DnsSetup:
    """One TXT record for each status, with a finding that says so."""
    findings = tuple(
        Finding(
            record=DnsRecord(
                name=f"{status.value}.post.acme.example",
                type="TXT",
                values=(f"v={status.value}",),
                purpose=Purpose.DMARC,
            ),
            status=status,
            seen=(
                Observation(server="ns1.acme.example", address="192.0.2.1", values=(f"seen-{status.value}",)),
                Observation(server="resolver", address="192.0.2.53", problem="timed out"),
            ),
            fix="" if status is Status.OK else f"Detailed advice on {status.value}.",
        )
        for status in Status
    )
    ses = SesState(identity="SUCCESS", dkim="TEMPORARY_FAILURE", mail_from="FAILED")
    report = Report(subdomain="post.acme.example", findings=findings, ses=ses)
    return of_records(*(finding.record for finding in findings), report=report)


def flat(records: Iterable[DnsRecord]) -> set[Flat]:
    """The records in the form that tests compare."""
    return {
        (
            record.name.lower(),
            record.type,
            record.ttl_seconds,
            frozenset(value if record.type == "TXT" else value.rstrip(".").lower() for value in record.values),
        )
        for record in records
    }


_labels = st.text(string.ascii_lowercase + string.digits + "_", min_size=1, max_size=12)
_hosts = st.lists(st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=12), min_size=2, max_size=4).map(
    ".".join
)
_texts = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=600) | st.sampled_from(
    [
        "${var.x} $${y} %{if} %%{z}",
        '"',
        '" "',
        '"" ""',
        "a; b;c",
        "back\\slash",
        "|`|``",
        "x" * 255,
        "x" * 256,
        "*/ --> #",
    ]
)


@st.composite
def dns_setups(draw: st.DrawFn) -> DnsSetup:
    """Any record sets in and below one zone, each name and type once, and a CNAME alone at its name."""
    zone = "acme.example"
    names = draw(st.lists(st.lists(_labels, max_size=3).map(".".join), min_size=1, max_size=4, unique=True))
    records: list[DnsRecord] = []
    for label in names:
        types: list[RecordType] = ["CNAME"] if label and draw(st.booleans()) else ["A", "AAAA", "MX", "NS", "TXT"]
        kinds = draw(st.lists(st.sampled_from(types), min_size=1, max_size=3, unique=True))
        records += [draw(_records(f"{label}.{zone}" if label else zone, kind)) for kind in kinds]
    return DnsSetup(tenant=draw(st.text(max_size=20)), subdomain=f"post.{zone}", zone=zone, records=tuple(records))


def _records(name: str, kind: RecordType) -> st.SearchStrategy[DnsRecord]:
    return st.builds(
        DnsRecord,
        name=st.just(name),
        type=st.just(kind),
        values=st.lists(_values(kind), min_size=1, max_size=1 if kind == "CNAME" else 3, unique=True).map(tuple),
        purpose=st.sampled_from([one for one in Purpose if one is not Purpose.DELEGATION]),
        ttl_seconds=st.integers(1, 86_400),
        required=st.booleans(),
        alias_zone_id=st.none(),
    )


def _values(kind: RecordType) -> st.SearchStrategy[str]:
    if kind == "TXT":
        return _texts
    if kind == "MX":
        return st.builds("{} {}".format, st.integers(0, 65_535), _hosts)
    if kind in {"A", "AAAA"}:
        # Addresses that hold an IPv4 address are written in more than one way, even by those who agree on the rest.
        return st.ip_addresses(network="192.0.2.0/24" if kind == "A" else "2001:db8::/32").map(str)
    return _hosts
