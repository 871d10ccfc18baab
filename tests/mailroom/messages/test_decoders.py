"""Stretches of base64 are found alike in blocks and in the whole, and decoded alike with padding in the midst and without."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Final
from unittest.mock import patch

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mailroom.messages import decoders
from mailroom.messages.decoders import (
    base64_body,
    base64_runs,
    is_base64,
    is_quoted_printable,
    lenient_base64,
    uuencoded,
)
from mailroom.scanning.containers.texts import unfolded_blocks, with_lines_unfolded

LINES: Final = st.lists(
    st.one_of(
        st.binary(min_size=57, max_size=57).map(base64.b64encode),
        st.integers(0, 900).map(lambda octets: base64.b64encode(b"x" * octets)),
        st.sampled_from(
            [b"", b"-", b"--x", b" ", b"ab", b"abc", b"ab==", b"=", b"abcd===", b"> abcd", b"hello world", b" abcd"]
        ),
    ),
    max_size=40,
).map(b"\n".join)


def by_pattern(data: bytes) -> list[bytes]:
    """The pattern's own result."""
    matches = [match[0] for match in decoders._RUN.finditer(data)]
    return [by_runs(match) for match in matches if len(match) >= 24]


def by_runs(data: bytes) -> bytes:
    """The decoded bytes, run by run."""
    plain = re.sub(rb"[^A-Za-z0-9+/=]", b"", data)
    return b"".join(decoders._group(run) for run in re.findall(rb"[A-Za-z0-9+/]+=*", plain))


@given(LINES)
@example(b"\n".join([b"A" * 76] * 20) + b"=\n")
@example(b"\n\n" + b"\n".join([b"A" * 76] * 20) + b"==\n--x")
@example(b"\n".join([b"A" * 76] * 20) + b"\nabc")
@example(b"\n".join([b"A" * 76] * 20) + b"\nab==")
@example(b"\n".join([b"A" * 76] * 20) + b"\nabc=")
@example(b"\n".join([b"A" * 76] * 20) + b"\na=")
@example(b"\n".join([b"A" * 76] * 20) + b"\n==")
@example(b"A" * 1001)
def test_blocks_find_what_the_whole_has(data: bytes) -> None:
    """However lines, delimiters and padding stand."""
    assert list(base64_runs(data)) == by_pattern(data)


@given(LINES | st.binary(max_size=300))
def test_padding_anywhere(data: bytes) -> None:
    """At the end, as mostly, or between two contents."""
    assert lenient_base64(data) == by_runs(data)


@given(LINES)
@example(b"a: b\n c\n\n d\n\ne: f\n\tg")
def test_paragraphs_without_folds_are_read_once(text: bytes) -> None:
    """Whatever stands in the text with its lines joined stands in the text, or in a paragraph with its lines joined."""
    found = set(base64_runs(text)) | {run for block in unfolded_blocks(text) for run in base64_runs(block)}
    assert set(base64_runs(with_lines_unfolded(text))) <= found


def soft_break_in_prose(data: bytes) -> bool:
    """Line by line: whether one that is no base64 ends in a soft line break, or an octet is given by its number."""
    ends = [match.start() for match in re.finditer(rb"=[ \t]*\r?\n", data)]
    lines = [data[data.rfind(b"\n", 0, end) + 1 : end] for end in ends]
    return any(not is_base64(line) for line in lines) or re.search(rb"=[0-9A-Fa-f]{2}", data) is not None


@given(
    st.lists(st.sampled_from([b"=", b"\n", b"\r\n", b" ", b"\t", b"a", b"!", b"-", b"4"]), max_size=30).map(b"".join)
)
@example(b"!\n=\n")
@example(b"a!= \t\r\n")
def test_soft_breaks_of_prose(data: bytes) -> None:
    """Those of base64 are padding."""
    assert is_quoted_printable(data) == soft_break_in_prose(data)


@pytest.mark.parametrize("blank", [b"", b"\n\n"])
def test_empty_lines_of_a_uuencoded_file(blank: bytes) -> None:
    """Hold nothing, and end nothing."""
    text = b"begin 644 x\n" + blank + b"#86)C\n" + blank + b"`\n" + blank
    (found,) = uuencoded(text + b"end\nmore")
    assert (found.data, found.whole, found.end) == (b"abc", True, len(text) + 4)
    (broken,) = uuencoded(text + b"\xff\xff\nmore")
    assert (broken.data, broken.whole, broken.end) == (b"abc", False, len(text))


