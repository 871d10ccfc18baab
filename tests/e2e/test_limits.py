"""Tenants at the limits of what `validate` takes, deployed where policies are as large as AWS takes them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from constructs_lib.limits import most_sender_characters
from tests.e2e.conftest import REGION, Platform

LONGEST_ID = "x" * 32
LONGEST_SUBDOMAIN = ".".join(["m" * 63] * 3 + ["y7", "example"])


def senders(subdomain: str, *, encrypted: bool) -> list[dict[str, Any]]:
    """As many addresses that send as the role takes."""
    count = most_sender_characters(subdomain, encrypted=encrypted) // (len(f"a0000@{subdomain}") + 3)
    return [{"local_part": f"a{number:04}", "receive": False} for number in range(count)]


@pytest.mark.thorough
def test_most_senders_are_deployed(platform: Platform) -> None:
    """With a key and the longest id, and with the longest subdomain: the role holds what else it may do as well."""
    everything = {"Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [everything]})
    key = platform.client("kms").create_key(Policy=policy)["KeyMetadata"]["Arn"]
    tenants: list[dict[str, Any]] = [
        {
            "id": LONGEST_ID,
            "subdomain": "post.x6.example",
            "role_addresses": [],
            "addresses": senders("post.x6.example", encrypted=True),
            "encryption": {"key_arn": key},
            "scanning": "dedicated",
        },
        {
            "id": "y7",
            "subdomain": LONGEST_SUBDOMAIN,
            "role_addresses": [],
            "addresses": senders(LONGEST_SUBDOMAIN, encrypted=False),
        },
    ]
    cells = {"eu": {"region": REGION}}
    config = str(platform.write_config(tenants, cells))
    done = platform.email_stack("deploy", "--all", "--yes", "--config", config)
    assert done.returncode == 0, done.stdout + done.stderr
    resources = platform.client("cloudformation").describe_stack_resources(StackName=f"Tenant-{LONGEST_ID}")
    (role,) = [
        one["PhysicalResourceId"]
        for one in resources["StackResources"]
        if one["ResourceType"] == "AWS::IAM::Role" and "Structuring" in one["LogicalResourceId"]
    ]
    made = platform.client("iam").get_role_policy(RoleName=role, PolicyName="Work")["PolicyDocument"]
    assert len(json.dumps(made, separators=(",", ":"))) > 9_900
