"""scan: scans local files as the scanner in the cloud does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer
from rich.table import Table
from rich.text import Text

from email_stack.cli.options import DEFAULT_CONFIG, AsJson, ConfigPath
from email_stack.cli.output import ExitCode, console, print_json
from email_stack.cli.scan_options import (
    Files,
    PolicyOf,
    SocketPath,
    clamd_failures,
    local_scanner,
    policy_tenant,
    readable,
)
from email_stack.cli.scan_view import outcome_line, scan_document
from email_stack.output.printable import escaped
from mailroom.scanning.verdicts import Verdict

if TYPE_CHECKING:
    from email_stack.operations.replay import Scanned

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command()(scan)


def scan(
    files: Files,
    socket: SocketPath = None,
    tenant: PolicyOf = None,
    config: ConfigPath = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Scan messages as the scanner in the cloud does, and show the action for each; needs a running clamd."""
    readable(files)
    scanner = local_scanner(socket, policy_tenant(tenant, config))
    documents = []
    found = False
    for file in files:
        with clamd_failures(f"{file}: "):
            scanned = scanner.scan(file.read_bytes())
        found = found or scanned.result.verdict is not Verdict.CLEAN
        if as_json:
            documents.append(scan_document(str(file), scanned))
        else:
            _print(str(file), scanned)
    if as_json:
        print_json({"ok": not found, "messages": documents})
    raise typer.Exit(ExitCode.DIFFERENT if found else ExitCode.OK)


def _print(name: str, scanned: Scanned) -> None:
    console.print(outcome_line(name, scanned), soft_wrap=True)
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 2))
    for heading in ("part", "file name", "bytes", "verdict", "signature"):
        table.add_column(heading, overflow="fold", justify="right" if heading == "bytes" else "left")
    for part in scanned.result.parts:
        table.add_row(
            part.path or "message",
            Text(escaped(part.filename)),
            str(part.size),
            part.verdict.value,
            Text(escaped(", ".join(filter(None, (part.signature, *part.risks))))),
        )
    console.print(table)
