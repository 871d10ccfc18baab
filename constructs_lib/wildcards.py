"""Reasons for resources with a wildcard, where cdk-nag looks for them."""

from __future__ import annotations

import aws_cdk as cdk
from constructs import IConstruct

__all__ = ["explain_wildcard"]


def explain_wildcard(construct: IConstruct, resource: str, reason: str) -> None:
    """Say beside a role or its policy why this resource of a statement has a wildcard; for it alone."""
    found = _as_in_findings(cdk.Stack.of(construct).resolve(resource))
    cdk.Validations.of(construct).acknowledge(
        cdk.Acknowledgment(id=f"AwsSolutions-IAM5[Resource::{found}]", reason=reason)
    )


def _as_in_findings(value: object) -> str:
    """A resolved ARN as cdk-nag names it: references in angle brackets."""
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
