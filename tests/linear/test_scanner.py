"""The scanner reads a message in time proportional to its size, with any content."""

from __future__ import annotations

import tracemalloc
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

import pytest

from mailroom.scanning.delivery import decide
from mailroom.scanning.extracted_parts import extracted_parts
from mailroom.scanning.verdicts import Action, PartVerdict, Policy, ScanResult, Verdict
from tests.linear.measure import BOUND, growth

pytestmark = pytest.mark.slow

UNITS: Final = (
    *(b'; a="', b"text/plain; ", b";", b'"', b'\\"', b"(", b")", b"(a", b"<", b"<>", b",", b":", b"=", b"=?", b"=?a?q?", b"*0*="),
    *(b"%", b"\\", b" ", b"\t", b"\n ", b"\r\n ", b"\r", b"\n", b"\n--x", b"\n--x--\n", b"a", b"a=", b"=\n", b"= \n", b"=41"),
    *(b"begin 644 x\n", b"\nbegin 644 x\n#86)C\n", b"=ybegin name=\n", b"\0", b"\xff", b"AAAA\n", b"a:b\n", b"\n>", b"&#"),
)  # fmt: skip
"""Separators, quotes, brackets, escapes and folds; lines that begin something."""

MULTIPART: Final = b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n"
FIELDS: Final = (
    *(b"Content-Type", b"Content-Disposition", b"Content-Transfer-Encoding", b"Content-ID", b"Subject", b"From", b"To", b"Date"),
    *(b"Message-ID", b"References", b"Received", b"Authentication-Results", b"Auto-Submitted", b"X-Anything"),
)  # fmt: skip
HEADERS: Final[dict[str, tuple[bytes, bytes]]] = {
    **{f"{name.decode()} of the message": (name + b": ", b"\r\n\r\nx\r\n") for name in FIELDS},
    **{
        f"{name.decode()} of a part": (MULTIPART + name + b": ", b"\r\n\r\nx\r\n--x--\r\n")
        for name in FIELDS
        if name.startswith(b"Content-")
    },
    "boundary": (b"Content-Type: multipart/mixed; boundary=", b"\r\n\r\n--x\r\n\r\nb\r\n--x--\r\n"),
    "From of a message within": (b"Content-Type: message/rfc822\r\n\r\nFrom: ", b"\r\n\r\nx\r\n"),
}
BODIES: Final[dict[str, bytes]] = {
    "text": b"Subject: x\r\n\r\n",
    "HTML": b"Content-Type: text/html\r\n\r\n",
    "base64": b"Content-Transfer-Encoding: base64\r\n\r\n",
    "quoted-printable": b"Content-Transfer-Encoding: quoted-printable\r\n\r\n",
    "uuencode": b"Content-Transfer-Encoding: x-uuencode\r\n\r\nbegin 644 x\n",
    "yEnc": b"Subject: x\r\n\r\n=ybegin line=128 name=x\n",
    "multipart": MULTIPART,
    "multiparts": MULTIPART + b"Content-Type: multipart/mixed; boundary=y\r\n\r\n--y\r\n",
    "message": b"Content-Type: message/rfc822\r\n\r\nSubject: y\r\n\r\n",
    "TNEF": b"Content-Type: application/ms-tnef\r\n\r\n\x78\x9f\x3e\x22\x01\x00",
    "ZIP": b"Content-Type: application/zip\r\n\r\nPK\x03\x04",
}

