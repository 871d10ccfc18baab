"""The script `email-stack`, where the command line's libraries are missing."""

from __future__ import annotations

import subprocess
import sys

import pytest

from email_stack.cli.output import ExitCode


def run_without(module: str) -> subprocess.CompletedProcess[str]:
    """Run the script's entry in a process that cannot import `module`."""
    code = f"import sys; sys.modules[{module!r}] = None; from email_stack import entry; entry.main()"
    return subprocess.run([sys.executable, "-c", code, "list"], capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("library", ["typer", "rich", "yaml"])
def test_missing_library_names_the_extra(library: str) -> None:
    """One line, and the exit code of a tool that is missing."""
    done = run_without(library)
    assert done.returncode == ExitCode.NOT_INSTALLED
    (line,) = done.stderr.splitlines()
    assert f'"{library}"' in line
    assert '[platform]"' in line


def test_module_of_ours_that_is_missing_is_an_error() -> None:
    """A broken installation is not taken for a missing library."""
    done = run_without("email_stack.cli.output")
    assert done.returncode == 1
    assert "ModuleNotFoundError" in done.stderr
