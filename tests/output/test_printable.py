"""Foreign text, for a terminal."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from email_stack.output.printable import escaped, escaped_lines

_ESCAPE = re.compile(r"\\(?:\\|x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8}))")
TEXTS = st.text(st.one_of(st.characters(), st.sampled_from("\\xuU0123456789abcdef\u202e\x1b\x9b\ud800\U0001f3fb")))


def read(shown: str) -> str:
    """The text that was shown."""

    def one(found: re.Match[str]) -> str:
        digits = found[1] or found[2] or found[3]
        return chr(int(digits, 16)) if digits else "\\"

    return _ESCAPE.sub(one, shown)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\u202egnp.exe", r"\u202egnp.exe"),
        (" 2e", " 2e"),
        ("\x1b[31m", r"\x1b[31m"),
        ("\x9b31m", r"\x9b31m"),
        ("\udcff", r"\udcff"),
        ("\U000e0041", r"\U000e0041"),
        (r"\u202e", r"\\u202e"),
        (r"C:\mail\archive", r"C:\mail\archive"),
        (r"\\server\share", r"\\\server\share"),
        ("\\\x1b", r"\\\x1b"),
        ("a\\", "a\\"),
        ("Grüße 你好", "Grüße 你好"),
    ],
)
def test_escapes_tell_one_character(text: str, shown: str) -> None:
    """By two, four or eight digits, as the letter says; what looks like an escape and is none has its backslash doubled."""
    assert escaped(text) == shown


@given(TEXTS)
@example("\u20202e")
@example("\\\\x1b")
def test_two_texts_never_look_the_same(text: str) -> None:
    """What is shown can be read back, character by character, and nothing in it is left for a terminal to act on."""
    shown = escaped(text, None)
    assert shown.isprintable()
    assert read(shown) == text
    assert read(escaped_lines(text)) == text


@given(TEXTS, st.integers(1, 40))
def test_long_text_is_cut_between_escapes(text: str, most: int) -> None:
    """At most so many characters and three dots; no half escape, which would be another character."""
    shown = escaped(text, most)
    whole = escaped(text, None)
    if len(whole) <= most:
        assert shown == whole
    else:
        assert len(shown) <= most + 3
        assert shown.endswith("...")
        assert text.startswith(read(shown.removesuffix("...")))
