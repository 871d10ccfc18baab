"""Commands that change nothing: validate, list, synth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from email_stack.cli.cdk import CdkRun, run_cdk
from email_stack.cli.options import DEFAULT_CONFIG, AsJson, ConfigPath
from email_stack.cli.output import CommandError, ExitCode, console, errors, print_json
from email_stack.cli.selection import stack_names
from email_stack.config import Config, ConfigError, Problem, Tenant, load, quota_usage
from email_stack.config.regions import DOUBTFUL_REGIONS
from email_stack.output.printable import counted

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    app.command()(validate)
    app.command(name="list")(list_)
    app.command()(synth)


def validate(config: ConfigPath = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """Check the config and report every problem in it at once, and what is known against a region."""
    try:
        loaded = load(config)
    except ConfigError as error:
        if as_json:
            print_json({"ok": False, "problems": [_problem(problem) for problem in error.problems]})
            raise typer.Exit(ExitCode.INVALID) from None
        count = len(error.problems)
        title = f"{config} is not valid: {counted(count, 'problem')}"
        raise CommandError(title, str(error), ExitCode.INVALID) from None
    warnings = [
        f'{config}: cell "{cell.id}": region {cell.region} is doubtful: {DOUBTFUL_REGIONS[cell.region]}'
        for cell in loaded.cells
        if cell.region in DOUBTFUL_REGIONS
    ]
    if as_json:
        found: dict[str, Any] = {"ok": True, "cells": len(loaded.cells), "tenants": len(loaded.tenants)}
        print_json({**found, "warnings": warnings} if warnings else found)
    else:
        for warning in warnings:
            errors.print(f"warning: {warning}", markup=False, soft_wrap=True)
        console.print(
            f"{config} is valid: {counted(len(loaded.tenants), 'tenant')} in {counted(len(loaded.cells), 'cell')}",
            markup=False,
        )


def list_(config: ConfigPath = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """List the tenants, the cells, and how much of each cell's quotas is left."""
    loaded = load(config)
    tenants = [_tenant_row(tenant) for tenant in loaded.tenants]
    cells = [_cell_row(loaded, cell_id) for cell_id in (cell.id for cell in loaded.cells)]
    if as_json:
        print_json({"cells": cells, "tenants": tenants})
        return
    console.print(_table("Tenants", tenants))
    for cell in cells:
        account = cell["account"] or "of the credentials"
        title = f"Cell {cell['id']}: {cell['region']}, account {account}, {counted(cell['tenants'], 'tenant')}"
        console.print(_table(title, cell["quotas"]))


def synth(
    tenant: Annotated[str | None, typer.Argument(metavar="[TENANT]", help="Only this tenant and its cell.")] = None,
    config: ConfigPath = DEFAULT_CONFIG,
    output: Annotated[Path, typer.Option(help="Folder of the cloud assembly.")] = Path("cdk.out"),
    as_json: AsJson = False,
) -> None:
    """Write the CloudFormation templates, of all tenants or of one; needs neither credentials nor network."""
    loaded = load(config)
    tenants = None if tenant is None else [tenant]
    stacks = stack_names(loaded, tenants)
    run_cdk(
        CdkRun(verb="synth", stacks=(), config=config, tenants=tenants, options=["--quiet"], assembly=output),
        on_line=lambda _: None,
    )
    if as_json:
        print_json({"ok": True, "assembly": str(output.resolve()), "stacks": stacks})
    else:
        console.print(f"{counted(len(stacks), 'stack')} in {output}: {_shortened(stacks)}", markup=False)


def _shortened(names: Sequence[str], most: int = 12) -> str:
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")


def _problem(problem: Problem) -> dict[str, Any]:
    return asdict(problem)


def _tenant_row(tenant: Tenant) -> dict[str, Any]:
    return {
        "id": tenant.id,
        "subdomain": tenant.subdomain,
        "dns": tenant.dns,
        "cell": tenant.cell,
        "receives": "any address" if tenant.catch_all else len(tenant.receiving_addresses),
        "sends": len(tenant.sending_addresses),
        "portal": tenant.portal is not None,
        "live": tenant.live,
    }


def _cell_row(config: Config, cell_id: str) -> dict[str, Any]:
    cell = config.cell(cell_id)
    return {
        "id": cell.id,
        "region": cell.region,
        "account": cell.account,
        "tenants": len(config.tenants_of(cell_id)),
        "quotas": [
            {"quota": usage.name, "used": usage.used, "limit": usage.limit, "left": usage.limit - usage.used}
            for usage in quota_usage(config, cell_id)
        ],
    }


def _table(title: str, rows: Sequence[dict[str, Any]]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", header_style="bold")
    for column in rows[0] if rows else ("none",):
        numeric = bool(rows) and isinstance(rows[0][column], int) and not isinstance(rows[0][column], bool)
        table.add_column(column.replace("_", " "), justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(_cell_text(value) for value in row.values()))
    return table


def _cell_text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
