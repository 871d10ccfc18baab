"""The letter in Chromium: what a customer sees, copies and reaches with the keyboard."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, expect

from email_stack.dns_setup.formats import DnsSetup, Format, Language, render
from email_stack.dns_setup.letter import TONES, render_letter
from email_stack.dns_setup.texts import TEXTS
from email_stack.dnscheck.model import Status
from tests.browser import contrasts, running_browser
from tests.dns_setup.browser import open_letter
from tests.dns_setup.samples import delegated, every_status, self_managed
from tests.dns_setup.test_letter import HOSTILE, hostile


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for the tests of this file."""
    with running_browser() as running:
        yield running


def test_each_button_copies_exactly_what_stands_beside_it(browser: Browser, tmp_path: Path) -> None:
    """Names and values land on the clipboard to the letter, those over 255 octets too, and it is announced."""
    dns_setup = self_managed()
    with open_letter(browser, tmp_path, dns_setup) as opened:
        copied = []
        for button in opened.page.locator("article .copy").all():
            button.click()
            expect(opened.page.locator("#live")).not_to_be_empty()
            shown = button.locator("xpath=preceding-sibling::code[@class='value']").text_content()
            assert opened.clipboard() == shown
            copied.append(shown)
        for record in dns_setup.records:
            assert record.name in copied
            assert all(value.rpartition(" ")[2] if record.type == "MX" else value in copied for value in record.values)
        opened.page.get_by_role("button", name="Copy Value, Record 1: DKIM signature, CNAME", exact=True).click()
        expect(opened.page.get_by_role("status")).to_have_text("Copied: Value, Record 1: DKIM signature, CNAME")


@pytest.mark.parametrize("language", ["en", "de"])
def test_the_name_of_each_button_says_what_it_copies(browser: Browser, tmp_path: Path, language: Language) -> None:
    """To a screen reader no two buttons have the same name, and each names the field and the record, in the page's language."""
    texts = TEXTS[language]
    with open_letter(browser, tmp_path, self_managed(), language=language) as opened:
        names = []
        for card, cards in enumerate(opened.page.locator("article").all(), start=1):
            kind = cards.locator(".type").inner_text()
            said = re.findall(r'button "([^"]+)"', cards.aria_snapshot())
            assert len(said) == cards.locator("button").count() > 0
            record = texts.ui["record"].format(number=card)
            for name in said:
                assert name.startswith(f"{texts.ui['copy']} ")
                assert f", {record}: " in name
                assert name.endswith(f", {kind}")
            names += said
        assert len(set(names)) == len(names)


def test_the_whole_zone_file_is_copied(browser: Browser, tmp_path: Path) -> None:
    """One button copies what the zone-file form holds."""
    with open_letter(browser, tmp_path, self_managed()) as opened:
        opened.page.get_by_role("button", name="Copy all as zone file").click()
        expect(opened.page.get_by_role("status")).to_have_text("Copied: Copy all as zone file")
        assert opened.clipboard() == render(self_managed(), Format.BIND)


def test_copying_works_where_the_clipboard_is_not_offered(browser: Browser, tmp_path: Path) -> None:
    """On an intranet page without TLS the older way copies the same, and keeps the focus."""
    page_text = render_letter(delegated(), "en")
    with open_letter(browser, tmp_path, delegated()) as reader:
        page = reader.context.new_page()
        page.route("**/*", lambda route: route.fulfill(body=page_text, content_type="text/html; charset=utf-8"))
        page.goto("http://intranet.acme.example/letter")
        assert page.evaluate("navigator.clipboard === undefined")
        button = page.get_by_role("button", name="Copy Name server 2", exact=True)
        button.click()
        expect(page.get_by_role("status")).to_have_text("Copied: Name server 2")
        expect(button).to_be_focused()
        page.close()
        reader.page.bring_to_front()
        assert reader.clipboard() == "ns-512.awsdns-01.net"
        reader.requests[:] = [url for url in reader.requests if url.startswith("file:")]


def test_a_refused_copy_is_said(browser: Browser, tmp_path: Path) -> None:
    """Where neither way works, the page says so and what to do."""
    with open_letter(browser, tmp_path, delegated()) as opened:
        opened.page.evaluate(
            "() => { navigator.clipboard.writeText = () => Promise.reject(); document.execCommand = () => false; }"
        )
        opened.page.get_by_role("button", name="Copy Name server 1", exact=True).click()
        expect(opened.page.get_by_role("status")).to_have_text(TEXTS["en"].ui["copy_failed"])


