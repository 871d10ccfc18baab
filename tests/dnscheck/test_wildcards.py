"""Wildcards above the subdomain: nobody is told to change one, and adding the records is enough. On real name servers."""

from __future__ import annotations

import pytest

from constructs_lib.records import DnsRecord
from email_stack.dnscheck.model import Report, Status, Subject
from tests.dnscheck.customers import check, finding, records, without, zone_text
from tests.nameservers import Internet

ZONE = "harbor.example"
S = f"tickets.{ZONE}"
RECORDS = records(S, dmarc_policy="reject", dmarc_rua=[f"dmarc@{ZONE}"])
WWW = "www A 192.0.2.1"
WILDCARDS = {
    "CNAME": "* CNAME www",
    "CNAME that leads nowhere": "* CNAME gone",
    "MX and TXT": '* MX 10 mx\n* TXT "v=spf1 mx -all"',
    "duplicates": '* TXT "v=spf1 mx -all"\n* TXT "v=spf1 a -all"\n* MX 5 mx\n* MX 6 www',
    "DMARC everywhere": '* TXT "v=DMARC1; p=none"',
    "below the subdomain": "*.tickets CNAME www",
    "addresses": "* A 192.0.2.1",
}


def report(internet: Internet, kept: list[DnsRecord] | tuple[DnsRecord, ...], *lines: str) -> Report:
    """The report when the zone holds these."""
    internet.serve(ZONE, zone_text(kept, WWW, "mx A 192.0.2.2", *lines), internet.customer)
    [made] = check(internet, Subject(subdomain=S, records=RECORDS))
    return made


@pytest.mark.parametrize("wildcard", WILDCARDS.values(), ids=WILDCARDS)
def test_records_are_to_be_added(internet: Internet, wildcard: str) -> None:
    """What a wildcard makes is no record: all are missing, each is to be added, and then all are right beside the wildcard."""
    made = report(internet, (), wildcard)
    assert {one.status for one in made.findings} == {Status.MISSING}
    assert {one.fix.split(" the zone ")[0] for one in made.findings} == {"Add to"}
    assert not any(word in one.fix for one in made.findings for word in ("Change", "Remove", "wildcard"))
    assert report(internet, RECORDS, wildcard).status is Status.OK


@pytest.mark.parametrize(
    ("wildcard", "note"), [("* CNAME www", "comes from a wildcard, which may stay"), ("* A 192.0.2.1", "")]
)
def test_note_says_that_the_wildcard_may_stay(internet: Internet, wildcard: str, note: str) -> None:
    """Where a wildcard's answer is seen, it is said so."""
    found = finding(report(internet, (), wildcard), "tickets", "MX")
    assert note in found.note
    assert bool(note) == bool(found.note)


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("tickets MX 10 mx", Status.WRONG),
        ("tickets MX 10 mx\ntickets MX 20 inbound-smtp.eu-central-1.amazonaws.com.", Status.EXTRA),
    ],
)
def test_record_of_its_own_is_to_be_changed(internet: Internet, line: str, status: Status) -> None:
    """A record that says what the wildcard says, and is there, is to be changed."""
    found = finding(report(internet, without(RECORDS, "tickets", "MX"), "* MX 10 mx", line), "tickets", "MX")
    assert found.status is status
    assert "wildcard" not in found.note


def test_wildcard_that_is_right(internet: Internet) -> None:
    """What receivers get from a wildcard counts as any other answer."""
    made = report(internet, without(RECORDS, "mail", "TXT"), '*.tickets TXT "v=spf1 include:amazonses.com ~all"')
    assert finding(made, "mail", "TXT").status is Status.MISSING, "at a name that has an MX the wildcard stops"
    kept = [one for one in RECORDS if not one.name.startswith("mail.")]
    made = report(internet, kept, '*.tickets TXT "v=spf1 include:amazonses.com ~all"')
    assert finding(made, "mail", "TXT").status is Status.OK
