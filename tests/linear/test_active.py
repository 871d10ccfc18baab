"""Looking for active content takes time in proportion to a file's size, whatever somebody fills it with."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Final

import pytest

from mailroom.scanning.active.names import names_within, risk_of_name
from mailroom.scanning.active.watch import risks_of_content
from mailroom.scanning.containers.openers import members_of
from mailroom.scanning.containers.results import Room
from tests.linear.measure import BOUND, growth
from tests.mailroom.scanning.active.samples import compound

pytestmark = pytest.mark.slow

STARTS: Final = {
    "PDF": b"%PDF-1.7\n",
    "page": b"<html>",
    "XML": b"<?xml version='1.0'?><Types>",
    "relations": b"<Relationships>",
    "compound file": bytes.fromhex("d0cf11e0a1b11ae1") + b"\0" * 600,
    "workbook": bytes.fromhex("d0cf11e0a1b11ae1") + b"\0" * 600 + "Workbook\0".encode("utf-16-le"),
    "OneNote": bytes.fromhex("e4525c7b8cd8a74daeb15378d02996d3"),
    "text": b"",
}
UNITS: Final = (
    *(b"stream\n", b"stream\nx\x9c", b"endstream", b"endobj ", b"/ObjStm stream\n", b"/A85 stream\n", b"/AHx stream\n41 "),
    *(b"<", b"<a ", b"<script", b"<script ", b"<script type=", b"<!--", b"-->", b"<?", b" on", b" onload ", b"&#", b"&colon;"),
    *(b"javascript ", b"data ", b"\x1b(", b"\n", b" ", b"\0", b"rem x\n", b";\n", b"a:", b'"', b"TargetMode ", b"macrosheet"),
    *(b"_\0V\0B\0A\0", b"\x85\0\0\0", bytes.fromhex("e716e3bd65261145a4c48d4d0b7a9eac"), b"#41", b"/#4c#61", b"[Shell]\n"),
)  # fmt: skip


def looked_at(data: bytes) -> Callable[[], object]:
    """The timed call."""
    return lambda: deque(risks_of_content(data, "a.html", "text/html"), maxlen=0)


@pytest.mark.parametrize("start", STARTS)
def test_much_of_the_same_in_a_file(start: str) -> None:
    """Four times as much of anything takes about four times as long."""
    slow = {}
    for unit in UNITS:
        grown = growth(lambda size: looked_at(STARTS[start] + unit * (size // len(unit))), 20_000, largest=400_000)  # noqa: B023 - called at once
        if grown > BOUND:
            slow[unit] = grown
    assert slow == {}


@pytest.mark.parametrize(
    "unit", ["name=", 'name="', "a", "=?a?q?", "%41", "\u202e", ".", ";1", "=", "*0*=", "name*0=a;"]
)
def test_long_names(unit: str) -> None:
    """So does a name, and a field that has names."""

    def named(size: int) -> Callable[[], object]:
        text = unit * (size // len(unit))
        return lambda: (risk_of_name(text), deque(names_within(text), maxlen=0))

    assert growth(named, 2_000, largest=100_000) <= BOUND


@pytest.mark.parametrize("start", ["RTF", "compound file", "OneNote"])
def test_much_of_the_same_in_a_document(start: str) -> None:
    """So do the files within documents, up to where there are too many."""
    begin = {
        "RTF": b"{\\rtf1\\objdata ",
        "compound file": compound(("\x01Ole10Native", b"x")),
        "OneNote": STARTS["OneNote"],
    }[start]
    words = (b"4", b"4 ", b"\\objdata ", b"\\bin9 ", b"\\bin99999 ", b"{", b"}", b"\\'", b"\\a", b"\0", bytes(128))

    def opened(size: int, unit: bytes) -> Callable[[], object]:
        data = begin + unit * (size // len(unit))
        return lambda: deque(members_of(data, "", "", Room()), maxlen=0)

    slow = {unit: growth(partial(opened, unit=unit), 20_000, largest=400_000) for unit in (*words, UNITS[-4])}
    assert {unit: grown for unit, grown in slow.items() if grown > BOUND} == {}
