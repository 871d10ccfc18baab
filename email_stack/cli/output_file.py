"""Output of commands to a file, or to standard output."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from email_stack.cli.output import errors
from email_stack.output.files import write_whole
from email_stack.output.printable import counted

__all__ = ["Output", "write_text"]

Output = Annotated[Path | None, typer.Option("--output", "-o", help="File to write. Default: standard output.")]


def write_text(text: str, output: Path | None) -> None:
    """Write to standard output, or to a file in one step. Line ends stay unchanged."""
    data = text.encode("utf-8")
    if output is None:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return
    write_whole(output, data)
    errors.print(f"{output}: {counted(len(data), 'byte')} written", markup=False, soft_wrap=True)
