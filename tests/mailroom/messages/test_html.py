"""HTML is safe to show: nothing runs, nothing is loaded from elsewhere, images of the message are where they belong."""

from __future__ import annotations

import base64
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailroom.messages import Message, parse
from mailroom.messages.html import safe_html, shown_images


def message(html: str, image: str = "image/png") -> Message:
    """A message of that HTML and one image, whose content id is logo@x."""
    return parse(
        b"Content-Type: multipart/related; boundary=x\r\n\r\n--x\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
        + html.encode()
        + b"\r\n--x\r\nContent-Type: "
        + image.encode()
        + b"\r\nContent-ID: <logo@x>\r\n\r\nPNG\r\n--x--\r\n"
    )


def shown(html: str, image: str = "image/png") -> str:
    """The HTML for a page."""
    return safe_html(message(html, image), lambda attachment: f"https://app.example/{attachment.path}").strip()


@pytest.mark.parametrize(
    ("html", "safe"),
    [
        ("<p>Hi<script>alert(1)</script></p>", "<p>Hi</p>"),
        ("<style>@import 'http://t/'</style><b onclick=x()>b</b>", "<b>b</b>"),
        ('<img src="http://t/p.gif" width="1">', '<img width="1">'),
        ('<img srcset="http://t/ 2x" src="data:image/png;base64,AA">', "<img>"),
        ('<img src="cid:logo@x" alt="L">', '<img src="https://app.example/2" alt="L">'),
        ('<img src="CID:logo%40x">', '<img src="https://app.example/2">'),
        ('<img src="cid:other@x">', "<img>"),
        ('<a href="cid:logo@x">a</a>', '<a rel="noopener noreferrer nofollow">a</a>'),
        ('<a href="javascript:x()">a</a>', '<a rel="noopener noreferrer nofollow">a</a>'),
        (
            '<a href="https://e.example/?a&amp;b">a</a>',
            '<a href="https://e.example/?a&amp;b" rel="noopener noreferrer nofollow">a</a>',
        ),
        ('<p style="color:red;position:fixed">a</p>', '<p style="color:red">a</p>'),
        ('<p style="background-color:url(http://t/)">a</p>', "<p>a</p>"),
        ('<p style="color:red;background:u\\72l(http://t/)">a</p>', "<p>a</p>"),
        (
            '<table background="http://t/"><tr><td>a</td></tr></table>',
            "<table><tbody><tr><td>a</td></tr></tbody></table>",
        ),
        *[
            (f'<a href="{address}">a</a>', '<a rel="noopener noreferrer nofollow">a</a>')
            for address in (
                "/konto/loeschen?id=1",
                "konto",
                "?id=1",
                "#top",
                "//e.example/",
                "ftp://e.example/",
                " /x",
                "",
            )
        ],
        *[
            (f'<a href="{address}">a</a>', f'<a href="{address}" rel="noopener noreferrer nofollow">a</a>')
            for address in ("http://e.example/", "HTTPS://e.example/", "mailto:a@e.example", "tel:+4930")
        ],
        *[
            (f'<p style="color:red;{style}">a</p>', '<p style="color:red">a</p>')
            for style in (
                *("text-indent:-420px", "TEXT-INDENT : -1px", "text-indent:calc(0px - 9em)", "height:0", "height:1em"),
                *(
                    "margin-bottom:-40px",
                    "vertical-align:-300px",
                    "vertical-align:9em",
                ),
                *("letter-spacing:-2em", "line-height:0", "line-height:.2", "line-height:9px", "line-height:10%"),
                *("text-decoration:underline 300px", "margin-left:-9px", "text-indent:;text-indent:-9px"),
            )
        ],
        *[
            (f'<p style="{style}">a</p>', f'<p style="{style}">a</p>')
            for style in (
                *("text-indent:2em", "line-height:1.5", "letter-spacing:0.1em", "margin-bottom:10px"),
                *("vertical-align:top", "text-decoration:underline", "width:100%"),
            )
        ],
        ('<table style="height:40px"></table>', '<table style="height:40px"></table>'),
        ("<svg><image href='http://t/'/></svg><form action=x>a</form>", "a"),
        (
            "<base href=http://t/><link rel=stylesheet href=http://t/><meta http-equiv=refresh content='0;url=http://t'>a",
            "a",
        ),
    ],
)
def test_what_is_left(html: str, safe: str) -> None:
    """Structure and words; no script, no tracker, no address but that of a link."""
    assert shown(html) == safe


