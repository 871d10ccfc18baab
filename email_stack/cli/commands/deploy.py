"""Commands that act on AWS: deploy, diff, destroy."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.table import Table

from constructs_lib.naming import tenant_stack_name
from email_stack.cli.account import aws_failures, checked_credentials
from email_stack.cli.cdk import CdkRun, run_cdk
from email_stack.cli.dangling import refuse_dangling_delegation
from email_stack.cli.dns_options import ResolverOption, ServerPort, endpoint
from email_stack.cli.emptying import empty_bucket_of
from email_stack.cli.judging import Judgement, judged_deployment
from email_stack.cli.options import DEFAULT_CONFIG, Apply, AsJson, ConfigPath, TenantId
from email_stack.cli.output import CommandError, ExitCode, console, errors, print_json
from email_stack.cli.progress import StackProgress
from email_stack.cli.removing import Judged, judged_removal
from email_stack.cli.requeuing import queue_anew
from email_stack.cli.room import refuse_small_quotas
from email_stack.cli.selection import stack_names, tenant_stacks
from email_stack.cli.stack_deletion import delete_stack
from email_stack.cli.zones import delete_zones, mark_zones
from email_stack.config import Cell, Config, Tenant, load
from email_stack.operations.aws import session
from email_stack.output.printable import counted
from email_stack.transitions import RiskKind

__all__ = ["register"]

_STACKS_AT_ONCE: Final = 3
"""SES takes one control-plane request a second: more stacks at once wait for each other."""

_TENANTS_AT_MOST: Final = 50

_DIFFERING: Final = re.compile(r"Number of stacks with differences: (\d+)")
"""What `cdk diff` says last, once every stack was compared."""

ChosenTenant = Annotated[str | None, typer.Argument(metavar="[TENANT]", help="Id of a tenant in the config.")]
All = Annotated[bool, typer.Option("--all", help="Every tenant and cell of the config.")]


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    app.command()(deploy)
    app.command()(diff)
    app.command()(destroy)


def deploy(  # noqa: PLR0917 - options, which Typer passes by name
    tenant: ChosenTenant = None,
    every: All = False,
    config: ConfigPath = DEFAULT_CONFIG,
    apply: Apply = False,
    at_most: Annotated[int, typer.Option(min=1, help="Refuse --all for more tenants than this.")] = _TENANTS_AT_MOST,
    concurrency: Annotated[int, typer.Option(min=1, help="Stacks to deploy at once.")] = _STACKS_AT_ONCE,
    force: Annotated[bool, typer.Option("--force", help="Even where mail would be lost; one TENANT only.")] = False,
    resolver: ResolverOption = None,
    server_port: ServerPort = 53,
    as_json: AsJson = False,
) -> None:
    """Deploy one tenant and its cell, or all. Shows what would change; --yes does it, unless that loses mail or exceeds quotas.

    What is deployed is compared with what would be: what goes, is made anew, emptied or left behind is told, and what loses mail is
    refused with the safe way.
    """
    loaded = load(config)
    tenants = _chosen(loaded, tenant, every)
    stacks = stack_names(loaded, tenants)
    if force and every:
        raise typer.BadParameter("is for one TENANT: look at what each would lose", param_hint="--force")
    if apply and tenants is None and len(loaded.tenants) > at_most:
        raise CommandError(
            "refused",
            f"--all means {counted(len(loaded.tenants), 'tenant')}, more than {at_most}; if so, say "
            f"--at-most {len(loaded.tenants)}",
            ExitCode.REFUSED,
        )
    account = checked_credentials(_region(loaded, tenants))
    if apply:
        refuse_small_quotas(loaded, tenants, account)
    asked = endpoint(resolver)
    with tempfile.TemporaryDirectory(prefix="cdk.out-") as folder:
        assembly = Path(folder) / "cdk.out"
        synth = CdkRun(
            verb="synth", stacks=stacks, config=config, tenants=tenants, options=["--quiet"], assembly=assembly
        )
        run_cdk(synth, on_line=lambda _: None)
        whole = replace(synth, synthesized=True)
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
        outputs = _deployed(whole, Path(folder), concurrency)
    queue_anew([loaded.tenant(one) for one in _tenants_of(loaded, judged.stacks_with(RiskKind.QUEUE))], loaded)
    if as_json:
        print_json({"ok": True, "stacks": stacks, "outputs": outputs})
        return
    for stack in stacks:
        _print_outputs(stack, outputs.get(stack, {}))


def _deployed(synthesized: CdkRun, folder: Path, concurrency: int) -> dict[str, Any]:
    """Deploy what was synthesized and judged, that very assembly; returns the outputs by stack."""
    outputs_file = folder / "outputs.json"
    options = [
        "--require-approval",
        "never",
        "--outputs-file",
        str(outputs_file),
        "--concurrency",
        str(concurrency),
    ]
    with StackProgress(errors) as progress:
        run_cdk(replace(synthesized, verb="deploy", options=options), on_line=progress.line)
    outputs: dict[str, Any] = json.loads(outputs_file.read_text(encoding="utf-8")) if outputs_file.is_file() else {}
    return outputs


def _tenants_of(config: Config, stacks: Sequence[str]) -> list[str]:
    return [tenant.id for tenant in config.tenants if tenant_stack_name(tenant.id) in stacks]


def diff(
    tenant: ChosenTenant = None,
    every: All = False,
    config: ConfigPath = DEFAULT_CONFIG,
    fail: Annotated[bool, typer.Option("--fail", help="Exit with 6 when there is a difference.")] = False,
) -> None:
    """Show how what is deployed differs from the config."""
    loaded = load(config)
    tenants = _chosen(loaded, tenant, every)
    # Not the CDK's own --fail: its exit code is the same for a difference and for a failure.
    differing: list[int] = []

    def line(text: str) -> None:
        print(text)
        if (count := _DIFFERING.search(text)) is not None:
            differing.append(int(count[1]))

    checked_credentials(_region(loaded, tenants))
    run_cdk(CdkRun(verb="diff", stacks=stack_names(loaded, tenants), config=config, tenants=tenants), on_line=line)
    if fail and not differing:
        raise CommandError("cdk diff failed", "it did not say whether anything differs", ExitCode.CDK_FAILED)
    if fail and sum(differing) > 0:
        raise typer.Exit(ExitCode.DIFFERENT)


def destroy(  # noqa: PLR0917 - options, which Typer passes by name
    tenant: TenantId,
    config: ConfigPath = DEFAULT_CONFIG,
    apply: Apply = False,
    force: Annotated[bool, typer.Option("--force", help="Even while the tenant is live, or still delegated.")] = False,
    resolver: ResolverOption = None,
    server_port: ServerPort = 53,
    as_json: AsJson = False,
) -> None:
    """Delete one tenant's stacks. Its mail and its zone are kept unless `removal: destroy` was deployed.

    What is deployed decides. Where the config says otherwise nothing is deleted, and the remedy is to deploy first. Where nothing
    is deployed any more, that is said, and is no failure.
    """
    loaded = load(config)
    chosen = loaded.tenant(tenant)
    stacks = tenant_stacks(chosen)[::-1]
    if chosen.live and not force:
        raise CommandError(
            "refused",
            f'tenant "{tenant}" is live: mail to and from {chosen.subdomain} would bounce; set live: false and deploy, have the '
            "delegation or the records removed, then destroy (or say --force)",
            ExitCode.REFUSED,
        )
    cell = loaded.cell(chosen.cell)
    if not apply:
        _show_removal(chosen, cell, stacks, config, as_json=as_json)
        return
    checked_credentials(cell.region)
    judged = judged_removal(chosen, cell, stacks, config)
    if not force and not judged.delegated_by_us:
        for zone in judged.zones:
            refuse_dangling_delegation(tenant, zone.domain, zone.name_servers, endpoint(resolver), server_port)
    done = (*judged.left_over, *judged.stacks)
    if not done and not judged.zones:
        _tell_nothing_there(chosen, as_json=as_json)
        return
    emptied = _remove(chosen, cell, judged, config)
    if as_json:
        print_json(
            {"ok": True, "applied": True, "stacks": list(done), "removal": chosen.removal, "versions_deleted": emptied}
        )
        return
    names = ", ".join([*done, *(f"hosted zone {zone.id}" for zone in judged.zones if not judged.stacks)])
    console.print(f"deleted {names}; this {judged.removal.text}" if judged.stacks else f"deleted {names}", markup=False)


def _remove(tenant: Tenant, cell: Cell, judged: Judged, config: Path) -> int:
    """Delete the stacks, then the zones; returns how many versions were deleted of the bucket."""
    with aws_failures():
        for name in judged.left_over:
            delete_stack(session().client("cloudformation", region_name=cell.region), name)
        # A removal that ends before the zones are gone finds them again by this.
        mark_zones(judged.zones, cell.region)
    emptied = empty_bucket_of(tenant, cell) if judged.removal.buckets else 0
    if judged.stacks:
        with StackProgress(errors) as progress:
            run = CdkRun(verb="destroy", stacks=judged.stacks, config=config, tenants=[tenant.id], options=["--force"])
            run_cdk(run, on_line=progress.line)
    with aws_failures():
        delete_zones(judged.zones, cell.region)
    return emptied


def _show_removal(tenant: Tenant, cell: Cell, stacks: Sequence[str], config: Path, *, as_json: bool) -> None:
    """What would go and what would stay: by what is deployed, and where nobody can tell that, by the config, which is said."""
    try:
        judged = judged_removal(tenant, cell, stacks, config)
    except CommandError as error:
        if error.code is not ExitCode.AWS_FAILED:
            raise
        kept = tenant.removal == "retain"
        says = "keeps its bucket and zone" if kept else "deletes its bucket with all mail, and its zone"
        says += ", by the config; what is deployed could not be read"
    else:
        says = judged.removal.text if judged.stacks else "is not deployed"
        stacks = [*judged.left_over, *(judged.stacks or stacks)]
        if judged.zones and not judged.stacks:
            says += f", but for its hosted zone {', '.join(zone.id for zone in judged.zones)}, which is deleted"
    if as_json:
        print_json({"ok": True, "applied": False, "stacks": list(stacks), "removal": tenant.removal})
    else:
        would = f"would delete {', '.join(stacks)}; {says}"
        console.print(f"{would}. Nothing was changed: say --yes to do it", markup=False)


def _tell_nothing_there(tenant: Tenant, *, as_json: bool) -> None:
    if as_json:
        why = {"removal": tenant.removal, "versions_deleted": 0, "reason": "not deployed"}
        print_json({"ok": True, "applied": False, "stacks": [], **why})
    else:
        console.print(f"{tenant.id}: is not deployed, nothing was deleted", markup=False)


def _chosen(config: Config, tenant: str | None, every: bool) -> list[str] | None:
    if every == (tenant is not None):
        raise typer.BadParameter("name one TENANT, or say --all")
    return None if tenant is None else [config.tenant(tenant).id]


def _region(config: Config, tenants: Sequence[str] | None) -> str:
    """Where credentials are asked about: any region that is deployed to will do."""
    return config.cell(config.tenant(tenants[0]).cell).region if tenants else config.cells[0].region


def _show_plan(synthesized: CdkRun, judged: Judgement, *, as_json: bool, force: bool) -> None:
    """What would change, what that puts at risk, and whether it would be refused."""
    run_cdk(replace(synthesized, verb="diff", options=()), on_line=(lambda _: None) if as_json else print)
    for line in judged.lines(forced=force):
        errors.print(line, markup=False, soft_wrap=True)
    if not force:
        judged.refuse()
    if as_json:
        print_json({"ok": True, "applied": False, "stacks": list(synthesized.stacks)})
    else:
        count = counted(len(synthesized.stacks), "stack")
        console.print(f"nothing was changed: say --yes to deploy {count}", markup=False)


def _print_outputs(stack: str, outputs: dict[str, Any]) -> None:
    table = Table(title=stack, title_justify="left", title_style="bold", show_header=False)
    table.add_column()
    table.add_column(overflow="fold")
    for name, value in sorted(outputs.items()):
        table.add_row(name, str(value))
    console.print(table)
