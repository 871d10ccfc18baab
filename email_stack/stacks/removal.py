"""The config's removal policy in the CDK's type."""

from __future__ import annotations

from typing import Literal

import aws_cdk as cdk

__all__ = ["removal_policy"]


def removal_policy(removal: Literal["retain", "destroy"]) -> cdk.RemovalPolicy:
    """What happens to data when its stack is deleted.

    What is retained goes all the same when the creation of its stack is rolled back: it is empty, and no stack would hold it any
    more.
    """
    return cdk.RemovalPolicy.DESTROY if removal == "destroy" else cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE
