"""Who must be let use a KMS key of the customer's, by the key's policy and by their own. Pure: no CDK.

A role that is made here is let by its own policy, through named services alone; the key's policy lets services of AWS's, and roles
that are made elsewhere. This is the whole list: constructs write it, documents name it.

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
    "use_of",
]

ALARMS: Final = ("LetAlarmsPublish", "cloudwatch.amazonaws.com")
"""Alarms of CloudWatch that tell an encrypted topic."""
EVENTS: Final = ("LetRulesSend", "events.amazonaws.com")
"""Rules of EventBridge whose target is an encrypted queue."""
NOTIFICATIONS: Final = ("LetBucketsNotify", "s3.amazonaws.com")
"""Buckets that notify an encrypted queue."""
RECEIVING: Final = ("LetReceiptRulesWrite", "ses.amazonaws.com")
"""Receipt rules of SES that write to an encrypted bucket."""

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
    """Where a key lives: it serves one account and region."""

    partition: str
    region: str
    account: str


def allow_service(service: tuple[str, str], home: Home) -> dict[str, Any]:
    """Of the key's policy: one service uses it, for resources of this account."""
    sid, principal = service
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"Service": principal},
        "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
        "Resource": "*",  # of a key's policy: this key
        "Condition": {"StringEquals": {"aws:SourceAccount": home.account}},
    }


def allow_logs(home: Home) -> dict[str, Any]:
    """Of the key's policy: CloudWatch Logs uses it, for log groups of this account; their names are generated."""
    groups = f"arn:{home.partition}:logs:{home.region}:{home.account}:log-group:*"
    return {
        "Sid": "LetLogsEncrypt",
        "Effect": "Allow",
        "Principal": {"Service": f"logs.{home.region}.amazonaws.com"},
        "Action": ["kms:Decrypt*", "kms:Describe*", "kms:Encrypt*", "kms:GenerateDataKey*", "kms:ReEncrypt*"],
        "Resource": "*",
        "Condition": {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": groups}},
    }


def allow_roles(role_arns: Sequence[str], home: Home, *services: str) -> dict[str, Any]:
    """Of the key's policy: roles that are made elsewhere use it, through these services.

    Without a Sid: a key that tenants share has several of these, and Sids must differ. Tables take a statement of their own.
    """
    return {
        "Effect": "Allow",
        "Principal": {"AWS": list(role_arns)},
        "Action": _use_through(services),
        "Resource": "*",
        "Condition": _through(home, services),
    }


def use_of(key_arn: str, home: Home, *services: str) -> dict[str, Any]:
    """Of a role's policy: use of the key, through these services alone; by name, such as "s3"."""
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
