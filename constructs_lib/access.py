"""What an application may do with a tenant's mail, and nothing beside it."""

from __future__ import annotations

from aws_cdk import aws_iam as iam

from mailroom.layout import ATTACHMENTS_PREFIX, BODIES_PREFIX, CLEAN_PREFIX
from mailroom.store.keys import BOOK_KEY, BY_ACTIVITY

__all__ = ["let_read", "let_read_addresses"]


def let_read(grantee: iam.IGrantable, *, bucket_arn: str, table_arn: str) -> iam.Grant:
    """Allow what `MessageReader` does: Query, GetItem, BatchGetItem on the table, Query on its index, GetObject on three prefixes.

    Source: Service authorization reference, "Amazon DynamoDB" and "Amazon S3".
    """
    items = iam.Grant.add_to_principal(
        grantee=grantee,
        actions=["dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query"],
        resource_arns=[table_arn],
    )
    threads = iam.Grant.add_to_principal(
        grantee=grantee, actions=["dynamodb:Query"], resource_arns=[f"{table_arn}/index/{BY_ACTIVITY}"]
    )
    objects = iam.Grant.add_to_principal(
        grantee=grantee,
        actions=["s3:GetObject"],
        resource_arns=[f"{bucket_arn}/{prefix}*" for prefix in (ATTACHMENTS_PREFIX, BODIES_PREFIX, CLEAN_PREFIX)],
    )
    return items.combine(threads).combine(objects)


def let_read_addresses(grantee: iam.IGrantable, *, table_arn: str) -> iam.Grant:
    """Allow what `MessageReader.address_book` does: GetItem of one item.

    Source: DynamoDB developer guide, "Using IAM policy conditions for fine-grained access control".
    """
    return iam.Grant.add_to_principal(
        grantee=grantee,
        actions=["dynamodb:GetItem"],
        resource_arns=[table_arn],
        conditions={"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": [BOOK_KEY[0]]}},
    )
