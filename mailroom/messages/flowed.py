"""Text of format=flowed, in which the sender's program broke the lines. Pure.

Source: RFC 3676.
"""

from __future__ import annotations

from typing import Final

__all__ = ["unflowed"]

_SIGNATURE: Final = "-- "


def unflowed(text: str, *, delete_space: bool) -> tuple[str, frozenset[str]]:
    """The text with one line for each paragraph, and its lines that begin with ">" and are no quotation.

    Args:
        text: the sent text; lines end in LF.
        delete_space: DelSp: the blank that ends a flowed line is the program's, not the sender's.

    Source: RFC 3676 4.1 to 4.5.
    """
    out: list[tuple[int, list[str]]] = []
    flows = False
    for line in text.split("\n"):
        depth, said = _taken_apart(line)
        fixed = said == _SIGNATURE or not said.endswith(" ")
        if flows and depth == out[-1][0] and said != _SIGNATURE:
            pieces = out[-1][1]
            if delete_space:
                pieces[-1] = pieces[-1][:-1]
            pieces.append(said)
        else:
            out.append((depth, [said]))
        flows = not fixed
    lines = [_put_together(depth, "".join(pieces)) for depth, pieces in out]
    typed = frozenset(
        line for (depth, _), line in zip(out, lines, strict=True) if not depth and line.lstrip(" \t").startswith(">")
    )
    return "\n".join(lines), typed


def _taken_apart(line: str) -> tuple[int, str]:
    """Depth of the line's quotation, and its text without the stuffed blank."""
    if line.startswith(">From "):
        return 0, line  # a mailbox's escape
    said = line.lstrip(">")
    return len(line) - len(said), said.removeprefix(" ")


def _put_together(depth: int, said: str) -> str:
    if not depth:
        return said
    return f"{'>' * depth} {said}" if said else ">" * depth
