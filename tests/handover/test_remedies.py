"""What a customer is told to do about a finding never takes away what works."""

from __future__ import annotations

from typing import Any

import pytest

from email_stack.dnscheck.model import Finding, Place, Report, Status
from email_stack.handover.formats import Format, render
from email_stack.handover.letter import render_letter
from email_stack.handover.model import HandOver, Language
from email_stack.handover.texts import TEXTS
from tests.handover.samples import SUBDOMAIN, self_managed


def _with(name: str, kind: str, found: dict[str, Any]) -> HandOver:
    sample = self_managed()
    [record] = [one for one in sample.records if one.name == name and one.type == kind]
    finding = Finding(record=record, **found)
    report = Report(subdomain=SUBDOMAIN, findings=(finding,))
    return HandOver(
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
    hand_over = _with(name, kind, found)
    page = render_letter(hand_over, language)
    key = "kept" if found["status"] is Status.OK else "fix_found" if "found_at" in found else "fix_behind"
    for texts in TEXTS.values():
        start = texts.ui[key].partition("{")[0]
        assert f"{start}<code>{said}</code>" in page
    assert f"{TEXTS[language].ui[key].partition('{')[0]}`{said}`" in render(
        hand_over, Format.MARKDOWN, language=language
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
