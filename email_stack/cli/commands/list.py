"""list: the tenants, the cells and their quotas, by the config."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import typer
from rich.table import Table

from email_stack.cli.options import DEFAULT_CONFIG, AsJson, ConfigPath
from email_stack.cli.output import console, print_json
from email_stack.config import Config, Tenant, load, quota_usage
from email_stack.output.printable import counted

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command(name="list")(list_)


def list_(config: ConfigPath = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """List the tenants, the cells, and the rest of each cell's quotas."""
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
