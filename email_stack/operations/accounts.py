"""Reads deployed stacks in another account than the credentials', by the look-up role of `cdk bootstrap` there."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from email_stack.operations.aws import aws_errors, session

if TYPE_CHECKING:
    from boto3 import Session

__all__ = ["lookup_role", "reading"]

_ROLE: Final = re.compile(
    r"(?P<before>arn:[^ ]+:iam::)(?:\$\{AWS::AccountId\}|\d+)(?P<name>:role/cdk-[a-z0-9]+-lookup-role-)[^ ]+"
)


def lookup_role(assembly: Path, stack: str, account: str, region: str) -> str:
    """ARN of the role for look-ups in an account and region, named as the one that a synthesized stack names; "" for none.

    Args:
        assembly: folder of the cloud assembly.
        stack: a stack in it, of any account.
        account: of the role.
        region: of the role.

    Source: CDK developer guide, "Bootstrap template", LookupRole.
    """
    manifest = json.loads((assembly / "manifest.json").read_text(encoding="utf-8"))
    named = _ROLE.fullmatch(manifest["artifacts"][stack]["properties"].get("lookupRole", {}).get("arn", ""))
    if named is None:
        return ""
    partition = session().get_partition_for_region(region)
    before = named["before"].replace("${AWS::Partition}", partition)
    return f"{before}{account}{named['name']}{account}-{region}"


def reading(role_arn: str, region: str) -> Session:
    """A session with a role's permissions, for an hour at most. Raises `AwsError`."""
    with aws_errors(f"role {role_arn}: cannot be taken"):
        client = session().client("sts", region_name=region)
        given = client.assume_role(RoleArn=role_arn, RoleSessionName="email-stack")["Credentials"]
    return session(
        region,
        aws_access_key_id=given["AccessKeyId"],
        aws_secret_access_key=given["SecretAccessKey"],
        aws_session_token=given["SessionToken"],
    )
