"""Synthesis beside plain CDK apps with the same resources, in one run, as ratios.

Every figure is the wall time of a fresh process, from start to written assembly; contestants take turns, so that what else
the machine does meets all of them, and each figure is the best of its turns. Writes docs/benchmarks/synth.md and .png.

    make bench                           everything, up to 1,000 tenants
    python -m benchmarks.synth 1 10      those sizes only
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks import report
from constructs_lib.bundle import bundle
from email_stack.synthesis.toolchain import PROJECT_ROOT, node_executable

SIZES: Final = (1, 10, 100, 1000)
REGIONS: Final = ("eu-central-1", "eu-west-1", "eu-west-2", "eu-west-3", "eu-north-1", "eu-south-1")
TENANTS_A_CELL: Final = 180
TYPESCRIPT: Final = PROJECT_ROOT / "benchmarks" / "typescript"


@dataclass(frozen=True, kw_only=True)
class Contestant:
    """One way to synthesize: its name, and how to run it on `size` tenants in `folder`."""

    name: str
    run: Callable[[Path, int], None]


def main() -> None:
    """Measure, print, and write the report."""
    sizes = [int(argument) for argument in sys.argv[1:]] or list(SIZES)
    _compile_typescript()
    contestants = [
        Contestant(name="platform", run=_platform),
        Contestant(name="platform, one alone", run=_platform_alone),
        Contestant(name="platform, one selected", run=_platform_selected),
        Contestant(name="plain Python", run=_plain_python),
        Contestant(name="plain TypeScript", run=_plain_typescript),
    ]
    measured: dict[str, dict[int, report.Figure]] = {contestant.name: {} for contestant in contestants}
    with tempfile.TemporaryDirectory() as temporary:
        for size in sizes:
            folder = Path(temporary) / str(size)
            folder.mkdir()
            _write_inputs(folder, size)
            for contestant in contestants:
                measured[contestant.name][size] = report.Figure(seconds=float("inf"), resources=0)
            for _ in range(5 if size <= 10 else 3 if size <= 100 else 2):
                for contestant in contestants:
                    best = measured[contestant.name][size].seconds
                    figure = _measure(contestant, folder, size)
                    measured[contestant.name][size] = report.Figure(
                        seconds=min(best, figure.seconds), resources=figure.resources
                    )
            for contestant in contestants:
                print(f"{size:5} tenants  {contestant.name:24} {measured[contestant.name][size].seconds:7.2f} s")
    report.write(
        measured, machine=f"{os.cpu_count()} cores, Python {platform.python_version()}, Node {_node_version()}"
    )


def _measure(contestant: Contestant, folder: Path, size: int) -> report.Figure:
    assembly = folder / "cdk.out"
    shutil.rmtree(assembly, ignore_errors=True)
    started = time.perf_counter()
    contestant.run(folder, size)
    seconds = time.perf_counter() - started
    templates = [json.loads(path.read_text(encoding="utf-8")) for path in assembly.glob("*.template.json")]
    expected = 2 if "one" in contestant.name else size + -(-size // TENANTS_A_CELL)
    if len(templates) != expected:
        raise RuntimeError(f"{contestant.name}: {expected} templates expected, got {len(templates)}")
    return report.Figure(seconds=seconds, resources=sum(map(_resources, templates)))


def _resources(template: dict[str, Any]) -> int:
    """What the template creates: a group of record sets counts as its record sets."""
    return sum(
        len(resource.get("Properties", {}).get("RecordSets", "1")) for resource in template["Resources"].values()
    )


def _write_inputs(folder: Path, size: int) -> None:
    """The same tenants as a config and as the plain apps' JSON."""
    cells = [f"c{index}" for index in range(-(-size // TENANTS_A_CELL))]
    tenants: list[dict[str, Any]] = [
        {
            "id": f"t{index:04}",
            "subdomain": f"post.t{index:04}.example",
            "cell": cells[index // TENANTS_A_CELL],
            "addresses": ["support", "sales"],
        }
        for index in range(size)
    ]
    regions = dict(zip(cells, REGIONS, strict=False))
    quotas = {"hosted_zones": 2000, "iam_roles": 20_000, "alarms": 6000}
    config = {"cells": {cell: {"region": regions[cell], "quotas": quotas} for cell in cells}, "tenants": tenants}
    (folder / "tenants.yaml").write_text(json.dumps(config), encoding="utf-8")
    alone = {**config, "tenants": [tenant for tenant in tenants if tenant["id"] == f"t{size // 2:04}"]}
    (folder / "alone.yaml").write_text(json.dumps(alone), encoding="utf-8")
    spec = {"cells": [{"id": cell, "region": regions[cell]} for cell in cells], "tenants": tenants}
    (folder / "tenants.json").write_text(json.dumps(spec), encoding="utf-8")


def _platform(folder: Path, _size: int, *, config: str = "tenants.yaml", **context: str) -> None:
    _run(
        [sys.executable, "-O", str(PROJECT_ROOT / "app.py")],  # as cdk.json and the command line do
        folder,
        CDK_CONTEXT_JSON=json.dumps({"config": str(folder / config), **context}),
    )


def _platform_alone(folder: Path, size: int) -> None:
    _platform(folder, size, config="alone.yaml", tenant=f"t{size // 2:04}")


def _platform_selected(folder: Path, size: int) -> None:
    _platform(folder, size, tenant=f"t{size // 2:04}")


def _plain_python(folder: Path, _size: int) -> None:
    _run([sys.executable, "-m", "benchmarks.naive_app"], folder, JSII_NODE=str(node_executable()))


def _plain_typescript(folder: Path, _size: int) -> None:
    _run([str(node_executable()), str(TYPESCRIPT / "build" / "app.js")], folder)


def _run(command: list[str], folder: Path, **environment: str) -> None:
    environment |= {
        "CDK_OUTDIR": str(folder / "cdk.out"),
        "TENANTS_JSON": str(folder / "tenants.json"),
        "CODE": str(bundle("mailroom.functions.ingest")),
        "HANDLER": str(bundle("mailroom.functions.rule_set_activation", libraries=False)),
    }
    subprocess.run(command, cwd=PROJECT_ROOT, env={**os.environ, **environment}, check=True)


def _compile_typescript() -> None:
    compiler = TYPESCRIPT / "node_modules" / "typescript" / "bin" / "tsc"
    subprocess.run([str(node_executable()), str(compiler)], cwd=TYPESCRIPT, check=True)


def _node_version() -> str:
    return subprocess.run(
        [str(node_executable()), "--version"], capture_output=True, text=True, check=True
    ).stdout.strip()


if __name__ == "__main__":
    main()
