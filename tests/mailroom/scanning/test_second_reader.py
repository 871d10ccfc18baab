"""All contents that another parser finds in a message were scanned: the standard library is the witness."""

from __future__ import annotations

import base64
import binascii
import email
import random
from collections.abc import Iterator
from email.message import Message

import pytest

from mailroom.messages.decoders import is_base64, with_lf
from mailroom.scanning.extracted_parts import extracted_parts
from tests.mailroom.messages.corpus import CASES, Case
from tests.mailroom.scanning.hiding import HIDDEN
from tests.untraced import unwatched

LINES = [
    b"From: a@b.example",
    b"Subject: hello",
    b"Subject : hello",
    b"MIME-Version: 1.0",
    b"Content-Type: multipart/mixed; boundary=x",
    b'Content-Type: multipart/alternative; boundary="y"',
    b"Content-Type: text/html",
    b"Content-Type : application/octet-stream",
    b"Content-Transfer-Encoding: quoted-printable",
    b"Content-Transfer-Encoding: 8bit",
    b"Content-Disposition: attachment; filename=a.bin",
    b"a line that is no field",
    b"h\xc3\xa9ader: x",
    b"X-Folded: a\n b",
    b"--x",
    b"--x",
    b"--x--",
    b"--y",
    b"",
    b"",
    b"#0V%T",
    b"=41=42 = c",
    b"MZ\x90\x00\x03",
    b"a:b",
]


def check_witness(raw: bytes) -> None:
    """Each content of a part by the library is the beginning of a scanned piece."""
    pieces = list(extracted_parts(raw))
    if any(piece.unscannable for piece in pieces):
        return
    scanned = {with_lf(piece.data) for piece in pieces}
    for content in leaves(raw):
        wanted = with_lf(content).rstrip(b"\n")
        assert any(one.startswith(wanted) for one in scanned), content[:200]


def leaves(raw: bytes) -> Iterator[bytes]:
    """Contents of the parts, decoded; without base64 that the library itself cannot decode."""
    waiting: list[Message] = [email.message_from_bytes(raw)]
    while waiting:
        part = waiting.pop()
        if part.get_content_type() == "message/delivery-status":
            continue  # which the library divides into groups of fields
        payload = part.get_payload()
        if isinstance(payload, list):
            waiting += [child for child in payload if isinstance(child, Message)]
            continue
        content = part.get_payload(decode=True)
        assert isinstance(content, bytes)
        if content.strip() and not is_base64(content) and not broken_base64(part):
            yield content


def broken_base64(part: Message) -> bool:
    """Whether the part is in base64 that is not whole."""
    if str(part.get("Content-Transfer-Encoding", "")).strip().lower() != "base64":
        return False
    payload = part.get_payload()
    assert isinstance(payload, str)
    try:
        base64.b64decode("".join(payload.split()), validate=True)
    except (binascii.Error, ValueError):
        return True
    return False


@pytest.mark.parametrize("case", CASES, ids=str)
def test_corpus(case: Case) -> None:
    """Mail that somebody could send."""
    check_witness(case.raw)


@pytest.mark.parametrize("name", HIDDEN)
def test_hidden(name: str) -> None:
    """Mail that hides something."""
    check_witness(HIDDEN[name])


@unwatched()
@pytest.mark.slow
@pytest.mark.parametrize("end", [b"\r\n", b"\n"])
def test_lines_of_mail_in_any_order(end: bytes) -> None:
    """Headers without end, junk within them, delimiters that are missing or are there twice."""
    rng = random.Random(27)
    for _ in range(3000):
        check_witness(end.join(rng.choices(LINES, k=rng.randrange(1, 25))))


def test_witness_sees_what_is_not_there() -> None:
    """A reader that missed a part would be found."""
    with pytest.raises(AssertionError):
        check_witness_of(b"Subject: x\r\n\r\nthe body!", pieces=[b"another body"])


def check_witness_of(raw: bytes, pieces: list[bytes]) -> None:
    """The same for given pieces."""
    for content in leaves(raw):
        assert any(one.startswith(content) for one in pieces)
