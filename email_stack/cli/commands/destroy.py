"""destroy: deletes one tenant's stacks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from email_stack.cli.account import aws_failures, checked_credentials, tenant_and_cell
from email_stack.cli.cdk import CdkRun, run_cdk
from email_stack.cli.dangling import refuse_dangling_delegation
from email_stack.cli.dns_options import ResolverOption, ServerPort, endpoint
from email_stack.cli.emptying import empty_bucket_of
from email_stack.cli.options import DEFAULT_CONFIG, Apply, AsJson, ConfigPath, TenantId
from email_stack.cli.output import CommandError, ExitCode, console, errors, print_json
from email_stack.cli.progress import StackProgress
from email_stack.cli.removing import Judged, judged_removal
from email_stack.cli.selection import tenant_stacks
from email_stack.cli.stack_deletion import delete_stack
from email_stack.cli.zones import delete_zones, mark_zones
from email_stack.config import Cell, Tenant
from email_stack.operations.aws import session

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command()(destroy)


def destroy(  # noqa: PLR0917 - options, which Typer passes by name
    tenant: TenantId,
    config: ConfigPath = DEFAULT_CONFIG,
    apply: Apply = False,
    force: Annotated[bool, typer.Option("--force", help="Delete even a live or still delegated tenant.")] = False,
    resolver: ResolverOption = None,
    server_port: ServerPort = 53,
    as_json: AsJson = False,
) -> None:
    """Delete one tenant's stacks. Its mail and its zone are kept unless `removal: destroy` was deployed.

    The deployed stack decides. If the config differs, nothing is deleted: deploy first. If nothing is deployed any more, the
    command says so and succeeds.
    """
    chosen, cell = tenant_and_cell(config, tenant)
    stacks = tenant_stacks(chosen)[::-1]
    if chosen.live and not force:
        raise CommandError(
            "refused",
            f'tenant "{tenant}" is live: mail to and from {chosen.subdomain} would bounce; set live: false and deploy, have the '
            "delegation or the records removed, then destroy (or say --force)",
            ExitCode.REFUSED,
        )
    if not apply:
        _show_removal(chosen, cell, stacks, config, as_json=as_json)
        return
    checked_credentials(cell.region)
    judged = judged_removal(chosen, cell, stacks, config)
    remembered = 0
    if not force and not judged.delegated_by_us:
        for zone in judged.zones:
            seconds = refuse_dangling_delegation(
                tenant, zone.domain, zone.name_servers, endpoint(resolver), server_port
            )
            remembered = max(remembered, seconds)
    done = (*judged.left_over, *judged.stacks)
    if not done and not judged.zones:
        _tell_nothing_there(chosen, as_json=as_json)
        return
    emptied = _remove(chosen, cell, judged, config)
    if as_json:
        print_json(
            {"ok": True, "applied": True, "stacks": list(done), "removal": chosen.removal, "versions_deleted": emptied}
            | ({"remembered_seconds": remembered} if remembered else {})
        )
        return
    names = ", ".join([*done, *(f"hosted zone {zone.id}" for zone in judged.zones if not judged.stacks)])
    console.print(f"deleted {names}; this {judged.removal.text}" if judged.stacks else f"deleted {names}", markup=False)
    if remembered:
        until = f"{datetime.now(UTC) + timedelta(seconds=remembered):%Y-%m-%d %H:%M} UTC"
        console.print(f"caches that were not asked may remember the delegation until {until}", markup=False)


def _remove(tenant: Tenant, cell: Cell, judged: Judged, config: Path) -> int:
    """Delete the stacks, then the zones; returns the number of deleted versions of the bucket."""
    with aws_failures():
        for name in judged.left_over:
            delete_stack(session().client("cloudformation", region_name=cell.region), name)
        # A removal that breaks off before the zones are gone finds them again by this tag.
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
    """Print the resources that would go and stay: by the deployed stack, or else by the config, with a note."""
    try:
        judged = judged_removal(tenant, cell, stacks, config)
    except CommandError as error:
        if error.code is not ExitCode.AWS_FAILED:
            raise
        kept = tenant.removal == "retain"
        says = "keeps its bucket and zone" if kept else "deletes its bucket with all mail, and its zone"
        says += ", by the config; the deployed stack could not be read"
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
