"""A customer's remedy never removes a record that works."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from email_stack.dns_setup.formats import Format, render
from email_stack.dns_setup.letter import render_letter
from email_stack.dns_setup.model import DnsSetup, Language
from email_stack.dns_setup.texts import TEXTS
from email_stack.dnscheck.model import Cut, Finding, Place, Report, Status, ZoneFinding
from tests.dns_setup.samples import SUBDOMAIN, self_managed


def _with(name: str, kind: str, found: dict[str, Any]) -> DnsSetup:
    sample = self_managed()
    [record] = [one for one in sample.records if one.name == name and one.type == kind]
    finding = Finding(record=record, **found)
    report = Report(subdomain=SUBDOMAIN, findings=(finding,))
    return DnsSetup(
        tenant=sample.tenant, subdomain=sample.subdomain, zone=sample.zone, records=sample.records, report=report
    )


CASES: list[tuple[str, str, dict[str, Any], str]] = [
    (f"_dmarc.{SUBDOMAIN}", "TXT", {"status": Status.OK, "via": ("CNAME policy.vendor.example",)}, "CNAME policy.vendor.example"),
    (
        f"_dmarc.{SUBDOMAIN}",
        "TXT",
        {"status": Status.MISSING, "found_at": Place(SUBDOMAIN, "TXT")},
        SUBDOMAIN,
    ),
    (f"bounce.{SUBDOMAIN}", "TXT", {"status": Status.MISSING, "via": ("CNAME bounce.vendor.example",)}, "bounce.vendor.example"),
]  # fmt: skip


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize(("name", "kind", "found", "said"), CASES)
def test_names_are_put_in_in_both_languages(
    language: Language, name: str, kind: str, found: dict[str, Any], said: str
) -> None:
    """Where the record stands, or what leads to it, is named on the page and in Markdown, whatever the language."""
    dns_setup = _with(name, kind, found)
    page = render_letter(dns_setup, language)
    key = "kept" if found["status"] is Status.OK else "fix_found" if "found_at" in found else "fix_behind"
    for texts in TEXTS.values():
        start = texts.ui[key].partition("{")[0]
        assert f"{start}<code>{said}</code>" in page
    assert f"{TEXTS[language].ui[key].partition('{')[0]}`{said}`" in render(
        dns_setup, Format.MARKDOWN, language=language
    )


@pytest.mark.parametrize("language", ["en", "de"])
def test_spf_record_that_is_there_is_not_replaced(language: Language) -> None:
    """An SPF record that allows others too is kept and changed: replacing it would take their mail away."""
    page = render_letter(_with(SUBDOMAIN, "TXT", {"status": Status.WRONG}), language)
    for texts in TEXTS.values():
        assert texts.ui["fix_spf"] in page
        assert texts.status_fixes[Status.WRONG] not in page


def test_record_that_is_right_behind_a_cname_asks_for_nothing() -> None:
    """Nothing on the page of a record that is in place says to remove or replace anything."""
    page = render_letter(_with(*CASES[0][:3]), "en")
    assert TEXTS["en"].status_fixes[Status.CNAME_CONFLICT] not in page
    assert f"<strong>{TEXTS['en'].ui['action']}" not in page


KEYS = f"_domainkey.{SUBDOMAIN}"


def _reported(*, served: bool = True, zones: tuple[ZoneFinding, ...] = ()) -> DnsSetup:
    """The keys' names are delegated away, and nothing of them is there."""
    sample = self_managed()
    cut = Cut(
        name=KEYS, parent=sample.zone, servers=("ns1.old.example", "ns2.old.example"), served=served, fix="Do it there."
    )
    status = Status.MISSING if served else Status.DELEGATED_AWAY
    findings = [
        Finding(record=one, status=status, cut=cut)
        if one.name.endswith(KEYS)
        else Finding(record=one, status=Status.OK)
        for one in sample.records
    ]
    report = Report(subdomain=SUBDOMAIN, findings=tuple(findings), zones=zones)
    return replace(sample, cuts=(KEYS,) if served else (), report=report)


@pytest.mark.parametrize("served", [True, False])
@pytest.mark.parametrize("language", ["en", "de"])
def test_name_that_is_delegated_away_is_said_once(language: Language, served: bool) -> None:
    """Which name, by which zone and to whom is told once for all of its records; what answers there is where they go."""
    dns_setup = _reported(served=served)
    page = render_letter(dns_setup, language)
    written = render(dns_setup, Format.MARKDOWN, language=language)
    text = TEXTS[language].ui["cut_served" if served else "cut_left"]
    put = {"name": KEYS, "parent": dns_setup.zone, "servers": "ns1.old.example, ns2.old.example"}
    assert page.count(text.format(**{key: f"<code>{value}</code>" for key, value in put.items()})) == 1
    assert written.count(text.format(**{key: f"`{value}`" for key, value in put.items()})) == 1
    keys = [one for one in dns_setup.records if one.name.endswith(KEYS)]
    assert len(keys) == 3
    assert page.count(f'<code class="value">{KEYS}</code>') == (3 if served else 0)
    for one in keys:
        zone = KEYS if served else dns_setup.zone
        assert f'<code class="value">{one.name.removesuffix(f".{zone}")}</code>' in page


@pytest.mark.parametrize("language", ["en", "de"])
def test_servers_that_one_side_only_names_are_told(language: Language) -> None:
    """What is wrong with a zone and with none of its records is on the page, too; what answers alike asks for nothing."""
    harmful = ZoneFinding(
        zone="acme.example",
        parent="example",
        named=("ns.old.example",),
        own=("ns3.acme.example",),
        status=Status.SERVERS_DIFFER,
    )
    page = render_letter(_reported(zones=(harmful,)), language)
    for key, server in (("named_above", "ns.old.example"), ("named_inside", "ns3.acme.example")):
        put = {"zone": "acme.example", "parent": "example", "servers": server}
        text = TEXTS[language].ui[key].format(**{name: f"<code>{value}</code>" for name, value in put.items()})
        assert page.count(text) == 1
    calm = render_letter(_reported(zones=(replace(harmful, status=Status.OK),)), language)
    assert "ns.old.example</code>." not in calm
