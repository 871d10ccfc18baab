"""Deletes the settings API of a cell that no customer's domain uses."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from email_stack.cli.emptying import delete_versions
from email_stack.cli.output import CommandError, ExitCode
from email_stack.cli.removing import refuse_protected_tables
from email_stack.cli.stack_deletion import delete_stack
from email_stack.config import Cell
from email_stack.operations.aws import DeployedStack, aws_errors, session
from email_stack.output.printable import counted
from email_stack.transitions import Removal, removal

if TYPE_CHECKING:
    from mailroom.settings.operating import Operating

__all__ = ["delete_control"]

_TABLE: Final = "AWS::DynamoDB::Table"
_HELD_SECONDS: Final = 3600
"""Looks begin again after it if the deletion breaks off."""


def delete_control(cell: Cell, stack: str, deployed: DeployedStack) -> tuple[Removal, int]:
    """Delete the stack of a settings API; returns its removal and the number of deleted versions of its bucket.

    No look runs meanwhile, so that no deployment of a customer's domain begins.

    Raises:
        CommandError: a customer has a domain; the deployed stack treats its data differently from the config; its table is
            protected against deletion; a look is under way; or CloudFormation could not delete it.
        AwsError: AWS refused.
        MailroomError: AWS refused a request about the table.
    """
    what = removal(deployed.template)
    _refuse_another_removal(cell, what)
    refuse_protected_tables(f'cell "{cell.id}"', f"destroy-cell {cell.id}", cell, deployed, what)
    s3 = session().client("s3", region_name=cell.region)
    emptied = 0
    with _without_looks(cell, deployed):
        for logical_id in what.buckets:
            bucket = deployed.physical_ids[logical_id]
            with aws_errors(f"bucket {bucket} cannot be emptied"):
                emptied += delete_versions(s3, bucket)
        delete_stack(session().client("cloudformation", region_name=cell.region), stack)
    return what, emptied


def _refuse_another_removal(cell: Cell, what: Removal) -> None:
    """Refuse a stack whose data goes by its template and stays by the config, or the other way round."""
    goes = bool(what.tables or what.buckets)
    stays = any(kind in {"table", "bucket"} for kind in what.kept)
    if (cell.removal == "retain" and goes) or (cell.removal == "destroy" and stays):
        raise CommandError(
            "refused",
            f'cell "{cell.id}": removal is "{cell.removal}" in the config, and what is deployed {what.text}; nothing was deleted: '
            f"run `email-stack deploy --cell {cell.id} --yes` first, then destroy-cell",
            ExitCode.REFUSED,
        )


@contextmanager
def _without_looks(cell: Cell, deployed: DeployedStack) -> Iterator[None]:
    """Hold the looks of the stack's table, in which no customer has a domain. The hold ends if the deletion fails."""
    operating = _operating(cell, deployed)
    if operating is None:
        yield
        return
    holder = f"destroy-cell {uuid.uuid4()}"
    if not operating.hold(holder, _HELD_SECONDS):
        raise CommandError(
            "refused",
            f'cell "{cell.id}": its settings API looks at customers\' domains now; nothing was deleted: run destroy-cell again '
            "in a few minutes",
            ExitCode.REFUSED,
        )
    done = False
    try:
        _refuse_domains(cell, operating)
        yield
        done = True
    finally:
        if not done:
            operating.let_go(holder)


def _refuse_domains(cell: Cell, operating: Operating) -> None:
    owned = sorted(claim.domain for claim in operating.claims() if claim.owned)
    if owned:
        raise CommandError(
            "refused",
            f'cell "{cell.id}": customers have {counted(len(owned), "domain")} by its settings API, {owned[0]} among them; '
            "nothing was deleted: have their organisations delete them, or run `email-stack settings to-git` for each, and destroy "
            "their tenants first",
            ExitCode.REFUSED,
        )


def _operating(cell: Cell, deployed: DeployedStack) -> Operating | None:
    """The table of settings; None if the stack's creation made none."""
    from mailroom.settings.operating import Operating  # noqa: PLC0415 - boto3, see email_stack.operations.aws
    from mailroom.settings.store import SettingsStore  # noqa: PLC0415 - as above
    from mailroom.store.table import Table  # noqa: PLC0415 - as above

    resources = deployed.template["Resources"]
    names = [deployed.physical_ids[logical_id] for logical_id, one in resources.items() if one["Type"] == _TABLE]
    if not names:
        return None
    client = session(cell.region).client("dynamodb")
    return Operating(store=SettingsStore(table=Table(client=client, name=names[0])))
