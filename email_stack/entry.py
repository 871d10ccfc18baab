"""Entry of the script `email-stack`. It tells what to install where the command line's libraries are missing."""

from __future__ import annotations

import sys

__all__ = ["main"]

_OURS = frozenset({"constructs_lib", "email_stack", "mailroom"})
_NOT_INSTALLED = 4
"""As `ExitCode.NOT_INSTALLED`, whose module needs the libraries."""


def main() -> None:
    """Run the command line. Exits with 4 where the extra `platform` is not installed."""
    try:
        from email_stack.cli.main import main as run  # noqa: PLC0415 - needs typer
    except ModuleNotFoundError as error:
        library = (error.name or "").partition(".")[0]
        if not library or library in _OURS:
            raise
        print(
            f'email-stack: python package "{library}" must be installed; '
            'run pip install "email-subdomain-platform[platform]"',
            file=sys.stderr,
        )
        sys.exit(_NOT_INSTALLED)
    run()
