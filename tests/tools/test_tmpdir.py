"""Temporary files of a run are in memory where there is room, and gone after it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from email_stack.synthesis.toolchain import PROJECT_ROOT

SAYS = 'touch "$TMPDIR/left"; echo "$TMPDIR"; exit "$1"'


def run(checkout: Path, code: int = 0, *, free: int = 100) -> tuple[int, Path]:
    """A command's exit code and folder, with so many GB free in memory."""
    tools = checkout / "tools"
    tools.mkdir(exist_ok=True)
    df = tools / "df"
    df.write_text(f"#!/bin/sh\necho Avail\necho {free}\n")
    df.chmod(0o755)
    environment = {"PATH": f"{tools}:{os.environ['PATH']}", "TMPDIR": str(checkout / "a disk")}
    (checkout / "a disk").mkdir(exist_ok=True)
    command = [str(PROJECT_ROOT / "tests" / "tmpdir.sh"), "bash", "-c", SAYS, "a b", str(code)]
    done = subprocess.run(command, cwd=checkout, env=environment, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return done.returncode, Path(done.stdout.removesuffix("\n"))


def test_a_run_that_failed_leaves_its_files_until_the_next(tmp_path: Path) -> None:
    """The command's exit code is the script's."""
    code, failed = run(tmp_path, 3)
    assert code == 3
    assert (failed / "left").exists()
    code, folder = run(tmp_path)
    assert (code, folder == failed) == (0, failed == tmp_path / "a disk")
    assert failed == tmp_path / "a disk" or not (failed.exists() or folder.exists())


def test_little_room(tmp_path: Path) -> None:
    """The disk is used, as without the script."""
    code, folder = run(tmp_path, free=7)
    assert (code, folder) == (0, tmp_path / "a disk")
    assert (folder / "left").exists()
