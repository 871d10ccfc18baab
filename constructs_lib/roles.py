"""A role for an AWS service."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aws_cdk import aws_iam as iam
from constructs import Construct

__all__ = ["service_role"]

_VERSION = "2012-10-17"


def service_role(
    scope: Construct,
    id: str,
    service: str,
    statements: Sequence[Mapping[str, Any]],
    *,
    condition: Mapping[str, Any] | None = None,
) -> iam.CfnRole:
    """A role that the service takes, under a condition, to do what the statements say and nothing else.

    Args:
        scope: where it stands.
        id: of the construct.
        service: principal, such as "lambda.amazonaws.com".
        statements: of its only policy.
        condition: as in a policy. Default: none.
    """
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sts:AssumeRole",
        **({"Condition": dict(condition)} if condition else {}),
    }
    return iam.CfnRole(
        scope,
        id,
        assume_role_policy_document={"Version": _VERSION, "Statement": [trust]},
        policies=[
            iam.CfnRole.PolicyProperty(
                policy_name="Work", policy_document={"Version": _VERSION, "Statement": list(statements)}
            )
        ],
    )
