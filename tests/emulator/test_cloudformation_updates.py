"""Updates that CloudFormation refuses; the stack stays unchanged."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from .conftest import Stacks

TOPIC: dict[str, Any] = {"Type": "AWS::SNS::Topic", "Properties": {}}


def exporting(name: str, value: str) -> dict[str, Any]:
    """An output that other stacks import under `name`."""
    return {"Shared": {"Value": value, "Export": {"Name": name}}}


def importing(name: str) -> dict[str, Any]:
    """A topic that says what it imports."""
    return {"Topic": {**TOPIC, "Properties": {"DisplayName": {"Fn::ImportValue": name}}}}


def test_an_export_in_use_is_neither_changed_nor_dropped(stacks: Stacks) -> None:
    """Both are refused, naming who imports it; the export stays as it was, and goes once nobody imports it."""
    producer, _ = stacks.deploy({"Topic": TOPIC}, exporting("in-use", "one"))
    consumer, _ = stacks.deploy(importing("in-use"))
    for outputs, said in ((exporting("in-use", "two"), "cannot be updated"), ({}, "cannot be deleted")):
        with pytest.raises(AssertionError, match=f"Export in-use {said} as it is in use by {consumer}"):
            stacks.deploy({"Topic": {**TOPIC, "Properties": {"DisplayName": said}}}, outputs, stack=producer)
        exports = {one["Name"]: one["Value"] for one in stacks.cloudformation.list_exports()["Exports"]}
        assert exports["in-use"] == "one"
    # Another output beside it is no change of it.
    stacks.deploy({"Topic": TOPIC}, {**exporting("in-use", "one"), "More": {"Value": "x"}}, stack=producer)
    stacks.deploy({"Topic": TOPIC}, stack=consumer)
    stacks.deploy({"Topic": TOPIC}, {}, stack=producer)
    assert "in-use" not in {one["Name"] for one in stacks.cloudformation.list_exports()["Exports"]}
    assert "Export 'in-use' not found" in stacks.refusal(importing("in-use"))


def test_outputs_alone_are_a_change(stacks: Stacks) -> None:
    """A change set that drops an export, and changes no resource, is executed; one without any change is none."""
    stack, _ = stacks.deploy({"Topic": TOPIC}, exporting("alone", "one"))
    cloudformation = stacks.cloudformation
    for number, (outputs, status) in enumerate(((exporting("alone", "one"), "FAILED"), ({}, "CREATE_COMPLETE"))):
        body = json.dumps({"Resources": {"Topic": TOPIC}, "Outputs": outputs})
        name = f"change-{number}"
        cloudformation.create_change_set(StackName=stack, ChangeSetName=name, TemplateBody=body)
        described = cloudformation.describe_change_set(StackName=stack, ChangeSetName=name)
        assert (described["Status"], described["Changes"]) == (status, [])
    cloudformation.execute_change_set(StackName=stack, ChangeSetName=name)
    cloudformation.get_waiter("stack_update_complete").wait(
        StackName=stack, WaiterConfig={"Delay": 0.1, "MaxAttempts": 1200}
    )
    assert "alone" not in {one["Name"] for one in cloudformation.list_exports()["Exports"]}


NAMED = {
    "queue": ("AWS::SQS::Queue", {"QueueName": "named.fifo", "FifoQueue": True}, {"QueueName": "named.fifo"}),
    "role": (
        "AWS::IAM::Role",
        {"RoleName": "named", "Path": "/a/", "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": []}},
        {"RoleName": "named", "Path": "/b/", "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": []}},
    ),
}


@pytest.mark.parametrize("kind", NAMED)
def test_what_bears_a_name_is_not_replaced_under_it(stacks: Stacks, kind: str) -> None:
    """The new one could not have the name while the old one is there."""
    type_, before, after = NAMED[kind]
    stack, _ = stacks.deploy({"Named": {"Type": type_, "Properties": before}})
    said = stacks.refusal({"Named": {"Type": type_, "Properties": after}}, stack=stack)
    assert re.search("custom-named resource|already exists", said), said
