"""A real browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Literal

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

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


def shared_page(
    browser: Browser,
    *,
    width: int = 1280,
    height: int = 900,
    scheme: Literal["light", "dark"] = "light",
    seconds: int = 10,
) -> Page:
    """The browser's first page, in a window of this size: whoever opens a document closes the one before.

    A page of its own for each document would start two processes. This one may use the clipboard, and waits so many seconds.
    """
    if not browser.contexts:
        context = browser.new_context()
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        context.new_page()
    page = browser.contexts[0].pages[0]
    page.set_default_timeout(seconds * 1000)
    page.set_viewport_size({"width": width, "height": height})
    page.emulate_media(media="null", color_scheme=scheme)
    return page


@contextmanager
def listening(source: Page | BrowserContext, **handlers: Callable[[Any], None]) -> Iterator[None]:
    """Handlers of its events, by the events' names, for as long as the `with` block lasts."""
    anything: Any = source
    for event, handler in handlers.items():
        anything.on(event, handler)
    try:
        yield
    finally:
        for event, handler in handlers.items():
            anything.remove_listener(event, handler)


def contrasts(page: Page) -> list[tuple[float, str]]:
    """Of every text that is shown: its contrast with what is behind it (WCAG 2.2, 1.4.3), and what it is."""
    found: list[list[float | str]] = page.evaluate(_CONTRAST)
    return [(float(ratio), str(text)) for ratio, text in found]
