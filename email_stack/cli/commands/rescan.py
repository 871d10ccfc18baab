"""rescan: rescans held mail, or releases one message."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from email_stack.cli.account import aws_failures, checked_account, tenant_and_cell
from email_stack.cli.options import DEFAULT_CONFIG, Apply, AsJson, ConfigPath, TenantId
from email_stack.cli.output import CommandError, ExitCode, console, print_json
from email_stack.operations.quarantine import WAITING, Quarantine, QuarantinedMessage
from email_stack.output.printable import counted, escaped
from mailroom.layout import LONGEST_REASON, MAX_MESSAGE_OCTETS
from mailroom.scanning.verdicts import Verdict

__all__ = ["register"]

_VERDICTS = (WAITING, *(verdict.value for verdict in Verdict))
_SHOWN = 50
_SINCE_DAYS = 7

OfVerdicts = Annotated[
    list[str] | None,
    typer.Option("--verdict", help=f"Only these: {', '.join(_VERDICTS)}. Can be repeated. Default: all."),
]
OneMessage = Annotated[str | None, typer.Option("--message", metavar="ID", help="Only this message.")]
Deliver = Annotated[
    bool,
    typer.Option("--deliver", help="Deliver the message of --message even against the policy; never malware."),
]
Reason = Annotated[
    str | None,
    typer.Option(
        "--reason",
        metavar="TEXT",
        help=f"Reason for --deliver; kept with the verdict. Up to {LONGEST_REASON} characters.",
    ),
]

Delivered = Annotated[
    bool,
    typer.Option(
        "--delivered",
        help="Rescan delivered mail instead, with the newest definitions, and recall malware.",
    ),
]
Since = Annotated[
    int | None,
    typer.Option("--since", metavar="DAYS", min=1, max=3650, help="Days that --delivered covers. Default: 7."),
]


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command()(rescan)


def rescan(
    tenant: TenantId,
    *,
    verdict: OfVerdicts = None,
    message: OneMessage = None,
    deliver: Deliver = False,
    reason: Reason = None,
    delivered: Delivered = False,
    since: Since = None,
    config: ConfigPath = DEFAULT_CONFIG,
    apply: Apply = False,
    as_json: AsJson = False,
) -> None:
    """Show the mail in a tenant's quarantine; --yes queues it for a rescan, which decides again.

    --deliver releases one message: it is scanned once more, and delivered as it came. --delivered rescans the mail
    delivered in the last days, newest first.
    """
    if since is not None and not delivered:
        raise typer.BadParameter("is for --delivered alone", param_hint="--since")
    if delivered:
        if verdict or message is not None or deliver:
            raise typer.BadParameter("goes with --since alone", param_hint="--delivered")
        _scan_delivered(tenant, timedelta(days=since or _SINCE_DAYS), config, apply=apply, as_json=as_json)
        return
    unknown = sorted(set(verdict or ()) - set(_VERDICTS))
    if unknown:
        raise typer.BadParameter(f"must be of {', '.join(_VERDICTS)}, got {unknown[0]}", param_hint="--verdict")
    why = _checked_reason(message, deliver, reason)
    of, cell = tenant_and_cell(config, tenant)
    by = checked_account(cell)
    with aws_failures():
        quarantine = Quarantine.of(of, cell)
        found = [
            one
            for one in quarantine.messages()
            if (not verdict or one.verdict in verdict) and message in {None, one.item.message_id}
        ]
        if message is not None and not found:
            raise _no_such_message(tenant, message)
        request = None
        if deliver:
            released = _releasable(tenant, found)
            if apply:
                request = quarantine.release(released, by=by, reason=why, at=datetime.now(UTC))
        elif apply and found:
            request = quarantine.rescan(found)
    if as_json:
        asked = {"release": {"by": by, "reason": why}} if deliver else {}
        listed = list(map(_document, found))
        print_json({"ok": True, "queued": request is not None, "request": request, **asked, "messages": listed})
    else:
        _print(tenant, found, queued=request is not None, deliver=deliver)


def _scan_delivered(tenant: str, since: timedelta, config: Path, *, apply: bool, as_json: bool) -> None:
    """Show delivered mail; with `apply`, queue it for a rescan."""
    of, cell = tenant_and_cell(config, tenant)
    checked_account(cell)
    with aws_failures():
        quarantine = Quarantine.of(of, cell)
        found = quarantine.delivered(datetime.now(UTC) - since)
        if apply and found:
            quarantine.look_again(found)
    queued = apply and bool(found)
    if as_json:
        listed = [{"message_id": one.id, "delivered": one.delivered.isoformat(), "octets": one.size} for one in found]
        print_json({"ok": True, "queued": queued, "messages": listed})
        return
    done = "queued for the scanner" if queued else "would be queued; --yes does it"
    size = sum(one.size for one in found)
    days = counted(since.days, "day")
    said = f"{counted(len(found), 'message')} of {days}, {size:,} bytes: {done}" if found else f"no mail of {days}"
    console.print(f"{tenant}: {said}", markup=False)


def _checked_reason(message: str | None, deliver: bool, reason: str | None) -> str:
    """The reason, if one is needed; "" otherwise."""
    if not deliver:
        if reason is not None:
            raise typer.BadParameter("is for --deliver alone", param_hint="--reason")
        return ""
    if message is None:
        raise typer.BadParameter("needs --message: one message at a time", param_hint="--deliver")
    if reason is None or not reason.strip():
        raise typer.BadParameter("needs --reason: it is kept with the verdict", param_hint="--deliver")
    if len(reason) > LONGEST_REASON or not reason.isprintable():
        raise typer.BadParameter(
            f"must be one line of up to {LONGEST_REASON} printable characters, got {len(reason)}: {escaped(reason, 60)}",
            param_hint="--reason",
        )
    return reason


def _no_such_message(tenant: str, message: str) -> CommandError:
    return CommandError(
        "no such message",
        f'tenant "{tenant}": no message {escaped(message)} waits in quarantine; `email-stack rescan {tenant}` lists them',
        ExitCode.INVALID,
    )


def _releasable(tenant: str, found: list[QuarantinedMessage]) -> QuarantinedMessage:
    """The message, if it may be released."""
    from mailroom.scanning.clean_objects import has_place  # noqa: PLC0415 - boto3, see email_stack.operations.aws

    (first, *others) = found
    which = f'tenant "{tenant}": message {escaped(first.item.message_id)}'
    why = ""
    if others:
        why = f"is in quarantine {len(found)} times; delete the versions that are not meant, then ask again"
    elif first.verdict == WAITING:
        why = f"has no verdict yet; `email-stack rescan {tenant} --message ID --yes` has it scanned"
    elif first.verdict == Verdict.INFECTED.value:
        why = (
            "holds malware, which is never delivered; where that is a mistake of its definitions, "
            f"`email-stack rescan {tenant} --message ID --yes` scans it with the newest ones"
        )
    elif first.size > MAX_MESSAGE_OCTETS or not has_place(first.item):
        why = "cannot be delivered: it is too big, or its key under clean/ would be too long"
    if why:
        raise CommandError("refused", f"{which} {why}", ExitCode.REFUSED)
    return first


def _document(message: QuarantinedMessage) -> dict[str, Any]:
    return {
        "message_id": message.item.message_id,
        "version": message.item.version,
        "arrived": message.arrived.isoformat(),
        "octets": message.size,
        "verdict": message.verdict,
        "reason": message.reason,
    }


def _print(tenant: str, found: list[QuarantinedMessage], *, queued: bool, deliver: bool) -> None:
    if not found:
        console.print(f"{tenant}: nothing waits in quarantine", markup=False)
        return
    table = Table(header_style="bold")
    for column in ("message", "arrived", "bytes", "verdict", "reason"):
        table.add_column(column, justify="right" if column == "bytes" else "left", overflow="fold")
    for message in found[:_SHOWN]:
        arrived = f"{message.arrived:%Y-%m-%d %H:%M:%S %Z}"
        table.add_row(message.item.message_id, arrived, f"{message.size:,}", message.verdict, message.reason)
    console.print(table)
    if len(found) > _SHOWN:
        console.print(f"and {len(found) - _SHOWN} more", markup=False)
    counts = ", ".join(f"{number} {verdict}" for verdict, number in sorted(Counter(m.verdict for m in found).items()))
    done = "queued for the scanner" if queued else "would be queued; --yes does it"
    if deliver:
        done = f"{'is' if queued else 'would be'} scanned once more and delivered{'' if queued else '; --yes does it'}"
    console.print(f"{tenant}: {counts}: {done}", markup=False)
