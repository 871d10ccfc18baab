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


def templates() -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Templates of a cell, and of a delegated tenant in it, with defaults alone."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "tenants.yaml").write_text(_CONFIG, encoding="utf-8")
        config = load(folder / "tenants.yaml")
        shard = Shard(config=config, tenants=("acme",), cells=(), outdir=folder / "cdk.out", context=project_context())
        synthesize(shard)
        cell, tenant = (
            json.loads((folder / "cdk.out" / f"{stack}.template.json").read_text(encoding="utf-8"))
            for stack in ("Cell-eu", "Tenant-acme")
        )
    return cell, tenant


def main() -> None:
    """Write the page."""
    write_whole(PAGE, written(PAGE.read_text(encoding="utf-8"), *templates()).encode())


if __name__ == "__main__":
    main()
