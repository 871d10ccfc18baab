"""Least permissions of applications for a tenant's mail, in the policies of their roles."""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms

from constructs_lib.keys import uses
from mailroom.layout import (
    ATTACHMENTS_PREFIX,
    BODIES_PREFIX,
    CLEAN_PREFIX,
    DECISIONS_PREFIX,
    HELD_PREFIX,
    OUTGOING_PREFIX,
)
from mailroom.store.keys import BOOK_KEY, BY_ACTIVITY, OUTBOX_PREFIX, REQUESTS

__all__ = ["Access"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Access:
    """Grants roles access to one tenant's bucket and table, and to their key.

    Args:
        bucket_arn: the tenant's.
        table_arn: the tenant's.
        key: key of both. Default: None, AWS's own.
    """

    bucket_arn: str
    table_arn: str
    key: kms.IKey | None = None

    def grant_read(self, grantee: iam.IGrantable) -> iam.Grant:
        """Allow the calls of `MessageReader`: Query, GetItem, BatchGetItem on the table, Query on its index, and GetObject.

        Source: Service authorization reference, "Amazon DynamoDB" and "Amazon S3".
        """
        items = iam.Grant.add_to_principal(
            grantee=grantee,
            actions=["dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query"],
            resource_arns=[self.table_arn],
        )
        threads = iam.Grant.add_to_principal(
            grantee=grantee, actions=["dynamodb:Query"], resource_arns=[f"{self.table_arn}/index/{BY_ACTIVITY}"]
        )
        prefixes = (ATTACHMENTS_PREFIX, BODIES_PREFIX, CLEAN_PREFIX)
        objects = iam.Grant.add_to_principal(
            grantee=grantee,
            actions=["s3:GetObject"],
            resource_arns=[f"{self.bucket_arn}/{prefix}*" for prefix in prefixes],
        )
        self._grant_key(grantee, "s3", "dynamodb")
        return items.combine(threads).combine(objects)

    def grant_read_addresses(self, grantee: iam.IGrantable) -> iam.Grant:
        """Allow the calls of `MessageReader.address_book`: GetItem of the book, and of the addresses' own items.

        Source: DynamoDB developer guide, "Using IAM policy conditions for fine-grained access control".
        """
        items = self._grant_get_addresses(grantee)
        self._grant_key(grantee, "dynamodb")
        return items

    def grant_use_of_outbox(self, grantee: iam.IGrantable) -> iam.Grant:
        """Allow the calls of `Outbox`: PutObject on one prefix; GetItem and PutItem of its items; Query of their list; GetItem of
        the addresses' items.

        Source: as above.
        """
        put = iam.Grant.add_to_principal(
            grantee=grantee,
            actions=["s3:PutObject"],
            resource_arns=[f"{self.bucket_arn}/{OUTGOING_PREFIX}*"],
        )
        ask = iam.Grant.add_to_principal(
            grantee=grantee,
            actions=["dynamodb:GetItem", "dynamodb:PutItem"],
            resource_arns=[self.table_arn],
            conditions={"ForAllValues:StringLike": {"dynamodb:LeadingKeys": [f"{OUTBOX_PREFIX}*"]}},
        )
        listed = iam.Grant.add_to_principal(
            grantee=grantee,
            actions=["dynamodb:Query"],
            resource_arns=[f"{self.table_arn}/index/{BY_ACTIVITY}"],
            conditions={"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": [REQUESTS]}},
        )
        addresses = self._grant_get_addresses(grantee)
        self._grant_key(grantee, "s3", "dynamodb")
        return put.combine(ask).combine(listed).combine(addresses)

    def _grant_get_addresses(self, grantee: iam.IGrantable) -> iam.Grant:
        return iam.Grant.add_to_principal(
            grantee=grantee,
            actions=["dynamodb:GetItem"],
            resource_arns=[self.table_arn],
            conditions={"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": [BOOK_KEY[0]]}},
        )

    def grant_decide_held(self, grantee: iam.IGrantable) -> iam.Grant:
        """Allow the calls of `HeldMail`: list and read the scanner's descriptions of held mail, and PutObject of requests about it.

        Source: Service authorization reference, "Amazon S3": s3:prefix.
        """
        listed = iam.Grant.add_to_principal(
            grantee=grantee,
            actions=["s3:ListBucket"],
            resource_arns=[self.bucket_arn],
            conditions={"StringLike": {"s3:prefix": f"{HELD_PREFIX}*"}},
        )
        read = iam.Grant.add_to_principal(
            grantee=grantee, actions=["s3:GetObject"], resource_arns=[f"{self.bucket_arn}/{HELD_PREFIX}*"]
        )
        ask = iam.Grant.add_to_principal(
            grantee=grantee, actions=["s3:PutObject"], resource_arns=[f"{self.bucket_arn}/{DECISIONS_PREFIX}*"]
        )
        self._grant_key(grantee, "s3")
        return listed.combine(read).combine(ask)

    def _grant_key(self, grantee: iam.IGrantable, *services: str) -> None:
        for statement in uses(self.key, *services):
            grantee.grant_principal.add_to_principal_policy(iam.PolicyStatement.from_json(statement))
