"""Queues waiting mail of a quarantine again after a change of the scanner, so that the old one's mail is not lost."""

from __future__ import annotations

from collections.abc import Sequence

from email_stack.cli.account import aws_failures
from email_stack.cli.output import CommandError, errors
from email_stack.config import Config, Tenant
from email_stack.operations.quarantine import WAITING, Quarantine
from email_stack.output.printable import counted

__all__ = ["queue_anew"]


def queue_anew(tenants: Sequence[Tenant], config: Config) -> None:
    """Queue each tenant's mail without a verdict for its scanner. Mail that is scanned twice is delivered once.

    Raises:
        CommandError: AWS refused; the text says how to do it by hand.
    """
    for tenant in tenants:
        by_hand = f"email-stack rescan {tenant.id} --verdict {WAITING} --yes"
        try:
            with aws_failures():
                quarantine = Quarantine.of(tenant, config.cell(tenant.cell))
                waiting = [one for one in quarantine.messages() if one.verdict == WAITING]
                if waiting:
                    quarantine.rescan(waiting)
        except CommandError as error:
            text = f"{error.text}\nthe deployment is done; mail that waited for the old scanner is not queued yet: run `{by_hand}`"
            raise CommandError(error.title, text, error.code) from error
        if waiting:
            errors.print(f"{tenant.id}: {counted(len(waiting), 'message')} queued for the new scanner", markup=False)
