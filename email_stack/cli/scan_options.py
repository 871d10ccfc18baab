"""Options of the commands that scan local files, and the clamd that they do it with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final

import typer

from email_stack.cli.output import CommandError, ExitCode, errors
from mailroom.scanning.clamd import Clamd, ClamdError
from mailroom.scanning.verdicts import Verdict

__all__ = ["Files", "PolicyOf", "SocketPath", "clamd_failures", "engine_at"]

_SOCKETS: Final = ("/run/clamav/clamd.ctl", "/run/clamd.scan/clamd.sock")
"""Where distributions put it."""
_SEALED: Final = b"Rar!\x1a\x07\x01\x00"

Files = Annotated[list[Path], typer.Argument(metavar="FILE...", help="Messages, as they come: .eml files.")]
SocketPath = Annotated[
    Path | None, typer.Option("--socket", help="Local socket of clamd. Default: the distribution's.")
]
PolicyOf = Annotated[str | None, typer.Option("--tenant", help="Do as for this tenant. Default: the defaults.")]


def engine_at(socket: Path | None) -> Clamd:
    """The clamd that runs there; says so where it takes for clean what the scanner's does not.

    Raises:
        CommandError: none does.
    """
    engine = Clamd(socket_path=str(socket or _default_socket()))
    with clamd_failures():
        lacking = engine.scan(_SEALED).verdict is Verdict.CLEAN
    if lacking:
        errors.print(
            "note: this clamd lacks the scanner's own signatures, for archives and Office documents that it cannot open; copy "
            "mailroom/scanning/sealed.ndb beside its definitions and reload it",
            markup=False,
            soft_wrap=True,
        )
    return engine


@contextmanager
def clamd_failures(doing: str = "") -> Iterator[None]:
    """End the command when clamd does not answer within, `doing` in front."""
    try:
        yield
    except ClamdError as error:
        raise CommandError("the scan failed", f"{doing}{error}", ExitCode.NOT_INSTALLED) from error


def _default_socket() -> str:
    return next((path for path in _SOCKETS if Path(path).is_socket()), _SOCKETS[0])
