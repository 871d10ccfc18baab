"""Describes held mail to applications: authors, recipients, subject and reason. Only the scanner reads the message."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from mailroom.faults import GONE, code_of
from mailroom.held_mail import HeldMessage, held_id, held_key
from mailroom.layout import OUTGOING_PREFIX
from mailroom.messages import parse
from mailroom.messages.addresses import addresses
from mailroom.messages.mime import read_header
from mailroom.messages.model import Address
from mailroom.messages.words import ignore_problem
from mailroom.scanning.arrived import ENVELOPE_OCTETS, Arrived
from mailroom.scanning.events import RawObject
from mailroom.scanning.finding import findings_of
from mailroom.scanning.plans import Plan

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

__all__ = ["description_of", "drop_description", "read_description", "write_description"]

_END_OF_HEADER: Final = re.compile(rb"\r\n\r\n|\n\n|\r\r")
_MOST_TEXT: Final = 300
_MOST_ADDRESS: Final = 320
_MOST_RECIPIENTS: Final = 50
_MOST_AUTHORS: Final = 5
_MOST_FINDINGS: Final = 20


def description_of(item: RawObject, arrived: Arrived, plan: Plan, now: datetime) -> HeldMessage:
    """The description of a held message, from its header only. Pure.

    Args:
        item: its raw version.
        arrived: bytes of that version, or their beginning.
        plan: the plan to hold it.
        now: with a time zone.
    """
    head = arrived.data[:ENVELOPE_OCTETS]
    end = _END_OF_HEADER.search(head)
    read = parse(head[: end.end()] if end else head)
    outgoing = item.key.startswith(OUTGOING_PREFIX)
    # SES writes no envelope in front of an application's message.
    recipients = _in_header(head) if outgoing else read.envelope.recipients
    return HeldMessage(
        id=held_id(item.message_id, item.version, arrived.modified),
        delivery=item.message_id,
        key=item.key,
        version=item.version,
        arrived=arrived.modified,
        held=now,
        verdict=plan.result.verdict.value,
        reason=plan.delivery.reason,
        risks=tuple(risk.value for risk in plan.delivery.risks),
        size=arrived.size,
        sender=read.envelope.sender[:_MOST_ADDRESS],
        recipients=tuple(one[:_MOST_ADDRESS] for one in recipients[:_MOST_RECIPIENTS]),
        from_=tuple(Address(one.address[:_MOST_ADDRESS], one.name[:_MOST_TEXT]) for one in read.from_[:_MOST_AUTHORS]),
        subject=read.subject[:_MOST_TEXT],
        findings=findings_of(plan.result.parts)[:_MOST_FINDINGS],
        request=item.rescan if plan.release is not None and not plan.release.applied else "",
    )


def _in_header(head: bytes) -> tuple[str, ...]:
    """All recipients of a message of the outbox, including hidden ones."""
    header = read_header(head)
    fields = [value for name in ("to", "cc", "bcc") for value in header.every(name)]
    return tuple(dict.fromkeys(box.address for value in fields for box in addresses(value, ignore_problem)))


def write_description(s3: S3Client, bucket: str, message: HeldMessage) -> None:
    """Write a description for applications. An equal one stays, because a write restarts its lifetime. Raises ClientError."""
    known = read_description(s3, bucket, message.id)
    if known is not None and replace(known, held=message.held) == message:
        return
    s3.put_object(Bucket=bucket, Key=held_key(message.id), Body=message.to_json(), ContentType="application/json")


def read_description(s3: S3Client, bucket: str, id: str) -> HeldMessage | None:
    """The description of an id; None where there is none. Raises ClientError."""
    try:
        return HeldMessage.of_json(s3.get_object(Bucket=bucket, Key=held_key(id))["Body"].read())
    except ClientError as error:
        if code_of(error) in GONE:
            return None
        raise


def drop_description(s3: S3Client, bucket: str, id: str) -> None:
    """Delete the description of a message that left quarantine. Raises ClientError."""
    s3.delete_object(Bucket=bucket, Key=held_key(id))
