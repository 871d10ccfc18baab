"""The state of tenants and cells, as a person reads it and as a script does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import Any, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from email_stack.cli.output import ExitCode
from email_stack.output.printable import escaped
from email_stack.status.model import (
    CELL_PARTS,
    DNS_PARTS,
    TITLES,
    CellStatus,
    Check,
    Part,
    QueueCount,
    Reason,
    Snapshot,
    State,
    TenantStatus,
    reasons,
    row_word,
    summary,
    worst,
)

__all__ = ["document", "print_snapshot"]

_STYLES: Final = {
    State.OK: "green",
    State.PENDING: "yellow",
    State.UNKNOWN: "magenta",
    State.ABSENT: "red",
    State.WRONG: "red",
}
_CELL_TITLES: Final = {
    Part.RULE: "rule set",
    Part.SENDING: "sending",
    Part.DEFINITIONS: "definitions",
    Part.QUEUES: "scanner's queue",
}
_LAYOUTS: Final[Sequence[Sequence[Part | None]]] = (
    tuple(TITLES),
    (None, *(part for part in TITLES if part not in DNS_PARTS)),
    (None, *(part for part in TITLES if part not in {*DNS_PARTS, Part.REPUTATION})),
    (None, Part.LAST_IN, Part.LAST_OUT, Part.HELD),
)
"""Columns, the widest first; None is all of DNS in one."""
_GAP: Final = 2
_NOTHING: Final = "-"
_MOST_NAMES: Final = 5
_LONGEST_REASON: Final = 1000


def print_snapshot(snapshot: Snapshot, console: Console) -> None:
    """Print time and counts; reasons for unknown tenants; a row per known tenant and cell; reasons for problems."""
    console.print(
        Text(f"{snapshot.at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC  {summary(snapshot)}", "bold"), soft_wrap=True
    )
    told = reasons(snapshot)
    first = [one for one in told if one.part is None and one.state is State.UNKNOWN]
    _print_reasons(first, console)
    tenants = [one for one in snapshot.tenants if not _nothing_known(one)]
    cells = [one for one in snapshot.cells if not _nothing_known(one)]
    for table in (_tenants(tenants, console.width) if tenants else None, _cells(cells) if cells else None):
        if table is not None:
            console.print(table)
            console.print()
    _print_reasons([one for one in told if one not in first], console)


def _nothing_known(one: CellStatus | TenantStatus) -> bool:
    return bool(one.checks) and all(check.state is State.UNKNOWN for check in one.checks.values())


def _print_reasons(found: Sequence[Reason], console: Console) -> None:
    for one in found:
        names = ", ".join(map(escaped, one.of[:_MOST_NAMES]))
        more = f" and {len(one.of) - _MOST_NAMES} more" if len(one.of) > _MOST_NAMES else ""
        about = f"{TITLES[one.part]} " if one.part is not None else ""
        word = row_word(one.state) if one.part is None else Check(state=one.state).shown
        console.print(
            Text.assemble(
                (f"{names}{more}: ", "bold"),
                (f"{about}{word}", _STYLES[one.state]),
                f": {escaped(one.text, _LONGEST_REASON)}",
            ),
            soft_wrap=True,
        )


def document(snapshot: Snapshot, code: ExitCode) -> dict[str, Any]:
    """All of it as one JSON object."""
    return {
        "ok": code is ExitCode.OK,
        "exit_code": int(code),
        "at": snapshot.at.isoformat(),
        "counts": {state.value: number for state, number in snapshot.counts.items()},
        "cells": [_cell_document(one) for one in snapshot.cells],
        "tenants": [_tenant_document(one) for one in snapshot.tenants],
    }


def _tenants(tenants: Sequence[TenantStatus], width: int) -> Table:
    """The most columns that the width holds; the reasons below tell what the others would."""
    settled = any(Part.SETTINGS in one.checks for one in tenants)
    for layout in _LAYOUTS:
        parts = [part for part in layout if settled or part is not Part.SETTINGS]
        heads = ("tenant", "state", *(TITLES[part] if part is not None else "DNS" for part in parts))
        rows = [
            (Text(escaped(one.tenant)), _state(one.state), *(_part(one, part) for part in parts)) for one in tenants
        ]
        if sum(max(len(cell) for cell in column) + _GAP for column in zip(heads, *rows, strict=True)) <= width:
            break
    return _table(heads, rows)


def _cells(cells: Sequence[CellStatus]) -> Table:
    heads = ("cell", "state", *_CELL_TITLES.values())
    return _table(
        heads,
        [
            (Text(escaped(one.cell)), _state(one.state), *(_cell(one.checks.get(part)) for part in CELL_PARTS))
            for one in cells
        ],
    )


def _table(heads: Sequence[str], rows: Sequence[Sequence[Text]]) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, _GAP, 0, 0))
    for head in heads:
        table.add_column(head, overflow="fold", vertical="bottom")
    for row in rows:
        table.add_row(*row)
    return table


def _part(one: TenantStatus, part: Part | None) -> Text:
    if part is not None:
        return _cell(one.checks.get(part))
    found = {name: check for name in DNS_PARTS if (check := one.checks.get(name)) is not None}
    wrong = [f"{TITLES[name]} {check.shown}" for name, check in found.items() if check.state is not State.OK]
    if not wrong:
        return Text("ok" if found else _NOTHING)
    more = f" and {len(wrong) - 1} more" if len(wrong) > 1 else ""
    return Text(f"{wrong[0]}{more}", style=_STYLES[worst(check.state for check in found.values())])


def _state(state: State) -> Text:
    return Text(row_word(state), style=_STYLES[state])


def _cell(check: Check | None) -> Text:
    if check is None:
        return Text(_NOTHING)
    return Text(check.shown, style=_STYLES[check.state] if check.state is not State.OK else "")


def _tenant_document(one: TenantStatus) -> dict[str, Any]:
    return {
        "tenant": one.tenant,
        "subdomain": one.subdomain,
        "cell": one.cell,
        "deployed": not one.absent,
        "state": one.state.value,
        "reason": one.absent,
        "checks": _checks(one.checks),
        "reputation": {"bounce_rate": one.rates.bounces, "complaint_rate": one.rates.complaints}
        if one.rates is not None
        else None,
        "alerts": {"confirmed": one.alerts[0], "addresses": one.alerts[1]} if one.alerts is not None else None,
        "queues": _queues(one.queues),
        "last_mail_in": one.last_in.isoformat() if one.last_in is not None else None,
        "last_mail_out": one.last_out.isoformat() if one.last_out is not None else None,
        "held": dict(one.held) if one.held is not None else None,
    }


def _cell_document(one: CellStatus) -> dict[str, Any]:
    return {
        "cell": one.cell,
        "region": one.region,
        "deployed": not one.absent,
        "state": one.state.value,
        "reason": one.absent,
        "checks": _checks(one.checks),
        "definitions_confirmed": one.definitions.isoformat() if one.definitions is not None else None,
        "queues": _queues(one.queues),
    }


def _checks(checks: Mapping[Part, Check]) -> dict[str, dict[str, str]]:
    return {part.value: {"state": one.state.value, "reason": one.reason} for part, one in checks.items()}


def _queues(queues: Sequence[QueueCount]) -> list[dict[str, Any]]:
    return [{"queue": one.name, "waiting": one.waiting, "dead": one.dead} for one in queues]
