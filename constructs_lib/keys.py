"""KMS keys of the customer's, as constructs use them."""

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
    """Partition, region and account that a stack is deployed to, as tokens."""
    return Home(partition=cdk.Aws.PARTITION, region=cdk.Aws.REGION, account=account_id())


def arn_of(key: kms.IKey | None) -> str | None:
    """ARN of a key; None without one."""
    return key.key_arn if key is not None else None


def let(key: kms.IKey, statement: Mapping[str, Any]) -> None:
    """Add to the key's policy; the policy of an imported key is its owner's to write, and stays as it is."""
    key.add_to_resource_policy(iam.PolicyStatement.from_json(dict(statement)))


def grant_services_use(key: kms.IKey | None, *services: tuple[str, str]) -> None:
    """Let services of AWS's use the key, for this account; nothing without a key."""
    if key is not None:
        for service in services:
            let(key, allow_service(service, here()))


def grant_logs_use(key: kms.IKey | None) -> None:
    """Let log groups of this account be encrypted with the key; nothing without one."""
    if key is not None:
        let(key, allow_logs(here()))


def uses(key: kms.IKey | None, *services: str) -> list[dict[str, Any]]:
    """Of a role's policy: use of the key through each of these services; nothing without a key.

    Tables have a statement of their own: they take more.
    """
    if key is None:
        return []
    others = [name for name in services if name != "dynamodb"]
    tables = [use_of(key.key_arn, here(), "dynamodb")] if "dynamodb" in services else []
    return [*([use_of(key.key_arn, here(), *others)] if others else []), *tables]
