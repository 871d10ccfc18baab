"""Runs the CDK app: config in, cloud assembly out. What `app.py` calls."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from email_stack.config import ConfigError, load

from email_stack.toolchain import PROJECT_ROOT, use_own_node

__all__ = ["main"]


def main() -> None:
    """Synthesize what the CDK context asks for.

    Context: `config`, file or folder (default `tenants.yaml`); `tenant`, one id or several separated by commas (default all).
    Exits with 1 and one line a problem when the config or the choice is not valid; then nothing is written.
    """
    use_own_node()
    from email_stack.stacks import add_stacks, new_app  # noqa: PLC0415 - importing the CDK starts Node: only now

    # The CDK CLI hands over the context of cdk.json and the folder to write to; without it, both are found here.
    by_cli = "CDK_OUTDIR" in os.environ
    app = new_app(outdir=None if by_cli else Path("cdk.out"), context={} if by_cli else project_context())
    try:
        config = load(Path(app.node.try_get_context("config") or PROJECT_ROOT / "tenants.yaml"))
        chosen = app.node.try_get_context("tenant")
        add_stacks(app, config, tenants=None if chosen is None else str(chosen).split(","))
    except ConfigError as error:
        sys.exit(str(error))
    app.synth()


def project_context() -> dict[str, Any]:
    """The feature flags of `cdk.json`."""
    context: dict[str, Any] = json.loads((PROJECT_ROOT / "cdk.json").read_text(encoding="utf-8"))["context"]
    return context
