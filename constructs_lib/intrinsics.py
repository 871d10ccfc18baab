"""CloudFormation's pseudo parameters and tokens, without a round trip to the CDK's kernel for each use.

In Python every property read and every static call of the CDK crosses a pipe to Node and back, about 0.2 ms. Constant values are
read once.
"""

from __future__ import annotations

from functools import cache

import aws_cdk as cdk

__all__ = ["account_id", "arn", "is_token"]


@cache
def account_id() -> str:
    """The stack's account, as a token."""
    return cdk.Aws.ACCOUNT_ID


@cache
def _prefix(service: str) -> str:
    return f"arn:{cdk.Aws.PARTITION}:{service}:{cdk.Aws.REGION}:{account_id()}:"


def arn(service: str, resource: str) -> str:
    """ARN of `resource` of `service` in the stack's own partition, region and account."""
    return _prefix(service) + resource


def is_token(text: str) -> bool:
    """Whether `text` holds a value that only CloudFormation knows. Source: CDK developer guide, "Tokens"."""
    return "${Token[" in text
