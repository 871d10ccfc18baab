"""Makes a tenant's template from its snapshot, with the app of `cdk deploy` in a process without credentials."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from constructs_lib.naming import tenant_stack_name
from email_stack.config.document import Document
from email_stack.config.snapshots import Snapshot, snapshot_file, snapshot_text
from email_stack.synthesis.toolchain import PROJECT_ROOT

__all__ = ["Platform", "Synthesis", "SynthesisError"]

_SECONDS: Final = 300
_MOST_SAID: Final = 500


class SynthesisError(Exception):
    """The settings give no template; the text has the reason, for the customer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Platform:
    """The config that git owns: cells, and the keys of tenants that the settings API does not own.

    Args:
        document: the file of cells and tenants.
        cell: cell of tenants that the file lacks.
    """

    document: Document
    cell: str

    def config_for(self, snapshot: Snapshot) -> str:
        """A config of this tenant only, so that a fault of another one stops nothing. JSON is YAML."""
        data = self.document.data
        listed = [
            one for one in data.get("tenants", ()) if isinstance(one, Mapping) and one.get("id") == snapshot.tenant
        ]
        tenant: Mapping[str, Any] = listed[0] if listed else {"cell": self.cell}
        return json.dumps(
            {"cells": data.get("cells"), "tenants": [{**tenant, "id": snapshot.tenant, "settings": "api"}]}
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Synthesis:
    """Runs the app.

    Args:
        platform: the config that git owns.
        environment: further variables of the process. Default: none.
    """

    platform: Platform
    environment: Mapping[str, str] = field(default_factory=dict)

    def __call__(self, snapshot: Snapshot) -> bytes:
        """The template of the snapshot's tenant. Raises SynthesisError."""
        with tempfile.TemporaryDirectory(prefix="synthesis-") as name:
            folder = Path(name)
            config = folder / "tenants.json"
            config.write_text(self.platform.config_for(snapshot), encoding="utf-8")
            file = snapshot_file(config, snapshot.tenant)
            file.parent.mkdir()
            file.write_text(snapshot_text(snapshot), encoding="utf-8")
            outdir = folder / "cdk.out"
            self._run(folder, outdir, {"config": str(config), "tenant": snapshot.tenant})
            return (outdir / f"{tenant_stack_name(snapshot.tenant)}.template.json").read_bytes()

    def _run(self, folder: Path, outdir: Path, context: Mapping[str, str]) -> None:
        # No variable of this process: code that handles customers' input gets no credentials.
        environment = {
            "PATH": os.defpath,
            "HOME": str(folder),
            "TMPDIR": str(folder),
            "CDK_OUTDIR": str(outdir),
            "CDK_CONTEXT_JSON": json.dumps(context),
            **self.environment,
        }
        command = [sys.executable, "-O", str(PROJECT_ROOT / "app.py")]
        try:
            done = subprocess.run(  # noqa: S603 - our own app; what a customer wrote is in its files
                command, cwd=folder, env=environment, capture_output=True, text=True, timeout=_SECONDS, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise SynthesisError(f"synthesis: took longer than {_SECONDS} s") from error
        if done.returncode != 0:
            lines = [line.replace(str(folder), "") for line in done.stderr.strip().splitlines() if line.strip()]
            raise SynthesisError(f"synthesis: {lines[-1][:_MOST_SAID] if lines else 'ended without a word'}")
