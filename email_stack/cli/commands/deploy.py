"""deploy: deploys one tenant and its cell, or all."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Final

import typer

from constructs_lib.naming import tenant_stack_name
from email_stack.cli.account import checked_credentials
from email_stack.cli.cdk import CdkRun, run_cdk
from email_stack.cli.deploying import STACKS_AT_ONCE, deployed_assembly, print_outputs, synthesized
from email_stack.cli.dns_options import ResolverOption, ServerPort, endpoint
from email_stack.cli.fencing import refuse_older_snapshots
from email_stack.cli.judging import Judgement, judged_deployment
from email_stack.cli.options import DEFAULT_CONFIG, All, Apply, AsJson, ChosenTenant, ConfigPath
from email_stack.cli.output import CommandError, ExitCode, console, errors, print_json
from email_stack.cli.requeuing import queue_anew
from email_stack.cli.room import refuse_small_quotas
from email_stack.cli.selection import any_region, chosen_tenants, stack_names
from email_stack.config import Config, load
from email_stack.output.printable import counted
from email_stack.transitions import RiskKind

__all__ = ["register"]

_TENANTS_AT_MOST: Final = 50


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command()(deploy)


def deploy(  # noqa: PLR0917 - options, which Typer passes by name
    tenant: ChosenTenant = None,
    every: All = False,
    cell: Annotated[str | None, typer.Option("--cell", help="One cell and its settings API, without tenants.")] = None,
    config: ConfigPath = DEFAULT_CONFIG,
    apply: Apply = False,
    at_most: Annotated[int, typer.Option(min=1, help="Refuse --all for more tenants than this.")] = _TENANTS_AT_MOST,
    concurrency: Annotated[int, typer.Option(min=1, help="Stacks to deploy at once.")] = STACKS_AT_ONCE,
    force: Annotated[bool, typer.Option("--force", help="Deploy even if mail is lost; one TENANT only.")] = False,
    resolver: ResolverOption = None,
    server_port: ServerPort = 53,
    as_json: AsJson = False,
) -> None:
    """Deploy a tenant and its cell, all, or a cell. Shows the changes; --yes makes them, unless they lose mail or exceed quotas.

    The command compares the deployed stacks with the new ones. It names each resource that is deleted, replaced, emptied or left
    behind. It refuses a change that loses mail, and prints the safe steps.
    """
    loaded = load(config)
    if cell is not None and (every or tenant is not None):
        raise typer.BadParameter("is without TENANT and --all", param_hint="--cell")
    tenants = chosen_tenants(loaded, tenant, every) if cell is None else []
    stacks = stack_names(loaded, tenants, cell)
    if force and (every or cell is not None):
        raise typer.BadParameter("is for one TENANT: check the loss of each", param_hint="--force")
    if apply and tenants is None and len(loaded.tenants) > at_most:
        raise CommandError(
            "refused",
            f"--all means {counted(len(loaded.tenants), 'tenant')}, more than {at_most}; if so, say "
            f"--at-most {len(loaded.tenants)}",
            ExitCode.REFUSED,
        )
    account = checked_credentials(any_region(loaded, tenants) if cell is None else loaded.cell(cell).region)
    refuse_older_snapshots(loaded, tenants, account)
    if apply:
        refuse_small_quotas(loaded, tenants, account, cell)
    asked = endpoint(resolver)
    with tempfile.TemporaryDirectory(prefix="cdk.out-") as folder:
        assembly = Path(folder) / "cdk.out"
        whole = synthesized(config, tenants, stacks, assembly, cell)
        judged = (
            judged_deployment(loaded, tenants, stacks, assembly, account=account, resolver=asked, port=server_port)
            if account
            else Judgement(found={})
        )
        if not apply:
            _show_plan(whole, judged, as_json=as_json, force=force)
            return
        if not force:
            judged.refuse()
        for line in judged.lines(forced=force):
            errors.print(line, markup=False, soft_wrap=True)
        outputs = deployed_assembly(whole, Path(folder), concurrency)
    queue_anew([loaded.tenant(one) for one in _tenants_of(loaded, judged.stacks_with(RiskKind.QUEUE))], loaded)
    if as_json:
        print_json({"ok": True, "stacks": stacks, "outputs": outputs})
        return
    for stack in stacks:
        print_outputs(stack, outputs.get(stack, {}))


def _tenants_of(config: Config, stacks: Sequence[str]) -> list[str]:
    return [tenant.id for tenant in config.tenants if tenant_stack_name(tenant.id) in stacks]


def _show_plan(made: CdkRun, judged: Judgement, *, as_json: bool, force: bool) -> None:
    """Print the changes, their risks, and whether they would be refused."""
    run_cdk(replace(made, verb="diff", options=()), on_line=(lambda _: None) if as_json else print)
    for line in judged.lines(forced=force):
        errors.print(line, markup=False, soft_wrap=True)
    if not force:
        judged.refuse()
    if as_json:
        print_json({"ok": True, "applied": False, "stacks": list(made.stacks)})
    else:
        count = counted(len(made.stacks), "stack")
        console.print(f"nothing was changed: say --yes to deploy {count}", markup=False)
