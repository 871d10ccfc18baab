"""What no text may hold that comes from outside, since CloudFormation or the CDK would put something else there. Pure."""

from __future__ import annotations

from typing import Final

__all__ = ["MARKS", "NOT_LITERAL", "mark_in"]

MARKS: Final = ("{{", "${", "#{Token[")
"""`{{` starts a dynamic reference, which CloudFormation resolves with the rights of the deploying user; `${` starts a variable of
`Fn::Sub`, a policy variable of IAM and a token of the CDK; `#{Token[` a token that stands for a list.

Source: CloudFormation user guide, "Get values stored in other services using dynamic references"; IAM user guide, "IAM policy
elements: Variables and tags"; CDK developer guide, "Tokens".
"""

NOT_LITERAL: Final = "as CloudFormation or the CDK would put another value there"


def mark_in(text: str) -> str:
    """The first of `MARKS` that `text` holds; "" when it stays as it is in every template."""
    return next((mark for mark in MARKS if mark in text), "")
