"""Counts of a stack's queues by `status`."""

from __future__ import annotations

import json
from typing import Any

import pytest

from email_stack.status.model import QueueCount
from email_stack.status.reads import CellReader
from emulator import Emulator

pytestmark = pytest.mark.servers

REGION = "eu-central-1"
CLIENTS = ("cloudformation", "cloudwatch", "dynamodb", "s3", "ses", "sesv2", "sns", "sqs")


def test_dead_letters_of_several_queues_count_once() -> None:
    """Arrivals and what the scanner works on have the same; the first of them tells."""
    redrive = {"deadLetterTargetArn": {"Fn::GetAtt": ["ScannerDeadLetters1B0E6D40", "Arn"]}, "maxReceiveCount": 5}
    resources: dict[str, Any] = {
        "ScannerDeadLetters1B0E6D40": {"Type": "AWS::SQS::Queue"},
        "ScannerArrivals60ADC1B4": {"Type": "AWS::SQS::Queue", "Properties": {"RedrivePolicy": redrive}},
        "ScannerTurns9CE11E0C": {"Type": "AWS::SQS::Queue", "Properties": {"RedrivePolicy": redrive}},
    }
    with Emulator() as running:
        clients = {name: running.client(name, REGION) for name in CLIENTS}
        cloudformation = clients["cloudformation"]
        cloudformation.create_stack(StackName="Cell-eu", TemplateBody=json.dumps({"Resources": resources}))
        cloudformation.get_waiter("stack_create_complete").wait(StackName="Cell-eu", WaiterConfig={"Delay": 1})
        for url in clients["sqs"].list_queues()["QueueUrls"]:
            if "Turns" in url or "DeadLetters" in url:
                clients["sqs"].send_message(QueueUrl=url, MessageBody="x")
        assert CellReader(**clients).queues("Cell-eu") == (
            QueueCount(name="scanner arrivals", waiting=0, dead=1),
            QueueCount(name="scanner turns", waiting=1, dead=0),
        )
