"""Folders that all workers of one run of the tests share: whoever needs one first makes it, and the others wait."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

__all__ = ["made_once"]


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """The run's folder of that name, which nobody changes; `make` fills it, unless another worker has.

    A worker that fails, or ends, while it fills it leaves it to the next one.
    """
    base = factory.getbasetemp()
    # Each of pytest-xdist's workers has a folder in that of the run; without them, the run's is the only one.
    run = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    made, part = run / name, run / f"{name}.part"
    with (run / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir()
            make(part)
            part.rename(made)
    return made
