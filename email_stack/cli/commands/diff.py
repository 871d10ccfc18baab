"""diff: compares the deployed stacks with the config."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Annotated, Final

import typer

from constructs_lib.naming import tenant_stack_name
from email_stack.cli.account import aws_failures, checked_credentials
from email_stack.cli.cdk import CdkRun, run_cdk
from email_stack.cli.options import DEFAULT_CONFIG, All, ChosenTenant, ConfigPath
from email_stack.cli.output import CommandError, ExitCode
from email_stack.cli.selection import any_region, chosen_tenants, stack_names
from email_stack.config import Config, load
from email_stack.operations.revisions import read_revisions, settings_table

__all__ = ["register"]

_DIFFERING: Final = re.compile(r"Number of stacks with differences: (\d+)")
"""Last line of `cdk diff`, after all comparisons."""


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command()(diff)


def diff(
    tenant: ChosenTenant = None,
    every: All = False,
    config: ConfigPath = DEFAULT_CONFIG,
    fail: Annotated[bool, typer.Option("--fail", help="Exit with 6 if there is a difference.")] = False,
) -> None:
    """Show the differences between the deployed stacks and the config, and the revisions of customers' settings."""
    loaded = load(config)
    tenants = chosen_tenants(loaded, tenant, every)
    # Not the CDK's own --fail: its exit code is the same for a difference and for a failure.
    differing: list[int] = []

    def line(text: str) -> None:
        print(text)
        if (count := _DIFFERING.search(text)) is not None:
            differing.append(int(count[1]))

    checked_credentials(any_region(loaded, tenants))
    for text in _revisions(loaded, tenants):
        print(text)
    run_cdk(CdkRun(verb="diff", stacks=stack_names(loaded, tenants), config=config, tenants=tenants), on_line=line)
    if fail and not differing:
        raise CommandError("cdk diff failed", "it did not say whether anything differs", ExitCode.CDK_FAILED)
    if fail and sum(differing) > 0:
        raise typer.Exit(ExitCode.DIFFERENT)


def _revisions(config: Config, tenants: Sequence[str] | None) -> Iterator[str]:
    """One line for each tenant whose settings the API owns. Raises `CommandError`."""
    own = [one for name, one in config.snapshots.items() if tenants is None or name in tenants]
    if not own:
        return
    with aws_failures():
        table = settings_table(config.cells)
        for snapshot in own:
            yield f"{tenant_stack_name(snapshot.tenant)}: settings: {read_revisions(config, snapshot, table).text}"
