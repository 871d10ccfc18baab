"""Synthesizes many tenants in several processes, and joins their output into one assembly.

In one process Python and Node take turns, so one process uses one core at most. Tenants are independent of each other, so any
division of them gives the same templates.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

from email_stack.config import Config
from email_stack.output.files import write_whole

__all__ = ["Shard", "divide", "join_assemblies", "run_in_shards", "settle_manifest"]

_MANIFEST: Final = "manifest.json"

_TENANTS_WORTH_A_PROCESS: Final = 150
"""A process costs 2.5 s of a core (Node, the CDK's import, its validator), a tenant 0.03 s: below this, little is gained."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Shard:
    """The work of one process.

    Args:
        config: the whole config.
        tenants: ids of the tenants to build.
        cells: ids of cells to build besides those of the tenants.
        outdir: folder of the assembly.
        context: CDK context.
    """

    config: Config
    tenants: tuple[str, ...]
    cells: tuple[str, ...]
    outdir: Path
    context: dict[str, Any]


def divide(whole: Shard, processes: int | None = None) -> list[Shard]:
    """`whole` in a useful number of parts, at most one for each of `processes` (default: the machine's cores)."""
    most = processes or os.cpu_count() or 1
    count = max(1, min(most, len(whole.tenants) // _TENANTS_WORTH_A_PROCESS))
    size = max(1, -(-len(whole.tenants) // count))
    parts = [whole.tenants[start : start + size] for start in range(0, len(whole.tenants), size)] or [()]
    return [replace(whole, tenants=part, cells=() if index else whole.cells) for index, part in enumerate(parts)]


def run_in_shards(task: Callable[[Shard], None], shards: Sequence[Shard], outdir: Path) -> None:
    """Run `task` for each shard's assembly in a process of its own, and join the assemblies in `outdir`.

    Raises:
        Exception: the first error of `task`; then `outdir` has no manifest of this run.
    """
    outdir.mkdir(parents=True, exist_ok=True)
    (outdir / _MANIFEST).unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(dir=outdir, prefix=".shards-") as temporary:
        placed = [replace(shard, outdir=Path(temporary) / str(index)) for index, shard in enumerate(shards)]
        with ProcessPoolExecutor(len(placed), mp_context=get_context("spawn")) as pool:
            for _ in pool.map(task, placed):
                pass
        join_assemblies([shard.outdir for shard in placed], outdir)


def join_assemblies(folders: Sequence[Path], outdir: Path) -> None:
    """Move the files of several assemblies into one, under a manifest of all of them.

    A stack in several of them, such as a cell, is the same in each.
    """
    joined: dict[str, Any] = {}
    for folder in folders:
        manifest = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
        joined = {**manifest, "artifacts": {**joined.get("artifacts", {}), **manifest["artifacts"]}}
        for source in folder.iterdir():
            target = outdir / source.name
            # An asset's folder has the hash of its content as name.
            if source.name != _MANIFEST and not target.is_dir():
                shutil.move(source, target)
    _write_manifest(joined, outdir)


def settle_manifest(outdir: Path) -> None:
    """Order an assembly's manifest by name, so that it is independent of the division."""
    _write_manifest(json.loads((outdir / _MANIFEST).read_text(encoding="utf-8")), outdir)


def _write_manifest(manifest: dict[str, Any], outdir: Path) -> None:
    ordered = {**manifest, "artifacts": dict(sorted(manifest["artifacts"].items()))}
    write_whole(outdir / _MANIFEST, json.dumps(ordered, indent=1).encode())
