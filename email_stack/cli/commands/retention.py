"""retention: applies a changed retention to stored messages."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import typer

from email_stack.cli.account import aws_failures, opened
from email_stack.cli.listing import store_failures
from email_stack.cli.options import DEFAULT_CONFIG, Apply, AsJson, ConfigPath, TenantId
from email_stack.cli.output import console, print_json
from email_stack.operations.mailbox import table_of
from email_stack.output.printable import counted

if TYPE_CHECKING:
    from mailroom.store import Table
    from mailroom.store.retention import Pass

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command()(retention)


def retention(
    tenant: TenantId, *, config: ConfigPath = DEFAULT_CONFIG, apply: Apply = False, as_json: AsJson = False
) -> None:
    """Show how long a tenant's messages are kept; --yes applies the config's retention to stored messages.

    Run it after a `deploy` that changes `retention.messages_days`. After an interruption, the next --yes continues.
    """
    from mailroom.store.retention import pass_of  # noqa: PLC0415 - see email_stack.operations.aws

    of, cell = opened(config, tenant)
    days = of.retention.messages_days
    with aws_failures(), store_failures():
        table = table_of(of, cell)
        found = _brought(table, days, as_json=as_json) if apply else pass_of(table)
    if as_json:
        print_json({"ok": True, "tenant": tenant, "messages_days": days, "applied": apply, "pass": _document(found)})
        return
    console.print(f"{tenant}: the config keeps messages {_said(days)}", markup=False)
    console.print(_line(found), markup=False)
    if not apply:
        console.print("nothing was changed; add --yes to give the messages that are there this end")


def _brought(table: Table, days: int | None, *, as_json: bool) -> Pass:
    """Finish the pass that is under way, then apply the config's retention."""
    from mailroom.store.retention import begin_pass, pass_of, take_pages  # noqa: PLC0415 - see email_stack.operations.aws

    def told(so_far: Pass) -> None:
        if not as_json:
            console.print(f"{counted(so_far.seen, 'item')} seen", markup=False)

    wanted = timedelta(days=days) if days is not None else None
    under_way = pass_of(table)
    if under_way is not None and not under_way.done:
        _settle(under_way)
        found = take_pages(table, under_way, _now, told)
        if found.retention == wanted:
            return found
    begun = begin_pass(table, wanted, _now())
    _settle(begun)
    return take_pages(table, begun, _now, told)


def _settle(begun: Pass) -> None:
    """Wait until functions that know nothing of the pass have written what they read."""
    from mailroom.store.retention import SETTLED_SECONDS  # noqa: PLC0415 - as above

    time.sleep(max(0, SETTLED_SECONDS - (_now() - begun.changed).total_seconds()))


def _document(found: Pass | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "messages_days": found.retention.days if found.retention is not None else None,
        "begun": found.changed.isoformat(),
        "items": found.seen,
        "done": found.done,
    }


def _line(found: Pass | None) -> str:
    if found is None:
        return "no pass was made: each message ends as was said when it was filed"
    days = found.retention.days if found.retention is not None else None
    how_far = "done" if found.done else "not done; --yes goes on"
    return f"pass of {found.changed:%Y-%m-%d %H:%M}, messages kept {_said(days)}: {how_far}, {counted(found.seen, 'item')} seen"


def _said(days: int | None) -> str:
    return f"for {counted(days, 'day')}" if days is not None else "until they are deleted"


def _now() -> datetime:
    return datetime.now(UTC)
