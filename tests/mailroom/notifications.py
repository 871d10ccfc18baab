"""Notifications that SES publishes of received mail, as SNS hands them to a queue."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["by_sns", "received_line", "ses_notification"]

SUBJECT = "Redundancies in June"
"""A subject that must stand nowhere but in the notification."""


def received_line(recipient: str, message_id: str = "1abc") -> str:
    """The value of SES's own Received field."""
    address = f" for {recipient}" if recipient else ""
    return (
        "from mail.example.net (mail.example.net [192.0.2.1]) by inbound-smtp.eu-central-1.amazonaws.com with SMTP id "
        f"{message_id}{address}; Mon, 02 Nov 2026 14:00:00 +0000 (UTC)"
    )


def ses_notification(
    recipients: list[str], *, said: str | None = None, bucket: str = "bucket", key: str = "raw/1abc"
) -> dict[str, Any]:
    """What SES publishes of one S3 action.

    Args:
        recipients: matched by the receipt rule.
        said: address in SES's Received field. Default: None, the first recipient's.
        bucket: of the action.
        key: of the action.

    Source: SES developer guide, "Examples of notifications for Amazon SES email receiving".
    """
    line = received_line(recipients[0] if said is None else said)
    return {
        "notificationType": "Received",
        "receipt": {
            "timestamp": "2026-11-02T14:00:00.000Z",
            "processingTimeMillis": 574,
            "recipients": recipients,
            "spamVerdict": {"status": "PASS"},
            "action": {
                "type": "S3",
                "topicArn": "arn:aws:sns:eu-central-1:111122223333:topic",
                "bucketName": bucket,
                "objectKey": key,
            },
        },
        "mail": {
            "timestamp": "2026-11-02T14:00:00.000Z",
            "source": "anna@example.net",
            "messageId": key.rpartition("/")[2],
            "destination": ["somebody@post.acme.example"],
            "headersTruncated": False,
            "headers": [
                {"name": "Return-Path", "value": "<anna@example.net>"},
                {"name": "Received", "value": line},
                {"name": "Received", "value": received_line("forged@post.acme.example")},
                {"name": "Subject", "value": SUBJECT},
            ],
            "commonHeaders": {"subject": SUBJECT},
        },
    }


def by_sns(message: object) -> str:
    """The body of the queue message; `message` is JSON, or else text."""
    text = message if isinstance(message, str) else json.dumps(message)
    return json.dumps(
        {
            "Type": "Notification",
            "MessageId": "5f5e",
            "TopicArn": "arn:aws:sns:eu-central-1:111122223333:topic",
            "Subject": "Amazon SES Email Receipt Notification",
            "Message": text,
            "Timestamp": "2026-11-02T14:00:01.000Z",
        }
    )
