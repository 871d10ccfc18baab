"""The command that shows which addresses are better not written to: suppressions."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from email_stack.cli.account import aws_failures, checked_account
from email_stack.cli.options import DEFAULT_CONFIG, AsJson, ConfigPath, TenantId
from email_stack.cli.output import ExitCode, console, print_json
from email_stack.cli.reading import After, Limit, print_next, store_failures
from email_stack.config import load
from email_stack.mailbox import reader_of
from email_stack.printable import escaped

if TYPE_CHECKING:
    from mailroom.store import Suppression

__all__ = ["register"]

OneAddress = Annotated[
    str | None, typer.Option("--address", help="Ask for this address alone; also where only digests are kept.")
]


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command()(suppressions)


def suppressions(
    tenant: TenantId,
    *,
    address: OneAddress = None,
    limit: Limit = 100,
    after: After = "",
    config: ConfigPath = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Show whose mail bounced for good and who complained; exit code 6 when the address that was asked for is among them."""
    from mailroom.store import Page  # noqa: PLC0415 - see email_stack.aws

    loaded = load(config)
    of = loaded.tenant(tenant)
    cell = loaded.cell(of.cell)
    checked_account(cell)
    with aws_failures(), store_failures():
        reader = reader_of(of, cell)
        if address is None:
            page = reader.suppressions(limit=limit, after=after)
        else:
            found = reader.suppression(address)
            page = Page(items=(found,) if found is not None else ())
    if as_json:
        print_json({"ok": True, "items": [_document(one) for one in page.items], "next": page.next})
    else:
        for one in page.items:
            _print(one, address)
        if not page.items:
            console.print("none")
        print_next(page)
    if address is not None and page.items:
        raise typer.Exit(ExitCode.DIFFERENT)


def _print(one: Suppression, asked: str | None) -> None:
    said = [
        f"{what} {moment:%Y-%m-%d %H:%M:%S}"
        for what, moment in (("bounced", one.bounced), ("complained", one.complained))
        if moment is not None
    ]
    console.print(f"{escaped(asked or one.address or one.digest)}  {', '.join(said)}", markup=False, soft_wrap=True)


def _document(one: Suppression) -> dict[str, Any]:
    return {
        "digest": one.digest,
        "address": one.address,
        "bounced": _moment(one.bounced),
        "complained": _moment(one.complained),
    }


def _moment(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment is not None else None
