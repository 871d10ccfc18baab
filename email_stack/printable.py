"""Text that strangers wrote, fit for a terminal. Pure."""

from __future__ import annotations

from typing import Final

__all__ = ["escaped", "escaped_lines"]

_SHOWN: Final = 200


def escaped(text: str, most: int = _SHOWN) -> str:
    """One line of it: what does not print is shown by its number, and the rest after `most` characters left out."""
    shown = "".join(character if character.isprintable() else f"\\x{ord(character):02x}" for character in text)
    return shown if len(shown) <= most else f"{shown[:most]}..."


def escaped_lines(text: str) -> str:
    """All of it, line by line; tabs stay."""
    return "\n".join(
        "\t".join(escaped(piece, len(piece) * 8) for piece in line.split("\t")) for line in text.split("\n")
    )
