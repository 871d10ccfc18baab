"""mta-sts-policy: the file that a tenant's policy host serves."""

from __future__ import annotations

import typer

from constructs_lib.records import mta_sts_policy
from email_stack.cli.account import tenant_and_cell
from email_stack.cli.options import DEFAULT_CONFIG, ConfigPath, TenantId
from email_stack.cli.output import CommandError, ExitCode
from email_stack.cli.output_file import Output, write_text

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command(name="mta-sts-policy")(mta_sts_policy_file)


def mta_sts_policy_file(tenant: TenantId, config: ConfigPath = DEFAULT_CONFIG, output: Output = None) -> None:
    """Print the file to serve as https://mta-sts.<subdomain>/.well-known/mta-sts.txt; needs no credentials."""
    chosen, cell = tenant_and_cell(config, tenant)
    policy = chosen.mta_sts_record
    if policy is None:
        raise CommandError(
            "no policy",
            f'tenant "{chosen.id}": mta_sts is not in the config; add it, as in mta_sts: {{policy_host: www.example.com}}',
            ExitCode.INVALID,
        )
    write_text(mta_sts_policy(policy, region=cell.region), output)