@pytest.mark.parametrize("language", ["en", "de"])
def test_every_status_has_word_colour_icon_and_advice(browser: Browser, tmp_path: Path, language: Language) -> None:
    """Colour is never the only sign; what was seen is told, and the English detail only in English."""
    texts = TEXTS[language]
    with open_letter(browser, tmp_path, every_status(), language=language) as opened:
        cards = opened.page.locator("article.card")
        expect(cards).to_have_count(len(Status))
        for at, status in enumerate(Status):
            card = cards.nth(at)
            pill = card.locator("header .pill")
            assert pill.inner_text().strip() == texts.status_words[status]
            expect(pill.locator("svg path").first).to_be_visible()
            assert TONES[status] in (pill.get_attribute("class") or "")
            text = card.locator(".state").inner_text()
            assert texts.status_fixes[status] in text
            assert f"seen-{status.value}" in text
            assert f"{texts.ui['resolver']} (192.0.2.53)" in text
            assert (f"Detailed advice on {status.value}." in text) is (language == "en" and status is not Status.OK)
        summary = opened.page.locator(".summary").inner_text()
        assert texts.overall[Status.WRONG] in summary
        assert texts.ui["in_place"].format(done=1, total=len(Status)) in summary
        ses = opened.page.locator(".ses").inner_text()
        assert all(texts.ses_words[word] in ses for word in ("SUCCESS", "TEMPORARY_FAILURE", "FAILED"))
        expect(opened.page.locator("time")).to_have_text("2026-11-23 10:31 UTC")
        tones = {tone: opened.page.locator(f".pill.{tone}").first for tone in set(TONES.values())}
        colours = {one.evaluate("element => getComputedStyle(element).backgroundColor") for one in tones.values()}
        assert len(colours) == len(tones)


def test_without_a_report_the_letter_says_so(browser: Browser, tmp_path: Path) -> None:
    """Nothing was checked, and no state is made up."""
    with open_letter(browser, tmp_path, self_managed()) as opened:
        expect(opened.page.locator("article .pill")).to_have_count(0)
        expect(opened.page.locator(".summary")).to_contain_text("not been checked yet")
        assert opened.page.locator("body").inner_text().lower().count("checked yet") == 1
        expect(opened.page.locator("time")).to_have_count(0)


def test_steps_differ_by_who_keeps_the_dns(browser: Browser, tmp_path: Path) -> None:
    """A delegation has its own steps, with the short name and the number of name servers."""
    with open_letter(browser, tmp_path, delegated()) as opened:
        steps = opened.page.locator(".steps li").all_inner_texts()
        assert len(steps) == len(TEXTS["en"].steps_delegated)
        assert "all of its 4 name servers" in steps[1]
        assert "enter only the short name post." in steps[1]
    with open_letter(browser, tmp_path, self_managed()) as opened:
        assert "Create the 8 records below." in opened.page.locator(".steps li").nth(1).inner_text()


def test_optional_and_foreign_records_have_their_sections(browser: Browser, tmp_path: Path) -> None:
    """Optional ones are marked, and each foreign one stands below the name of its zone."""
    with open_letter(browser, tmp_path, self_managed()) as opened:
        required = opened.page.get_by_role("region", name="Records to create").locator("article")
        expect(required).to_have_count(8)
        optional = opened.page.get_by_role("region", name="Optional records").locator("article")
        expect(optional).to_have_count(4)
        assert all("Optional" in text for text in optional.locator("header").all_inner_texts())
        outside = opened.page.get_by_role("region", name="Records for other zones")
        assert outside.locator(".owner").all_inner_texts() == [
            "For the zone that holds elsewhere.example",
            "For the zone that holds vendor.example",
        ]


def test_the_language_can_be_switched(browser: Browser, tmp_path: Path) -> None:
    """Texts, title, root language, button names and announcements change; values stay."""
    with open_letter(browser, tmp_path, self_managed()) as opened:
        page = opened.page
        assert page.title() == "DNS records for post.müller.example"
        page.get_by_role("button", name="Deutsch").click()
        assert page.evaluate("document.documentElement.lang") == "de"
        assert page.title() == "DNS-Einträge für post.müller.example"
        expect(page.get_by_role("heading", level=1)).to_have_text(
            "DNS-Einträge für post.müller.example", use_inner_text=True
        )
        expect(page.get_by_role("button", name="Deutsch")).to_have_attribute("aria-pressed", "true")
        expect(page.get_by_role("button", name="English")).to_have_attribute("aria-pressed", "false")
        page.get_by_role("button", name="Kopieren Wert, Eintrag 1: DKIM-Signatur, CNAME", exact=True).click()
        expect(page.get_by_role("status")).to_have_text("Kopiert: Wert, Eintrag 1: DKIM-Signatur, CNAME")
        assert page.locator('.l[lang="en"]:visible').count() == 0
        page.get_by_role("button", name="English").click()
        assert page.locator('.l[lang="de"]:visible').count() == 0


