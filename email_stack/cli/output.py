"""Output of the command line, and its exit codes."""

from __future__ import annotations

import json
import sys
from enum import IntEnum
from typing import Any, Final

from rich.console import Console
from rich.panel import Panel
from rich.text import Text

__all__ = ["CommandError", "ExitCode", "console", "errors", "print_error", "print_json"]

_PIPED_COLUMNS: Final = 132
"""Width of tables that go to a file or a pipe, which has none of its own."""

console = Console(highlight=False, width=None if sys.stdout.isatty() else _PIPED_COLUMNS)
errors = Console(stderr=True, highlight=False)


class ExitCode(IntEnum):
    """Every code that `email-stack` exits with; scripts may rely on them."""

    OK = 0
    INVALID = 1
    """The config or the request is not valid; nothing was done."""
    USAGE = 2
    """The command line itself is not valid."""
    CDK_FAILED = 3
    """The CDK or CloudFormation reported a failure."""
    NOT_INSTALLED = 4
    """A tool is missing, or does not run."""
    REFUSED = 5
    """The request is not safe; the message has the remedy."""
    DIFFERENT = 6
    """`diff --fail` found differences, `dns-check`, `doctor` or `status` something to do, `scan` or `replay` a message that is not
    clean, `send-test` one that is not sent, or `suppressions --address` the address."""
    PENDING = 7
    """`dns-check`, `send-test` or `status` found nothing to do but wait."""
    NOT_DEPLOYED = 8
    """The tenant's records need a deployment first."""
    AWS_FAILED = 9
    """AWS refused, or could not be asked."""


class CommandError(Exception):
    """A command cannot go on: a title, the text of one readable block, and the exit code."""

    def __init__(self, title: str, text: str, code: ExitCode) -> None:
        super().__init__(f"{title}: {text}")
        self.title = title
        self.text = text
        self.code = code


def print_error(error: CommandError, *, as_json: bool) -> None:
    """One block on standard error; with `as_json`, one JSON object on standard output."""
    if as_json:
        print_json({"ok": False, "error": error.title, "detail": error.text, "exit_code": int(error.code)})
    elif errors.is_terminal:
        errors.print(Panel(Text(error.text), title=error.title, title_align="left", border_style="red"))
    else:
        # Plain lines: editors and CI find "file:line:column" in them.
        errors.print(f"{error.title}\n{error.text}", markup=False, soft_wrap=True)


def print_json(value: Any, *, one_line: bool = False) -> None:
    """One JSON document on standard output, for scripts: in ASCII, which passes every terminal, pipe and locale unchanged."""
    print(json.dumps(value, indent=None if one_line else 2), flush=one_line)
