"""The CDK's feature flags that the constructs set, so that a template is the same in every app."""

from __future__ import annotations

from typing import Final

from constructs import Construct

__all__ = ["bring_flags"]

_FLAGS: Final = {
    "@aws-cdk/aws-iam:minimizePolicies": True,
    "@aws-cdk/aws-lambda:createNewPoliciesWithAddToRolePolicy": False,
}


def bring_flags(construct: Construct) -> None:
    """Set the flags for all children of `construct`. Call it before the first child.

    Source: CDK developer guide, "AWS CDK feature flags": a flag is context, which a construct inherits from its parents.
    """
    for flag, value in _FLAGS.items():
        construct.node.set_context(flag, value)
