"""Runs the pinned CDK CLI."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from email_stack.cli.causes import cause_of
from email_stack.cli.output import CommandError, ExitCode
from email_stack.output.printable import visible
from email_stack.synthesis.toolchain import PROJECT_ROOT, ToolchainError, cdk_command, node_executable

__all__ = ["CdkRun", "run_cdk"]

_REMEMBERED_LINES: Final = 2000
_COLOR: Final = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


@dataclass(frozen=True, kw_only=True, slots=True)
class CdkRun:
    """One call of the CDK CLI.

    Args:
        verb: its subcommand.
        stacks: stack names to act on.
        config: tenants file or folder.
        tenants: ids to synthesize; None for all.
        options: further options of the subcommand.
        assembly: folder of the cloud assembly. Default: a temporary one, so that commands may run at the same time.
        cell: id of a cell to synthesize instead of tenants. Default: None.
        synthesized: whether that assembly is there already, so that nothing is synthesized anew. Default: False.
    """

    verb: str
    stacks: Sequence[str]
    config: Path
    tenants: Sequence[str] | None
    options: Sequence[str] = ()
    assembly: Path | None = None
    cell: str | None = None
    synthesized: bool = False

    def command(self, assembly: Path) -> list[str]:
        """The whole command line. Raises `ToolchainError` when a tool is missing."""
        if self.synthesized:
            return [*cdk_command(), self.verb, *self.stacks, "--app", str(assembly.resolve()), *self.options]
        context = ["--context", f"config={self.config.resolve()}"]
        if self.cell is not None:
            context += ["--context", f"cell={self.cell}"]
        elif self.tenants is not None:
            context += ["--context", f"tenant={','.join(self.tenants)}"]
        return [
            *cdk_command(),
            self.verb,
            *self.stacks,
            "--app",
            # A shell runs it. The CLI removes quotes from an argument that begins and ends with one, hence the space.
            f"{shlex.join([sys.executable, '-O', str(PROJECT_ROOT / 'app.py')])} ",
            "--output",
            str(assembly.resolve()),
            *context,
            *self.options,
        ]


def run_cdk(run: CdkRun, on_line: Callable[[str], None]) -> None:
    """Run it in the project's folder.

    Args:
        run: what to run.
        on_line: called with each line that it prints, as it is printed.

    Raises:
        CommandError: a tool is missing, or the CLI failed, with its cause.
    """
    if run.assembly is not None:
        _run(run, run.assembly, on_line)
        return
    with tempfile.TemporaryDirectory(prefix="cdk.out-") as folder:
        _run(run, Path(folder) / "cdk.out", on_line)


def _run(run: CdkRun, assembly: Path, on_line: Callable[[str], None]) -> None:
    try:
        command = run.command(assembly)
        path = f"{node_executable().parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    except ToolchainError as error:
        raise CommandError("not installed", str(error), ExitCode.NOT_INSTALLED) from error
    said: deque[str] = deque(maxlen=_REMEMBERED_LINES)
    with subprocess.Popen(
        command,
        cwd=PROJECT_ROOT,
        env={**os.environ, "PATH": path},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        for line in process.stdout or ():
            text = visible(_COLOR.sub("", line.rstrip("\n")))
            said.append(text)
            on_line(text)
    if process.returncode != 0:
        raise CommandError(
            f"cdk {run.verb} failed with exit code {process.returncode}", cause_of(said), ExitCode.CDK_FAILED
        )
