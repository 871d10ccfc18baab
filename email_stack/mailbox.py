"""A deployed tenant's messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from email_stack.aws import session
from email_stack.config import Cell, Tenant
from email_stack.deployed import NotDeployedError, tenant_outputs

if TYPE_CHECKING:
    from mailroom.store import MessageReader

__all__ = ["reader_of"]


def reader_of(tenant: Tenant, cell: Cell) -> MessageReader:
    """What reads the tenant's messages, with the credentials at hand.

    Raises:
        NotDeployedError: there is no stack, or one from before there were messages.
        AwsError: AWS refused.
    """
    from mailroom.store import MessageReader, Objects, Table  # noqa: PLC0415 - see email_stack.aws

    outputs = tenant_outputs(tenant, cell)
    if "MessagesTableName" not in outputs:
        raise NotDeployedError(
            f'tenant "{tenant.id}": its stack has no messages yet; run `email-stack deploy {tenant.id} --yes` first'
        )
    own = session()
    return MessageReader(
        table=Table(client=own.client("dynamodb", region_name=cell.region), name=outputs["MessagesTableName"]),
        objects=Objects(client=own.client("s3", region_name=cell.region), bucket=outputs["BucketName"]),
    )
