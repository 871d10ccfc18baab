"""Runs the CDK app for `app.py`: config in, cloud assembly out."""

from __future__ import annotations

import json
import os
import sys
import traceback
from pathlib import Path
from typing import Any

from email_stack.config import ConfigError, load
from email_stack.synthesis.dynamic_references import DynamicReferenceError, check_assembly
from email_stack.synthesis.failure import told
from email_stack.synthesis.sharding import Shard, divide, run_in_shards, settle_manifest
from email_stack.synthesis.toolchain import PROJECT_ROOT, use_own_node

__all__ = ["main", "project_context", "synthesize"]


def main() -> None:
    """Synthesize the stacks of the CDK context; print the cause of a failure in lines that begin with `failure.TOLD`.

    Context: `config`, file or folder (default `tenants.yaml`); `tenant`, one id or several separated by commas (default all); or
    `cell`, one id, without its tenants.
    Exits with 1 and one line per problem if the config or the choice is not valid; then nothing is written. Exits with 1 also if a
    template has a dynamic reference; then there is no manifest, without which nothing is deployed.
    """
    try:
        _main()
    except Exception as error:  # noqa: BLE001 - the CDK CLI would not show the error
        traceback.print_exc()
        print(told(error), file=sys.stderr)
        sys.exit(1)


def _main() -> None:
    # The CDK CLI gives the output folder and the context of its folder's cdk.json; without the CLI, both are found here.
    outdir = Path(os.environ.get("CDK_OUTDIR", "cdk.out"))
    # The project's flags override those of the folder in which `cdk` runs: the same config gives the same templates.
    context = {**(_given_context() if "CDK_OUTDIR" in os.environ else {}), **project_context()}
    try:
        config = load(Path(context.get("config") or PROJECT_ROOT / "tenants.yaml"))
        names = context.get("tenant")
        # Without a choice: every tenant, and every cell, with or without tenants.
        tenants = config.tenants if names is None else [config.tenant(name) for name in str(names).split(",")]
        cells = [] if names is not None else [cell.id for cell in config.cells]
        if (alone := context.get("cell")) is not None:
            tenants, cells = [], [config.cell(str(alone)).id]
    except ConfigError as error:
        sys.exit(str(error))
    except OSError as error:
        sys.exit(f"config: cannot be read: {error}")
    whole = Shard(
        config=config,
        tenants=tuple(dict.fromkeys(tenant.id for tenant in tenants)),
        cells=tuple(cells),
        outdir=outdir,
        context=context,
    )
    shards = divide(whole)
    try:
        if len(shards) > 1:
            run_in_shards(synthesize, shards, outdir)
        else:
            synthesize(whole)
            settle_manifest(outdir)
    except DynamicReferenceError as error:
        sys.exit(str(error))


def synthesize(shard: Shard) -> None:
    """Write the assembly of one shard, in this process.

    Raises:
        DynamicReferenceError: a template has a dynamic reference; then the assembly has no manifest.
    """
    use_own_node()
    from email_stack.stacks import add_stacks, new_app  # noqa: PLC0415 - importing the CDK starts Node: only now

    app = new_app(outdir=shard.outdir, context=shard.context)
    add_stacks(app, shard.config, tenants=shard.tenants, cells=shard.cells)
    app.synth()
    # Acknowledged findings are marked in the code; the CDK's list of them is of one process only, and has no reader.
    (shard.outdir / "validation-report.json").unlink(missing_ok=True)
    try:
        check_assembly(shard.outdir)
    except DynamicReferenceError:
        (shard.outdir / "manifest.json").unlink()
        raise


def project_context() -> dict[str, Any]:
    """The feature flags of `cdk.json`."""
    context: dict[str, Any] = json.loads((PROJECT_ROOT / "cdk.json").read_text(encoding="utf-8"))["context"]
    return context


def _given_context() -> dict[str, Any]:
    """The context from the CDK CLI: in the environment, and the rest in a file."""
    context: dict[str, Any] = json.loads(os.environ.get("CDK_CONTEXT_JSON", "{}"))
    overflow = os.environ.get("CONTEXT_OVERFLOW_LOCATION_ENV")
    if overflow:
        context |= json.loads(Path(overflow).read_text(encoding="utf-8"))
    return context
