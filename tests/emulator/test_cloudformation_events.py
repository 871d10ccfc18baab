"""Events of stacks for rules."""

from __future__ import annotations

import json
from typing import Any

import pytest

from .conftest import REGION, Stacks

ACCOUNT = "000000000000"


def watched(stacks: Stacks, *prefixes: str) -> tuple[dict[str, Any], Any]:
    """A rule for stacks of this test, as a resource, and what its queue holds."""
    sqs = stacks.client("sqs")
    name = prefixes[0]
    queue = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"
    stack_ids = [{"prefix": f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/{prefix}"} for prefix in prefixes]
    pattern = {
        "source": ["aws.cloudformation"],
        "detail-type": ["CloudFormation Stack Status Change"],
        "detail": {"stack-id": stack_ids, "status-details": {"status": [{"suffix": "_COMPLETE"}]}},
    }
    properties = {"EventPattern": pattern, "Targets": [{"Id": "queue", "Arn": arn}]}

    def statuses() -> list[dict[str, Any]]:
        found = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
        for one in found:
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=one["ReceiptHandle"])
        return [json.loads(one["Body"]) for one in found]

    return {"Rule": {"Type": "AWS::Events::Rule", "Properties": properties}}, statuses


def names(events: list[dict[str, Any]]) -> list[str]:
    """The statuses."""
    return [one["detail"]["status-details"]["status"] for one in events]


def test_rule_of_a_stack_sees_the_stack(stacks: Stacks) -> None:
    """Created and changed, in the shape that CloudFormation documents."""
    resources, statuses = watched(stacks, "test-rule-of-a-stack-sees-the-stack")
    name, outputs = stacks.deploy(resources, {"Id": {"Ref": "AWS::StackId"}})
    (event,) = statuses()
    assert event["detail"] == {
        "stack-id": outputs["Id"],
        "status-details": {"status": "CREATE_COMPLETE", "status-reason": ""},
        "client-request-token": "",
    }
    assert (event["source"], event["resources"]) == ("aws.cloudformation", [outputs["Id"]])
    stacks.deploy({**resources, "Topic": {"Type": "AWS::SNS::Topic"}}, stack=name)
    assert names(statuses()) == ["UPDATE_COMPLETE"]


def test_rolled_back_stack_is_told_of(stacks: Stacks) -> None:
    """A change that fails, and a stack that does not come to be, to whoever watches."""
    resources, statuses = watched(stacks, "test-rolled-back-stack-is-told-of")
    name, _ = stacks.deploy(resources)
    statuses()
    missing = {
        "Type": "AWS::Route53::RecordSet",
        "Properties": {"HostedZoneId": "Z0", "Name": "a.example", "Type": "A"},
    }
    stacks.refusal({**resources, "Record": missing}, stack=name)
    assert names(statuses()) == ["UPDATE_ROLLBACK_COMPLETE"]
    with pytest.raises(AssertionError):
        stacks.deploy({"Record": missing})
    assert names(statuses()) == ["ROLLBACK_COMPLETE"]
