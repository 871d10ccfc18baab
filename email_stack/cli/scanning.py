"""The command that scans local files as the scanner does: scan."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.table import Table
from rich.text import Text

from email_stack.cli.options import DEFAULT_CONFIG, AsJson, ConfigPath
from email_stack.cli.output import CommandError, ExitCode, console, errors, print_json
from email_stack.config import load
from email_stack.dnscheck.advice import escaped
from mailroom.scanning.clamd import Clamd, ClamdError
from mailroom.scanning.delivery import Delivery, decide
from mailroom.scanning.scan import AnswerCache, scan_message
from mailroom.scanning.verdicts import Policy, ScanResult, Verdict

__all__ = ["register"]

_SOCKETS: Final = ("/run/clamav/clamd.ctl", "/run/clamd.scan/clamd.sock")
"""Where distributions put it."""
_SEALED: Final = b"Rar!\x1a\x07\x01\x00"

Files = Annotated[list[Path], typer.Argument(metavar="FILE...", help="Messages, as they come: .eml files.")]
SocketPath = Annotated[
    Path | None, typer.Option("--socket", help="Local socket of clamd. Default: the distribution's.")
]
PolicyOf = Annotated[
    str | None, typer.Option("--tenant", help="Decide by this tenant's policy. Default: the defaults.")
]


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
    """Scan messages as the scanner in the cloud does, and say what would become of each; needs a clamd that runs."""
    policy = load(config).tenant(tenant).scanning.policy if tenant is not None else Policy()
    engine = Clamd(socket_path=str(socket or _default_socket()))
    _note_what_it_lacks(engine)
    cache = AnswerCache()
    documents = []
    found = False
    for file in files:
        raw = file.read_bytes()
        try:
            result = scan_message(raw, engine, cache)
            outcome = decide(
                raw, result, policy, rescan=lambda left: scan_message(left, engine, cache), now=datetime.now(UTC)
            )
        except ClamdError as error:
            raise CommandError("the scan failed", f"{file}: {error}", ExitCode.NOT_INSTALLED) from error
        found = found or result.verdict is not Verdict.CLEAN
        if as_json:
            documents.append(_document(file, result, outcome))
        else:
            _print(file, result, outcome)
    if as_json:
        print_json({"ok": not found, "messages": documents})
    raise typer.Exit(ExitCode.DIFFERENT if found else ExitCode.OK)


def _note_what_it_lacks(engine: Clamd) -> None:
    """Say so where this clamd takes for clean what the scanner's does not."""
    try:
        lacking = engine.scan(_SEALED).verdict is Verdict.CLEAN
    except ClamdError as error:
        raise CommandError("the scan failed", str(error), ExitCode.NOT_INSTALLED) from error
    if lacking:
        errors.print(
            "note: this clamd lacks the scanner's own signatures, for archives and Office documents that it cannot open; copy "
            "mailroom/scanning/sealed.ndb beside its definitions and reload it",
            markup=False,
            soft_wrap=True,
        )


def _default_socket() -> str:
    return next((path for path in _SOCKETS if Path(path).is_socket()), _SOCKETS[0])


def _document(file: Path, result: ScanResult, outcome: Delivery) -> dict[str, Any]:
    return {
        "file": str(file),
        "verdict": result.verdict.value,
        "action": outcome.action.value,
        "reason": outcome.reason,
        "definitions": result.definitions,
        "parts": [part.document for part in result.parts],
    }


def _print(file: Path, result: ScanResult, outcome: Delivery) -> None:
    console.print(
        Text.assemble((str(file), "bold"), f": {result.verdict.value}, {outcome.action.value}"),
        Text(f"({outcome.reason})" if outcome.reason else ""),
    )
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 2))
    for heading in ("part", "file name", "octets", "verdict", "signature"):
        table.add_column(heading, overflow="fold", justify="right" if heading == "octets" else "left")
    for part in result.parts:
        table.add_row(
            part.path or "message",
            Text(escaped(part.filename)),
            str(part.octets),
            part.verdict.value,
            Text(escaped(part.signature)),
        )
    console.print(table)
