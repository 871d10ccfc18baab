"""destroy-cell: deletes a cell that no tenant uses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import typer

from constructs_lib.naming import cell_export, cell_stack_name
from email_stack.cli.account import aws_failures, checked_credentials
from email_stack.cli.emptying import delete_versions
from email_stack.cli.options import DEFAULT_CONFIG, Apply, AsJson, ConfigPath
from email_stack.cli.output import CommandError, ExitCode, console, print_json
from email_stack.cli.stack_deletion import delete_stack
from email_stack.config import Cell, load
from email_stack.operations.aws import (
    aws_errors,
    check_account,
    session,
    stack_outputs,
)
from email_stack.output.printable import counted

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

__all__ = ["register"]

_EXPORTS: Final = ("AccessLogsBucketName", "AlarmsTopicArn")
"""Exports that every tenant of a cell imports."""

_ATTEMPTS: Final = 3
"""S3 writes access logs with hours of delay: one may come between the emptying and the deletion."""

CellId = Annotated[str, typer.Argument(metavar="CELL", help="Id of a cell in the config.")]


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command()(destroy_cell)


def destroy_cell(
    cell: CellId, config: ConfigPath = DEFAULT_CONFIG, apply: Apply = False, as_json: AsJson = False
) -> None:
    """Delete the stack of a cell without tenants. Its access logs are kept unless its config says `removal: destroy`.

    The bucket of definitions is kept. If nothing is deployed any more, the command says so and succeeds.
    """
    chosen = load(config).cell(cell)
    stack = cell_stack_name(chosen.id)
    told = {"stacks": [stack], "removal": chosen.removal}
    keeps = "keeps its access logs" if chosen.removal == "retain" else "deletes its access logs"
    if not apply:
        if as_json:
            print_json({"ok": True, "applied": False, **told})
        else:
            console.print(f"would delete {stack}; {keeps}. Nothing was changed: say --yes to do it", markup=False)
        return
    checked_credentials(chosen.region)
    with aws_failures(f'cannot delete cell "{cell}"'):
        deleted = _deleted(chosen, stack)
    if deleted is None:
        if as_json:
            why = {"removal": chosen.removal, "versions_deleted": 0, "reason": "not deployed"}
            print_json({"ok": True, "applied": False, "stacks": [], **why})
        else:
            console.print(f"{cell}: is not deployed, nothing was deleted", markup=False)
    elif as_json:
        print_json({"ok": True, "applied": True, **told, "versions_deleted": deleted})
    else:
        console.print(f"deleted {stack}; this {keeps}", markup=False)


def _deleted(cell: Cell, stack: str) -> int | None:
    """Number of access logs that were deleted with the stack; None without a stack.

    Raises:
        CommandError: a stack uses the cell, or CloudFormation could not delete it.
        AwsError: AWS refused or could not be asked.
    """
    check_account(cell)
    outputs = stack_outputs(stack, cell)
    if outputs is None:
        return None
    cloudformation = session().client("cloudformation", region_name=cell.region)
    if used_by := _importers(cloudformation, cell):
        raise CommandError(
            "refused",
            f'cell "{cell.id}" is used by {counted(len(used_by), "stack")}, {used_by[0]} among them; destroy its tenants first',
            ExitCode.REFUSED,
        )
    bucket = outputs.get("AccessLogsBucketName") if cell.removal == "destroy" else None
    deleted = 0
    for attempt in range(_ATTEMPTS):
        if bucket is not None:
            with aws_errors(f"bucket {bucket} cannot be emptied"):
                deleted += delete_versions(session().client("s3", region_name=cell.region), bucket)
        if delete_stack(cloudformation, stack, last=attempt == _ATTEMPTS - 1):
            break
    return deleted


def _importers(cloudformation: CloudFormationClient, cell: Cell) -> list[str]:
    """Stacks that import the exports of all tenants. Raises `AwsError`."""
    from botocore.exceptions import ClientError  # noqa: PLC0415 - as in `email_stack.operations.aws`

    found: set[str] = set()
    for name in _EXPORTS:
        with aws_errors(f"stack {cell_stack_name(cell.id)} in {cell.region}: cannot tell who uses it"):
            try:
                pages = cloudformation.get_paginator("list_imports").paginate(ExportName=cell_export(cell.id, name))
                found.update(one for page in pages for one in page["Imports"])
            except ClientError as error:
                # CloudFormation has no error code for this, nor for an export that a failed deployment did not make.
                if "is not imported by any stack" not in str(error) and "does not exist" not in str(error):
                    raise
    return sorted(found)
