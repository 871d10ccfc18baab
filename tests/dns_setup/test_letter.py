"""The letter as text: self-contained, escaped, its policy exact."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest

from constructs_lib.records import DnsRecord, Purpose
from email_stack.dns_setup.formats import DnsSetup, Format, Language, render
from email_stack.dns_setup.letter import render_letter
from email_stack.dnscheck.model import Finding, Observation, Report, SesState, Status
from tests.dns_setup.samples import delegated, every_status, of_records, self_managed

HOSTILE = "\"'><script>alert(1)</script><img src=x onerror=alert(2)>{{ 7 * 7 }}"


def hostile() -> DnsSetup:
    """Markup wherever text comes from a config file, the DNS or SES."""
    record = DnsRecord(name="a.acme.example", type="TXT", values=(HOSTILE,), purpose=Purpose.SPF)
    seen = Observation(server=HOSTILE, address=HOSTILE, values=(HOSTILE + "!",))
    broken = Observation(server="ns2.acme.example", address="", problem=HOSTILE)
    finding = Finding(record=record, status=Status.WRONG, seen=(seen, broken), fix=HOSTILE, note=HOSTILE)
    ses = SesState(identity=HOSTILE, dkim=HOSTILE, mail_from=HOSTILE)
    return of_records(
        record, tenant=HOSTILE, report=Report(subdomain="post.acme.example", findings=(finding,), ses=ses)
    )


class _Tags(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: dict[str, str] = {}
        self._open = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._open = tag

    def handle_data(self, data: str) -> None:
        if self._open in {"style", "script"}:
            self.text.setdefault(self._open, data)


@pytest.mark.parametrize("dns_setup", [self_managed(), delegated(), every_status(), hostile()])
def test_the_page_loads_nothing(dns_setup: DnsSetup) -> None:
    """No attribute points outside the page, and no style is written at an element."""
    page = _Tags(render(dns_setup, Format.HTML))
    for tag, attributes in page.tags:
        assert tag not in {"link", "img", "iframe", "object", "embed", "form", "base", "a-b"}
        assert not {"src", "style", "srcset", "action"} & attributes.keys()
        assert not [name for name in attributes if name.startswith("on")]
        assert (attributes.get("href") or "#").startswith("#")
    assert [tag for tag, _ in page.tags].count("script") == 1
    assert re.search(r"url\(|@import", page.text["style"]) is None


def test_the_policy_allows_exactly_the_page_s_own_style_and_script() -> None:
    """The digests in the Content-Security-Policy are those of what stands in the page."""
    page = _Tags(render(self_managed(), Format.HTML))
    policy = next(one["content"] for tag, one in page.tags if one.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    directives = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert directives["default-src"] == "'none'"
    assert set(directives) == {"default-src", "style-src", "script-src", "base-uri", "form-action"}
    for kind in ("style", "script"):
        digest = base64.b64encode(hashlib.sha256(page.text[kind].encode()).digest()).decode()
        assert directives[f"{kind}-src"] == f"'sha256-{digest}'"


def test_hostile_text_is_escaped() -> None:
    """Nothing from outside becomes markup, an attribute or a template."""
    page = render(hostile(), Format.HTML)
    assert "<script>alert" not in page
    assert "<img" not in page
    assert "49" not in re.sub(r"sha256-\S+|<style>.*?</style>", "", page, flags=re.DOTALL)
    assert HOSTILE in [attributes.get("data-copy") for _, attributes in _Tags(page).tags]


@pytest.mark.parametrize("language", ["en", "de"])
def test_the_language_shown_first_is_the_one_asked_for(language: Language) -> None:
    """The root element says it, and both languages are in the page."""
    page = render_letter(delegated(), language)
    assert f'<html lang="{language}"' in page
    assert '<span class="l" lang="en">What to do</span><span class="l" lang="de">Was zu tun ist</span>' in page


def test_ids_are_unique() -> None:
    """Every reference inside the page finds one element."""
    tags = _Tags(render(self_managed(), Format.HTML)).tags
    ids = [attributes["id"] for _, attributes in tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    referred = [one["aria-labelledby"] for _, one in tags if "aria-labelledby" in one]
    assert set(referred) <= set(ids)
