"""The whole platform of tests/stacks/tenants.yaml, synthesized once a run."""

from __future__ import annotations

import json
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from email_stack.config import Config, load
from email_stack.synthesis.app import project_context, synthesize
from email_stack.synthesis.sharding import Shard
from email_stack.synthesis.toolchain import PROJECT_ROOT
from tests.once import made_once
from tests.templates import UNSTAGED, unchecked

CONFIG = Path(__file__).with_name("tenants.yaml")


@pytest.fixture(scope="session")
def config() -> Config:
    """Tenants of every kind."""
    return load(CONFIG)


def synthesized(config: Config, outdir: Path, *, staged: bool = True, checked: bool = False) -> Path:
    """Synthesize every tenant of `config` to `outdir`: with functions' code or only templates, checked by the CDK or not."""
    tenants = tuple(tenant.id for tenant in config.tenants)
    context = project_context() if staged else {**project_context(), **UNSTAGED}
    with nullcontext() if checked else unchecked():
        synthesize(Shard(config=config, tenants=tenants, cells=(), outdir=outdir, context=context))
    return outdir


@pytest.fixture(scope="session")
def assembly(config: Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the cloud assembly of all of them."""
    return made_once(tmp_path_factory, "assembly", lambda folder: synthesized(config, folder))


@pytest.fixture(scope="session")
def example_assembly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the templates of the example at the root."""
    example = load(PROJECT_ROOT / "tenants.yaml")
    return made_once(
        tmp_path_factory, "example", lambda folder: synthesized(example, folder, staged=False, checked=True)
    )


@pytest.fixture(scope="session")
def templates(assembly: Path) -> dict[str, Any]:
    """Templates by stack name."""
    return {
        path.name.removesuffix(".template.json"): json.loads(path.read_text(encoding="utf-8"))
        for path in sorted(assembly.glob("*.template.json"))
    }
