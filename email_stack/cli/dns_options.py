"""Options of the commands that query DNS, and their reads from AWS."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from email_stack.cli.account import no_credentials
from email_stack.cli.output import CommandError, ExitCode
from email_stack.config import Cell, Tenant
from email_stack.dnscheck.history import Serials
from email_stack.dnscheck.model import Endpoint, Report, Subject
from email_stack.operations.aws import AwsError, CredentialsError
from email_stack.operations.deployed import Deployed, read_deployed

__all__ = ["ResolverOption", "ServerPort", "checked", "deployed", "endpoint"]

ResolverOption = Annotated[
    str | None,
    typer.Option("--resolver", metavar="IP[#PORT]", help="Recursive server to query. Default: this machine's."),
]
ServerPort = Annotated[
    int, typer.Option(min=1, max=65_535, hidden=True, help="Port of authoritative servers, for tests.")
]


def endpoint(resolver: str | None) -> Endpoint | None:
    """The resolver of the option; None for the machine's.

    Raises:
        typer.BadParameter: it is no address.
    """
    try:
        return Endpoint.parse(resolver) if resolver is not None else None
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--resolver") from None


def deployed(tenant: Tenant, cell: Cell) -> Deployed:
    """Values of the deployed tenant from AWS.

    Raises:
        NotDeployedError: as `read_deployed` does.
        CommandError: AWS refused.
    """
    try:
        return read_deployed(tenant, cell)
    except CredentialsError as error:
        raise no_credentials(error) from error
    except AwsError as error:
        raise CommandError("AWS could not be asked", str(error), ExitCode.AWS_FAILED) from error


def checked(
    subjects: Sequence[Subject], resolver: Endpoint | None, port: int, serials: Serials | None = None
) -> tuple[Report, ...]:
    """One report a subject. Raises `CommandError` when this machine's configuration names no resolver."""
    from email_stack.dnscheck.check import check_subdomains  # noqa: PLC0415 - dnspython takes longer than most commands

    try:
        return check_subdomains(subjects, resolver=resolver, port=port, serials=serials)
    except ValueError as error:
        raise CommandError("no resolver", str(error), ExitCode.INVALID) from error
