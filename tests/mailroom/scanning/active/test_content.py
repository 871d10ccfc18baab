"""Active content is told by what a file holds."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mailroom.scanning.active.risks import Risk
from mailroom.scanning.active.watch import risks_of_content
from tests.mailroom.scanning.active.samples import ACTIVE, PASSIVE, PE, onenote, pdf

BEGINNINGS: Final = sorted({content for content, _risk in ACTIVE.values()} | set(PASSIVE.values()))


@pytest.mark.parametrize(("content", "risk"), ACTIVE.values(), ids=ACTIVE.keys())
def test_active_content_is_found(content: bytes, risk: Risk) -> None:
    """Of each class, in each form, under a name that says nothing."""
    assert risk in set(risks_of_content(content, "file.bin", "application/octet-stream"))


@pytest.mark.parametrize("content", PASSIVE.values(), ids=PASSIVE.keys())
def test_other_content_is_not(content: bytes) -> None:
    """What looks alike and runs nothing has no risk."""
    assert list(risks_of_content(content, "file.bin")) == []


def test_programs_of_this_system_are_found() -> None:
    """Python itself is a program, and its shared libraries are."""
    for path in (Path("/bin/sh"), Path("/bin/true")):
        assert list(risks_of_content(path.read_bytes())) == [Risk.PROGRAMS]


def test_programs_within_are_found() -> None:
    """In a OneNote section and in a PDF, besides what these are themselves."""
    assert set(risks_of_content(onenote(PE))) == {Risk.ONENOTE_FILES, Risk.PROGRAMS}
    assert set(risks_of_content(pdf(b"1 0 obj << >> endobj", PE))) == {Risk.PROGRAMS}


def test_text_of_a_message_is_none() -> None:
    """Readers show it and run nothing in it."""
    assert list(risks_of_content(b"<html><script>a()</script>", content_type="text/html", is_body=True)) == []
    assert list(risks_of_content(b"<p><script>a()", content_type="text/html")) == [Risk.WEB_SCRIPTS]


@given(
    st.sampled_from(BEGINNINGS) | st.just(b""),
    st.lists(st.tuples(st.integers(0, 9000), st.binary(max_size=8)), max_size=6),
    st.binary(max_size=200),
    st.integers(0, 9000),
)
@example(b"%PDF-1.7 stream\n", [], b"\x78", 100)
def test_any_octets_are_looked_at(start: bytes, changes: list[tuple[int, bytes]], behind: bytes, cut: int) -> None:
    """Nothing that a sender makes of a file raises."""
    data = bytearray(start + behind)
    for at, octets in changes:
        data[at : at + len(octets)] = octets
    for one in (bytes(data), bytes(data[:cut])):
        assert set(risks_of_content(one, "a.svg")) <= set(Risk)
