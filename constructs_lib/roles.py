"""Roles for AWS services."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aws_cdk import aws_iam as iam
from constructs import Construct

from constructs_lib.sharing import take_role_for, trust_in

__all__ = ["role_for_sessions", "service_role"]

_VERSION = "2012-10-17"


def service_role(
    scope: Construct,
    id: str,
    service: str,
    statements: Sequence[Mapping[str, Any]],
    *,
    condition: Mapping[str, Any] | None = None,
) -> iam.CfnRole:
    """A role that the service assumes under a condition. The statements are its only rights.

    Args:
        scope: parent.
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
        policies=_policies(statements),
    )


def role_for_sessions(
    scope: Construct, id: str, function_role: iam.CfnRole, statements: Sequence[Mapping[str, Any]] = (), *, tag: str
) -> iam.CfnRole:
    """A role that a function assumes for one tenant at a time. It has no right to any table; tenants' tables admit its sessions.

    Args:
        scope: parent of the role, and of the policy that lets the function assume it.
        id: of the construct.
        function_role: role of the function, of the same stack.
        statements: of its only policy: use of the tables' key. Default: none.
        tag: key of the tag that each session must have.
    """
    role = iam.CfnRole(
        scope,
        id,
        assume_role_policy_document={"Version": _VERSION, "Statement": trust_in(function_role.attr_arn, tag)},
        policies=_policies(statements) if statements else None,
    )
    # A policy of its own, because the two roles would otherwise refer to each other.
    iam.CfnPolicy(
        scope,
        f"{id}Taking",
        policy_name="Taking",
        policy_document={"Version": _VERSION, "Statement": [take_role_for(role.attr_arn)]},
        roles=[function_role.ref],
    )
    return role


def _policies(statements: Sequence[Mapping[str, Any]]) -> list[iam.CfnRole.PolicyProperty]:
    document = {"Version": _VERSION, "Statement": list(statements)}
    return [iam.CfnRole.PolicyProperty(policy_name="Work", policy_document=document)]
