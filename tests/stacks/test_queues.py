"""Every queue that starts a function: how long it hides a message, and what the function may do with it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

CONSUMES = {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ChangeMessageVisibility"}


def referred(value: Any) -> str:
    """The logical id that an attribute or a reference is of."""
    match value:
        case {"Fn::GetAtt": [name, _]} | {"Ref": name}:
            return str(name)
    return ""


def consumers(templates: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], str, str]]:
    """Stack, its resources, and logical ids of queue and function, of every event source mapping."""
    for stack, template in templates.items():
        resources = template["Resources"]
        for resource in resources.values():
            if resource["Type"] == "AWS::Lambda::EventSourceMapping":
                properties = resource["Properties"]
                yield stack, resources, referred(properties["EventSourceArn"]), referred(properties["FunctionName"])


def test_hidden_for_six_times_as_long_as_the_function_may_take(templates: dict[str, Any]) -> None:
    """What AWS asks for: with less, messages that Lambda has no room for use up their tries."""
    ratios = {
        (stack, function): resources[queue]["Properties"]["VisibilityTimeout"]
        / resources[function]["Properties"]["Timeout"]
        for stack, resources, queue, function in consumers(templates)
    }
    stacks = {stack for stack, _ in ratios}
    assert {"Cell-eu", "Cell-us", "Tenant-shortest", "Tenant-everything", "Tenant-elsewhere"} <= stacks
    assert set(ratios.values()) == {6.0}


def test_function_may_cut_the_wait_of_its_own_queue_alone(templates: dict[str, Any]) -> None:
    """It receives, deletes and hides there, and sends there what is to come back; a sorter sends to the scanner's queue alone.

    The scanner's lanes share a role, which sends to the slow one.
    """
    sorters = 0
    for stack, resources, queue, function in consumers(templates):
        role = referred(resources[function]["Properties"]["Role"])
        documents = [policy["PolicyDocument"] for policy in resources[role]["Properties"].get("Policies", [])] + [
            one["Properties"]["PolicyDocument"]
            for one in resources.values()
            if one["Type"] == "AWS::IAM::Policy" and {"Ref": role} in one["Properties"]["Roles"]
        ]
        granted: dict[str, set[str]] = {}
        for statement in (each for document in documents for each in document["Statement"]):
            actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
            for action in actions:
                if action.startswith("sqs:"):
                    granted.setdefault(referred(statement["Resource"]), set()).add(action)
        if "Slow" in function or "ScannerScan" in function:
            lanes = {other: name for at, _, other, name in consumers(templates) if at == stack and "Sorter" not in name}
            for other in (one for one, name in lanes.items() if one != queue and "Scanner" in name):
                taken = granted.pop(other)
                assert taken - {"sqs:GetQueueUrl"} == CONSUMES | (
                    {"sqs:SendMessage"} if "Slow" in lanes[other] else set()
                )
        assert CONSUMES <= granted.pop(queue) <= CONSUMES | {"sqs:GetQueueUrl", "sqs:SendMessage"}, (stack, function)
        if "Sorter" in function:
            sorters += 1
            (scanned,) = [
                other for at, _, other, scanner in consumers(templates) if at == stack and "ScannerScan" in scanner
            ]
            assert granted.pop(scanned) == {"sqs:SendMessage"}
        assert not granted, (stack, function)
    assert sorters == 2
