"""The problems of a config, and their text: one line each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from constructs_lib.faults import Fault, RuleError, Scalar, shown

__all__ = ["ConfigError", "Fault", "Problem", "RuleError", "Scalar", "closest", "shown"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to repair, and where.

    Args:
        file: path of the file, relative to the working folder when it is below.
        line: from 1.
        column: from 1, in characters; where the field's key, the list item, or the incomplete mapping starts.
        field: dotted path inside the subject, such as `addresses[2].local_part`; "" for the subject itself.
        value: the scalar found there; None when there is none.
        message: the rule: "must be one label".
        remedy: the repair: 'use "mail"'; "" when the message says it.
        subject: the object with the problem: 'tenant "acme"'; "" for a file as a whole.
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
    """The config is not valid, or lacks the tenant or cell asked for.

    Args:
        problems: at least one; `str` of the error is one line for each.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(problems)
        super().__init__(self.problems)

    def __str__(self) -> str:
        return "\n".join(map(str, self.problems))


def closest(value: object, known: Iterable[str]) -> str | None:
    """The one of `known` that `value` was probably meant to be."""
    # Long input is no misspelling, and difflib takes quadratic time.
    found = get_close_matches(value.lower(), list(known), n=1) if isinstance(value, str) and len(value) <= 80 else []
    return found[0] if found else None
