"""pybase64 and Python decode alike, whatever the letters are; messages are read without pybase64, too."""

from __future__ import annotations

import base64
import binascii
import itertools
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from typing import TypeVar
from unittest.mock import patch

import pybase64
from hypothesis import example, given
from hypothesis import strategies as st

from mailroom.messages import base64_library, parse
from mailroom.messages.base64_library import strict_base64
from mailroom.messages.decoders import base64_body, base64_runs, lenient_base64, letters_of
from tests.mailroom.messages.corpus import CASES

Found = TypeVar("Found")

BODIES = st.builds(
    lambda pieces, end: end.join(pieces),
    st.lists(
        st.one_of(
            st.binary(max_size=300).map(base64.b64encode),
            st.binary(min_size=57, max_size=57).map(base64.b64encode),
            st.binary(max_size=60),
            st.text("AZaz09+/=", max_size=60).map(str.encode),
            st.sampled_from([b"=", b"==", b"====", b"\0", b"!", b"-_-_", b"\xff\xfe", b"A", b"QR==", b" ", b"--x"]),
        ),
        max_size=12,
    ),
    st.sampled_from([b"", b"\r\n", b"\n", b"\r", b" "]),
)
"""Base64, whole and broken, with wrong padding, with junk, and one body behind another."""


def both(decode: Callable[[], Found]) -> tuple[Found, Found]:
    """What is decoded with pybase64, and without."""
    assert vars(base64_library)["_pybase64"] is pybase64
    quickly = decode()
    with patch.object(base64_library, "_pybase64", None):
        return quickly, decode()


def strictly(letters: bytes) -> bytes | str:
    """The decoded bytes, or that there are none."""
    try:
        return strict_base64(letters)
    except binascii.Error:
        return "refused"


@given(BODIES)
@example(b"QQ==QQ==")
@example(b"AAAA=")
@example(b"AAAA\r\nAA")
def test_decoders_agree(body: bytes) -> None:
    """On all letters, and on all that is made of them."""
    for decode in (
        lambda: strictly(body),
        lambda: base64_body(b"A" + body + b"A", 1, 1 + len(body)),
        lambda: lenient_base64(body),
        lambda: letters_of(body * 30),
        lambda: list(base64_runs(body)),
    ):
        quickly, plainly = both(decode)
        assert quickly == plainly


def test_decoders_agree_on_each_short_text() -> None:
    """With each order of letters, padding and junk."""
    texts = (bytes(text) for length in range(7) for text in itertools.product(b"AR/=!", repeat=length))
    assert [text for text in texts if len(set(both(partial(strictly, text)))) > 1] == []


def test_decoders_agree_on_each_byte() -> None:
    """At the begin, within, and at the end, where pybase64 has code of its own."""
    for size, place in itertools.product((4, 64, 400), (0, 1, 3, -4, -2, -1)):
        for octet in range(256):
            letters = bytearray(b"QUJD" * (size // 4))
            letters[place] = octet
            quickly, plainly = both(partial(strictly, bytes(letters)))
            assert quickly == plainly, letters


def test_messages_are_the_same() -> None:
    """All of the corpus."""
    for case in CASES:
        quickly, plainly = both(partial(parse, case.raw))
        assert quickly == plainly
        assert [bytes(one.data) for one in quickly.attachments] == [bytes(one.data) for one in plainly.attachments]


def test_pybase64_need_not_be_installed() -> None:
    """As in Lambda."""
    code = (
        "import sys; sys.modules['pybase64'] = None\n"
        "from mailroom.messages import parse\n"
        "raw = b'Content-Type: a/b\\r\\nContent-Transfer-Encoding: base64\\r\\n\\r\\naGVs\\r\\nbG8=\\r\\n'\n"
        "print(bytes(parse(raw).attachments[0].data).decode())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "hello\n"
