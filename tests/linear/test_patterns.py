"""No pattern of the runtime takes more than linear time, whatever it is used on; and the tests would see one that does."""

from __future__ import annotations

import re
from typing import Final

import pytest

from tests.linear.patterns import MODES, Found, compiled_elsewhere, hidden_uses, patterns, slow_texts
from tests.linear.shape import Shape

FOUND: Final = patterns()

SQUARE: Final = {
    "white space around lines": (r"[ \t]*\n[ \t]*", 0, "finditer"),
    "white space at the end": (r"\s+$", 0, "search"),
    "a comment at the end": (r"\s+\([^()]*\)\s*$", 0, "finditer"),
    "words with an @": (r"[^\s<>()\",;]+@[^\s<>()\",;]+", 0, "finditer"),
    "strings in quotes": (r'"(?:[^"\\]|\\.)*"', 0, "finditer"),
    "possessive, but begun anew at each quote": (r'"[^"\\]*+(?:\\.[^"\\]*+)*"', 0, "finditer"),
    "marks of answers": (r"^(?:\s*(?:re|aw)\s*(?:\[\d{1,3}\])?\s*:)+\s*", re.IGNORECASE, "finditer"),
    "what was received": (r"\bby inbound-smtp\.amazonaws\.com\b.*\bid\s+([A-Za-z0-9]{1,100})\b", re.DOTALL, "search"),
    "verbs at the end": (r"\b(?:wrote|writes)\s*:?\s*$", re.IGNORECASE, "search"),
    "comments that are closed": (r"<!--.*?-->", re.DOTALL, "finditer"),
    "two runs of one kind": (r"[A-Za-z]+[A-Za-z0-9]+=", 0, "match"),
    "octets": (rb"[ \t]*\r?\n", 0, "finditer"),
}
"""Patterns of which everybody has had some."""

LINEAR: Final = {
    "runs": (r"\s++", 0, "finditer"),
    "quoted strings": (r'"[^"\\]*+(?:\\.?+[^"\\]*+)*(?:"|\Z)', re.DOTALL, "finditer"),
    "brackets": (r"<([^<>]*+)>", 0, "finditer"),
    "lines": (rb"^begin [0-7]{3,4} [^\n]*+\n", re.MULTILINE, "finditer"),
}

BEGIN_ALIKE: Final = {
    "mailroom.outbox.composed._BCC",
    "mailroom.outbox.composed._OWN_ID",
}
"""A folded line and the end of its field both begin with a line end; what stands behind that tells them apart."""


@pytest.mark.slow
@pytest.mark.parametrize("found", FOUND, ids=str)
def test_pattern_is_linear(found: Found) -> None:
    """Of each text that its own tree suggests, and of what mail is made of, four times as much takes about four times as long."""
    assert list(slow_texts(found)) == []


@pytest.mark.parametrize("found", FOUND, ids=str)
def test_pattern_cannot_backtrack(found: Found) -> None:
    """Runs of a character are possessive, and groups are repeated only where what follows begins otherwise.

    Groups are not possessive, nor atomic: Python before 3.11.5, which the scanner's image has, misreads some of these.
    """
    if found.name not in BEGIN_ALIKE:
        assert Shape(found.pattern).faults() == []


def test_every_pattern_is_found() -> None:
    """Patterns are compiled as modules are imported, where the walk over the modules finds them."""
    assert compiled_elsewhere() == []
    assert len(FOUND) >= 80
    names = {found.name for found in FOUND}
    assert {
        "mailroom.messages.addresses._TOKEN",
        "mailroom.messages.html_tokens._RAW_END",
        "mailroom.threads.ids._BARE",
    } <= names


@pytest.mark.parametrize(
    "source",
    [
        "import re\ndef f(x):\n    return re.sub('a*', '', x)",
        "import re\ndef f(x):\n    return re.compile('a*').search(x)",
        "import re\nf = lambda x: re.compile(x)",
        "import re\nA = re.match('a', 'a')",
        "from re import compile",
        "import re as r",
        "import re\nf = re.compile\ndef g(x):\n    return re.split('a', x)",
    ],
)
def test_hidden_patterns_are_seen(source: str) -> None:
    """What compiles a pattern elsewhere than at import is told."""
    assert hidden_uses(source)


def test_modes_are_those_in_use() -> None:
    """A pattern is tried as its module uses it; one that is handed on, in every way."""
    modes = {found.name: found.modes for found in FOUND}
    assert modes["mailroom.messages.mime._TYPE"] == ("fullmatch",)
    assert modes["mailroom.messages.joining._COUNT"] == ("finditer",)
    assert modes["mailroom.messages.addresses._TOKEN"] == tuple(sorted(MODES))


@pytest.mark.slow
@pytest.mark.parametrize("name", SQUARE)
def test_squares_are_seen(name: str) -> None:
    """A pattern that takes the square of the size fails, every time."""
    text, flags, mode = SQUARE[name]
    assert next(slow_texts(Found(name, re.compile(text, flags), (mode,))), "")


@pytest.mark.parametrize("name", LINEAR)
def test_lines_are_not_taken_for_squares(name: str) -> None:
    """A pattern that takes linear time passes."""
    text, flags, mode = LINEAR[name]
    found = Found(name, re.compile(text, flags), (mode,))
    assert list(slow_texts(found)) == []
    assert Shape(found.pattern).faults() == []


@pytest.mark.parametrize(
    "text",
    [
        r"\s*a",
        r"(?:ab)*a",
        r"(?:ab?c)*+",
        r"(?>a|b)",
        r"(?:x(?:\s*y)z)",
        r"(?=\s+a)",
        r"(?:a|b+c)",
        r".*?a",
        r"(?:\w+\s*)+:",
    ],
)
def test_faults_are_seen(text: str) -> None:
    """What gives back, begins alike, or is misread by some Python, is told from the tree alone."""
    assert Shape(re.compile(text)).faults()
