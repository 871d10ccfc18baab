"""Marks that text from outside must not have, because CloudFormation or the CDK would replace them. Pure."""

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
    """The first of `MARKS` in `text`; "" when every template keeps the text unchanged."""
    return next((mark for mark in MARKS if mark in text), "")
