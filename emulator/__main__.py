"""Starts ministack with the project's extension; `python -m emulator --help` lists the commands."""

from __future__ import annotations

import argparse
import ctypes
import os
import signal
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from emulator import by_hand
from emulator.settings import FUNCTION_MEMORY_MIB, forget_the_users, note_running, server_environment, too_long

MINISTACK = "1.5.33"
PR_SET_PDEATHSIG = 1


def require_exact_release() -> None:
    """Stop if ministack is another release than the extension's, because the extension replaces private functions."""
    try:
        found = version("ministack")
    except PackageNotFoundError:
        found = "none"
    if found != MINISTACK:
        sys.exit(
            f"emulator: ministack must be {MINISTACK}, got {found}; run: pip install "
            '"email-subdomain-platform[emulator]", or in a checkout make install'
        )


def die_with(parent: int) -> None:
    """Let Linux end this process at any end of `parent`. On other systems the parent has to stop it.

    Lambda workers end by themselves: they read from a pipe that closes with this process.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it ended before the call above
            sys.exit("emulator: the process that started this one is gone")


def main() -> None:
    """Serve until the process is stopped, or run a command on a serving process."""
    if sys.argv[1:2] and sys.argv[1] in by_hand.COMMANDS:
        sys.exit(by_hand.main(sys.argv[1:]))
    parser = argparse.ArgumentParser(
        prog="python -m emulator",
        description=__doc__,
        epilog=f"with an emulator that runs: python -m emulator {{{','.join(by_hand.COMMANDS)}}} --help",
    )
    parser.add_argument("--port", type=int, default=4566, help="port on 127.0.0.1. Default: 4566")
    parser.add_argument(
        "--enforce-iam",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="check IAM policies, over https: without, a sender that AWS refuses is sent",
    )
    parser.add_argument("--folder", type=Path, default=Path(".demo/emulator"), help="where state and logs go")
    parser.add_argument(
        "--function-memory-mib",
        type=int,
        default=FUNCTION_MEMORY_MIB,
        help=f"what the account gives a Lambda function. Default: {FUNCTION_MEMORY_MIB}, as in a new account",
    )
    parser.add_argument("--function-code", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--die-with", type=int, metavar="PID", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.die_with is not None:
        die_with(options.die_with)
    require_exact_release()
    if fault := too_long(options.folder.resolve()):
        print(fault, file=sys.stderr)
    forget_the_users(os.environ)
    # Before the import: ministack reads its settings while it is imported.
    os.environ.update(
        server_environment(
            options.folder.resolve(),
            options.port,
            enforce_iam=options.enforce_iam,
            function_memory_mib=options.function_memory_mib,
            function_code=options.function_code,
        )
    )
    note_running(options.folder.resolve(), options.port, enforce_iam=options.enforce_iam)
    sys.argv = sys.argv[:1]  # ministack parses the command line too

    from emulator import extension  # noqa: PLC0415  (imports ministack, see above)

    extension.install()
    extension.serve()


if __name__ == "__main__":
    main()
