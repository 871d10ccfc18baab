"""The state of tenants and cells as one self-contained HTML page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Final

from jinja2 import Template
from markupsafe import Markup

from email_stack.output.pages import content_digest, environment, page_text, style_of
from email_stack.output.printable import escaped
from email_stack.status.judge import ALARM_AGE, shown_age
from email_stack.status.model import (
    CELL_PARTS,
    TITLES,
    CellStatus,
    Check,
    Part,
    Snapshot,
    State,
    TenantStatus,
    reasons,
    row_word,
    summary,
)

__all__ = ["render_page"]

_TONES: Final = {
    State.OK: "ok",
    State.PENDING: "wait",
    State.ABSENT: "todo",
    State.UNKNOWN: "none",
    State.WRONG: "bad",
}
_MOST_BARS: Final = 8
_MOST_NAMES: Final = 12
_LONGEST_REASON: Final = 2000


@dataclass(frozen=True, kw_only=True, slots=True)
class _Bar:
    """One bar of a chart.

    Args:
        label: its subject.
        parts: tone, length in percent of the chart's width, and meaning, from left to right.
        shown: the figure beside it.
    """

    label: str
    parts: tuple[tuple[str, float, str], ...]
    shown: str

    @property
    def starts(self) -> list[tuple[str, float, float, str]]:
        """Tone, start, length and meaning of each part."""
        found, start = [], 0.0
        for tone, length, meaning in self.parts:
            found.append((tone, round(start, 3), round(length, 3), meaning))
            start += length
        return found


@dataclass(frozen=True, kw_only=True, slots=True)
class _Chart:
    """A few bars.

    Args:
        title: its title.
        bars: its bars.
        note: a remark below the bars, such as their scale.
        limit: place of a limit, in percent of the width; None without one.
    """

    title: str
    bars: tuple[_Bar, ...]
    note: str
    limit: float | None = None


def render_page(snapshot: Snapshot) -> str:
    """One HTML page without scripts and requests. Its Content-Security-Policy allows its own style alone."""
    style = style_of(__package__, "page.css")
    return _template().render(
        at=snapshot.at.astimezone(UTC),
        cells=snapshot.cells,
        cell_parts=CELL_PARTS,
        charts=[_states(snapshot), _definitions(snapshot), _held(snapshot.tenants), _dead(snapshot)],
        csp=f"default-src 'none'; style-src '{content_digest(style)}'; base-uri 'none'; form-action 'none'",
        reasons=reasons(snapshot),
        state=snapshot.state,
        style=Markup(style),  # noqa: S704 - our own file, with nothing put in
        summary=summary(snapshot),
        tenants=snapshot.tenants,
    )


def _states(snapshot: Snapshot) -> _Chart:
    total = len(snapshot.tenants)
    parts = tuple(
        (_TONES[state], 100 * number / total, f"{number} {row_word(state)}")
        for state, number in snapshot.counts.items()
    )
    bars = tuple(
        _Bar(label=row_word(state), parts=((_TONES[state], 100 * number / total, ""),), shown=str(number))
        for state, number in snapshot.counts.items()
    )
    whole = (_Bar(label="all", parts=parts, shown=str(total)),) if total else ()
    return _Chart(title="Tenants by state", bars=(*whole, *bars), note="" if total else "There are no tenants.")


def _definitions(snapshot: Snapshot) -> _Chart:
    ages = [
        (cell, max(snapshot.at - cell.definitions, ALARM_AGE * 0))
        for cell in snapshot.cells
        if cell.definitions is not None
    ]
    most = max([ALARM_AGE * 1.25, *(age for _, age in ages)])
    worst_first = sorted(ages, key=lambda item: item[1], reverse=True)
    bars = tuple(
        _Bar(
            label=cell.cell,
            parts=((_TONES[cell.checks[Part.DEFINITIONS].state], 100 * (age / most), ""),),
            shown=shown_age(age),
        )
        for cell, age in worst_first[:_MOST_BARS]
    )
    note = f"{_more(len(ages))}The line is at {shown_age(ALARM_AGE)}, where the alarm goes off."
    return _Chart(
        title="Age of virus definitions, by cell",
        bars=bars,
        note=note if bars else "No cell's definitions are known.",
        limit=100 * (ALARM_AGE / most) if bars else None,
    )


def _held(tenants: Sequence[TenantStatus]) -> _Chart:
    verdicts = sorted({verdict for one in tenants for verdict in one.held or ()})
    counts = [(verdict, sum((one.held or {}).get(verdict, 0) for one in tenants)) for verdict in verdicts]
    return _counted(
        "Messages in quarantine, by verdict",
        [(verdict, number, "bad" if verdict == "error" else "todo") for verdict, number in counts],
        "None is held.",
    )


def _dead(snapshot: Snapshot) -> _Chart:
    counts: list[tuple[str, int, str]] = []
    named = [
        *((f"cell {one.cell}", one.queues) for one in snapshot.cells),
        *((one.tenant, one.queues) for one in snapshot.tenants),
    ]
    for name, queues in named:
        counts += [(f"{name}, {queue.name}", queue.dead, "bad") for queue in queues if queue.dead]
    return _counted("Dead letters, by queue", counts, "There are none.")


def _counted(title: str, counts: Sequence[tuple[str, int, str]], none: str) -> _Chart:
    found = sorted((one for one in counts if one[1]), key=lambda one: (-one[1], one[0]))
    most = max((number for _, number, _ in found), default=1)
    bars = tuple(
        _Bar(label=label, parts=((tone, 100 * number / most, ""),), shown=f"{number:,}")
        for label, number, tone in found[:_MOST_BARS]
    )
    return _Chart(title=title, bars=bars, note=_more(len(found)) if bars else none)


def _more(count: int) -> str:
    return f"The highest {_MOST_BARS} of {count}. " if count > _MOST_BARS else ""


def _names(of: Sequence[str]) -> str:
    more = len(of) - _MOST_NAMES
    return ", ".join(of[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "")


def _cells_of(one: TenantStatus | CellStatus, parts: Sequence[Part]) -> Iterator[tuple[str, str, datetime | None]]:
    """Tone, words and time of each part."""
    moments: dict[Part, datetime | None] = (
        {Part.LAST_IN: one.last_in, Part.LAST_OUT: one.last_out}
        if isinstance(one, TenantStatus)
        else {Part.DEFINITIONS: one.definitions}
    )
    for part in parts:
        check: Check | None = one.checks.get(part)
        if check is None:
            yield "", "-", None
        else:
            tone = _TONES[check.state] if check.state is not State.OK else ""
            yield tone, check.shown, moments.get(part)


def _printable(value: object) -> object:
    """A value from AWS or DNS, without unprintable characters."""
    return escaped(value, _LONGEST_REASON) if isinstance(value, str) and not isinstance(value, Markup) else value


@cache
def _template() -> Template:
    own = environment(finalize=_printable)
    own.globals.update(
        {
            "about": lambda reason: TITLES[reason.part] if reason.part is not None else "",
            "cells_of": _cells_of,
            "names": _names,
            # Few tenants have settings of the settings API, so faults of these are among the reasons.
            "parts": tuple(part for part in TITLES if part is not Part.SETTINGS),
            "titles": TITLES,
            "tones": _TONES,
            "word": row_word,
            "word_of": lambda reason: (
                row_word(reason.state) if reason.part is None else Check(state=reason.state).shown
            ),
        }
    )
    return own.from_string(page_text(__package__, "page.html.jinja"))
