"""Bodies in compressed RTF, and in the other places of a winmail.dat."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailroom.messages import parse
from mailroom.messages.rtf import decompressed, read_rtf
from mailroom.messages.tnef import tnef_body
from tests.mailroom.messages.test_tnef import WHOLE, attribute, properties, stream

MOST = 1_000_000
HELLO = bytes.fromhex(
    "2d0000002b0000004c5a4675f1c5c7a703000a007263706731323542320af32068656c090020627705b06c647d0a800fa0"
)
"""MS-OXRTFCP 3.1.1."""
OVERLAPPING = bytes.fromhex("1a0000001c0000004c5a4675e2d44b51410004205758595a0d6e7d010eb0")
"""MS-OXRTFCP 3.1.2: a reference that reaches into what it writes."""
HTML = (
    rb"{\rtf1\ansi\ansicpg1251\fromhtml1 \deff0{\fonttbl{\f0\fswiss Arial;}{\f1\fcharset238 Arial;}}"
    rb"{\*\generator Riched20}{\*\htmltag18 <html>}\htmlrtf {\htmlrtf0 "
    rb"{\*\htmltag64 <p class=\{a\}>}\htmlrtf \par hidden\htmlrtf0 Tel &amp; \'cf\f1\'b9\f0 \u8364?\~x"
    rb"{\*\mhtmltag64 <p>}{\*\htmltag72 </p>}{\*\htmltag241 \par }\htmlrtf }\htmlrtf0 {\*\htmltag27 </html>}}"
)


def compressed(rtf: bytes, kind: bytes = b"MELA") -> bytes:
    """As a property holds it."""
    return struct.pack("<II", len(rtf) + 12, len(rtf)) + kind + b"\0\0\0\0" + rtf


def literal(rtf: bytes) -> bytes:
    """Compressed without one reference."""
    runs = b"".join(b"\0" + rtf[at : at + 8] for at in range(0, len(rtf), 8))
    return struct.pack("<II", len(runs) + 12, len(rtf)) + b"LZFu\0\0\0\0" + runs


def test_examples_of_the_specification() -> None:
    """Both are written out there."""
    assert decompressed(HELLO, MOST) == b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n"
    assert decompressed(OVERLAPPING, MOST) == b"{\\rtf1 WXYZWXYZWXYZWXYZWXYZ}"
    assert read_rtf(decompressed(HELLO, MOST)).text == "hello world"


@given(st.binary(max_size=300), st.integers(0, 400))
def test_all_is_given_back(rtf: bytes, most: int) -> None:
    """What was not compressed, and what is literal; no more than asked for."""
    assert decompressed(compressed(rtf), most) == decompressed(literal(rtf), most) == rtf[:most]


@given(st.binary(max_size=300), st.binary(max_size=300))
def test_anything_is_read(noise: bytes, more: bytes) -> None:
    """Never an error, and never more than asked for."""
    for data in (noise, HELLO[:16] + noise, b"\xff" * 8 + b"LZFu\0\0\0\0" + noise):
        assert len(decompressed(data, 500)) <= 500
    for rtf in (noise, b"{\\rtf1" + noise, HTML[:60] + noise + more):
        body = read_rtf(rtf)
        (body.text + body.html).encode()


def test_html_within_is_found() -> None:
    """Its tags and words, in their charsets, without what is for readers of RTF. MS-OXRTFEX 2.1.3."""
    body = read_rtf(HTML)
    assert body.html == "<html><p class={a}>Tel &amp; П\u0105\u20ac\xa0x</p>\n</html>"
    assert not body.text


@pytest.mark.parametrize(
    ("rtf", "text"),
    [
        (rb"{\rtf1\ansi\ansicpg1252 Gr\'fc\'dfe\par aus K\'f6ln}", "Grüße\naus Köln"),
        (rb"{\rtf1\ansi\ansicpg932 \'93\'fa\'96\'7b}", "日本"),
        (rb"{\rtf1\uc2\u26085 xx\u-10179 xx\u-8704 xx.}", "日\U0001f600."),
        (rb"{\rtf1{\info{\title no}}{\*\unknown no}{\b yes}{\pict 0123}\bin4 }}}}!}", "yes!"),
        (rb"{\rtf1 a\tab b\line \lquote c\rquote \{\}\\}", "a\tb\n\u2018c\u2019{}\\"),
        (b"{\\rtf1 a\r\nb}", "ab"),
        (b"no rtf", ""),
        (b"{\\rtf1 " + b"{" * 2_000 + b"x", ""),
    ],
)
def test_text_is_read(rtf: bytes, text: str) -> None:
    """Of a document that no HTML was made into."""
    assert read_rtf(rtf).text == text


def outlook(*message: bytes, files: bytes = b"") -> bytes:
    """A message that is a winmail.dat alone."""
    head = b'Content-Type: application/ms-tnef; name="winmail.dat"\r\nSubject: x\r\n\r\n'
    return head + stream(attribute(1, 0x00069007, struct.pack("<II", 1252, 0)), *message) + files


TEXT = attribute(1, 0x0002800C, "Grüße\r\naus Köln\0".encode("cp1252"))


@pytest.mark.parametrize(
    ("places", "text", "html"),
    [
        ([TEXT], "Grüße\naus Köln", ""),
        ([attribute(1, 0x00069003, properties((0x001F, 0x1000, "Guten Tag\0".encode("utf-16-le"))))], "Guten Tag", ""),
        ([attribute(1, 0x00069003, properties((0x001E, 0x1013, b"<p>a\xfc</p>\0")))], "aü\n", "<p>aü</p>"),
        ([attribute(1, 0x00069003, properties((0x0102, 0x1013, "<p>aü</p>".encode())))], "aü\n", "<p>aü</p>"),
        ([TEXT, attribute(1, 0x00069003, properties((0x0102, 0x1009, HELLO)))], "Grüße\naus Köln", ""),
        ([attribute(1, 0x00069003, properties((0x0102, 0x1009, HELLO)))], "hello world", ""),
        (
            [
                attribute(
                    1, 0x00069003, properties((0x0102, 0x1009, compressed(rb"{\rtf1\fromhtml1 {\*\htmltag <b>}x}")))
                )
            ],
            "x\n",
            "<b>x",
        ),
    ],
    ids=["attBody", "property", "html", "html as octets", "text before rtf", "rtf", "html in rtf"],
)
def test_body_of_a_message(places: list[bytes], text: str, html: str) -> None:
    """From whichever place has it."""
    message = parse(outlook(*places))
    assert (message.text, message.html, message.problems) == (text, html, ())


def test_charset_of_the_html() -> None:
    """PidTagInternetCodepage says it."""
    page = struct.pack("<IHHI", 2, 0x0003, 0x3FDE, 20866)
    html = "<p>Привет</p>".encode("koi8-r")
    message = parse(outlook(attribute(1, 0x00069003, page + properties((0x0102, 0x1013, html))[4:])))
    assert message.html == "<p>Привет</p>"


def test_body_beside_counts() -> None:
    """What the message says itself goes before what its winmail.dat says."""
    mixed = (
        b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\n\r\n%s\r\n--b\r\n'
        + outlook(TEXT)
        + b"\r\n--b--\r\n"
    )
    assert parse(mixed % b"Selbst gesagt").text == "Selbst gesagt"
    assert parse(mixed % b" ").text == "Grüße\naus Köln"


def test_texts_of_attachments_are_no_body() -> None:
    """The body ends where the attachments begin."""
    assert tnef_body(WHOLE + TEXT, MOST).text == ""


@pytest.mark.parametrize("number", [b"", b"0", b"1", b"99999", b"-5", b"999999999", b"65001", b"1252"])
def test_code_pages_that_there_are_not(number: bytes) -> None:
    """Read like the usual one: no message is refused for its code page."""
    rtf = rb"{\rtf1\ansi\ansicpg" + number + rb" caf\'e9}"
    assert read_rtf(rtf).text == ("caf\ufffd" if number == b"65001" else "café")
    raw = b"Content-Type: application/ms-tnef; name=winmail.dat\r\n\r\n" + stream(
        attribute(1, 0x00069003, properties((0x0102, 0x1009, compressed(rtf))))
    )
    assert parse(raw).text == read_rtf(rtf).text
