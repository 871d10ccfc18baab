"""The letter on paper: A4, every value whole, no record broken."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from email_stack.dns_setup.model import DnsSetup
from email_stack.dns_setup.texts import TEXTS
from tests.browser import running_browser
from tests.dns_setup.browser import open_letter
from tests.dns_setup.samples import delegated, every_status, self_managed


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for the tests of this file."""
    with running_browser() as running:
        yield running


def _printed(browser: Browser, folder: Path, dns_setup: DnsSetup) -> list[str]:
    """The text of each page, all white space away: wrapped values come together again."""
    with open_letter(browser, folder, dns_setup, scheme="dark") as opened:
        opened.page.pdf(path=folder / "letter.pdf", prefer_css_page_size=True, print_background=True)
    command = ["pdftotext", "-raw", str(folder / "letter.pdf"), "-"]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return ["".join(page.split()) for page in text.split("\f")]


@pytest.mark.parametrize("dns_setup", [self_managed(), delegated(), every_status()])
def test_paper_holds_every_record_on_one_page(browser: Browser, tmp_path: Path, dns_setup: DnsSetup) -> None:
    """Name and all values of a record stand together, whole."""
    pages = _printed(browser, tmp_path, dns_setup)
    for record in dns_setup.records:
        wanted = [record.name, *(value.rpartition(" ")[2] if record.type == "MX" else value for value in record.values)]
        assert any(all("".join(one.split()) in page for one in wanted) for page in pages), record.name


def test_paper_has_no_buttons(browser: Browser, tmp_path: Path) -> None:
    """What can only be pressed is left away, and so is the zone file, which repeats the records."""
    text = "".join(_printed(browser, tmp_path, self_managed()))
    ui = TEXTS["en"].ui
    for button in ("Deutsch", ui["copy_zone_file"], ui["zone_file_heading"], "CopyName", ui["skip"]):
        assert "".join(button.split()) not in text
    assert "".join(ui["records_heading"].split()) in text


def test_paper_is_a4_and_light(browser: Browser, tmp_path: Path) -> None:
    """210 by 297 millimetres, dark ink on white even where the screen is dark."""
    _printed(browser, tmp_path, delegated())
    about = subprocess.run(["pdfinfo", str(tmp_path / "letter.pdf")], check=True, capture_output=True, text=True).stdout
    assert "(A4)" in about
    with open_letter(browser, tmp_path, delegated(), scheme="dark") as opened:
        opened.page.emulate_media(media="print", color_scheme="dark")
        assert opened.page.evaluate("getComputedStyle(document.body).color") == "rgb(26, 35, 48)"
