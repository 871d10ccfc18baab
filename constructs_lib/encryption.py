"""Policy statements for the use of a customer's KMS key. Pure: no CDK.

The policy of each role of this app allows its use of the key, through named services alone. The key's policy allows AWS's services,
and roles of other stacks. This module is the whole list for constructs and documents.

Source: SES developer guide, "Giving permissions to Amazon SES for email receiving"; S3 user guide, "Granting permissions to publish
event notification messages to a destination"; SQS developer guide, "Configure KMS permissions for AWS services"; SNS developer
guide, "Managing Amazon SNS encryption keys and costs"; CloudWatch Logs user guide, "Encrypt log data in CloudWatch Logs using AWS
KMS"; DynamoDB developer guide, "DynamoDB encryption at rest: usage notes".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

__all__ = [
    "ALARMS",
    "EVENTS",
    "NOTIFICATIONS",
    "RECEIVING",
    "Home",
    "allow_logs",
    "allow_roles",
    "allow_service",
    "allow_topics",
    "use_of",
]

ALARMS: Final = ("LetAlarmsPublish", "cloudwatch.amazonaws.com")
"""CloudWatch's alarms with an encrypted topic."""
EVENTS: Final = ("LetRulesSend", "events.amazonaws.com")
"""EventBridge's rules with an encrypted queue as target."""
NOTIFICATIONS: Final = ("LetBucketsNotify", "s3.amazonaws.com")
"""S3's notifications to an encrypted queue."""
RECEIVING: Final = ("LetReceiptRulesWrite", "ses.amazonaws.com")
"""SES's receipt rules with an encrypted bucket or topic."""

_USE: Final = ("kms:Decrypt", "kms:GenerateDataKey")
_USE_OF_TABLES: Final = (
    *_USE,
    "kms:DescribeKey",
    "kms:Encrypt",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
)
"""Minimum permissions that DynamoDB requires from users of a table; it creates grants in the name of the table's creator."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Home:
    """The partition, account and region of a key."""

    partition: str
    region: str
    account: str


def allow_service(service: tuple[str, str], home: Home) -> dict[str, Any]:
    """Statement of the key's policy: one service uses it, for resources of this account."""
    sid, principal = service
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"Service": principal},
        "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
        "Resource": "*",  # in a key's policy, it is the key itself
        "Condition": {"StringEquals": {"aws:SourceAccount": home.account}},
    }


def allow_logs(home: Home) -> dict[str, Any]:
    """Statement of the key's policy: CloudWatch Logs uses it, for log groups of this account. Their names are generated."""
    groups = f"arn:{home.partition}:logs:{home.region}:{home.account}:log-group:*"
    return {
        "Sid": "LetLogsEncrypt",
        "Effect": "Allow",
        "Principal": {"Service": f"logs.{home.region}.amazonaws.com"},
        "Action": ["kms:Decrypt*", "kms:Describe*", "kms:Encrypt*", "kms:GenerateDataKey*", "kms:ReEncrypt*"],
        "Resource": "*",
        "Condition": {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": groups}},
    }


def allow_topics(home: Home) -> dict[str, Any]:
    """Statement of the key's policy: SNS uses it, for topics of this account with an encrypted queue."""
    return {
        "Sid": "LetTopicsSend",
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
        "Resource": "*",
        "Condition": {"ArnLike": {"aws:SourceArn": f"arn:{home.partition}:sns:{home.region}:{home.account}:*"}},
    }


def allow_roles(role_arns: Sequence[str], home: Home, *services: str) -> dict[str, Any]:
    """Statement of the key's policy: roles of other stacks use it, through these services.

    It has no Sid: a shared key has several of these statements, and Sids must differ. Tables need a statement of their own.
    """
    return {
        "Effect": "Allow",
        "Principal": {"AWS": list(role_arns)},
        "Action": _use_through(services),
        "Resource": "*",
        "Condition": _through(home, services),
    }


def use_of(key_arn: str, home: Home, *services: str) -> dict[str, Any]:
    """Statement of a role's policy: use of the key, through these services alone; by name, such as "s3"."""
    return {
        "Effect": "Allow",
        "Action": _use_through(services),
        "Resource": key_arn,
        "Condition": _through(home, services),
    }


def _use_through(services: Sequence[str]) -> list[str]:
    return list(_USE_OF_TABLES if "dynamodb" in services else _USE)


def _through(home: Home, services: Iterable[str]) -> Mapping[str, Any]:
    return {"StringEquals": {"kms:ViaService": [f"{name}.{home.region}.amazonaws.com" for name in services]}}
