"""synth: writes the CloudFormation templates, and changes nothing on AWS."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from email_stack.cli.cdk import CdkRun, run_cdk
from email_stack.cli.options import DEFAULT_CONFIG, AsJson, ConfigPath
from email_stack.cli.output import console, print_json
from email_stack.cli.selection import stack_names
from email_stack.config import load
from email_stack.output.printable import counted

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command()(synth)


def synth(
    tenant: Annotated[str | None, typer.Argument(metavar="[TENANT]", help="Only this tenant and its cell.")] = None,
    config: ConfigPath = DEFAULT_CONFIG,
    output: Annotated[Path, typer.Option(help="Folder of the cloud assembly.")] = Path("cdk.out"),
    as_json: AsJson = False,
) -> None:
    """Write the CloudFormation templates of all tenants or of one; needs no credentials and no network."""
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
