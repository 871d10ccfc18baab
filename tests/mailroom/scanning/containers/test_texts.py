"""Recognition of mail: in bounded memory, with the results of the former pattern."""

from __future__ import annotations

import re
import tracemalloc

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mailroom.scanning.containers.texts import looks_like_mail

_LINE = rb"[!-9;-~]{1,80}+[ \t]*+:[^\r\n]*+(?:\r\n?|\n)(?:[ \t][^\r\n]*+(?:\r\n?|\n))*"
_NAMES = (
    rb"(?:received|return-path|from|sender|reply-to|to|cc|subject|date|message-id|mime-version"
    rb"|content-[a-z-]{1,40}+|x-[a-z-]{1,60}+)"
)
BEFORE = (
    re.compile(rb"\A(?:\xef\xbb\xbf)?\s*+" + _LINE * 2),
    re.compile(
        rb"\A(?:\xef\xbb\xbf)?\s*+"
        + _NAMES
        + rb"[ \t]*+:[^\r\n]*+(?:\r\n?|\n)(?:[ \t][^\r\n]*+(?:\r\n?|\n))*(?:\r\n?|\n)",
        re.IGNORECASE,
    ),
)
"""Patterns that give lines back, and so remember each."""
PIECES = st.sampled_from(
    [b"\r", b"\n", b"\r\n", b" ", b"\t", b"Subject: x", b"X-A :", b"y", b":", b"\xef\xbb\xbf", b" folded"]
)


@example(b"Subject: x\r\n ")
@example(b"Subject: x\rSubject: x\r folded")
@example(b"y:\rSubject: x\r ")
@given(st.lists(PIECES, max_size=14).map(b"".join))
def test_same_as_with_every_way_tried(data: bytes) -> None:
    """Nothing that was taken for mail is taken for a file now, nor the other way round."""
    assert looks_like_mail(data) == any(pattern.match(data) is not None for pattern in BEFORE)


@pytest.mark.parametrize("line", [b"\r\n ", b"\n\t", b"\r "])
def test_a_million_folded_lines_take_no_memory(line: bytes) -> None:
    """They took 190 MB, in a function that has some hundred to spare."""
    data = b"Subject: x" + line * 1_000_000 + b"z"
    tracemalloc.start()
    try:
        looks_like_mail(data)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()
