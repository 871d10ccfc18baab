"""The form of the CDK app's errors, by which the command line finds them in the CDK's output. Pure."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from typing import Final

from email_stack.output.printable import visible

__all__ = ["TOLD", "told"]

TOLD: Final = "app failed: "
"""Prefix of every line: so no text of a message can end or imitate an error."""

_MOST_LINES: Final = 60
_MOST_CHARACTERS: Final = 1_000
_MOST_CAUSES: Final = 5
_STACKS: Final = frozenset({"JavaScriptError", "_RemoteTraceback"})
"""Causes that only have the stack of another process, whose error is the one above."""


def told(error: BaseException) -> str:
    """The exception's name and message, then its causes, one line each; every line begins with `TOLD`."""
    lines = _lines(error)
    if len(lines) > _MOST_LINES:
        lines = [*lines[:_MOST_LINES], f"and {len(lines) - _MOST_LINES:,} lines more"]
    lines += [f"caused by {_lines(cause)[0]}" for cause in _causes(error)]
    return "\n".join(TOLD + _cut(line) for line in lines)


def _lines(error: BaseException) -> list[str]:
    text = "".join(traceback.format_exception_only(error))
    return [visible(line) for line in text.rstrip("\n").split("\n")]


def _cut(line: str) -> str:
    return line if len(line) <= _MOST_CHARACTERS else f"{line[:_MOST_CHARACTERS]}..."


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Causes of an error, the nearest first."""
    seen = {id(error)}
    for _ in range(_MOST_CAUSES):
        cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        if cause is None or id(cause) in seen or type(cause).__name__ in _STACKS:
            return
        seen.add(id(cause))
        yield cause
        error = cause
