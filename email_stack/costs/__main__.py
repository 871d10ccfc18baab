"""Rewrites the tables of docs/cost.md, for `make costs`."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from email_stack.config import load
from email_stack.costs.page import written
from email_stack.output.files import write_whole
from email_stack.synthesis.app import project_context, synthesize
from email_stack.synthesis.sharding import Shard
from email_stack.synthesis.toolchain import PROJECT_ROOT

__all__ = ["PAGE", "main", "templates"]

PAGE: Final = PROJECT_ROOT / "docs" / "cost.md"
_CONFIG: Final = """cells:
  eu: {region: us-east-1}
tenants:
  - {id: acme, subdomain: post.acme.example, addresses: [support]}
"""
_CONTROL: Final = """cells:
  eu:
    region: us-east-1
    quotas: {concurrent_executions: 1000}
    control: {issuer: "https://login.acme.example", audience: email-settings}
tenants: []
"""
Template = Mapping[str, Any]


def templates() -> tuple[Template, Template, Template]:
    """Templates of a cell, of a delegated tenant in it, and of a settings API, with defaults alone."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        cell, tenant = _synthesized(folder / "cell", _CONFIG, ("acme",), (), ("Cell-eu", "Tenant-acme"))
        (control,) = _synthesized(folder / "control", _CONTROL, (), ("eu",), ("Control-eu",))
    return cell, tenant, control


def _synthesized(
    folder: Path, text: str, tenants: tuple[str, ...], cells: tuple[str, ...], stacks: tuple[str, ...]
) -> list[Template]:
    folder.mkdir()
    (folder / "tenants.yaml").write_text(text, encoding="utf-8")
    outdir = folder / "cdk.out"
    config = load(folder / "tenants.yaml")
    synthesize(Shard(config=config, tenants=tenants, cells=cells, outdir=outdir, context=project_context()))
    return [json.loads((outdir / f"{stack}.template.json").read_text(encoding="utf-8")) for stack in stacks]


def main() -> None:
    """Write the page."""
    write_whole(PAGE, written(PAGE.read_text(encoding="utf-8"), *templates()).encode())


if __name__ == "__main__":
    main()
