"""What is read faster because it is usual is read as everything else is."""

from __future__ import annotations

import re
from unittest.mock import patch

from hypothesis import example, given
from hypothesis import strategies as st

from mailroom.messages import addresses, mime
from mailroom.messages.addresses import _by_tokens
from mailroom.messages.mime import Limits, Problems, _Structure
from mailroom.messages.model import Address

ADDRESSES = st.lists(
    st.sampled_from(
        [
            *(
                "<anna@b.example>",
                "anna@B.example",
                '"Berg, Anna"',
                "Anna Berg",
                "=?utf-8?q?J=C3=B6rg?=",
                "=?utf-8?b?QQ=?=",
            ),
            *(
                " ",
                "\t",
                "\xa0",
                "\x85",
                "\\",
                '"',
                "<",
                ">",
                "@",
                ".",
                ",",
                ";",
                ":",
                "(",
                ")",
                "=?",
                "?=",
                "=",
                "é",
                "<>",
            ),
        ]
    ),
    max_size=7,
).map("".join)

HEADERS = st.lists(
    st.sampled_from([b"\r\n", b"\n", b"\r", b"\r\n\r\n", b"A: b", b" ", b"x", b":", b"\xc3\xa9", b"\xe9", b"a" * 40]),
    max_size=12,
).map(b"".join)


def _all_notes(read: object, header: str) -> tuple[object, list[str]]:
    notes: list[str] = []
    assert callable(read)
    return read(header, notes.append), notes


@given(ADDRESSES)
@example('"Berg, Anna" <anna@b.example>')
@example("=?utf-8?q?a_<x@b.example>?= <anna@b.example>")
@example("anna@b.example")
@example("<anna@b.example>")
@example("\x1c Anna\xa0\x85 <anna@b.example>")
def test_one_address(header: str) -> None:
    """With a name, and without one."""
    assert _all_notes(addresses.addresses, header) == _all_notes(_by_tokens, header)


def test_one_address_is_usual() -> None:
    """The tokens of these are not looked at."""
    with patch.object(addresses, "_by_tokens", side_effect=AssertionError):
        for header in (
            "a@b.example",
            "<a@B.example>",
            "A B <a@b.example>",
            '"B, A"  <a@b.example>',
            "=?utf-8?q?=41?= <a@b.c>",
        ):
            (found,) = addresses.addresses(header, print)
            assert found.address.endswith(("@b.example", "@b.c"))
    assert found == Address("a@b.c", "A")


@given(HEADERS, st.integers(0, 4), st.integers(0, 4))
@example(b"A: b\n\nx\r\n\r\n", 0, 0)
@example(b"A: b\r\n\r\n", 0, 1)
@example(b"A: b\n\r\n\r\n", 0, 0)
def test_empty_line(raw: bytes, start: int, less: int) -> None:
    """The first one ends the header, whatever its line ends are."""
    end = max(len(raw) - less, 0)
    usual = re.compile(rb"(?:\r\n|\n)(?:\r\n|\n|\r)|\r\r\n?").search(raw, start, end)
    found = _Structure(raw, Problems(), Limits(parts=1, bytes_left=0))._empty_line(start, end)
    assert found == (usual.span() if usual else (end, end))


@given(
    st.lists(st.sampled_from([b"-", b"--", b"--b", b"\r\n", b"\n", b"\r", b"a", b"b", b"--b--"]), max_size=40).map(
        b"".join
    ),
    st.sampled_from([b"--b", b"--", b"---", b"--b--b"]),
    st.integers(0, 3),
    st.integers(1, 9),
)
def test_delimiters(raw: bytes, words: bytes, start: int, near: int) -> None:
    """Wherever hyphens stand, each line that begins with these is found once."""
    begins = [start, *(match.end() for match in re.finditer(rb"[\r\n]", raw))]
    lines = sorted({at for at in begins if at >= start and raw.startswith(words, at)})
    with patch.object(mime, "_NEAR", near):
        structure = _Structure(raw, Problems(), Limits(parts=1, bytes_left=0))
        assert list(structure._lines_beginning_with(words, start, len(raw))) == lines
