"""Revisions of a tenant's settings from the settings API: pulled, deployed and wanted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from constructs_lib.naming import control_stack_name, tenant_stack_name
from email_stack.config import Cell, Config
from email_stack.config.snapshots import REVISION_OUTPUT, Snapshot
from email_stack.operations.aws import AwsError, aws_errors, session, stack_outputs

__all__ = ["TABLE_OUTPUT", "Revisions", "read_revisions", "settings_table"]

TABLE_OUTPUT = "SettingsTableName"
"""Output of a settings API's stack."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Revisions:
    """Revisions of one tenant's settings.

    Args:
        pulled: of the snapshot.
        deployed: of the tenant's stack; 0 without a deployment, or without a snapshot in it.
        wanted: by its organisation. None if unknown: the config has no settings API, or it is not deployed.
        gone: whether the organisation no longer has the domain, or gives it up.
        failed: whether the last deployment of the wanted revision failed.
    """

    pulled: int
    deployed: int
    wanted: int | None = None
    gone: bool = False
    failed: bool = False

    @property
    def text(self) -> str:
        """The revisions in one line."""
        wanted = "" if self.wanted is None else f", {self.wanted} wanted"
        gone = ", given up" if self.gone else ""
        failed = ", failed" if self.failed else ""
        return f"revision {self.pulled} pulled, {self.deployed or 'none'} deployed{wanted}{failed}{gone}"


def settings_table(cells: Iterable[Cell]) -> tuple[str, str] | None:
    """Name and region of the table of settings; None if no cell has a settings API, or its stack does not exist.

    Raises:
        AwsError: AWS refused.
    """
    for cell in cells:
        if cell.control is not None:
            outputs = stack_outputs(control_stack_name(cell.id), cell) or {}
            return (outputs[TABLE_OUTPUT], cell.region) if TABLE_OUTPUT in outputs else None
    return None


def read_revisions(config: Config, snapshot: Snapshot, table: tuple[str, str] | None) -> Revisions:
    """The revisions of a snapshot's tenant.

    Args:
        config: as loaded.
        snapshot: of the config.
        table: name and region of the table of settings. None: the wanted revision is unknown.

    Raises:
        AwsError: AWS refused.
    """
    cell = config.cell(config.tenant(snapshot.tenant).cell)
    said = (stack_outputs(tenant_stack_name(snapshot.tenant), cell) or {}).get(REVISION_OUTPUT, "0")
    deployed = int(said) if said.isdecimal() else 0
    if table is None:
        return Revisions(pulled=snapshot.revision, deployed=deployed)
    from mailroom.errors import MailroomError  # noqa: PLC0415 - boto3, see email_stack.operations.aws
    from mailroom.settings.store import SettingsStore  # noqa: PLC0415 - as above
    from mailroom.store.table import Table  # noqa: PLC0415 - as above

    name, region = table
    with aws_errors(f"table {name}: cannot be read"):
        client = session(region).client("dynamodb")
        try:
            state = SettingsStore(table=Table(client=client, name=name)).state(snapshot.organization)
            claim = state.claim(str(snapshot.settings["subdomain"]))
        except MailroomError as error:
            raise AwsError(str(error)) from error
    if claim is None or claim.tenant != snapshot.tenant:
        return Revisions(pulled=snapshot.revision, deployed=deployed, wanted=0, gone=True)
    return Revisions(
        pulled=snapshot.revision,
        deployed=deployed,
        wanted=claim.wanted,
        gone=not claim.live and claim.status.value == "leaving",
        failed=bool(claim.failure),
    )
