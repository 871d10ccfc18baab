"""A long step says what it does, how far it is, and how to mend it."""

from __future__ import annotations

import io
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from email_stack.synthesis.toolchain import PROJECT_ROOT
from tools import step
from tools.remedies import remedy_of

STEP = [sys.executable, str(PROJECT_ROOT / "tools" / "step.py")]
AS_PIP = """
import time
print("Ignoring colorama: markers 'sys_platform == \\"win32\\"' don't match your environment")
for name in ("annotated-doc", "boto3"):
    print(f"Collecting {name}==1.0 (from -r requirements.lock (line 1))", flush=True)
    time.sleep(0.5)
print("Installing collected packages: annotated-doc, boto3", flush=True)
time.sleep(0.5)
"""


def failing(printed: str, code: int = 1) -> list[str]:
    """A command that prints and fails."""
    return [sys.executable, "-c", f"import sys; print({printed!r}); sys.exit({code})"]


def test_success_is_two_lines() -> None:
    """What is done, and that it is done; nothing of what the tool printed."""
    out = io.StringIO()
    assert step.run("doing it", [sys.executable, "-c", "print('noise')"], out=out) == 0
    assert re.fullmatch(r"doing it \.\.\.\n  done in \d+ s\n", out.getvalue())


def test_log_says_how_far_pip_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a terminal: a line each while, with the package and the number of those that this platform takes."""
    monkeypatch.setattr(step, "LOG_SECONDS", 0.1)
    out = io.StringIO()
    assert step.run("installing", [sys.executable, "-c", AS_PIP], total=3, out=out) == 0
    lines = out.getvalue().splitlines()
    assert "  1 of 2: annotated-doc, 0 s" in lines
    assert any(line.startswith("  2 of 2: boto3, ") for line in lines)
    assert any(line.startswith("  unpacking 2, ") for line in lines)


@pytest.mark.slow
def test_terminal_has_one_line_that_is_written_over() -> None:
    """It is taken away at the end."""
    primary, secondary = pty.openpty()
    with subprocess.Popen([*STEP, "--total", "3", "installing", "--", sys.executable, "-c", AS_PIP], stdout=secondary):
        os.close(secondary)
        told = b""
        while True:
            try:
                told += os.read(primary, 1000)
            except OSError:  # the other side is closed
                break
    os.close(primary)
    assert b"\r  2 of 2: boto3, " in told
    assert told.replace(b"\r\n", b"\n").count(b"\n") == 2
    assert b"\r\x1b[K  done in " in told


def test_failure_shows_what_the_tool_said_and_one_line_more() -> None:
    """The tool's exit code is the step's."""
    command = failing("pip is sad\nOSError: [Errno 28] No space left on device", 2)
    done = subprocess.run([*STEP, "installing", "--", *command], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    *said, last = done.stdout.splitlines()
    assert said == ["installing ...", "pip is sad", "OSError: [Errno 28] No space left on device"]
    assert last.startswith("install: installing: no disk space is left, got exit code 2; free 3 GB")


def test_program_that_is_missing(tmp_path: Path) -> None:
    """It is named, with exit code 127."""
    out = io.StringIO()
    assert step.run("doing it", [str(tmp_path / "none")], out=out) == 127
    assert out.getvalue().endswith(f"install: doing it: program is missing, got {tmp_path}/none; run: make install\n")


@pytest.mark.parametrize(
    ("printed", "problem"),
    [
        ("npm error code ENOSPC", "no disk space is left"),
        (
            "WARNING: Retrying ... NewConnectionError('...: Failed to establish a new connection: [Errno -3] ...",
            "reached",
        ),
        ("npm error code EAI_AGAIN", "cannot be reached"),
        ("SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] ...", "certificate is not trusted"),
        ("npm error code SELF_SIGNED_CERT_IN_CHAIN", "certificate is not trusted"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.", "not the one that was locked"),
        ("ensurepip is not available.  On Debian/Ubuntu systems, you need to install the python3-venv", "venv module"),
        ("/usr/bin/python3: No module named venv", "venv module"),
        ("error: command 'gcc' failed: No such file or directory", "cannot be compiled"),
        ("ERROR: Failed building wheel for atheris", "cannot be compiled"),
        ("error: metadata-generation-failed", "cannot be compiled"),
        ("ERROR: No matching distribution found for aws-cdk-lib==2.275.0", "does not have a package"),
        ("npm error code E404", "does not have a package"),
        ("npm error code EACCES", "a file cannot be written"),
        ("pytest-cov 7.0 requires pluggy, which is not installed.", "do not fit together"),
        ("moto 5.0 has requirement boto3>=2, but you have boto3 1.43.", "do not fit together"),
        ("atheris 3.0.0 is not supported on this platform", "do not fit together"),
        ("something new", "failed"),
    ],
)
def test_remedies(printed: str, problem: str, tmp_path: Path) -> None:
    """By what pip, npm and venv print."""
    assert problem in remedy_of(printed.splitlines(), [tmp_path]).problem


def test_network_is_told_before_its_consequence(tmp_path: Path) -> None:
    """pip ends with a distribution that it did not find; the reason stands above."""
    printed = ["Failed to establish a new connection: [Errno 111] Connection refused", "No matching distribution found"]
    assert "cannot be reached" in remedy_of(printed, [tmp_path]).problem
