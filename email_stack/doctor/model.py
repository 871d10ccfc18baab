"""The parts of a diagnosis, and which of them decides. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

__all__ = ["CellDiagnosis", "Diagnosis", "Line", "State", "Verdict", "worst"]


class State(StrEnum):
    """Verdict on one line, on a cell, or on everything."""

    OK = "ok"
    BY_HAND = "by hand"
    """AWS has no API for it. The remedy is a check by hand. It does not affect the whole."""
    UNKNOWN = "not known"
    """AWS or DNS did not answer."""
    WRONG = "to do"


_SEVERITY: Final = (State.OK, State.BY_HAND, State.UNKNOWN, State.WRONG)
"""A known fault outranks a question without an answer: an operator can mend it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """The finding on one question.

    Args:
        state: the verdict.
        said: the finding, in words.
        remedy: the remedy. Default: none.
    """

    state: State
    said: str
    remedy: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One question and its finding.

    Args:
        check: id of the question, for scripts; it does not change.
        about: its subject, such as a quota or a zone, if there are several such lines. Default: none.
        verdict: the finding.
    """

    check: str
    about: str = ""
    verdict: Verdict

    @property
    def state(self) -> State:
        """The verdict's."""
        return self.verdict.state

    @property
    def title(self) -> str:
        """Text for a person."""
        name = self.check.replace("_", " ")
        return f"{name} {self.about}" if self.about else name


@dataclass(frozen=True, kw_only=True, slots=True)
class CellDiagnosis:
    """Diagnosis of one cell.

    Args:
        cell: its id.
        region: its region.
        account: of the credentials; "" if unknown.
        lines: in their order.
    """

    cell: str
    region: str
    account: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Diagnosis:
    """Diagnosis of machine and cells at one moment.

    Args:
        at: time of the diagnosis, with a time zone.
        machine: lines about this machine.
        cells: as asked for, in the config's order.
    """

    at: datetime
    machine: tuple[Line, ...]
    cells: tuple[CellDiagnosis, ...]

    @property
    def asked(self) -> bool:
        """Whether AWS accepted the credentials. Without them nearly every line is UNKNOWN."""
        return all(line.state is not State.UNKNOWN for line in self.lines if line.check == "credentials")

    @property
    def lines(self) -> tuple[Line, ...]:
        """All lines: the machine's, then the cells'."""
        return (*self.machine, *(line for cell in self.cells for line in cell.lines))

    @property
    def state(self) -> State:
        """The worst of all lines."""
        return worst(line.state for line in self.lines)


def worst(states: Iterable[State]) -> State:
    """The most severe of them; OK of none."""
    return max(states, key=_SEVERITY.index, default=State.OK)
