"""The cause of a failure of the CDK CLI, from its output. Pure."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterable, Sequence
from typing import Final

from email_stack.output.printable import visible
from email_stack.synthesis.failure import TOLD

__all__ = ["cause_of"]

_TELLING: Final = re.compile(r"_FAILED\b|❌|\b[Ee]rror\b|\b[Uu]nable\b")
_APP_ENDED: Final = re.compile(r"Subprocess exited with error (\d+|null)")
_TRACEBACK: Final = "Traceback (most recent call last):"
_LAST_LINES: Final = 10
_APP_LINES: Final = 40
_SIGNAL_CODES: Final = 128
"""A shell's exit code for a program that a signal ended is this and the signal's number."""


def cause_of(said: Iterable[str]) -> str:
    """The lines with the cause, each once; the last lines without one.

    If the app failed: its final exception of any name, or else its last output; then its exit.
    """
    lines = [visible(line) for line in said if line.strip()]
    ended = next((number for number, line in enumerate(lines) if _APP_ENDED.search(line)), None)
    if ended is not None:
        return "\n".join([*_app_said(lines[:ended]), _how(lines[ended])])
    telling = [line.strip() for line in lines if _TELLING.search(line)]
    if any(line.startswith(TOLD) or line.strip() == _TRACEBACK for line in lines):
        telling = [*_app_said(lines), *telling]
    return "\n".join(dict.fromkeys(telling)) or "\n".join(line.strip() for line in lines[-_LAST_LINES:])


def _app_said(lines: Sequence[str]) -> list[str]:
    told = [line.removeprefix(TOLD) for line in lines if line.startswith(TOLD)]
    return told or _raised(lines) or list(lines[-_APP_LINES:])


def _raised(lines: Sequence[str]) -> list[str]:
    """The lines behind the frames of the last traceback: an exception's name, with all lines of its message."""
    starts = [number for number, line in enumerate(lines) if line.strip() == _TRACEBACK]
    if not starts:
        return []
    rest = lines[starts[-1] + 1 :]
    first = next((number for number, line in enumerate(rest) if not line.startswith((" ", "\t"))), len(rest))
    return list(rest[first : first + _APP_LINES])


def _how(line: str) -> str:
    """The app's exit, in one line."""
    found = _APP_ENDED.search(line)
    code = found[1] if found else ""
    if code == "null":
        return "a signal ended app.py"
    number = int(code or 0) - _SIGNAL_CODES
    if number in {one.value for one in signal.Signals}:
        name = signal.Signals(number).name
        hint = ", as the kernel does where memory is short" if name == "SIGKILL" else ""
        return f"{name} ended app.py{hint}"
    return f"app.py ended with exit code {code}"
