"""The CDK's feature flags that a construct here brings with it, so that its template is the same in every app."""

from __future__ import annotations

from typing import Final

from constructs import Construct

__all__ = ["bring_flags"]

_FLAGS: Final = {
    "@aws-cdk/aws-iam:minimizePolicies": True,
    "@aws-cdk/aws-lambda:createNewPoliciesWithAddToRolePolicy": False,
}


def bring_flags(construct: Construct) -> None:
    """Set the flags for what is within `construct`; before anything is.

    Source: CDK developer guide, "AWS CDK feature flags": a flag is context, which is looked for from the construct upwards.
    """
    for flag, value in _FLAGS.items():
        construct.node.set_context(flag, value)
