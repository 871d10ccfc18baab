"""A deployed tenant's messages, and its outbox."""

from __future__ import annotations

from typing import TYPE_CHECKING

from email_stack.config import Cell, Tenant
from email_stack.operations.aws import session
from email_stack.operations.deployed import tenant_output, tenant_outputs

if TYPE_CHECKING:
    from mailroom.outbox import Outbox
    from mailroom.store import MessageReader, Table

__all__ = ["outbox_of", "reader_of", "table_of"]


def reader_of(tenant: Tenant, cell: Cell) -> MessageReader:
    """The reader of the tenant's messages, with the default credentials.

    Raises:
        NotDeployedError: there is no stack, or one from before there were messages.
        AwsError: AWS refused.
    """
    from mailroom.store import MessageReader  # noqa: PLC0415 - see email_stack.operations.aws

    table, bucket = _names(tenant, cell)
    return MessageReader.of(table=table, bucket=bucket, session=session(cell.region))


def outbox_of(tenant: Tenant, cell: Cell) -> Outbox:
    """The tenant's outbox, with the default credentials. Raises as `reader_of` does."""
    from mailroom.outbox import Outbox  # noqa: PLC0415 - see email_stack.operations.aws

    table, bucket = _names(tenant, cell)
    return Outbox.of(table=table, bucket=bucket, session=session(cell.region))


def table_of(tenant: Tenant, cell: Cell) -> Table:
    """The tenant's table, with the default credentials.

    Raises:
        NotDeployedError: there is no stack, or one from before there were messages.
        AwsError: AWS refused.
    """
    from mailroom.store import Table  # noqa: PLC0415 - see email_stack.operations.aws

    table, _bucket = _names(tenant, cell)
    return Table(client=session().client("dynamodb", region_name=cell.region), name=table)


def _names(tenant: Tenant, cell: Cell) -> tuple[str, str]:
    """Names of table and bucket."""
    outputs = tenant_outputs(tenant, cell)
    return tenant_output(outputs, "MessagesTableName", tenant), tenant_output(outputs, "BucketName", tenant)
