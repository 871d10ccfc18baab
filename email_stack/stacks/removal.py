"""The config's word for removal, as the CDK's."""

from __future__ import annotations

from typing import Literal

import aws_cdk as cdk

__all__ = ["removal_policy"]


def removal_policy(removal: Literal["retain", "destroy"]) -> cdk.RemovalPolicy:
    """What happens to data when its stack is deleted."""
    return cdk.RemovalPolicy.DESTROY if removal == "destroy" else cdk.RemovalPolicy.RETAIN
