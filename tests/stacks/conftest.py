"""The whole platform of tests/stacks/tenants.yaml, synthesized once a worker."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from email_stack.config import Config, load
from email_stack.synthesis.app import project_context, synthesize
from email_stack.synthesis.sharding import Shard
from email_stack.synthesis.toolchain import PROJECT_ROOT

CONFIG = Path(__file__).with_name("tenants.yaml")


@pytest.fixture(scope="session")
def config() -> Config:
    """Tenants of every kind."""
    return load(CONFIG)


def synthesized(config: Config, outdir: Path) -> Path:
    """Synthesize every tenant of `config` to `outdir`."""
    tenants = tuple(tenant.id for tenant in config.tenants)
    synthesize(Shard(config=config, tenants=tenants, cells=(), outdir=outdir, context=project_context()))
    return outdir


@pytest.fixture(scope="session")
def assembly(config: Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the cloud assembly of all of them."""
    return synthesized(config, tmp_path_factory.mktemp("assembly"))


@pytest.fixture(scope="session")
def example_assembly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the cloud assembly of the example at the root."""
    return synthesized(load(PROJECT_ROOT / "tenants.yaml"), tmp_path_factory.mktemp("example"))


@pytest.fixture(scope="session")
def templates(assembly: Path) -> dict[str, Any]:
    """Templates by stack name."""
    return {
        path.name.removesuffix(".template.json"): json.loads(path.read_text(encoding="utf-8"))
        for path in sorted(assembly.glob("*.template.json"))
    }
