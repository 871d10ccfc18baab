"""Common steps of `deploy` and `move`: synthesize once, and deploy that assembly, or another template of one of its stacks."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from rich.table import Table

from email_stack.cli.cdk import CdkRun, run_cdk
from email_stack.cli.output import console, errors
from email_stack.cli.progress import StackProgress
from email_stack.transitions import Template

__all__ = ["STACKS_AT_ONCE", "deployed_assembly", "print_outputs", "synthesized", "with_template"]

STACKS_AT_ONCE: Final = 3
"""SES takes one control-plane request a second: more stacks at once wait for each other."""

_ASSET: Final = re.compile(r"/([0-9a-f]{64})\.json$")


def synthesized(
    config: Path, tenants: Sequence[str] | None, stacks: Sequence[str], assembly: Path, cell: str | None = None
) -> CdkRun:
    """Synthesize the stacks of tenants (None: of all), or of a cell only, into a folder; returns the run with that assembly.

    Raises `CommandError`.
    """
    run = CdkRun(
        verb="synth", stacks=stacks, config=config, tenants=tenants, options=["--quiet"], assembly=assembly, cell=cell
    )
    run_cdk(run, on_line=lambda _: None)
    return replace(run, synthesized=True)


def deployed_assembly(run: CdkRun, folder: Path, concurrency: int, *, alone: bool = False) -> dict[str, Any]:
    """Deploy the synthesized and judged assembly.

    Args:
        run: with the assembly.
        folder: for the outputs.
        concurrency: stacks at once.
        alone: leave out the stacks that these depend on.

    Returns:
        The outputs by stack.

    Raises:
        CommandError: the CDK or CloudFormation failed.
    """
    outputs_file = folder / "outputs.json"
    options = ["--require-approval", "never", "--outputs-file", str(outputs_file), "--concurrency", str(concurrency)]
    with StackProgress(errors) as progress:
        run_cdk(
            replace(run, verb="deploy", options=[*options, *(["--exclusively"] if alone else [])]),
            on_line=progress.line,
        )
    outputs: dict[str, Any] = json.loads(outputs_file.read_text(encoding="utf-8")) if outputs_file.is_file() else {}
    return outputs


def with_template(run: CdkRun, stack: str, template: Template, assembly: Path) -> CdkRun:
    """Copy the assembly to another folder, with another template for one stack; returns the run for that stack alone.

    The CDK uploads a template under its hash, and reuses an existing upload.
    """
    if run.assembly is None:
        raise ValueError("the assembly has no folder")
    shutil.copytree(run.assembly, assembly, symlinks=True)
    text = json.dumps(template, indent=1)
    (assembly / f"{stack}.template.json").write_text(text, encoding="utf-8")
    manifest = json.loads((assembly / "manifest.json").read_text(encoding="utf-8"))
    found = _ASSET.search(manifest["artifacts"][stack]["properties"]["stackTemplateAssetObjectUrl"])
    if found is None:
        raise ValueError(f"the template of {stack} is no asset")
    own = hashlib.sha256(text.encode()).hexdigest()
    for name in ("manifest.json", f"{stack}.assets.json"):
        file = assembly / name
        file.write_text(file.read_text(encoding="utf-8").replace(found[1], own), encoding="utf-8")
    return replace(run, stacks=[stack], assembly=assembly)


def print_outputs(stack: str, outputs: dict[str, Any]) -> None:
    """The outputs of a deployed stack, as a table."""
    table = Table(title=stack, title_justify="left", title_style="bold", show_header=False)
    table.add_column()
    table.add_column(overflow="fold")
    for name, value in sorted(outputs.items()):
        table.add_row(name, str(value))
    console.print(table)