def test_uuencoded_zeros_end() -> None:
    """A line may leave its spaces out, which are zeros: one letter is 45 of them, and no text is 20 times as long for that."""
    line = b"M\n"
    (small,) = uuencoded(b"begin 644 x\n" + line * 20_000 + b"end\n")
    assert (small.data, small.whole, small.cut) == (bytes(900_000), True, False)
    text = b"begin 644 x\n" + line * 200_000 + b"end\nbegin 644 y\n" + line * 20_000 + b"end\n"
    (big,) = uuencoded(text)
    assert (big.whole, big.cut) == (False, True)
    assert len(big.data) <= len(text) + 1_000_000


def _in_lines(data: bytes, width: int, end: bytes) -> bytes:
    letters = base64.b64encode(data)
    return end.join(letters[at : at + width] for at in range(0, len(letters), width))


def _slowly(body: bytes) -> tuple[bytes, bool]:
    """By the rules that hold for any body, one step after the other."""
    letters = bytes(one for one in body if one not in b" \t\r\n")
    try:
        return binascii.a2b_base64(letters, strict_mode=True), True
    except binascii.Error:
        runs = re.findall(b"[^=]+=*", letters)
        whole = all(len(run) % 4 == 0 for run in runs) and re.fullmatch(b"[A-Za-z0-9+/=]*", letters) is not None
        return lenient_base64(letters), whole


@given(
    data=st.binary(max_size=400),
    width=st.sampled_from([4, 60, 72, 75, 76, 77]),
    end=st.sampled_from([b"\r\n", b"\n", b"\r", b" \r\n"]),
    closing=st.sampled_from([b"", b"\r\n", b"\r\n\r\n", b"\n", b"\r", b"=", b"QQ=="]),
    noise=st.lists(
        st.tuples(st.integers(0, 500), st.sampled_from([b"!", b"\r", b"\n", b"=", b"A", b"\r\n", b"-"])), max_size=4
    ),
)
@example(data=bytes(114), width=76, end=b"\r\n", closing=b"", noise=[(40, b"!!!!")])
@example(data=bytes(18), width=4, end=b"\n", closing=b"", noise=[(17, b"="), (18, b"=")])
@example(data=bytes(114), width=76, end=b"\r\n", closing=b"", noise=[(76, b"\r"), (76, b"\n")])
@example(data=bytes(112), width=76, end=b"\r\n", closing=b"QQ==", noise=[])
def test_body_is_decoded_as_by_the_slow_way(
    data: bytes, width: int, end: bytes, closing: bytes, noise: list[tuple[int, bytes]]
) -> None:
    """Whatever its lines are, whatever stands between them, and wherever it stands in the message."""
    body = _in_lines(data, width, end) + closing
    for at, what in noise:
        body = body[:at] + what + body[at + len(what) :]
    raw = b"AAAA\r\n" + body + b"\r\nBBBB"
    assert base64_body(raw, 6, 6 + len(body)) == _slowly(body)
    with patch.object(decoders, "_BLOCK", 1):  # of four lines, and so in several ones
        assert base64_body(raw, 6, 6 + len(body)) == _slowly(body)


@pytest.mark.parametrize("width", [60, 64, 72, 76])
def test_body_in_equal_lines(width: int) -> None:
    """As encoders write it: all of it, and nothing of what is around."""
    for size in (0, 1, 2, 3, 45, 48, 54, 57, 58, 5_000):
        data = bytes(number * 7 % 256 for number in range(size))
        assert base64_body(_in_lines(data, width, b"\r\n"), 0, len(_in_lines(data, width, b"\r\n"))) == (data, True)


def test_lines_that_begin_nothing() -> None:
    """Of several that begin a file, one right behind the other, the last one does."""
    begun = b"begin 644 a\n" * 3 + b"begin 644 b\n#0V%T\n`\nend\n"
    assert [(one.name, one.data, one.start, one.whole) for one in uuencoded(begun)] == [("b", b"Cat", 36, True)]
