"""The config's removal policy in the CDK's type."""

from __future__ import annotations

from typing import Literal

import aws_cdk as cdk

__all__ = ["removal_policy"]


def removal_policy(removal: Literal["retain", "destroy"]) -> cdk.RemovalPolicy:
    """Removal policy of data for the deletion of its stack.

    Retained data is deleted all the same when the creation of its stack is rolled back: it is empty, and would belong to no stack.
    """
    return cdk.RemovalPolicy.DESTROY if removal == "destroy" else cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE
