"""The parts of a deployment's state, and which of them decides. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from email_stack.output.printable import counted

__all__ = [
    "CELL_PARTS",
    "DNS_PARTS",
    "TITLES",
    "CellStatus",
    "Check",
    "Part",
    "QueueCount",
    "Rates",
    "Reason",
    "Snapshot",
    "State",
    "TenantStatus",
    "reasons",
    "row_word",
    "summary",
    "worst",
]


class State(StrEnum):
    """State of one part, of a tenant, or of everything."""

    OK = "ok"
    PENDING = "pending"
    """Right on our side: wait for the customer or for AWS."""
    WRONG = "wrong"
    UNKNOWN = "unknown"
    """AWS did not answer."""
    ABSENT = "absent"
    """A part is missing: the tenant or cell was never deployed."""


_SEVERITY: Final = (State.OK, State.PENDING, State.ABSENT, State.UNKNOWN, State.WRONG)
"""Known problems come before unknown states, because they need an action."""


class Part(StrEnum):
    """Checked parts; the values are their names in JSON."""

    DELEGATION = "delegation"
    INBOUND = "inbound"
    DKIM = "dkim"
    MAIL_FROM = "mail_from"
    SPF = "spf"
    DMARC = "dmarc"
    RULE = "rule"
    SENDING = "sending"
    REPUTATION = "reputation"
    ALERTS = "alerts"
    DEFINITIONS = "definitions"
    QUEUES = "queues"
    LAST_IN = "last_mail_in"
    LAST_OUT = "last_mail_out"
    HELD = "held"
    SETTINGS = "settings"
    """Only of tenants that the settings API owns."""


TITLES: Final[Mapping[Part, str]] = {
    Part.DELEGATION: "delegation",
    Part.INBOUND: "MX",
    Part.DKIM: "DKIM",
    Part.MAIL_FROM: "MAIL FROM",
    Part.SPF: "SPF",
    Part.DMARC: "DMARC",
    Part.RULE: "rule",
    Part.SENDING: "sending",
    Part.REPUTATION: "bounced, complained",
    Part.ALERTS: "alerts",
    Part.DEFINITIONS: "definitions",
    Part.QUEUES: "queues",
    Part.LAST_IN: "last in",
    Part.LAST_OUT: "last out",
    Part.HELD: "held",
    Part.SETTINGS: "settings",
}
"""Titles of the parts for people, in the order of the columns."""

DNS_PARTS: Final = (Part.DELEGATION, Part.INBOUND, Part.DKIM, Part.MAIL_FROM, Part.SPF, Part.DMARC)
"""Parts from DNS and SES."""

CELL_PARTS: Final = (Part.RULE, Part.SENDING, Part.DEFINITIONS, Part.QUEUES)
"""Parts of a cell."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """The result for one part.

    Args:
        state: the verdict.
        said: a few words for a table. Default: the state.
        reason: problem and remedy; "" for none.
    """

    state: State
    said: str = ""
    reason: str = ""

    @property
    def shown(self) -> str:
        """A few words that include the state if it is not ok, because colour alone is lost on paper."""
        word = "missing" if self.state is State.ABSENT else self.state.value
        if not self.said:
            return word
        return self.said if self.state is State.OK else f"{self.said}, {word}"


@dataclass(frozen=True, kw_only=True, slots=True)
class QueueCount:
    """One queue with its dead letters.

    Args:
        name: its name in its stack.
        waiting: messages in it, including those under work and those that wait for their next try.
        dead: messages in its dead-letter queue.
    """

    name: str
    waiting: int
    dead: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Rates:
    """Rates of a tenant's permanent bounces and complaints, as SES computes them.

    Args:
        bounces: part of the mail, 0 to 1; None if SES published none, as before the first message.
        complaints: the same.
    """

    bounces: float | None = None
    complaints: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class CellStatus:
    """State of one cell.

    Args:
        cell: its id.
        region: its region.
        checks: by part; empty if it is not deployed.
        absent: reason of a missing deployment; "" if it is deployed.
        definitions: time of the virus definitions' last confirmation; None if unknown.
        queues: of the scanner.
    """

    cell: str
    region: str
    checks: Mapping[Part, Check] = field(default_factory=dict)
    absent: str = ""
    definitions: datetime | None = None
    queues: tuple[QueueCount, ...] = ()

    @property
    def state(self) -> State:
        """The worst of its parts."""
        return _whole(self.checks, self.absent)


@dataclass(frozen=True, kw_only=True, slots=True)
class TenantStatus:
    """One tenant.

    Args:
        tenant: its id.
        subdomain: A-labels.
        cell: id of its cell.
        checks: by applicable part; empty if it is not deployed.
        absent: reason of a missing deployment; "" if it is deployed.
        rates: of its bounces and complaints; None if unknown.
        alerts: number of its alert addresses that get alerts, and of all; None if unknown.
        queues: its own.
        last_in: time of its newest received message; None if there is none, or it is unknown.
        last_out: time of its newest sent message; None if there is none, or it is unknown.
        held: messages in quarantine by verdict; None if unknown.
    """

    tenant: str
    subdomain: str
    cell: str
    checks: Mapping[Part, Check] = field(default_factory=dict)
    absent: str = ""
    rates: Rates | None = None
    alerts: tuple[int, int] | None = None
    queues: tuple[QueueCount, ...] = ()
    last_in: datetime | None = None
    last_out: datetime | None = None
    held: Mapping[str, int] | None = None

    @property
    def state(self) -> State:
        """The worst of its parts; ABSENT if it is not deployed."""
        return _whole(self.checks, self.absent)


@dataclass(frozen=True, kw_only=True, slots=True)
class Snapshot:
    """State of cells and tenants at one moment.

    Args:
        at: time of the reading, with a time zone.
        cells: those of the tenants.
        tenants: as asked for, in the config's order.
    """

    at: datetime
    cells: tuple[CellStatus, ...]
    tenants: tuple[TenantStatus, ...]

    @property
    def state(self) -> State:
        """The worst of all cells and tenants."""
        return worst([*(one.state for one in self.cells), *(one.state for one in self.tenants)])

    @property
    def counts(self) -> dict[State, int]:
        """Number of tenants in each occurring state, worst first."""
        found = Counter(one.state for one in self.tenants)
        return {state: found[state] for state in reversed(_SEVERITY) if found[state]}


@dataclass(frozen=True, kw_only=True, slots=True)
class Reason:
    """A problem, once for all tenants and cells that have it.

    Args:
        of: tenants, or "cell NAME".
        part: its part; None for all parts.
        state: their common state.
        text: the reason.
    """

    of: tuple[str, ...]
    part: Part | None
    state: State
    text: str


def row_word(state: State) -> str:
    """The word for a tenant or a cell in that state."""
    return "not deployed" if state is State.ABSENT else state.value


def summary(snapshot: Snapshot) -> str:
    """The number of tenants, and of those in each state."""
    states = ", ".join(f"{number} {row_word(state)}" for state, number in snapshot.counts.items())
    return f"{counted(len(snapshot.tenants), 'tenant')}: {states}" if snapshot.tenants else "no tenants"


def worst(states: Iterable[State]) -> State:
    """The most severe of them; OK of none."""
    return max(states, key=_SEVERITY.index, default=State.OK)


def reasons(snapshot: Snapshot) -> tuple[Reason, ...]:
    """All problems, worst first, cells before tenants; common ones once."""
    grouped: dict[tuple[Part | None, State, str], list[str]] = {}
    named: list[tuple[str, CellStatus | TenantStatus]] = [
        *((f"cell {one.cell}", one) for one in snapshot.cells),
        *((one.tenant, one) for one in snapshot.tenants),
    ]
    for name, one in named:
        if one.absent:
            grouped.setdefault((None, State.ABSENT, one.absent), []).append(name)
        # One cause often refuses several parts: they are reported together.
        by_text: dict[tuple[State, str], list[Part]] = {}
        for part, check in one.checks.items():
            if check.reason:
                by_text.setdefault((check.state, check.reason), []).append(part)
        for (state, text), parts in by_text.items():
            grouped.setdefault((parts[0] if len(parts) == 1 else None, state, text), []).append(name)
    found = [
        Reason(of=tuple(names), part=part, state=state, text=text) for (part, state, text), names in grouped.items()
    ]
    return tuple(sorted(found, key=lambda one: -_SEVERITY.index(one.state)))


def _whole(checks: Mapping[Part, Check], absent: str) -> State:
    if absent:
        return State.ABSENT
    # A missing part of a deployed tenant is a fault; a missing tenant only waits for its deployment.
    return worst(State.WRONG if check.state is State.ABSENT else check.state for check in checks.values())