def test_without_scripts_one_language_is_whole(browser: Browser, tmp_path: Path) -> None:
    """The language asked for is shown, and nothing that would not work."""
    with open_letter(browser, tmp_path, self_managed(), language="de", scripts=False) as opened:
        text = opened.page.locator("body").inner_text()
        assert "Einträge, die anzulegen sind" in text
        assert "Records to create" not in text
        assert opened.page.locator("button:visible").count() == 0
        assert all(value.rpartition(" ")[2] in text for record in self_managed().records for value in record.values)


@pytest.mark.parametrize("width", [320, 390, 1280])
@pytest.mark.parametrize("dns_setup", [self_managed(), delegated(), every_status(), hostile()])
def test_no_width_scrolls_sideways(browser: Browser, tmp_path: Path, dns_setup: DnsSetup, width: int) -> None:
    """Long names and values wrap, in both languages."""
    with open_letter(browser, tmp_path, dns_setup, width=width) as opened:
        for language in ("English", "Deutsch"):
            opened.page.get_by_role("button", name=language).click()
            assert opened.page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_stands_out(browser: Browser, tmp_path: Path, scheme: Literal["light", "dark"]) -> None:
    """Contrast is at least 4.5:1 for every text shown (WCAG 2.2 1.4.3), with a message and a button just pressed."""
    with open_letter(browser, tmp_path, every_status(), scheme=scheme) as opened:
        opened.page.locator("article .copy").first.click()
        expect(opened.page.locator("#live")).not_to_be_empty()
        opened.page.locator(".copy.done").wait_for()
        found = contrasts(opened.page)
        assert len(found) > 200
        assert [text for ratio, text in found if ratio < 4.5] == []


def test_everything_is_reached_with_the_keyboard(browser: Browser, tmp_path: Path) -> None:
    """Tab goes from the skip link through every button, each with a visible focus; Enter copies."""
    with open_letter(browser, tmp_path, delegated()) as opened:
        page = opened.page
        buttons = page.locator("button:visible").count()
        names = []
        for _ in range(buttons + 2):
            page.keyboard.press("Tab")
            name, outline = page.evaluate(
                "[document.activeElement.innerText, getComputedStyle(document.activeElement).outlineStyle]"
            )
            assert outline == "solid"
            names.append(name)
        assert names[:3] == ["Skip to the records", "English", "Deutsch"]
        assert len(names) == len([name for name in names if name]) == buttons + 2
        page.get_by_role("button", name="Copy Name, Record 1: Delegation, NS", exact=True).focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("status")).to_have_text("Copied: Name, Record 1: Delegation, NS")
        assert opened.clipboard() == "post"


def test_the_page_has_landmarks_and_an_even_outline(browser: Browser, tmp_path: Path) -> None:
    """One banner, one main, one footer; headings skip no level."""
    with open_letter(browser, tmp_path, self_managed()) as opened:
        for role in ("banner", "main", "contentinfo"):
            expect(opened.page.get_by_role(role)).to_have_count(1)
        levels = [
            int(tag[1])
            for tag in opened.page.evaluate("[...document.querySelectorAll('h1,h2,h3')].map(e => e.tagName)")
        ]
        assert levels[0] == 1
        assert levels.count(1) == 1
        assert all(after <= before + 1 for before, after in pairwise(levels))


def test_hostile_text_is_shown_not_run(browser: Browser, tmp_path: Path) -> None:
    """The browser sees text where someone put markup."""
    with open_letter(browser, tmp_path, hostile()) as opened:
        assert opened.page.locator("img").count() == 0
        assert opened.page.locator("script").count() == 1
        opened.page.get_by_role("button", name="Copy Value, Record 1: SPF: permitted senders, TXT", exact=True).click()
        expect(opened.page.get_by_role("status")).to_have_text("Copied: Value, Record 1: SPF: permitted senders, TXT")
        assert opened.clipboard() == HOSTILE
        assert opened.page.locator(".state").inner_text().count(HOSTILE) >= 4
