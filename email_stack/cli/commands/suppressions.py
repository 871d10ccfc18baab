"""suppressions: addresses that a tenant does not send to; removes one."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from email_stack.cli.account import opened
from email_stack.cli.listing import After, Limit, print_next, store_failures
from email_stack.cli.options import DEFAULT_CONFIG, Apply, AsJson, ConfigPath, TenantId
from email_stack.cli.output import ExitCode, console, print_json
from email_stack.operations.mailbox import reader_of
from email_stack.operations.suppression_list import Listed, SuppressionList
from email_stack.output.printable import escaped

if TYPE_CHECKING:
    from email_stack.config import Cell, Tenant
    from mailroom.store import Suppression

__all__ = ["register"]

OneAddress = Annotated[
    str | None, typer.Option("--address", help="Look up this address; works with stored digests too.")
]
ToRemove = Annotated[
    str | None,
    typer.Option(
        "--remove",
        metavar="ADDRESS",
        help="Remove this address from SES's list of the tenant and from the tenant's own.",
    ),
]


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command()(suppressions)


def suppressions(
    tenant: TenantId,
    *,
    address: OneAddress = None,
    remove: ToRemove = None,
    apply: Apply = False,
    limit: Limit = 100,
    after: After = "",
    config: ConfigPath = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Show the addresses with a permanent bounce or a complaint; exit code 6 if the address of --address is one of them.

    With --remove, show the entry of one address; with --yes as well, remove it, so that mail to it is sent again.
    """
    from mailroom.store import Page  # noqa: PLC0415 - see email_stack.operations.aws

    if remove is not None and address is not None:
        raise typer.BadParameter("cannot be used with --address; give one of them", param_hint="--remove")
    if apply and remove is None:
        raise typer.BadParameter("does nothing without --remove; name the address", param_hint="--yes")
    of, cell = opened(config, tenant)
    if remove is not None:
        _remove(of, cell, remove, apply=apply, as_json=as_json)
        return
    with store_failures():
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


def _remove(tenant: Tenant, cell: Cell, address: str, *, apply: bool, as_json: bool) -> None:
    with store_failures():
        kept = SuppressionList.of(tenant, cell)
        listed = kept.listed(address)
        noted = reader_of(tenant, cell).suppression(address)
        if apply:
            # Also expired entries, which no command shows.
            kept.remove(address, listed)
    if as_json:
        print_json(
            {
                "ok": True,
                "removed": apply and bool(listed or noted),
                "ses": [{"address": one.address, "reason": one.reason} for one in listed],
                "noted": _document(noted) if noted is not None else None,
            }
        )
        return
    for line in _found(address, listed, noted):
        console.print(line, markup=False, soft_wrap=True)
    if not listed and noted is None:
        console.print("none")
    elif apply:
        console.print(f"removed: mail of {tenant.id} is sent there again", markup=False)
    else:
        console.print("nothing was removed; add --yes to do it")


def _found(address: str, listed: tuple[Listed, ...], noted: Suppression | None) -> list[str]:
    at_ses = [f"{escaped(one.address)}  on SES's list: {one.reason.lower()}" for one in listed]
    return [*at_ses, *([f"{escaped(address)}  noted: {_said(noted)}"] if noted is not None else [])]


def _print(one: Suppression, asked: str | None) -> None:
    console.print(f"{escaped(asked or one.address or one.digest)}  {_said(one)}", markup=False, soft_wrap=True)


def _said(one: Suppression) -> str:
    return ", ".join(
        f"{what} {moment:%Y-%m-%d %H:%M:%S}"
        for what, moment in (("bounced", one.bounced), ("complained", one.complained))
        if moment is not None
    )


def _document(one: Suppression) -> dict[str, Any]:
    return {
        "digest": one.digest,
        "address": one.address,
        "bounced": _moment(one.bounced),
        "complained": _moment(one.complained),
    }


def _moment(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment is not None else None
