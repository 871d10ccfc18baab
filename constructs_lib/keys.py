"""Use of the customer's KMS keys by constructs."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms

from constructs_lib.encryption import Home, allow_logs, allow_service, use_of
from constructs_lib.intrinsics import account_id

__all__ = ["arn_of", "grant_logs_use", "grant_services_use", "here", "let", "uses"]


@cache
def here() -> Home:
    """The stack's partition, region and account, as tokens."""
    return Home(partition=cdk.Aws.PARTITION, region=cdk.Aws.REGION, account=account_id())


def arn_of(key: kms.IKey | None) -> str | None:
    """ARN of a key; None without one."""
    return key.key_arn if key is not None else None


def let(key: kms.IKey, statement: Mapping[str, Any]) -> None:
    """Add to the key's policy. An imported key's policy stays unchanged, because its owner writes it."""
    key.add_to_resource_policy(iam.PolicyStatement.from_json(dict(statement)))


def grant_services_use(key: kms.IKey | None, *services: tuple[str, str]) -> None:
    """Let AWS's services use the key, for this account. Without a key, there is no effect."""
    if key is not None:
        for service in services:
            let(key, allow_service(service, here()))


def grant_logs_use(key: kms.IKey | None) -> None:
    """Let CloudWatch Logs encrypt log groups of this account with the key. Without a key, there is no effect."""
    if key is not None:
        let(key, allow_logs(here()))


def uses(key: kms.IKey | None, *services: str) -> list[dict[str, Any]]:
    """Statements of a role's policy: use of the key through each of these services; none without a key.

    Tables have a statement of their own, with more actions.
    """
    if key is None:
        return []
    others = [name for name in services if name != "dynamodb"]
    tables = [use_of(key.key_arn, here(), "dynamodb")] if "dynamodb" in services else []
    return [*([use_of(key.key_arn, here(), *others)] if others else []), *tables]
