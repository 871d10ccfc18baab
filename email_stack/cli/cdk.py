"""Runs the pinned CDK CLI."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from email_stack.cli.output import CommandError, ExitCode
from email_stack.toolchain import PROJECT_ROOT, ToolchainError, cdk_command, node_executable

__all__ = ["CdkRun", "run_cdk"]

_TAIL_LINES: Final = 30


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
    """

    verb: str
    stacks: Sequence[str]
    config: Path
    tenants: Sequence[str] | None
    options: Sequence[str] = ()
    assembly: Path | None = None

    def command(self, assembly: Path) -> list[str]:
        """The whole command line. Raises `ToolchainError` when a tool is missing."""
        context = ["--context", f"config={self.config.resolve()}"]
        if self.tenants is not None:
            context += ["--context", f"tenant={','.join(self.tenants)}"]
        return [
            *cdk_command(),
            self.verb,
            *self.stacks,
            "--app",
            subprocess.list2cmdline([sys.executable, "-O", str(PROJECT_ROOT / "app.py")]),
            "--output",
            str(assembly.resolve()),
            *context,
            *self.options,
        ]


def run_cdk(run: CdkRun, *, quiet: bool = False) -> int:
    """Run it in the project's folder, its progress going straight to standard error; returns its exit code.

    Args:
        run: what to run.
        quiet: keep the progress to ourselves.

    Raises:
        CommandError: a tool is missing, or the CLI failed (with the last lines of what it said).
    """
    if run.assembly is not None:
        return _run(run, run.assembly, quiet=quiet)
    with tempfile.TemporaryDirectory(prefix="cdk.out-") as folder:
        return _run(run, Path(folder) / "cdk.out", quiet=quiet)


def _run(run: CdkRun, assembly: Path, *, quiet: bool) -> int:
    try:
        command = run.command(assembly)
        path = f"{node_executable().parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    except ToolchainError as error:
        raise CommandError("not installed", str(error), ExitCode.NOT_INSTALLED) from error
    tail: deque[str] = deque(maxlen=_TAIL_LINES)
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
        assert process.stdout is not None  # noqa: S101 - piped above; for the type checker
        for line in process.stdout:
            tail.append(line.rstrip())
            if not quiet:
                sys.stderr.write(line)
                sys.stderr.flush()
    if process.returncode != 0 and "--fail" not in run.options:
        said = "\n".join(line for line in tail if line.strip())
        raise CommandError(f"cdk {run.verb} failed with exit code {process.returncode}", said, ExitCode.CDK_FAILED)
    return process.returncode
