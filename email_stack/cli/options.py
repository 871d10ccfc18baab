"""Options that several commands take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

__all__ = ["DEFAULT_CONFIG", "All", "Apply", "AsJson", "ChosenTenant", "ConfigPath", "TenantId"]

DEFAULT_CONFIG: Final = Path("tenants.yaml")

ConfigPath = Annotated[Path, typer.Option("--config", help="Tenants file, or folder with one file per tenant.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document for scripts.")]
Apply = Annotated[bool, typer.Option("--yes", "-y", help="Make the changes. Without it, the command only shows them.")]
TenantId = Annotated[str, typer.Argument(metavar="TENANT", help="Id of a tenant in the config.")]
ChosenTenant = Annotated[str | None, typer.Argument(metavar="[TENANT]", help="Id of a tenant in the config.")]
All = Annotated[bool, typer.Option("--all", help="Every tenant and cell of the config.")]
