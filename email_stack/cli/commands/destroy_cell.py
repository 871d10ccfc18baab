"""destroy-cell: deletes a cell that no tenant uses, with its settings API."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final

import typer

from constructs_lib.naming import cell_export, cell_stack_name, control_stack_name
from email_stack.cli.account import aws_failures, checked_credentials
from email_stack.cli.control_removal import delete_control
from email_stack.cli.emptying import delete_versions
from email_stack.cli.options import DEFAULT_CONFIG, Apply, AsJson, ConfigPath
from email_stack.cli.output import CommandError, ExitCode, console, print_json
from email_stack.cli.stack_deletion import delete_stack
from email_stack.config import Cell, load
from email_stack.operations.aws import (
    AwsError,
    aws_errors,
    check_account,
    deployed_stack,
    session,
    stack_exists,
    stack_outputs,
)
from email_stack.output.printable import counted
from email_stack.transitions import Removal

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


@dataclass(frozen=True, kw_only=True, slots=True)
class _Done:
    """Deleted stacks in their order, the removal of a settings API, and the number of deleted versions of buckets."""

    stacks: list[str]
    control: Removal | None
    versions: int


def destroy_cell(
    cell: CellId, config: ConfigPath = DEFAULT_CONFIG, apply: Apply = False, as_json: AsJson = False
) -> None:
    """Delete the stacks of a cell without tenants: its settings API's, then its own.

    Access logs, and table and bucket of the settings API, are kept unless its config says `removal: destroy`. The bucket of
    definitions is kept. If nothing is deployed any more, the command says so and succeeds.
    """
    chosen = load(config).cell(cell)
    if not apply:
        _show(chosen, as_json=as_json)
        return
    checked_credentials(chosen.region)
    with aws_failures(f'cannot delete cell "{cell}"'):
        done = _deleted(chosen)
    if not done.stacks:
        if as_json:
            why = {"removal": chosen.removal, "versions_deleted": 0, "reason": "not deployed"}
            print_json({"ok": True, "applied": False, "stacks": [], **why})
        else:
            console.print(f"{cell}: is not deployed, nothing was deleted", markup=False)
    elif as_json:
        told = {"stacks": done.stacks, "removal": chosen.removal, "versions_deleted": done.versions}
        print_json({"ok": True, "applied": True, **told})
    else:
        own = _access_logs(chosen) if cell_stack_name(chosen.id) in done.stacks else ""
        api = f"the settings API {done.control.text}" if done.control is not None else ""
        console.print(f"deleted {', '.join(done.stacks)}; {'; '.join(one for one in (own, api) if one)}", markup=False)


def _show(cell: Cell, *, as_json: bool) -> None:
    """Print the stacks that would go, by the config, and a settings API that the config no longer has, if AWS can be asked."""
    control = cell.control is not None
    if not control:
        with suppress(AwsError):
            check_account(cell)
            control = stack_exists(control_stack_name(cell.id), cell)
    stacks = [*([control_stack_name(cell.id)] if control else []), cell_stack_name(cell.id)]
    if as_json:
        print_json({"ok": True, "applied": False, "stacks": stacks, "removal": cell.removal})
        return
    data = "table and bucket of the settings API"
    api = f"; {'keeps' if cell.removal == 'retain' else 'deletes'} {data}" if control else ""
    console.print(
        f"would delete {', '.join(stacks)}; {_access_logs(cell)}{api}. Nothing was changed: say --yes to do it",
        markup=False,
    )


def _access_logs(cell: Cell) -> str:
    return "keeps its access logs" if cell.removal == "retain" else "deletes its access logs"


def _deleted(cell: Cell) -> _Done:
    """Delete the stacks.

    Raises:
        CommandError: a stack uses the cell, a customer has a domain, or CloudFormation could not delete a stack.
        AwsError: AWS refused or could not be asked.
        MailroomError: AWS refused a request about the table of settings.
    """
    check_account(cell)
    stack, control = cell_stack_name(cell.id), control_stack_name(cell.id)
    outputs = stack_outputs(stack, cell)
    api = deployed_stack(control, cell)
    cloudformation = session().client("cloudformation", region_name=cell.region)
    used_by = [one for one in _importers(cloudformation, cell) if one != control] if outputs is not None else []
    if used_by:
        raise CommandError(
            "refused",
            f'cell "{cell.id}" is used by {counted(len(used_by), "stack")}, {used_by[0]} among them; destroy its tenants first',
            ExitCode.REFUSED,
        )
    stacks, what, versions = [], None, 0
    if api is not None:
        what, versions = delete_control(cell, control, api)
        stacks.append(control)
    if outputs is not None:
        bucket = outputs.get("AccessLogsBucketName") if cell.removal == "destroy" else None
        versions += _delete_emptied(cell, cloudformation, stack, bucket)
        stacks.append(stack)
    return _Done(stacks=stacks, control=what, versions=versions)


def _delete_emptied(cell: Cell, cloudformation: CloudFormationClient, stack: str, bucket: str | None) -> int:
    """Empty the bucket, if one is to go, and delete the stack; returns the number of deleted versions."""
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
