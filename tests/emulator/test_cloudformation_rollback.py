"""Remaining resources after a roll-back of a creation, by their deletion policies."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Stacks

TABLE = {
    "BillingMode": "PAY_PER_REQUEST",
    "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
}


def failing(policy: str, name: str, **of_table: Any) -> dict[str, Any]:
    """A zone, a bucket and a table under a deletion policy, and after them what SES refuses to make."""
    kept = {"DeletionPolicy": policy, "UpdateReplacePolicy": "Retain"}
    return {
        "Zone": {"Type": "AWS::Route53::HostedZone", "Properties": {"Name": f"{name}.example"}, **kept},
        "Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": name}, **kept},
        "Table": {"Type": "AWS::DynamoDB::Table", "Properties": {"TableName": name, **TABLE, **of_table}, **kept},
        "Refused": {
            "Type": "AWS::SES::ReceiptRule",
            "DependsOn": ["Zone", "Bucket", "Table"],
            "Properties": {
                "RuleSetName": "no-such-set",
                "Rule": {"Name": "x", "Actions": [], "Recipients": ["a.example"]},
            },
        },
    }


def left(stacks: Stacks, name: str) -> set[str]:
    """Which of the three are there."""
    zones = [zone["Name"] for zone in stacks.client("route53").list_hosted_zones()["HostedZones"]]
    found = {"zone"} if f"{name}.example." in zones else set()
    found |= {"bucket"} if name in [one["Name"] for one in stacks.client("s3").list_buckets()["Buckets"]] else set()
    return found | ({"table"} if name in stacks.client("dynamodb").list_tables()["TableNames"] else set())


def states(stacks: Stacks) -> dict[str, list[str]]:
    """Every state of each resource of the newest stack, newest first."""
    found: dict[str, list[str]] = {}
    for event in stacks.cloudformation.describe_stack_events(StackName=stacks.names[-1])["StackEvents"]:
        found.setdefault(event["LogicalResourceId"], []).append(event["ResourceStatus"])
    return found


def test_nothing_is_left_of_a_creation_that_failed(stacks: Stacks) -> None:
    """RetainExceptOnCreate: what was made before the failure goes again, each attempt anew."""
    for _attempt in range(2):
        assert "no-such-set" in stacks.refusal(failing("RetainExceptOnCreate", "rolled-back"))
        noted = states(stacks)
        assert all("CREATE_COMPLETE" in noted[made] for made in ("Zone", "Bucket", "Table"))
        assert stacks.names[-1] in noted
        assert noted[stacks.names[-1]][0] == "ROLLBACK_COMPLETE"
        assert left(stacks, "rolled-back") == set()


def test_what_is_retained_outlives_its_failed_creation(stacks: Stacks) -> None:
    """Retain: all three are orphans then."""
    stacks.refusal(failing("Retain", "orphaned"))
    assert left(stacks, "orphaned") == {"zone", "bucket", "table"}


def test_a_protected_table_holds_up_the_rollback(stacks: Stacks) -> None:
    """Deletion protection is stronger than the policy: the roll-back fails, and the table stays."""
    stacks.refusal(failing("RetainExceptOnCreate", "protected", DeletionProtectionEnabled=True))
    assert states(stacks)[stacks.names[-1]][0] == "ROLLBACK_FAILED"
    assert left(stacks, "protected") == {"table"}


@pytest.mark.parametrize("policy", ["Retain", "RetainExceptOnCreate"])
def test_what_was_deployed_is_retained(stacks: Stacks, policy: str) -> None:
    """Once a deployment is done both policies are one: the stack goes, its data stays."""
    name = f"deployed-{policy.lower()}"
    resources = failing(policy, name)
    del resources["Refused"]
    stack, _ = stacks.deploy(resources)
    stacks.delete(stack)
    assert left(stacks, name) == {"zone", "bucket", "table"}
