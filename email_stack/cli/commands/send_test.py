"""send-test: sends a test message."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Annotated, Final

import typer

from email_stack.cli.account import aws_failures, checked_account, tenant_and_cell
from email_stack.cli.options import DEFAULT_CONFIG, AsJson, ConfigPath, TenantId
from email_stack.cli.output import CommandError, ExitCode, console, print_json
from email_stack.config import Tenant
from email_stack.operations.mailbox import outbox_of
from email_stack.status.sending import why_not_sent

if TYPE_CHECKING:
    from mailroom.messages.model import Address
    from mailroom.outbox import Progress

__all__ = ["described", "register"]

_SUBJECT: Final = "Test of {subdomain}"
_TEXT: Final = """This is a test of mail from {subdomain}.

It was scanned, signed with DKIM and sent over TLS. Answers are filed with it.
"""

_CODES: Final = {
    "sent": ExitCode.OK,
    "queued": ExitCode.PENDING,
    "held": ExitCode.PENDING,
    "sending": ExitCode.PENDING,
}

To = Annotated[str, typer.Option("--to", metavar="ADDRESS", help="Recipient.")]
From = Annotated[
    str | None,
    typer.Option("--from", metavar="ADDRESS", help="Designated address to send from. Default: the tenant's first."),
]
Wait = Annotated[float, typer.Option("--wait", min=0, metavar="SECONDS", help="Time to wait for SES's answer.")]


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command(name="send-test")(send_test)


def send_test(
    tenant: TenantId,
    *,
    to: To,
    sender: From = None,
    wait: Wait = 60,
    config: ConfigPath = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Send a message as the tenant, through scanner and outbox, and report its delivery status."""
    from mailroom.messages.model import Address  # noqa: PLC0415 - the parser takes longer than most commands
    from mailroom.outbox import Outgoing  # noqa: PLC0415 - see email_stack.operations.aws

    of, cell = tenant_and_cell(config, tenant)
    outgoing = Outgoing(
        sender=_sender(of, sender),
        to=(Address(to),),
        subject=_SUBJECT.format(subdomain=of.subdomain_unicode),
        text=_TEXT.format(subdomain=of.subdomain_unicode),
    )
    checked_account(cell)
    with aws_failures():
        outbox = outbox_of(of, cell)
        try:
            begun = outbox.send(outgoing, key=f"send-test {uuid.uuid4()}")
            found = outbox.wait(begun.id, seconds=wait) or begun
        except ValueError as error:
            raise CommandError("cannot be sent", str(error), ExitCode.INVALID) from error
    _tell(of, found, why_not_sent(of, cell, found.reason) if found.reason else "", as_json=as_json)
    raise typer.Exit(_CODES.get(found.state.value, ExitCode.DIFFERENT))


def _sender(tenant: Tenant, address: str | None) -> Address:
    """The designated address, with its display name."""
    from mailroom.messages.model import Address  # noqa: PLC0415 - as above

    names = {f"{one.local_part}@{tenant.subdomain}": one.display_name or "" for one in tenant.addresses if one.send}
    if not names:
        raise CommandError(
            "nothing to send from",
            f'tenant "{tenant.id}": has no address that may send; add one under `addresses`, and deploy it',
            ExitCode.INVALID,
        )
    chosen = address if address is not None else next(iter(names))
    if chosen not in names:
        raise CommandError(
            "not a designated address",
            f'tenant "{tenant.id}": {chosen} may not send; use one of {", ".join(names)}',
            ExitCode.INVALID,
        )
    return Address(chosen, names[chosen])


def _tell(tenant: Tenant, found: Progress, advice: str, *, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "ok": found.state.value == "sent",
                "id": found.id,
                "state": found.state.value,
                "reason": found.reason,
                "ses_id": found.ses_id,
                "advice": advice,
            }
        )
        return
    console.print(f"{tenant.id}: {described(tenant.id, found, advice)}", markup=False, soft_wrap=True)


def described(tenant_id: str, found: Progress, advice: str) -> str:
    """The message's state, with the reason and the remedy."""
    why = ": ".join(part for part in (found.reason, advice) if part)
    said = {
        "sent": f"sent; `email-stack messages {tenant_id} --sent {found.ses_id}` lists its events",
        "held": f"held: it waits in quarantine; `email-stack rescan {tenant_id}` shows why",
        "refused": f"refused: {why}",
        "in-doubt": "in doubt: SES was asked, and its answer is lost",
    }
    waits = (
        f"waits for SES: {why}"
        if why
        else f"the scanner or SES is not done with it; `email-stack rescan {tenant_id}` shows what is held"
    )
    return said.get(found.state.value, f"{found.state.value}: {waits}")
