"""What is wrong with a config, and how it is said: one line a problem."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

from email_stack.printable import escape

__all__ = ["ConfigError", "Fault", "Problem", "RuleError", "Scalar", "closest", "shown"]

Scalar = str | int | float | bool | None
"""A value as JSON and YAML both write it."""

_SHOWN_CHARACTERS: Final = 60
_ESCAPES: Final = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to repair, and where.

    Args:
        file: path of the file, relative to the working folder when it is below.
        line: from 1.
        column: from 1, in characters; where the field's key, the list item, or the incomplete mapping starts.
        field: dotted path inside the subject, such as `addresses[2].local_part`; "" for the subject itself.
        value: what was found; None when there was nothing, or no scalar.
        message: what holds of a right value: "must be one label".
        remedy: what to do: 'use "mail"'; "" when the message says it.
        subject: whose problem it is: 'tenant "acme"'; "" for a file as a whole.
    """

    file: str
    line: int
    column: int
    field: str
    value: Scalar
    message: str
    remedy: str
    subject: str

    def __str__(self) -> str:
        """`file:line:column: subject: field message, got value; remedy`."""
        subject = f"{self.subject}: " if self.subject else ""
        field = f"{self.field} " if self.field else ""
        got = "" if self.value is None else f", got {shown(self.value)}"
        remedy = f"; {self.remedy}" if self.remedy else ""
        return f"{self.file}:{self.line}:{self.column}: {subject}{field}{self.message}{got}{remedy}"


class ConfigError(ValueError):
    """The config is not valid, or does not hold what was asked of it.

    Args:
        problems: at least one; `str` of the error is one line for each.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(problems)
        super().__init__(self.problems)

    def __str__(self) -> str:
        return "\n".join(map(str, self.problems))


@dataclass(frozen=True, slots=True)
class Fault:
    """A problem that does not know its file yet.

    Args:
        message: what holds of a right value.
        remedy: what to do.
        path: from the object that was checked to the field; () for the object itself.
        value: the scalar found there. Default: whatever the file holds at that place.
        silent: the value says nothing here, leave it out. Default: False.
    """

    message: str
    remedy: str
    path: tuple[str | int, ...] = ()
    value: Scalar = None
    silent: bool = False

    def __str__(self) -> str:
        return f"{self.message}; {self.remedy}" if self.remedy else self.message


class RuleError(ValueError):
    """Raised by every rule of this package: a value, or several fields together, break it.

    Args:
        faults: at least one.
    """

    def __init__(self, *faults: Fault) -> None:
        self.faults = faults
        super().__init__(*faults)

    @classmethod
    def one(cls, message: str, remedy: str) -> RuleError:
        """One fault of the value that was checked."""
        return cls(Fault(message, remedy))

    def __str__(self) -> str:
        return "\n".join(map(str, self.faults))


def shown(value: Scalar) -> str:
    """The value as a message quotes it: at most 60 characters, with nothing in it that a terminal would act on."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str):
        return str(value)
    cut = value[: _SHOWN_CHARACTERS - 1] + "…" if len(value) > _SHOWN_CHARACTERS else value
    return '"' + "".join(_ESCAPES.get(c) or (c if c.isprintable() else escape(c)) for c in cut) + '"'


def closest(value: object, known: Iterable[str]) -> str | None:
    """The one of `known` that `value` was probably meant to be."""
    # Long input is no misspelling, and difflib takes quadratic time.
    found = get_close_matches(value.lower(), list(known), n=1) if isinstance(value, str) and len(value) <= 80 else []
    return found[0] if found else None
