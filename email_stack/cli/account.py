"""The tenant and the account that a command works on, and the errors for refusals by AWS."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from email_stack.cli.output import CommandError, ExitCode
from email_stack.config import Cell, Tenant, load
from email_stack.operations.aws import AwsError, CredentialsError, WrongAccountError, check_account, check_credentials
from email_stack.operations.deployed import NotDeployedError
from mailroom.errors import MailroomError

__all__ = [
    "aws_failures",
    "checked_account",
    "checked_credentials",
    "no_credentials",
    "not_deployed",
    "opened",
    "tenant_and_cell",
]


def tenant_and_cell(config: Path, tenant: str) -> tuple[Tenant, Cell]:
    """The tenant of an id, and its cell. Raises `ConfigError`."""
    loaded = load(config)
    found = loaded.tenant(tenant)
    return found, loaded.cell(found.cell)


def opened(config: Path, tenant: str) -> tuple[Tenant, Cell]:
    """`tenant_and_cell`, after a check that the credentials are for the cell's account. Raises `CommandError` as well."""
    found, cell = tenant_and_cell(config, tenant)
    checked_account(cell)
    return found, cell


def checked_account(cell: Cell) -> str:
    """Check that the credentials are for the cell's account; returns their ARN. Raises `CommandError`."""
    with aws_failures():
        return check_account(cell)


def checked_credentials(region: str) -> str:
    """Check that there are credentials, before slow steps; returns their account. Raises `CommandError`.

    They may be of another account than the cell's: the CDK may assume roles of several accounts with them. If AWS cannot be
    reached, the result is "", and the CDK reports its own failure.
    """
    try:
        return check_credentials(region)[0]
    except CredentialsError as error:
        raise no_credentials(error) from error
    except AwsError:
        return ""


@contextmanager
def aws_failures(title: str = "AWS could not be asked") -> Iterator[None]:
    """End the command with an `ExitCode` if AWS refuses a call within, or if a stack is not deployed yet.

    Args:
        title: title of the error for refusals.
    """
    try:
        yield
    except NotDeployedError as error:
        raise not_deployed(error) from error
    except WrongAccountError as error:
        raise CommandError("refused", str(error), ExitCode.REFUSED) from error
    except CredentialsError as error:
        raise no_credentials(error) from error
    except (AwsError, MailroomError) as error:
        raise CommandError(title, str(error), ExitCode.AWS_FAILED) from error


def no_credentials(error: CredentialsError) -> CommandError:
    """The error of all commands for these credentials."""
    return CommandError("no usable AWS credentials", str(error), ExitCode.AWS_FAILED)


def not_deployed(error: NotDeployedError) -> CommandError:
    """The error of a command for a stack that is not deployed."""
    return CommandError("not deployed yet", str(error), ExitCode.NOT_DEPLOYED)