def test_documents_are_no_images() -> None:
    """SVG can hold links and scripts."""
    assert shown('<img src="cid:logo@x">', "image/svg+xml") == "<img>"


@pytest.mark.parametrize(
    ("called", "octets", "kind"),
    [
        ("image/jpg", b"\x89PNG\r\n\x1a\n", "image/png"),
        ("image/jpg", b"\xff\xd8\xff\xe0", "image/jpeg"),
        ("image/pjpeg", b"\x89PNG\r\n\x1a\n", "image/png"),
        ("image/pjpeg", b"?", "image/jpeg"),
        ("image/x-png", b"?", "image/png"),
        ("IMAGE/X-PNG", b"GIF89a", "image/gif"),
        ("image/png", b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"),
        ("image/x-ms-bmp", b"BM", "image/bmp"),
        ("image/png", b"<svg onload='x()'>", "image/png"),
    ],
)
def test_images_by_other_names(called: str, octets: bytes, kind: str) -> None:
    """They are shown, under the type that their octets have."""
    mail = parse(
        b"Content-Type: multipart/related; boundary=x\r\n\r\n--x\r\nContent-Type: text/html\r\n\r\n"
        b"<p>See <img src='cid:logo@x' alt='scratch'></p>\r\n--x\r\nContent-Type: "
        + called.encode()
        + b"\r\nContent-ID: <logo@x>\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        + base64.b64encode(octets)
        + b"\r\n--x--\r\n"
    )
    page = safe_html(mail, lambda image: f"/{image.path}/{image.content_type}")
    assert page.strip() == f'<p>See <img src="/2/{kind}" alt="scratch"></p>'


def test_images_of_the_text_are_told_from_files() -> None:
    """What the HTML shows, whatever its disposition says; not what nothing shows, what is hidden, nor what is no image."""
    parts = [("image/png", "logo"), ("image/png", "stray"), ("image/png", "hidden"), ("application/pdf", "contract")]
    files = "".join(
        f"--x\r\nContent-Type: {kind}\r\nContent-Disposition: attachment\r\nContent-ID: <{name}@x>\r\n\r\n{name}\r\n"
        for kind, name in parts
    )
    html = "<img src='cid:logo@x'><template><img src='cid:hidden@x'></template><img src='cid:contract@x'>"
    mail = parse(
        "Content-Type: multipart/related; boundary=x\r\n\r\n--x\r\nContent-Type: text/html\r\n\r\n"
        f"{html}\r\n{files}--x--\r\n".encode()
    )
    assert len(mail.attachments) == 4
    assert [one.content_id for one in shown_images(mail)] == ["logo@x"]
    assert shown_images(parse(b"Content-Type: image/png\r\nContent-ID: <logo@x>\r\n\r\nx")) == ()


def test_attachment_by_its_id() -> None:
    """A lone file has one too, that a URL can end in."""
    mail = parse(b"Content-Type: application/pdf\r\n\r\n%PDF")
    (file,) = mail.attachments
    assert (file.path, file.id) == ("", "0")
    assert mail.attachment("0") == file
    assert mail.attachment("1") is None


def test_image_by_its_identifier_alone() -> None:
    """Fax gateways write no `cid:`; another name is nobody's image."""
    assert shown('<img src="logo@x" alt="scratch">') == '<img src="https://app.example/2" alt="scratch">'
    assert shown('<img src="other.png">') == "<img>"


def test_page_of_the_applications_own() -> None:
    """An address that would end the attribute is refused."""
    with pytest.raises(ValueError, match="must be an https or data URL"):
        safe_html(message('<img src="cid:logo@x">'), lambda _: 'https://a" onerror="x')


PIECES = [
    "<img src=",
    "<a href=",
    "style=",
    "cid:logo@x",
    "http://t/",
    "javascript:",
    "data:",
    '"',
    "'",
    ">",
    "<",
    "<svg",
    "<p ",
    "url(",
    "&#10;",
    "\x00",
    "<math><style>",
    "<!--",
    "-->",
]


@given(st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=5)), max_size=30).map("".join))
def test_nothing_is_loaded_from_elsewhere(html: str) -> None:
    """Whatever the HTML is, every address that a page would load by itself is the application's."""
    found = shown(html)
    assert all(address == "https://app.example/2" for address in re.findall(r'<[^>]*\ssrc="([^"]*)"', found))
    assert not re.search(
        r"<(?:script|style|link|meta|base|iframe|object|embed|svg|form|video|audio)\b", found, re.IGNORECASE
    )
    assert not re.search(r'<[^>]*\s(?:on\w+|srcset|background|poster)="', found, re.IGNORECASE)
