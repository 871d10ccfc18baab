"""A tenant of another stack or app."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms

from constructs_lib import rules
from constructs_lib.access import Access
from constructs_lib.checks import Rule, optional, problems
from constructs_lib.intrinsics import arn

__all__ = ["DeployedTenant"]


@dataclass(frozen=True, kw_only=True, slots=True)
class DeployedTenant:
    """A tenant of another stack or app. Grants its mail to roles of this stack, as `TenantSubdomain` does.

    Creates no resource, and reads nothing at synthesis: each grant adds to the role's own policy. The tenant is in the account and
    region of the role's stack.

    Args:
        table_name: output MessagesTableName of the tenant's stack.
        bucket_name: output BucketName of the tenant's stack.
        encryption_key: KMS key of both, such as `kms.Key.from_key_arn(...)`. Default: None, AWS's own keys.

    Raises:
        ValueError: a name is not valid in AWS, or the key is not a key.

    Source: AWS CDK API reference, "IGrantable".
    """

    table_name: str
    bucket_name: str
    encryption_key: kms.IKey | None = None

    def __post_init__(self) -> None:
        values = {"table_name": self.table_name, "bucket_name": self.bucket_name, "encryption_key": self.encryption_key}
        if lines := problems("deployed tenant", _RULES, values):
            raise ValueError("\n".join(lines))

    def grant_outbox(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let `grantee` use the tenant's outbox, as `TenantSubdomain.grant_outbox`. Does not check that the tenant sends."""
        return self._access.grant_use_of_outbox(grantee)

    def grant_read(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let `grantee` read the tenant's mail and addresses, as `TenantSubdomain.grant_read`."""
        return self._access.grant_read(grantee)

    def grant_addresses(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let `grantee` read the tenant's address book, as `TenantSubdomain.grant_addresses`."""
        return self._access.grant_read_addresses(grantee)

    def grant_held(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let `grantee` see the tenant's held mail and decide on it, as `TenantSubdomain.grant_held`."""
        return self._access.grant_decide_held(grantee)

    @property
    def _access(self) -> Access:
        return Access(
            bucket_arn=f"arn:{cdk.Aws.PARTITION}:s3:::{self.bucket_name}",
            table_arn=arn("dynamodb", f"table/{self.table_name}"),
            key=self.encryption_key,
        )


_RULES: Final[dict[str, Rule]] = {
    "table_name": rules.TABLE_NAME,
    "bucket_name": rules.BUCKET_NAME,
    "encryption_key": optional(rules.KEY),
}
