"""Records entered at a name or as a type beside the right one are found there, on real name servers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from constructs_lib.records import DnsRecord, Purpose, zone_file_line
from email_stack.dnscheck.model import Place, Report, Status, Subject
from email_stack.dnscheck.neighbours import PLACES_AT_MOST, neighbours
from tests.dnscheck.customers import check, delegation, finding, records, without, zone_text
from tests.nameservers import Internet

ZONE = "harbor.example"
S = f"tickets.{ZONE}"
RECORDS = records(S, dmarc_policy="reject", dmarc_rua=[f"dmarc@{ZONE}"])
DMARC = f'"v=DMARC1; p=reject; rua=mailto:dmarc@{ZONE}"'
SES_SPF = '"v=spf1 include:amazonses.com ~all"'
INBOUND = "MX 10 inbound-smtp.eu-central-1.amazonaws.com."


def checked(internet: Internet, text: str) -> Report:
    """The report when the zone holds `text`."""
    internet.serve(ZONE, text, internet.customer)
    [report] = check(internet, Subject(subdomain=S, records=RECORDS))
    return report


@pytest.mark.parametrize(
    ("name", "kind", "line", "place"),
    [
        ("a._domainkey", "CNAME", f"a._domainkey.tickets.{S}. CNAME a.dkim.amazonses.com.", f"a._domainkey.tickets.{S} CNAME"),
        ("a._domainkey", "CNAME", f"a._domainkey.{S}.{S}. CNAME a.dkim.amazonses.com.", f"a._domainkey.{S}.{S} CNAME"),
        ("a._domainkey", "CNAME", "a._domainkey CNAME a.dkim.amazonses.com.", f"a._domainkey.{ZONE} CNAME"),
        ("a._domainkey", "CNAME", 'a._domainkey TXT "a.dkim.amazonses.com"', f"a._domainkey.{ZONE} TXT"),
        ("a._domainkey", "CNAME", 'a._domainkey.tickets TXT "a.dkim.amazonses.com"', f"a._domainkey.{S} TXT"),
        ("a._domainkey", "CNAME", 'a._domainkey.tickets TXT "v=DKIM1; k=rsa; p=MIGf"', f"a._domainkey.{S} TXT"),
        ("a._domainkey", "CNAME", "a._domainkey.tickets A 192.0.2.1", f"a._domainkey.{S} A"),
        ("a._domainkey", "CNAME", "a.domainkey.tickets CNAME a.dkim.amazonses.com.", f"a.domainkey.{S} CNAME"),
        ("a._domainkey", "CNAME", "a.tickets CNAME a.dkim.amazonses.com.", f"a.{S} CNAME"),
        ("a._domainkey", "CNAME", "a CNAME a.dkim.amazonses.com.", f"a.{ZONE} CNAME"),
        ("_dmarc", "TXT", f"tickets TXT {DMARC}", f"{S} TXT"),
        ("_dmarc", "TXT", 'tickets TXT "v=DMARC1; p=none"', f"{S} TXT"),
        ("_dmarc", "TXT", f"@ TXT {DMARC}", f"{ZONE} TXT"),
        ("_dmarc", "TXT", f"dmarc.tickets TXT {DMARC}", f"dmarc.{S} TXT"),
        ("_dmarc", "TXT", f"_dmarc.tickets.tickets TXT {DMARC}", f"_dmarc.tickets.{S} TXT"),
        ("_smtp._tls", "TXT", 'tickets TXT "v=TLSRPTv1; rua=mailto:x@harbor.example"', f"{S} TXT"),
        ("tickets", "MX", f"@ {INBOUND}", f"{ZONE} MX"),
        ("tickets", "MX", f"tickets.tickets {INBOUND}", f"tickets.{S} MX"),
        ("tickets", "MX", 'tickets TXT "10 inbound-smtp.eu-central-1.amazonaws.com"', f"{S} TXT"),
        ("mail", "MX", "mail MX 10 feedback-smtp.eu-central-1.amazonses.com.", f"mail.{ZONE} MX"),
        ("mail", "MX", "tickets MX 10 feedback-smtp.eu-central-1.amazonses.com.", f"{S} MX"),
        ("mail", "TXT", f"mail TXT {SES_SPF}", f"mail.{ZONE} TXT"),
        ("tickets", "TXT", f"tickets.tickets TXT {SES_SPF}", f"tickets.{S} TXT"),
        ("tickets", "TXT", "tickets TYPE99", f"{S} SPF"),
    ],
)  # fmt: skip
def test_found_at_a_neighbour(internet: Internet, name: str, kind: str, line: str, place: str) -> None:
    """What is missing and stands at a likely other place is found there: the place is named, and where it belongs."""
    if "TYPE99" in line:
        spf = b"v=spf1 include:amazonses.com ~all"
        line = f"tickets TYPE99 \\# {len(spf) + 1} {len(spf):02x}{spf.hex()}"
    report = checked(internet, zone_text(without(RECORDS, name, kind), line))
    verdict = finding(report, name, kind)
    where, _, what = place.partition(" ")
    assert verdict.status is Status.MISSING
    assert verdict.found_at == Place(where, what)
    assert f"ound at {where} as {what}" in verdict.fix
    assert f"{verdict.record.name} {kind}" in verdict.fix
    assert ("move it to" in verdict.fix) == (where != verdict.record.name)


def test_three_keys_at_the_parent(internet: Internet) -> None:
    """Each key that stands at the parent domain is found there, without a thought that the parent may need it."""
    kept = [record for record in RECORDS if record.purpose is not Purpose.DKIM]
    lines = [f"{token}._domainkey CNAME {token}.dkim.amazonses.com." for token in "abc"]
    report = checked(internet, zone_text(kept, *lines))
    for token in "abc":
        verdict = finding(report, f"{token}._domainkey", "CNAME")
        assert verdict.fix.startswith(
            f"Found at {token}._domainkey.{ZONE} as CNAME: move it to {token}._domainkey.{S};"
        )


def test_all_eight_at_the_parent(internet: Internet) -> None:
    """Where all records stand at the parent domain it is said once: the same sentence for each, with no other."""
    eight = [record for record in RECORDS if record.required]
    moved = [zone_file_line(record).replace(S, ZONE) for record in eight]
    others = [record for record in RECORDS if not record.required]
    report = checked(internet, zone_text(others, *moved))
    found = [one for one in report.findings if one.record.required]
    assert {one.status for one in found} == {Status.MISSING}
    assert {one.note for one in found} == {""}
    [fix] = {one.fix for one in found}
    assert fix == (
        f"Move all 8 records found at {ZONE} and below it to {S}: the same names, with {S} in place of {ZONE}; "
        f'where the form adds "{ZONE}" by itself, each name ends in "tickets".'
    )
    assert [one.found_at for one in found][-1] == Place(f"_dmarc.{ZONE}", "TXT")


def test_all_eight_with_the_subdomain_twice(internet: Internet) -> None:
    """The same of a form that adds the subdomain by itself."""
    moved = [zone_file_line(record).replace(S, f"tickets.{S}") for record in RECORDS if record.required]
    report = checked(internet, "\n".join(moved))
    [fix] = {one.fix for one in report.findings if one.record.required}
    assert fix.startswith(f"Move all 8 records found at tickets.{S} and below it to {S}")


def test_what_the_parent_needs_itself_is_not_to_be_moved(internet: Internet) -> None:
    """A parent that sends through SES itself has such records of its own: they may be copied, and its DMARC policy stays."""
    own = [f"@ {INBOUND}", f"@ TXT {SES_SPF}", f"_dmarc TXT {DMARC}"]
    report = checked(internet, "\n".join(own))
    assert "or copy it where harbor.example needs it too" in finding(report, "tickets", "MX").fix
    assert finding(report, "_dmarc", "TXT").found_at is None
    assert finding(report, "_dmarc", "TXT").fix.startswith(f"Add to the zone {ZONE}: _dmarc.{S} TXT")


@pytest.mark.parametrize(
    "line",
    [
        "*.tickets A 192.0.2.1",
        f"*.tickets TXT {DMARC}",
        f"* TXT {SES_SPF}",
        f"*.harbor.example. {INBOUND}",
        "* A 192.0.2.1",
        "* CNAME www.vendor.example.",
    ],
)
def test_wildcards_are_nobodys_mistake(internet: Internet, line: str) -> None:
    """What a wildcard makes at every name was not entered at the neighbour."""
    report = checked(internet, line)
    assert {one.found_at for one in report.findings} == {None}


def test_parent_in_another_zone(internet: Internet) -> None:
    """Where the subdomain is a zone of its own, the domain above is asked about through the resolver."""
    kept = without(RECORDS, "a._domainkey", "CNAME")
    internet.serve(ZONE, "a._domainkey CNAME a.dkim.amazonses.com.", internet.customer)
    internet.serve(S, zone_text(record for record in kept if record.name.endswith(S)), internet.ours[:1])
    [report] = check(internet, Subject(subdomain=S, records=RECORDS))
    internet.remove(S)
    assert finding(report, "a._domainkey", "CNAME").found_at == Place(f"a._domainkey.{ZONE}", "CNAME")


def test_delegation_with_the_subdomain_twice(internet: Internet) -> None:
    """A delegation entered below itself is found there."""
    record = delegation(internet, S)
    internet.serve(ZONE, "\n".join(f"tickets.{S}. NS {server}." for server in record.values), internet.customer)
    [report] = check(internet, Subject(subdomain=S, records=(record,)))
    verdict = report.findings[0]
    assert verdict.status is Status.DELEGATION_MISSING
    assert verdict.found_at == Place(f"tickets.{S}", "NS")
    assert verdict.fix.startswith(f"Found at tickets.{S} as NS: move it to {S}")


@pytest.mark.parametrize(
    ("lines", "note"),
    [
        ('_dmarc TXT "v=DMARC1; p=reject; sp=quarantine"', "DMARC policy of harbor.example for its subdomains holds: quarantine"),
        ('_dmarc TXT "v=DMARC1; p=reject"', "DMARC policy of harbor.example for its subdomains holds: reject"),
        ('_dmarc TXT "v=DMARC1; p=reject"\n_dmarc TXT "v=DMARC1; p=none"', ""),
        ('_dmarc TXT "v=spf1 -all"', ""),
        ("", ""),
    ],
)  # fmt: skip
def test_policy_that_holds_meanwhile(internet: Internet, lines: str, note: str) -> None:
    """Where the DMARC record is missing, it is said which policy of a domain above holds for the subdomain."""
    verdict = finding(checked(internet, zone_text(without(RECORDS, "_dmarc", "TXT"), lines)), "_dmarc", "TXT")
    assert verdict.status is Status.MISSING
    assert note in verdict.note
    assert bool(note) == bool(verdict.note)


@pytest.mark.parametrize(
    "line", [f"tickets TXT {DMARC}", f"_dmarc.tickets.harbor.example TXT {DMARC}", "_dmarc.tickets CNAME nowhere"]
)
def test_policy_that_holds_until_it_is_moved(internet: Internet, line: str) -> None:
    """The same is said where the record stands at another name, or a CNAME hides its name."""
    above = '_dmarc TXT "v=DMARC1; p=none"'
    verdict = finding(checked(internet, zone_text(without(RECORDS, "_dmarc", "TXT"), line, above)), "_dmarc", "TXT")
    assert verdict.status in {Status.MISSING, Status.DOUBLED_NAME, Status.CNAME_CONFLICT}
    assert "policy of harbor.example for its subdomains holds: none" in verdict.note


def test_policy_below_a_public_suffix_and_above(internet: Internet) -> None:
    """The organization's record decides, not one between: the one with the fewest labels, or the one that says psd=n."""
    deep = f"a.b.{S}"
    subject = Subject(subdomain=deep, records=records(deep))
    for own, top, domain, policy in (
        ("v=DMARC1; p=reject", "v=DMARC1; p=none", ZONE, "none"),
        ("v=DMARC1; p=reject; psd=n", "v=DMARC1; p=none", S, "reject"),
        ("v=DMARC1; p=quarantine", "v=DMARC1; p=none; psd=y", S, "quarantine"),
    ):
        internet.serve(ZONE, f'_dmarc.tickets TXT "{own}"\n_dmarc TXT "{top}"', internet.customer)
        [report] = check(internet, subject)
        assert f"policy of {domain} for its subdomains holds: {policy}" in finding(report, "_dmarc", "TXT").note


