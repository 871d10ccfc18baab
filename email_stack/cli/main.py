"""Entry of `email-stack`: the commands, and errors as one readable block."""

from __future__ import annotations

import io
import sys
from typing import Final

import typer

from email_stack.cli.commands import (
    api,
    deploy,
    destroy,
    destroy_cell,
    destroy_delegation,
    diff,
    dns_check,
    dns_records,
    doctor,
    messages,
    move,
    mta_sts_policy,
    replay,
    rescan,
    retention,
    scan,
    send_test,
    settings,
    status,
    suppressions,
    synth,
    validate,
)
from email_stack.cli.commands import list as list_
from email_stack.cli.output import CommandError, ExitCode, print_error
from email_stack.config import ConfigError

__all__ = ["app", "main"]

_HELP: Final = """Provision tenants' e-mail subdomains on AWS.

Exit codes: 0 done, 1 config not valid, 2 wrong usage, 3 CDK or CloudFormation failed, 4 a tool is missing,
5 refused as unsafe, 6 something found (diff --fail, dns-check, doctor, scan, replay, send-test, status,
suppressions --address), 7 nothing to do but wait (dns-check, send-test, status), 8 not deployed yet,
9 AWS refused or could not be asked.
"""

_WRONG_USAGE: Final[type[Exception]] = typer.BadParameter.__bases__[0]
"""UsageError of the Click that Typer uses, which may be a copy of its own."""

app = typer.Typer(name="email-stack", help=_HELP, no_args_is_help=True, pretty_exceptions_enable=False)
for _command in (
    validate,
    list_,
    synth,
    deploy,
    move,
    diff,
    destroy,
    doctor,
    destroy_cell,
    destroy_delegation,
    dns_records,
    mta_sts_policy,
    dns_check,
    scan,
    replay,
    rescan,
    retention,
    messages,
    send_test,
    status,
    suppressions,
    api,
    settings,
):
    _command.register(app)


def main() -> None:
    """Run the command line and exit with one of `ExitCode`."""
    for stream in (sys.stdout, sys.stderr):
        # Characters that a terminal's encoding lacks are shown by number, so that no subject ends a command.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    arguments = sys.argv[1:]
    as_json = "--json" in (arguments[: arguments.index("--")] if "--" in arguments else arguments)
    try:
        # Typer's own handler prints wrong usage for people, and exits.
        code = app(standalone_mode=not as_json)
        sys.exit(code if isinstance(code, int) else ExitCode.OK)
    except _WRONG_USAGE as error:
        text = error.format_message() if isinstance(error, typer.BadParameter) else str(error)
        failure = CommandError("wrong usage", text, ExitCode.USAGE)
    except CommandError as error:
        failure = error
    except ConfigError as error:
        failure = CommandError("config not valid", str(error), ExitCode.INVALID)
    except OSError as error:
        failure = CommandError("cannot read or write", str(error), ExitCode.INVALID)
    print_error(failure, as_json=as_json)
    sys.exit(failure.code)
