"""Statements of policies. Pure: no CDK."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

__all__ = ["allow", "allow_to", "deny_all_but"]


def allow(sid: str, role_arn: str, actions: Sequence[str], resource: str | list[str]) -> dict[str, Any]:
    """Statement of a resource's policy: one role may call these actions."""
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"AWS": role_arn},
        "Action": list(actions),
        "Resource": resource,
    }


def allow_to(actions: Sequence[str], resource: str) -> dict[str, Any]:
    """Statement of a role's policy: it may call these actions."""
    return {"Effect": "Allow", "Action": list(actions), "Resource": resource}


def deny_all_but(role_arn: str | None, sid: str, actions: str | list[str], resource: str | list[str]) -> dict[str, Any]:
    """Statement that denies these actions to all principals but one role, administrators included; to all without a role.

    Source: IAM user guide, "AWS global condition context keys": aws:PrincipalArn is the role's ARN in each of its sessions. It is
    missing when a service calls by itself, and a negated condition then holds.
    """
    but = {"Condition": {"ArnNotEquals": {"aws:PrincipalArn": role_arn}}} if role_arn is not None else {}
    return {"Sid": sid, "Effect": "Deny", "Principal": "*", "Action": actions, "Resource": resource, **but}
