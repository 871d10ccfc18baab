"""Foreign text, made safe for a terminal. Pure."""

from __future__ import annotations

import re
from typing import Final

from constructs_lib.faults import escape

__all__ = ["counted", "escape", "escaped", "escaped_lines", "visible"]

_SHOWN: Final = 200
_LIKE_AN_ESCAPE: Final = re.compile(r"\\\\|\\x[0-9a-f]{2}|\\u[0-9a-f]{4}|\\U[0-9a-f]{8}")
"""A backslash that would be read as the beginning of an escape."""


def escaped(text: str, most: int | None = _SHOWN) -> str:
    """The text on one line: unprintable characters are shown by number, and the rest after `most` characters is left out.

    Different texts look different: a backslash that would look like an escape is doubled.
    """
    shown: list[str] = []
    length = 0
    for place, character in enumerate(text):
        shown.append(_shown(text, place, character))
        length += len(shown[-1])
        if most is not None and length > most:
            return f"{''.join(shown[:-1])}..."
    return "".join(shown)


def escaped_lines(text: str) -> str:
    """The whole text, line by line; tabs stay."""
    return "\n".join("\t".join(escaped(piece, None) for piece in line.split("\t")) for line in text.split("\n"))


def visible(text: str) -> str:
    """A program's output without a terminal's control characters; tabs stay, and so does visible text."""
    return "".join(c if c.isprintable() or c == "\t" else escape(c) for c in text)


def _shown(text: str, place: int, character: str) -> str:
    if not character.isprintable():
        return escape(character)
    if character == "\\" and (_LIKE_AN_ESCAPE.match(text, place) or not text[place + 1 : place + 2].isprintable()):
        return "\\\\"
    return character


def counted(number: int, noun: str) -> str:
    """A number and its noun, in the plural unless the number is one: "1 tenant", "0 tenants"."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