PLACES: Final[dict[str, tuple[bytes, bytes]]] = {**HEADERS, **{name: (start, b"") for name, start in BODIES.items()}}
NESTED: Final[dict[str, Callable[[int], bytes]]] = {
    "messages": lambda size: b"Content-Type: message/rfc822\r\n\r\n" * (size // 32) + b"Subject: innermost\r\n\r\nend",
    "multiparts": lambda size: b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (number, number)
        for number in range(size // 56)
    ),
    "lines in thirty multiparts": lambda size: (
        b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(29))
        + b"\n--b\n" * (size // 5)
    ),
    "parts": lambda size: MULTIPART + b"\r\nx\r\n--x\r\n" * (size // 11),
    "files of one octet": lambda size: b"Subject: x\r\n\r\n" + b"begin 644 x\n!80  \n`\nend\n" * (size // 25),
}


def read(raw: bytes) -> Callable[[], object]:
    """The timed call: it finds all parts of the message."""
    return lambda: deque(extracted_parts(raw), maxlen=0)


@pytest.mark.parametrize("place", PLACES)
def test_much_of_the_same_at(place: str) -> None:
    """Four times as much of anything takes about four times as long."""
    start, end = PLACES[place]
    slow = {}
    for unit in UNITS:
        grown = growth(lambda size: read(start + unit * (size // len(unit)) + end), 6_000, largest=400_000)  # noqa: B023 - called at once
        if grown > BOUND:
            slow[unit] = grown
    assert slow == {}


@pytest.mark.thorough
@pytest.mark.parametrize("place", PLACES)
def test_megabytes_of_the_same_at(place: str) -> None:
    """4 MB of anything take about four times as long as one: what is quick at first may be a square behind its first megabyte."""
    start, end = PLACES[place]
    slow = {}
    for unit in UNITS:
        grown = growth(
            lambda size: read(start + unit * (size // len(unit)) + end),  # noqa: B023 - called at once
            1_000_000,
            largest=16_000_000,
            longest=30.0,
        )
        if grown > BOUND:
            slow[unit] = grown
    assert slow == {}


@pytest.mark.parametrize(
    ("place", "unit"),
    [
        ("multipart", b" \n"),
        ("multipart", b"a\n"),
        ("From of a message within", b"\n "),
        ("text", b"a:b\n"),
    ],
)
def test_memory_is_in_proportion(place: str, unit: bytes) -> None:
    """A scanner has 1.5 GB beside its engine, and messages have 40 MB: no pattern and no list keeps something for each line."""
    start, end = PLACES[place]
    raw = start + unit * (4_000_000 // len(unit)) + end
    tracemalloc.start()
    try:
        read(raw)()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # Of a header, a megabyte at most is kept line by line.
    assert peak <= 100_000_000 + 10 * len(raw)


@pytest.mark.parametrize("kind", NESTED)
def test_much_within_each_other(kind: str) -> None:
    """So does nesting of any kind, up to where it is over the limit."""
    assert growth(lambda size: read(NESTED[kind](size)), 20_000, largest=2_000_000) <= BOUND


@pytest.mark.parametrize("within", ["", "Content-Type: message/rfc822\r\n\r\n"])
def test_much_is_taken_out(within: str) -> None:
    """Four times as many attachments are removed in about four times as long, also out of a message within."""
    assert growth(lambda size: stripped(within, size // ATTACHMENT_OCTETS), 10_000, largest=90_000) <= BOUND


ATTACHMENT_OCTETS: Final = 50
CLEAN: Final = ScanResult(verdict=Verdict.CLEAN, parts=(), definitions="d")


def stripped(within: str, count: int) -> Callable[[], object]:
    """The timed call: it removes so many infected attachments."""
    attachments = b"".join(b"\r\n--x\r\nContent-Disposition: attachment\r\n\r\n%d" % number for number in range(count))
    raw = within.encode() + MULTIPART + attachments + b"\r\n--x--\r\n"
    parts = tuple(
        PartVerdict(
            path=f"{number + 2}",
            filename="",
            verdict=Verdict.INFECTED,
            signature="S",
            sha256="",
            size=1,
        )
        for number in range(count)
    )
    result = ScanResult(verdict=Verdict.INFECTED, parts=parts, definitions="d")
    now = datetime(2026, 11, 23, tzinfo=UTC)

    def run() -> None:
        delivery = decide(raw, result, Policy(), rescan=lambda _: CLEAN, now=now)
        assert (delivery.action, len(delivery.removed)) == (Action.STRIP, count)

    return run
