"""Commands that take local files through the pipeline as the cloud does: scan, replay."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer
from rich.table import Table
from rich.text import Text

from email_stack.cli.message_view import at_depth, attachments_of, header_of
from email_stack.cli.options import DEFAULT_CONFIG, AsJson, ConfigPath
from email_stack.cli.output import ExitCode, console, print_json
from email_stack.cli.scan_options import Files, PolicyOf, SocketPath, clamd_failures, engine_at, readable
from email_stack.config import Tenant, load
from email_stack.operations.replay import LocalScanner, Replay, Scanned
from email_stack.operations.replay import replay as replayed
from email_stack.output.printable import counted, escaped
from mailroom.messages.joining import JoinBy
from mailroom.scanning.verdicts import Policy, Verdict

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    app.command()(scan)
    app.command()(replay)


def scan(
    files: Files,
    socket: SocketPath = None,
    tenant: PolicyOf = None,
    config: ConfigPath = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Scan messages as the scanner in the cloud does, and say what would become of each; needs a clamd that runs."""
    readable(files)
    scanner = _scanner(socket, _tenant(tenant, config))
    documents = []
    found = False
    for file in files:
        with clamd_failures(f"{file}: "):
            scanned = scanner.scan(file.read_bytes())
        found = found or scanned.result.verdict is not Verdict.CLEAN
        if as_json:
            documents.append(_document(str(file), scanned))
        else:
            _print(str(file), scanned)
    if as_json:
        print_json({"ok": not found, "messages": documents})
    raise typer.Exit(ExitCode.DIFFERENT if found else ExitCode.OK)


def replay(
    files: Files,
    socket: SocketPath = None,
    tenant: PolicyOf = None,
    config: ConfigPath = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Take messages through scanner, parser and threads, without AWS, and show what becomes of them; needs a clamd that runs."""
    readable(files)
    of = _tenant(tenant, config)
    scanner = _scanner(socket, of)
    join_by = frozenset(JoinBy(way) for way in of.join_threads_by) if of is not None else frozenset()
    with clamd_failures():
        done = replayed(_mail(files), scanner, join_by)
    found = any(one.scanned.result.verdict is not Verdict.CLEAN for one in done.deliveries)
    if as_json:
        print_json({"ok": not found, **_replay_document(done)})
    else:
        _print_replay(done)
    raise typer.Exit(ExitCode.DIFFERENT if found else ExitCode.OK)


def _tenant(tenant: str | None, config: Path) -> Tenant | None:
    return load(config).tenant(tenant) if tenant is not None else None


def _scanner(socket: Path | None, tenant: Tenant | None) -> LocalScanner:
    policy = tenant.scanning.policy if tenant is not None else Policy()
    return LocalScanner(engine=engine_at(socket), policy=policy)


def _mail(files: list[Path]) -> Iterator[tuple[str, bytes]]:
    for file in files:
        yield str(file), file.read_bytes()


def _document(name: str, scanned: Scanned) -> dict[str, Any]:
    return {
        "file": name,
        "verdict": scanned.result.verdict.value,
        "action": scanned.outcome.action.value,
        "reason": scanned.outcome.reason,
        "definitions": scanned.result.definitions,
        "parts": [part.document for part in scanned.result.parts],
    }


def _print(name: str, scanned: Scanned) -> None:
    console.print(_outcome(name, scanned), soft_wrap=True)
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 2))
    for heading in ("part", "file name", "octets", "verdict", "signature"):
        table.add_column(heading, overflow="fold", justify="right" if heading == "octets" else "left")
    for part in scanned.result.parts:
        table.add_row(
            part.path or "message",
            Text(escaped(part.filename)),
            str(part.octets),
            part.verdict.value,
            Text(escaped(part.signature)),
        )
    console.print(table)


def _outcome(name: str, scanned: Scanned) -> Text:
    reason = f" ({scanned.outcome.reason})" if scanned.outcome.reason else ""
    return Text.assemble(
        (escaped(name), "bold"), f": {scanned.result.verdict.value}, {scanned.outcome.action.value}{reason}"
    )


def _replay_document(done: Replay) -> dict[str, Any]:
    return {
        "deliveries": [
            {**_document(one.name, one.scanned), "message": one.message.digest if one.message is not None else None}
            for one in done.deliveries
        ],
        "messages": [message.document for message in done.messages.values()],
        "threads": [
            [{"message": place.key, "parent": place.parent, "depth": place.depth} for place in thread.places]
            for thread in done.threads
        ],
    }


def _print_replay(done: Replay) -> None:
    for one in done.deliveries:
        console.print(_outcome(one.name, one.scanned), soft_wrap=True)
        for part in one.scanned.result.found:
            where = f"{part.path or 'message'} {escaped(part.filename)}".rstrip()
            console.print(Text(f"  {where}: {part.verdict.value} {escaped(part.signature)}".rstrip()), soft_wrap=True)
    for thread in done.threads:
        first = done.messages[thread.places[0].key]
        console.print(
            Text(
                f"\nthread: {escaped(first.subject) or '(no subject)'}, {counted(len(thread.places), 'message')}",
                "bold",
            ),
            soft_wrap=True,
        )
        for place in thread.places:
            message = done.messages[place.key]
            for line in (header_of(message), *attachments_of(message)):
                console.print(at_depth(line, place.depth), soft_wrap=True)
