"""Reasons for resources with a wildcard, where cdk-nag looks for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import aws_cdk as cdk
from constructs import IConstruct

__all__ = ["explain_wildcard", "explain_wildcards"]


def explain_wildcard(construct: IConstruct, resource: str, reason: str) -> None:
    """Note at a role or its policy why this one resource of a statement has a wildcard."""
    found = _as_in_findings(cdk.Stack.of(construct).resolve(resource))
    cdk.Validations.of(construct).acknowledge(
        cdk.Acknowledgment(id=f"AwsSolutions-IAM5[Resource::{found}]", reason=reason)
    )


def explain_wildcards(construct: IConstruct, statements: Sequence[Mapping[str, Any]], reason: str) -> None:
    """Note the reason for each resource and each action with a wildcard in these statements."""
    for statement in statements:
        resources = statement["Resource"]
        for resource in resources if isinstance(resources, list) else [resources]:
            if "*" in resource:
                explain_wildcard(construct, resource, reason)
        for action in statement["Action"]:
            if "*" in action:
                cdk.Validations.of(construct).acknowledge(
                    cdk.Acknowledgment(id=f"AwsSolutions-IAM5[Action::{action}]", reason=reason)
                )


def _as_in_findings(value: object) -> str:
    """A resolved ARN in cdk-nag's form, with references in angle brackets."""
    match value:
        case {"Fn::Join": [separator, parts]}:
            return str(separator).join(_as_in_findings(part) for part in parts)
        case {"Fn::GetAtt": [resource, attribute]}:
            return f"<{resource}.{attribute}>"
        case {"Fn::ImportValue": name}:
            return _as_in_findings(name)
        case {"Ref": name}:
            return f"<{name}>"
    return str(value)
