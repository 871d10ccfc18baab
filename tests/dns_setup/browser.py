"""A letter, open in a real browser, with everything noted that it must not do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, BrowserContext, Dialog, Page

from email_stack.dns_setup.letter import render_letter
from email_stack.dns_setup.model import DnsSetup, Language
from tests.browser import listening, shared_page

_VIOLATIONS = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) => window.violations.push(event.violatedDirective));
"""


@dataclass
class Opened:
    """One page and what it did."""

    page: Page
    context: BrowserContext
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def clipboard(self) -> str:
        """The clipboard's text."""
        text: str = self.page.evaluate("navigator.clipboard.readText()")
        return text


@contextmanager
def open_letter(
    browser: Browser,
    folder: Path,
    dns_setup: DnsSetup,
    *,
    language: Language = "en",
    width: int = 1280,
    scheme: Literal["light", "dark"] = "light",
    scripts: bool = True,
) -> Iterator[Opened]:
    """The letter opened from a file, as from a mail. At the end it must have complained of nothing and asked for nothing."""
    letter = folder / "letter.html"
    letter.write_text(render_letter(dns_setup, language), encoding="utf-8")
    if scripts:
        page = shared_page(browser, width=width, scheme=scheme)
    else:
        page = browser.new_page(
            viewport={"width": width, "height": 900}, color_scheme=scheme, java_script_enabled=False
        )
    opened = Opened(page=page, context=page.context)

    def refuse(dialog: Dialog) -> None:
        opened.complaints.append(dialog.message)
        dialog.dismiss()

    with (
        nullcontext() if scripts else page,
        page.add_init_script(_VIOLATIONS),
        listening(page.context, request=lambda request: opened.requests.append(request.url)),
        listening(
            page,
            console=lambda message: opened.complaints.append(message.text),
            pageerror=lambda error: opened.complaints.append(str(error)),
            dialog=refuse,
        ),
    ):
        page.goto(letter.as_uri())
        yield opened
        assert opened.complaints == []
        assert opened.requests == [letter.as_uri()]
        assert not scripts or page.evaluate("window.violations") == []
