"""doctor: checks that account and machine are ready for a deployment; changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.text import Text

from email_stack.cli.dns_options import ResolverOption, endpoint
from email_stack.cli.options import DEFAULT_CONFIG, AsJson, ConfigPath
from email_stack.cli.output import ExitCode, console, print_json
from email_stack.config import load
from email_stack.doctor.collect import diagnose
from email_stack.doctor.model import Diagnosis, Line, State
from email_stack.output.printable import counted, escaped

__all__ = ["register"]

_CODES: Final = {
    State.OK: ExitCode.OK,
    State.BY_HAND: ExitCode.OK,
    State.UNKNOWN: ExitCode.AWS_FAILED,
    State.WRONG: ExitCode.DIFFERENT,
}
_STYLES: Final = {State.OK: "green", State.BY_HAND: "yellow", State.UNKNOWN: "magenta", State.WRONG: "red"}
_LONGEST: Final = 1000


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command()(doctor)


def doctor(
    cell: Annotated[str | None, typer.Argument(metavar="[CELL]", help="Only this cell. Default: all.")] = None,
    resolver: ResolverOption = None,
    config: ConfigPath = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Check that account and machine are ready for a deployment, and name each remedy. Changes nothing."""
    from email_stack.doctor.zones import read_servers  # noqa: PLC0415 - dnspython takes longer than most commands

    loaded = load(config)
    cells = loaded.cells if cell is None else (loaded.cell(cell),)
    asked = endpoint(resolver)
    found = diagnose(loaded, cells, read_servers=lambda domains: read_servers(domains, asked))
    code = _CODES[found.state] if found.asked else ExitCode.AWS_FAILED
    if as_json:
        print_json(_document(found, code))
    else:
        _print(found, console)
    raise typer.Exit(code)


def _print(found: Diagnosis, on: Console) -> None:
    """One line per question, by machine and cell, with the remedy below the finding."""
    counts = ", ".join(
        f"{number} {state.value}"
        for state in reversed(State)
        if (number := sum(one.state is state for one in found.lines))
    )
    on.print(
        Text(
            f"{found.at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC  {counted(len(found.lines), 'check')}: {counts}", "bold"
        ),
        soft_wrap=True,
    )
    _print_lines("this machine", found.machine, on)
    for one in found.cells:
        account = f", account {one.account}" if one.account else ""
        _print_lines(f"cell {escaped(one.cell)}: {one.region}{account}", one.lines, on)


def _print_lines(title: str, lines: Sequence[Line], on: Console) -> None:
    on.print(Text(title, "bold"), soft_wrap=True)
    for line in lines:
        verdict = line.verdict
        parts = (
            "  ",
            (f"{line.state.value:<10}", _STYLES[line.state]),
            f"{line.title}: {escaped(verdict.said, _LONGEST)}",
        )
        on.print(Text.assemble(*parts), soft_wrap=True)
        if verdict.remedy:
            on.print(Text(f"            {escaped(verdict.remedy, _LONGEST)}"), soft_wrap=True)


def _document(found: Diagnosis, code: ExitCode) -> dict[str, Any]:
    return {
        "ok": code is ExitCode.OK,
        "exit_code": int(code),
        "at": found.at.isoformat(),
        "machine": [_line(one) for one in found.machine],
        "cells": [
            {
                "cell": one.cell,
                "region": one.region,
                "account": one.account or None,
                "checks": [_line(line) for line in one.lines],
            }
            for one in found.cells
        ],
    }


def _line(one: Line) -> dict[str, Any]:
    return {
        "check": one.check,
        "about": one.about or None,
        "state": one.state.name.lower(),
        "said": one.verdict.said,
        "remedy": one.verdict.remedy,
    }
