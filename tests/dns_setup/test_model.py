"""Setup instructions are checked before any form of them is made."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from constructs_lib.records import DnsRecord, PortalAlias, Purpose, RecordType, delegation_record, portal_records
from email_stack.dns_setup.formats import DnsSetup, Format, Language, render
from email_stack.dns_setup.model import one_line, owner_zone, relative, unicode_name
from tests.dns_setup.samples import CHECKED_AT, delegated, every_status, of_records, self_managed


def _record(kind: RecordType, value: str, name: str = "a.acme.example") -> DnsRecord:
    return DnsRecord(name=name, type=kind, values=(value,), purpose=Purpose.SPF)


def test_an_alias_is_refused() -> None:
    """Only Route 53 knows aliases, so that no customer can install one."""
    aliases = portal_records(
        subdomain="post.acme.example", portal=PortalAlias(target="d1.cloudfront.net", hosted_zone_id="Z2", ipv6=False)
    )
    with pytest.raises(ValueError, match="must not be an alias"):
        of_records(*aliases)


@pytest.mark.parametrize(
    "record",
    [
        _record("TXT", "x", name="a b.acme.example"),
        _record("TXT", "x", name="a\nevil.acme.example"),
        _record("TXT", "x", name="müller.example"),
        _record("TXT", "x", name="acme.example."),
        _record("TXT", "line\nbreak"),
        _record("CNAME", "evil.example. 1 IN A 192.0.2.1"),
        _record("MX", "mail.acme.example"),
        _record("MX", "10 mail.acme.example\n"),
        _record("A", "192.0.2.256"),
    ],
)
def test_what_dns_cannot_hold_is_refused(record: DnsRecord) -> None:
    """No name and no value can break out of its line."""
    with pytest.raises(ValueError, match=r"must be|does not appear to be"):
        of_records(record)


def test_the_subdomain_must_be_in_the_zone() -> None:
    """A zone that does not hold the subdomain is a mistake of the caller's."""
    with pytest.raises(ValueError, match="zone must hold the subdomain"):
        replace(delegated(), zone="other.example")


def test_a_cut_is_below_the_zone() -> None:
    """It holds what the lowest cut above a record's name says; the zone itself is none."""
    sample = self_managed()
    keys, subdomain = f"_domainkey.{sample.subdomain}", sample.subdomain
    cut = replace(sample, cuts=(subdomain, keys))
    assert {cut.zone_of(one) for one in cut.required if one.purpose is Purpose.DKIM} == {keys}
    assert {cut.zone_of(one) for one in cut.required if one.purpose is not Purpose.DKIM} == {subdomain}
    assert cut.own_required == ()
    assert {one.purpose for one in cut.own_optional} == {Purpose.DMARC_REPORTS}
    assert {keys, subdomain, *sample.outside} == set(cut.elsewhere)
    for wrong in (sample.zone, "other.example"):
        with pytest.raises(ValueError, match="cuts must lie below"):
            replace(sample, cuts=(wrong,))


def test_one_record_set_cannot_come_twice() -> None:
    """Two sets of the same name and type would replace each other wherever they are installed."""
    with pytest.raises(ValueError, match="must be one record set"):
        of_records(_record("TXT", "one"), _record("TXT", "two", name="A.acme.example"))


def test_a_delegation_needs_the_zone_above() -> None:
    """An NS record set at the zone's own name would replace the zone's name servers."""
    record = delegation_record(subdomain="post.acme.example", name_servers=["ns1.example"])
    with pytest.raises(ValueError, match="zone must be above the delegation"):
        DnsSetup(tenant="acme", subdomain="post.acme.example", zone="post.acme.example", records=(record,))


def test_a_time_without_a_zone_is_refused() -> None:
    """Nobody could say when that was."""
    with pytest.raises(ValueError, match="must have a time zone"):
        replace(delegated(), checked_at=datetime(2026, 11, 23, 10, 31))  # noqa: DTZ001 - what is refused


def test_the_time_of_the_check_is_shown_in_utc() -> None:
    """Wherever the check ran."""
    elsewhere = datetime.fromisoformat("2026-11-23T12:31:00+02:00")
    assert replace(delegated(), checked_at=elsewhere).checked_at_text == "2026-11-23 10:31 UTC"
    assert replace(delegated(), checked_at=CHECKED_AT).checked_at_text == "2026-11-23 10:31 UTC"


def test_records_are_sorted_by_whose_they_are() -> None:
    """Required, optional, and by zone what lies outside."""
    dns_setup = self_managed()
    assert len(dns_setup.required) == 8
    assert all(record.required for record in dns_setup.required)
    assert [record.purpose for record in dns_setup.optional] == [
        Purpose.TLS_REPORTS,
        Purpose.MTA_STS,
        Purpose.MTA_STS,
        Purpose.DMARC_REPORTS,
    ]
    assert list(dns_setup.outside) == ["elsewhere.example", "vendor.example"]
    assert not dns_setup.delegated
    assert delegated().delegated


def test_names_are_told_relative_to_their_zone() -> None:
    """The zone itself is "@", case aside."""
    assert relative("post.acme.example", "acme.example") == "post"
    assert relative("ACME.example", "acme.example") == "@"
    record = _record("TXT", "v=DMARC1", name="post.acme.example._report._dmarc.vendor.example")
    assert owner_zone(record, "acme.example") == "vendor.example"


def test_unicode_names_leave_what_they_cannot_read() -> None:
    """An A-label that decodes to nothing valid is shown as it is."""
    assert unicode_name("_dmarc.xn--mller-kva.example") == "_dmarc.müller.example"
    assert unicode_name("xn--a.example") == "xn--a.example"


def test_comments_stay_on_their_line() -> None:
    """No separator of lines survives, in no language."""
    assert one_line("a\r\nb\u2028c\x85d\x00e") == "a b c de"


@pytest.mark.parametrize("form", Format)
@pytest.mark.parametrize("language", ["en", "de"])
def test_the_same_input_gives_the_same_text(form: Format, language: Language) -> None:
    """No clock and no chance inside any form."""
    for make in (self_managed, delegated, every_status):
        text = render(make(), form, language=language)
        assert text == render(make(), form, language=language)
        assert text


@pytest.mark.parametrize("form", [one for one in Format if one not in {Format.JSON, Format.MARKDOWN, Format.HTML}])
def test_machine_forms_hold_ascii_only(form: Format) -> None:
    """Names stand as A-labels, whatever people call them."""
    assert render(self_managed(), form).isascii()
