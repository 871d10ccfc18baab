"""The command line in the tests' own process. That the installed script starts by itself is seen in `test_commands.py`."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
from pathlib import Path
from unittest import mock

import pytest

from email_stack.cli import main
from email_stack.synthesis.toolchain import PROJECT_ROOT

__all__ = ["email_stack"]


def email_stack(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `email-stack` in the project's folder, with these variables more; its exit code, and its output as a pipe has it."""
    command = ["email-stack", *map(str, arguments)]
    written = io.BytesIO(), io.BytesIO()
    out, errors = (io.TextIOWrapper(stream, encoding="utf-8", write_through=True) for stream in written)
    with (
        mock.patch.object(sys, "argv", command),
        mock.patch.dict(os.environ, {"COLUMNS": "100", **environment}),
        contextlib.chdir(PROJECT_ROOT),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(errors),
        pytest.raises(SystemExit) as ended,
    ):
        main()
    code = ended.value.code
    assert isinstance(code, int)
    said = [stream.getvalue().decode() for stream in written]
    return subprocess.CompletedProcess(command, code, *said)
