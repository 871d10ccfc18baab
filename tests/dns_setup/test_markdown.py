"""Markdown shows each record whole, in either language."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from constructs_lib.records import DnsRecord, Purpose
from email_stack.dns_setup.formats import Format, Language, render
from email_stack.dns_setup.texts import TEXTS
from email_stack.dnscheck.model import Status
from tests.dns_setup.samples import delegated, every_status, of_records, self_managed


def _cells(text: str) -> list[list[str]]:
    """Each table row's cells: the code in them, or their text where there is none."""
    rows: list[list[str]] = []
    inside = False
    for token in MarkdownIt("commonmark").enable("table").parse(text):
        if token.type in {"table_open", "table_close"}:
            inside = token.type == "table_open"
        elif token.type == "tr_open":
            rows.append([])
        elif inside and token.type == "inline" and token.children is not None:
            codes = [child.content for child in token.children if child.type == "code_inline"]
            rows[-1].append("\n".join(codes) if codes else token.content)
    return rows


@pytest.mark.parametrize("language", ["en", "de"])
def test_every_record_is_in_a_table(language: Language) -> None:
    """Name, full name with its Unicode form, type, TTL and value, one row a record set."""
    dns_setup = self_managed()
    rows = _cells(render(dns_setup, Format.MARKDOWN, language=language))
    for record in dns_setup.records:
        row = next(row for row in rows if row[2].split("\n")[0] == record.name and row[3] == record.type)
        assert row[0] == TEXTS[language].purposes[record.purpose]
        assert row[4:] == [str(record.ttl_seconds), "\n".join(record.values)]
    assert "_dmarc.post.müller.example" in render(dns_setup, Format.MARKDOWN)


@given(value=st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=80))
def test_any_value_survives_the_table(value: str) -> None:
    """Bars and back-ticks inside a value end neither its cell nor its code."""
    record = DnsRecord(name="a.acme.example", type="TXT", values=(value,), purpose=Purpose.SPF)
    assert _cells(render(of_records(record), Format.MARKDOWN))[1][-1] == value


@pytest.mark.parametrize("language", ["en", "de"])
def test_each_state_has_its_word_and_its_advice(language: Language) -> None:
    """With a report there is a column of states, and a list of what to do."""
    texts = TEXTS[language]
    text = render(every_status(), Format.MARKDOWN, language=language)
    states = {row[1].removesuffix(".post"): row[-1] for row in _cells(text)[1:]}
    assert states == {status.value: texts.status_words[status] for status in Status}
    for status in Status:
        assert texts.status_fixes[status] in text
    assert "2026-11-23 10:31 UTC" in text
    assert texts.ses_words["FAILED"] in text


def test_without_a_report_nothing_is_said_of_states() -> None:
    """The columns end with the value, and the head says that nothing was checked."""
    text = render(delegated(), Format.MARKDOWN)
    assert _cells(text)[0][-1] == "Value"
    assert "Not checked yet" in text
    assert re.search(r"^1\. Sign in where the DNS of `acme\.example` is managed\.$", text, re.MULTILINE)


def test_a_hostile_tenant_stays_text() -> None:
    """Markup and line breaks in an id are shown, not followed."""
    text = render(of_records(tenant="`<b>\n# x"), Format.MARKDOWN)
    tokens = MarkdownIt("commonmark").parse(text)
    assert [token.markup for token in tokens if token.type == "heading_open"].count("#") == 1
    assert not any(child.type == "html_inline" for token in tokens for child in token.children or [])
