"""The command that has held mail scanned anew: rescan."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Any

import typer
from rich.table import Table

from email_stack.cli.account import aws_failures, checked_account
from email_stack.cli.options import DEFAULT_CONFIG, Apply, AsJson, ConfigPath, TenantId
from email_stack.cli.output import console, print_json
from email_stack.config import load
from email_stack.quarantine import WAITING, Quarantine, QuarantinedMessage
from mailroom.scanning.verdicts import Verdict

__all__ = ["register"]

_VERDICTS = (WAITING, *(verdict.value for verdict in Verdict))
_SHOWN = 50

OfVerdicts = Annotated[
    list[str] | None,
    typer.Option("--verdict", help=f"Only these: {', '.join(_VERDICTS)}. Can be repeated. Default: all."),
]


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command()(rescan)


def rescan(
    tenant: TenantId,
    verdict: OfVerdicts = None,
    config: ConfigPath = DEFAULT_CONFIG,
    apply: Apply = False,
    as_json: AsJson = False,
) -> None:
    """Show the mail that waits in a tenant's quarantine; --yes queues it for the scanner, which decides on it anew."""
    unknown = sorted(set(verdict or ()) - set(_VERDICTS))
    if unknown:
        raise typer.BadParameter(f"must be of {', '.join(_VERDICTS)}, got {unknown[0]}", param_hint="--verdict")
    loaded = load(config)
    of = loaded.tenant(tenant)
    cell = loaded.cell(of.cell)
    checked_account(cell)
    with aws_failures():
        quarantine = Quarantine.of(of, cell)
        found = [one for one in quarantine.messages() if not verdict or one.verdict in verdict]
        request = quarantine.scan_anew(found) if apply and found else None
    if as_json:
        print_json(
            {"ok": True, "queued": request is not None, "request": request, "messages": list(map(_document, found))}
        )
    else:
        _print(tenant, found, queued=request is not None)


def _document(message: QuarantinedMessage) -> dict[str, Any]:
    return {
        "message_id": message.item.message_id,
        "version": message.item.version,
        "arrived": message.arrived.isoformat(),
        "octets": message.octets,
        "verdict": message.verdict,
        "reason": message.reason,
    }


def _print(tenant: str, found: list[QuarantinedMessage], *, queued: bool) -> None:
    if not found:
        console.print(f"{tenant}: nothing waits in quarantine", markup=False)
        return
    table = Table(header_style="bold")
    for column in ("message", "arrived", "octets", "verdict", "why it is held"):
        table.add_column(column, justify="right" if column == "octets" else "left", overflow="fold")
    for message in found[:_SHOWN]:
        arrived = f"{message.arrived:%Y-%m-%d %H:%M:%S %Z}"
        table.add_row(message.item.message_id, arrived, f"{message.octets:,}", message.verdict, message.reason)
    console.print(table)
    if len(found) > _SHOWN:
        console.print(f"and {len(found) - _SHOWN} more", markup=False)
    counts = ", ".join(f"{number} {verdict}" for verdict, number in sorted(Counter(m.verdict for m in found).items()))
    done = "queued for the scanner" if queued else "would be queued; --yes does it"
    console.print(f"{tenant}: {counts}: {done}", markup=False)
