"""A real browser."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, Page, sync_playwright

_CONTRAST: Final = Path(__file__).with_name("contrast.js").read_text(encoding="utf-8")


@contextmanager
def running_browser() -> Iterator[Browser]:
    """Debian's Chromium, without a window."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


def contrasts(page: Page) -> list[tuple[float, str]]:
    """Of every text that is shown: its contrast with what is behind it (WCAG 2.2, 1.4.3), and what it is."""
    found: list[list[float | str]] = page.evaluate(_CONTRAST)
    return [(float(ratio), str(text)) for ratio, text in found]
