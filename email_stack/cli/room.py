"""Refuses a deployment that the account has no room for, before anything is synthesized: CloudFormation would say it halfway."""

from __future__ import annotations

from collections.abc import Sequence

from email_stack.cli.output import CommandError, ExitCode
from email_stack.config import Config
from email_stack.doctor.collect import quota_lines

__all__ = ["refuse_small_quotas"]


def refuse_small_quotas(config: Config, tenants: Sequence[str] | None, account: str, cell: str | None = None) -> None:
    """Check that the account's quotas suffice for stacks that are not deployed yet. An unknown quota refuses nothing.

    Args:
        config: as loaded.
        tenants: ids of the tenants to deploy; None for all tenants and cells.
        account: account of the credentials; "" if unknown: then nothing is checked.
        cell: id of a cell to deploy without tenants. Default: None.

    Raises:
        CommandError: a quota is too small; the text names the value to request, and where.
    """
    if not account:
        return
    chosen = config.tenants if tenants is None else tuple(config.tenant(name) for name in tenants)
    used = {*(tenant.cell for tenant in chosen), cell}
    cells = [one for one in config.cells if tenants is None or one.id in used]
    wrong = [
        f'cell "{name}": {line.title} {line.verdict.said}; {line.verdict.remedy}'
        for name, lines in quota_lines(config, cells, chosen, account).items()
        for line in lines
    ]
    if wrong:
        raise CommandError("refused", "\n".join(wrong), ExitCode.REFUSED)