def test_laxer_policy_for_names_below_is_a_remark(internet: Internet) -> None:
    """sp=none in the subdomain's own record concerns only names below it."""
    line = f'_dmarc.tickets TXT "v=DMARC1; p=reject; sp=none; rua=mailto:dmarc@{ZONE}"'
    report = checked(internet, zone_text(without(RECORDS, "_dmarc", "TXT"), line))
    verdict = finding(report, "_dmarc", "TXT")
    assert (verdict.status, verdict.fix) == (Status.OK, "")
    assert "sp=none asks for less, of names below the domain only" in verdict.note
    assert report.status is Status.OK


LABEL = st.from_regex(r"[a-z][a-z0-9]{0,7}", fullmatch=True)
NAMES = st.lists(LABEL, min_size=1, max_size=20).map(".".join)


@given(st.lists(LABEL, min_size=2, max_size=9), st.integers(0, 9), st.integers(0, len(RECORDS) - 1))
def test_neighbours_are_few_and_never_the_place_itself(labels: list[str], cut: int, which: int) -> None:
    """However deep the subdomain lies, few places are asked about, each once, none of them where the record belongs."""
    subdomain = ".".join(labels)
    made: tuple[DnsRecord, ...] = records(subdomain, dmarc_rua=["a@x.example"])
    record = made[min(which, len(made) - 1)]
    places = [one.place for one in neighbours(record, subdomain=subdomain, zone=".".join(labels[cut:]) or ".")]
    assert len(places) <= PLACES_AT_MOST
    assert len(places) == len(set(places))
    assert Place(record.name, record.type) not in places
    assert all(len(place.name) <= 253 for place in places)
