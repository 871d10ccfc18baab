"""Options of the commands that scan local files, and the clamd that they do it with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from email_stack.cli.output import CommandError, ExitCode, errors
from email_stack.config import Tenant, load
from mailroom.scanning.clamd import Clamd, ClamdError
from mailroom.scanning.verdicts import Policy, Verdict

if TYPE_CHECKING:
    from email_stack.operations.replay import LocalScanner

__all__ = [
    "Files",
    "PolicyOf",
    "SocketPath",
    "clamd_failures",
    "engine_at",
    "local_scanner",
    "policy_tenant",
    "readable",
]

_SOCKETS: Final = ("/run/clamav/clamd.ctl", "/run/clamd.scan/clamd.sock")
"""Where distributions put it."""
_START: Final = (
    "Start one: sudo systemctl start clamav-daemon (on Debian, after: sudo apt install clamav-daemon); or name the socket of "
    "one that runs with --socket"
)
_NAME: Final = (
    f"Name the socket of one that runs with --socket, or leave that out: {' or '.join(_SOCKETS)} is then used"
)
_SEALED: Final = b"Rar!\x1a\x07\x01\x00"

Files = Annotated[list[Path], typer.Argument(metavar="FILE...", help="Messages as .eml files.")]
SocketPath = Annotated[
    Path | None, typer.Option("--socket", help="Local socket of clamd. Default: the distribution's.")
]
PolicyOf = Annotated[str | None, typer.Option("--tenant", help="Use this tenant's settings. Default: the defaults.")]


def policy_tenant(tenant: str | None, config: Path) -> Tenant | None:
    """The tenant of --tenant; None where the defaults apply. Raises `ConfigError`."""
    return load(config).tenant(tenant) if tenant is not None else None


def local_scanner(socket: Path | None, tenant: Tenant | None) -> LocalScanner:
    """A scanner of local files with the tenant's policy. Raises `CommandError` as `engine_at` does."""
    from email_stack.operations.replay import LocalScanner  # noqa: PLC0415 - the scanner takes longer than most commands

    policy = tenant.scan_policy if tenant is not None else Policy()
    return LocalScanner(engine=engine_at(socket), policy=policy)


def engine_at(socket: Path | None) -> Clamd:
    """The running clamd at that socket; warns if it lacks the scanner's signatures.

    Raises:
        CommandError: none does.
    """
    path = str(socket or _default_socket())
    engine = Clamd(socket_path=path)
    try:
        lacking = engine.scan(_SEALED).verdict is Verdict.CLEAN
    except ClamdError as error:
        raise CommandError(
            "no clamd", f"{error} {_START if socket is None else _NAME}", ExitCode.NOT_INSTALLED
        ) from error
    if lacking:
        errors.print(
            "note: this clamd lacks the scanner's own signatures, for archives and Office documents that it cannot open; copy "
            "mailroom/scanning/unscannable.ndb beside its definitions and reload it",
            markup=False,
            soft_wrap=True,
        )
    return engine


def readable(files: Sequence[Path]) -> None:
    """Check that every file can be read, before anything is done with any of them.

    Raises:
        CommandError: some cannot, one line each.
    """
    faults = [f"{file}: {problem}" for file in files if (problem := _problem(file))]
    if faults:
        raise CommandError("cannot read or write", "\n".join(faults), ExitCode.INVALID)


def _problem(file: Path) -> str:
    """Why the file cannot be read, and what to do; "" when it can."""
    if file.is_dir():
        return "is a folder; name the messages in it"
    try:
        with file.open("rb"):
            return ""
    except FileNotFoundError:
        return "is not there; name a message that is"
    except OSError as error:
        return f"cannot be read, got {error.strerror}; let this user read it"


@contextmanager
def clamd_failures(doing: str = "") -> Iterator[None]:
    """End the command when clamd does not answer within, `doing` in front."""
    try:
        yield
    except ClamdError as error:
        raise CommandError("the scan failed", f"{doing}{error}", ExitCode.NOT_INSTALLED) from error


def _default_socket() -> str:
    return next((path for path in _SOCKETS if Path(path).is_socket()), _SOCKETS[0])
