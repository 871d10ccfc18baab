"""Size limits of policies in templates."""

from __future__ import annotations

import json
from typing import Any

import pytest

from .conftest import Stacks

TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


def policy(size: int) -> dict[str, Any]:
    """A policy of so many characters without white space."""

    def made(address: str) -> dict[str, Any]:
        condition = {"StringEquals": {"ses:FromAddress": [address]}}
        statement = {"Effect": "Allow", "Action": "ses:SendEmail", "Resource": "*", "Condition": condition}
        return {"Version": "2012-10-17", "Statement": [statement]}

    return made("x" * (size - len(json.dumps(made(""), separators=(",", ":")))))


def role(*sizes: int) -> dict[str, Any]:
    """A role with inline policies of these sizes."""
    inline = [{"PolicyName": f"p{number}", "PolicyDocument": policy(size)} for number, size in enumerate(sizes)]
    return {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": TRUST, "Policies": inline}}


def beside(size: int) -> dict[str, Any]:
    """A role with half of what it takes, and a policy of its own resource beside it."""
    properties = {"PolicyName": "beside", "Roles": [{"Ref": "Role"}], "PolicyDocument": policy(size)}
    return {"Role": role(5_120), "Beside": {"Type": "AWS::IAM::Policy", "Properties": properties}}


def bucket(size: int) -> dict[str, Any]:
    """A bucket with a policy of this size."""
    properties = {"Bucket": {"Ref": "Bucket"}, "PolicyDocument": policy(size)}
    return {
        "Bucket": {"Type": "AWS::S3::Bucket"},
        "Policy": {"Type": "AWS::S3::BucketPolicy", "Properties": properties},
    }


@pytest.mark.parametrize(
    ("fits", "too_large", "said"),
    [
        ({"Role": role(5_000, 5_240)}, {"Role": role(5_000, 5_241)}, "Maximum policy size of 10240 bytes exceeded"),
        (beside(5_120), beside(5_121), "Maximum policy size of 10240 bytes exceeded"),
        (bucket(20_480), bucket(20_481), "Policy exceeds the maximum allowed document size"),
    ],
    ids=["role", "beside", "bucket"],
)
def test_one_character_more_is_refused(
    stacks: Stacks, fits: dict[str, Any], too_large: dict[str, Any], said: str
) -> None:
    """When it is made as when it is changed."""
    stack, _ = stacks.deploy(fits)
    assert said in stacks.refusal(too_large)
    with pytest.raises(AssertionError, match=said):
        stacks.deploy(too_large, stack=stack)
