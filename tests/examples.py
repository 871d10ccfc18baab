"""The programs of the documentation that make stacks with the constructs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from email_stack.synthesis.toolchain import PROJECT_ROOT
from tests.once import made_once

__all__ = ["EXAMPLES", "blocks", "example", "synthesized_example"]

EXAMPLES: Final = ("README.md", "docs/constructs.md", "docs/scanning.md", "docs/sending.md")


def blocks(page: Path, language: str) -> list[str]:
    """The fenced blocks of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def example(page: str) -> str:
    """The one program of a page that makes an app."""
    (code,) = [block for block in blocks(PROJECT_ROOT / page, "python") if "cdk.App()" in block]
    return code


def synthesized_example(page: str, factory: pytest.TempPathFactory) -> Path:
    """Folder of the assembly of a page's program, which runs as it stands; the CDK's check of templates finds nothing in it.

    With nothing on PATH, in a folder of its own.
    """

    def run(folder: Path) -> None:
        unpacked = {"JSII_RUNTIME_PACKAGE_CACHE_ROOT": os.environ["JSII_RUNTIME_PACKAGE_CACHE_ROOT"]}
        environment = {"CDK_OUTDIR": str(folder / "out"), "PATH": "/nonexistent", "HOME": str(folder), **unpacked}
        command = [sys.executable, "-c", example(page)]
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    return made_once(factory, f"example-{Path(page).stem}", run) / "out"
