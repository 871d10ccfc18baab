"""replay: takes local files through scanner, parser and threads."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from rich.text import Text

from email_stack.cli.message_view import at_depth, attachments_of, header_of
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
from email_stack.output.printable import counted, escaped
from mailroom.scanning.verdicts import Verdict

if TYPE_CHECKING:
    from email_stack.operations.replay import Replay

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command()(replay)


def replay(
    files: Files,
    socket: SocketPath = None,
    tenant: PolicyOf = None,
    config: ConfigPath = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Run messages through scanner, parser and threads, without AWS, and show the results; needs a running clamd."""
    from email_stack.operations.replay import replay as replayed  # noqa: PLC0415 - the scanner takes longer than most commands
    from mailroom.messages.joining import JoinBy  # noqa: PLC0415 - as above

    readable(files)
    of = policy_tenant(tenant, config)
    scanner = local_scanner(socket, of)
    join_by = frozenset(JoinBy(way) for way in of.join_threads_by) if of is not None else frozenset()
    with clamd_failures():
        done = replayed(_mail(files), scanner, join_by)
    found = any(one.scanned.result.verdict is not Verdict.CLEAN for one in done.deliveries)
    if as_json:
        print_json({"ok": not found, **_replay_document(done)})
    else:
        _print_replay(done)
    raise typer.Exit(ExitCode.DIFFERENT if found else ExitCode.OK)


def _mail(files: list[Path]) -> Iterator[tuple[str, bytes]]:
    for file in files:
        yield str(file), file.read_bytes()


def _replay_document(done: Replay) -> dict[str, Any]:
    return {
        "deliveries": [
            {**scan_document(one.name, one.scanned), "message": one.message.digest if one.message is not None else None}
            for one in done.deliveries
        ],
        "messages": [message.document for message in done.messages.values()],
        "threads": [
            [{"message": place.key, "parent": place.parent, "depth": place.depth} for place in thread.positions]
            for thread in done.threads
        ],
    }


def _print_replay(done: Replay) -> None:
    for one in done.deliveries:
        console.print(outcome_line(one.name, one.scanned), soft_wrap=True)
        for part in one.scanned.result.found:
            where = f"{part.path or 'message'} {escaped(part.filename)}".rstrip()
            console.print(Text(f"  {where}: {part.verdict.value} {escaped(part.signature)}".rstrip()), soft_wrap=True)
    for thread in done.threads:
        first = done.messages[thread.positions[0].key]
        console.print(
            Text(
                f"\nthread: {escaped(first.subject) or '(no subject)'}, {counted(len(thread.positions), 'message')}",
                "bold",
            ),
            soft_wrap=True,
        )
        for place in thread.positions:
            message = done.messages[place.key]
            for line in (header_of(message), *attachments_of(message)):
                console.print(at_depth(line, place.depth), soft_wrap=True)
