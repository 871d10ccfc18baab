"""Refuses to deploy a snapshot older than the deployed one, so that an old checkout does not roll a customer back."""

from __future__ import annotations

from collections.abc import Sequence

from constructs_lib.naming import tenant_stack_name
from email_stack.cli.account import aws_failures
from email_stack.cli.output import CommandError, ExitCode
from email_stack.config import Config
from email_stack.config.snapshots import REVISION_OUTPUT
from email_stack.operations.aws import stack_outputs

__all__ = ["refuse_older_snapshots"]


def refuse_older_snapshots(config: Config, tenants: Sequence[str] | None, account: str) -> None:
    """Compare the revision of each snapshot with that of the stack.

    Args:
        config: as loaded.
        tenants: ids of the tenants to deploy; None for all.
        account: account of the credentials; "" if unknown.

    Raises:
        CommandError: one is older, or the deployed revision cannot be read with these credentials.
    """
    lines = []
    for tenant_id, snapshot in config.snapshots.items():
        if tenants is not None and tenant_id not in tenants:
            continue
        cell = config.cell(config.tenant(tenant_id).cell)
        if cell.account is not None and account and cell.account != account:
            lines.append(
                f'tenant "{tenant_id}": its cell\'s account is {cell.account}, and the credentials are of {account}: it is '
                "unknown whether its snapshot is older than the deployed one; deploy with credentials of the cell"
            )
            continue
        with aws_failures():
            outputs = stack_outputs(tenant_stack_name(tenant_id), cell) or {}
        deployed = outputs.get(REVISION_OUTPUT, "0")
        if deployed.isdecimal() and int(deployed) > snapshot.revision:
            lines.append(
                f'tenant "{tenant_id}": snapshot is of revision {snapshot.revision}, and revision {deployed} is deployed; '
                f"run `email-stack settings pull {tenant_id}`"
            )
    if lines:
        raise CommandError("refused", "\n".join(lines), ExitCode.REFUSED)
