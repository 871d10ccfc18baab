"""status: checks the deployed tenants."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Final

import typer

from email_stack.cli.dns_options import ResolverOption, ServerPort, checked, endpoint
from email_stack.cli.options import DEFAULT_CONFIG, AsJson, ConfigPath
from email_stack.cli.output import ExitCode, console, errors, print_json
from email_stack.cli.status_view import document, print_snapshot
from email_stack.cli.watching import interruptions, wait
from email_stack.config import load
from email_stack.output.files import write_whole
from email_stack.output.printable import counted
from email_stack.status.collect import collect
from email_stack.status.model import Snapshot, State

__all__ = ["register"]

_CODES: Final = {
    State.OK: ExitCode.OK,
    State.PENDING: ExitCode.PENDING,
    State.ABSENT: ExitCode.NOT_DEPLOYED,
    State.UNKNOWN: ExitCode.AWS_FAILED,
    State.WRONG: ExitCode.DIFFERENT,
}


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command()(status)


def status(  # noqa: PLR0917 - options, which Typer passes by name
    tenant: Annotated[
        str | None, typer.Argument(metavar="[TENANT]", help="Only this tenant and its cell. Default: all.")
    ] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Repeat until Ctrl-C.")] = False,
    interval: Annotated[int, typer.Option(min=1, max=3600, help="Seconds between two checks of --watch.")] = 30,
    html: Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Also write it as one HTML page.")] = None,
    resolver: ResolverOption = None,
    server_port: ServerPort = 53,
    config: ConfigPath = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Check the deployed tenants: DNS, rules, alerts, definitions, queues, mail."""
    loaded = load(config)
    chosen = loaded.tenants if tenant is None else (loaded.tenant(tenant),)
    asked = endpoint(resolver)
    with interruptions() if watch else nullcontext(lambda: False) as interrupted:
        while True:
            snapshot = collect(loaded, chosen, check_dns=lambda subjects: checked(subjects, asked, server_port))
            code = _CODES[snapshot.state]
            if html is not None:
                _write_page(snapshot, html, quiet=watch)
            _show(snapshot, code, watch=watch, as_json=as_json)
            if not watch or wait(interval, interrupted):
                break
    raise typer.Exit(code)


def _show(snapshot: Snapshot, code: ExitCode, *, watch: bool, as_json: bool) -> None:
    if as_json and watch:
        print_json(document(snapshot, code), one_line=True)
    elif as_json:
        print_json(document(snapshot, code))
    else:
        if watch:
            console.clear()  # of a terminal; a pipe gets one report after the other
        print_snapshot(snapshot, console)


def _write_page(snapshot: Snapshot, path: Path, *, quiet: bool) -> None:
    """Write the page in one step: with --watch, a user may open it at any time."""
    from email_stack.status.page import render_page  # noqa: PLC0415 - its template engine takes longer than other commands

    page = render_page(snapshot).encode()
    write_whole(path, page)
    if not quiet:
        errors.print(f"{path}: {counted(len(page), 'byte')} written", markup=False, soft_wrap=True)
