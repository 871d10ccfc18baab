"""Refuses a deployment that the account has no room for, before anything is synthesized: CloudFormation would say it halfway."""

from __future__ import annotations

from collections.abc import Sequence

from email_stack.cli.output import CommandError, ExitCode
from email_stack.config import Config
from email_stack.doctor.collect import quota_lines

__all__ = ["refuse_small_quotas"]


def refuse_small_quotas(config: Config, tenants: Sequence[str] | None, account: str) -> None:
    """Check that the account's quotas suffice for what is not deployed yet. What AWS does not tell refuses nothing.

    Args:
        config: as loaded.
        tenants: ids of those that are deployed; None for all of them and every cell.
        account: whose the credentials are; "" when nobody could tell, and nothing is asked.

    Raises:
        CommandError: a quota is too small; the text says what to request, and where.
    """
    if not account:
        return
    chosen = config.tenants if tenants is None else tuple(config.tenant(name) for name in tenants)
    used = {tenant.cell for tenant in chosen}
    cells = [cell for cell in config.cells if tenants is None or cell.id in used]
    wrong = [
        f'cell "{cell}": {line.title} {line.verdict.said}; {line.verdict.remedy}'
        for cell, lines in quota_lines(config, cells, chosen, account).items()
        for line in lines
    ]
    if wrong:
        raise CommandError("refused", "\n".join(wrong), ExitCode.REFUSED)
