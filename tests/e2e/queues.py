"""Queues with which tests hear what AWS's services tell others."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["listening_queue", "take_all"]


def listening_queue(sqs: Any, name: str, *, service: str, source: str) -> tuple[str, str]:
    """Make a queue that a service may send to for one resource; returns the queue's URL and ARN.

    Args:
        sqs: a client.
        name: of the queue.
        service: such as "sns".
        source: ARN of the topic or rule.
    """
    url = str(sqs.create_queue(QueueName=name)["QueueUrl"])
    arn = str(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"])
    allow = {
        "Effect": "Allow",
        "Principal": {"Service": f"{service}.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": source}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    return url, arn


def take_all(sqs: Any, url: str) -> list[str]:
    """Bodies of the queue's messages, which are deleted."""
    bodies = []
    while got := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
        for one in got:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=one["ReceiptHandle"])
            bodies.append(str(one["Body"]))
    return bodies
