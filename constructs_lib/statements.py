"""Statements of policies. Pure: no CDK."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

__all__ = ["allow", "allow_to", "deny_all_but"]


def allow(sid: str, role_arn: str, actions: Sequence[str], resource: str | list[str]) -> dict[str, Any]:
    """Let one role do these; of a resource's policy."""
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"AWS": role_arn},
        "Action": list(actions),
        "Resource": resource,
    }


def allow_to(actions: Sequence[str], resource: str) -> dict[str, Any]:
    """Allow these actions."""
    return {"Effect": "Allow", "Action": list(actions), "Resource": resource}


def deny_all_but(role_arn: str | None, sid: str, actions: str | list[str], resource: str | list[str]) -> dict[str, Any]:
    """Deny these to everybody but one role, administrators included; to everybody where there is none.

    Source: IAM user guide, "AWS global condition context keys": aws:PrincipalArn is the role's ARN in each of its sessions, and
    missing, which a negated condition takes for different, where a service calls by itself.
    """
    but = {"Condition": {"ArnNotEquals": {"aws:PrincipalArn": role_arn}}} if role_arn is not None else {}
    return {"Sid": sid, "Effect": "Deny", "Principal": "*", "Action": actions, "Resource": resource, **but}
