"""Whole mails grown by structure: four times the size is about four times the time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import pytest

from mailroom.messages import parse
from tests.linear.mails import GROWN, grows
from tests.linear.measure import BOUND, growth

pytestmark = pytest.mark.slow

HEAD: Final = (
    b"Return-Path: <ida@nordhof.example>\r\n"
    b"Received: from mx.nordhof.example (mx.nordhof.example [192.0.2.7])\r\n"
    b" by inbound-smtp.eu-central-1.amazonaws.com with SMTP id k3m7q2\r\n"
    b" for kontor@post.verein.example; Mon, 02 Nov 2026 14:00:05 +0000 (UTC)\r\n"
)
OWN: Final = (
    b"From: Ida Holm <ida@nordhof.example>\r\nTo: kontor@post.verein.example\r\nSubject: Regal\r\n"
    b"Message-ID: <a1@nordhof.example>\r\nDate: Mon, 02 Nov 2026 14:00:00 +0000\r\nMIME-Version: 1.0\r\n"
)
BODY: Final = b"Content-Transfer-Encoding: 8bit\r\n\r\nDas Regal ist da.\r\n"
PLAIN: Final = b"Content-Type: text/plain; charset=utf-8\r\n" + BODY


def _lines(piece: bytes, count: int, a_line: int) -> bytes:
    """So many pieces, folded where a line has so many of them."""
    return b"\r\n ".join([piece * a_line] * (count // a_line))


def _quoted_printable(text: bytes) -> bytes:
    return (
        HEAD
        + OWN
        + b"Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
        + text
    )


SLOW: Final[dict[str, tuple[Callable[[int], bytes], int, str]]] = {
    "a quoted name that nothing closes": (
        lambda size: HEAD + b'Cc: "' + _lines(b'\\"', size // 2, 320) + b"\r\n" + OWN + PLAIN,
        36_000,
        "Das Regal ist da.\n",
    ),
    "no-break spaces in one line": (
        lambda size: _quoted_printable(
            b"<p>a" + b"=\r\n".join([b"=C2=A0" * 4] * (size // 27)) + b"b</p>\r\n",
        ),
        270_000,
        f"a{' ' * 40_000}b\n",
    ),
    "white space between tags": (
        lambda size: (
            HEAD
            + OWN
            + b"Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n<p>a"
            + b"<span> </span>\r\n" * (size // 16)
            + b"b</p>\r\n"
        ),
        320_000,
        f"a{' ' * 40_000}b\n",
    ),
    "folded white space in a parameter": (
        lambda size: (
            HEAD
            + OWN
            + b"Content-Type: text/plain; charset=utf-8;\r\n name=a"
            + _lines(b" ", size, 640)
            + b"x\r\n"
            + BODY
        ),
        36_000,
        "",
    ),
    "one long word in In-Reply-To": (
        lambda size: HEAD + b"In-Reply-To: " + b"a" * size + b"\r\n" + OWN + PLAIN,
        40_000,
        "Das Regal ist da.\n",
    ),
}
"""Each with the size that it came in, and its text: the name in its parameter makes the body of one an attachment."""


@pytest.mark.parametrize("name", SLOW)
def test_mail_that_took_seconds(name: str) -> None:
    """It is read whole, and four times of it takes about four times as long."""
    made, size, text = SLOW[name]
    message = parse(made(size))
    assert message.problems == ()
    assert (message.subject, message.message_id, message.in_reply_to) == ("Regal", "a1@nordhof.example", ())
    assert message.text == text
    assert len(message.attachments) == (not text)
    raws = {count: made(count) for count in (size // 4, size)}
    assert growth(lambda count: lambda: parse(raws.get(count) or made(count)), size // 4, largest=8 * size) <= BOUND


@pytest.mark.parametrize("name", GROWN)
def test_grows_with_size(name: str) -> None:
    """Each reader, and the writer, of mail that is grown by one piece of its structure."""
    assert grows(name) <= BOUND
