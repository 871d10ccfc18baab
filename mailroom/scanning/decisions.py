"""Requests of applications on held mail: release or discard.

A request is an object below `raw/decisions/` of the tenant's bucket. IAM says who may write there, S3 says who did, and the
verdict's record keeps it. A request ends after its execution. An invalid request, or one on a message that is not held any more,
ends at once.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from mailroom.faults import GONE, code_of
from mailroom.held_mail import MOST_OCTETS, Decision, DecisionKind, HeldMessage
from mailroom.layout import DECISIONS_PREFIX
from mailroom.scanning.events import RawObject
from mailroom.scanning.holding import drop_description, read_description
from mailroom.scanning.records import read_record
from mailroom.scanning.release import Release
from mailroom.scanning.verdicts import Action, Verdict

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

__all__ = ["Asked", "asked_by", "ended", "is_decision", "wait_for_end"]

logger = logging.getLogger(__name__)

_DECISION: Final = re.compile(re.escape(DECISIONS_PREFIX) + "([0-9a-f]{32})")
_MOST_PRINCIPAL: Final = 512
_TRIES: Final = 10
_PAUSE_SECONDS: Final = 0.3


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """A request about a held message.

    Args:
        held: the message, as the scanner described it.
        item: its raw version, with the release for a request to release.
        discard: requester and reason of a deletion; None for a release.
    """

    held: HeldMessage
    item: RawObject
    discard: Release | None


def is_decision(item: RawObject) -> bool:
    """Whether the object is a request, and no message."""
    return item.key.startswith(DECISIONS_PREFIX)


def asked_by(s3: S3Client, item: RawObject, where: str) -> Asked | None:
    """Read a request; None where it is invalid or has nothing to do.

    Args:
        s3: a client.
        item: the request's object, from S3's notification.
        where: its name in the log.

    Raises:
        ClientError: S3 failed.
    """
    named = _DECISION.fullmatch(item.key)
    try:
        answer = s3.get_object(Bucket=item.bucket, Key=item.key, VersionId=item.version)
    except ClientError as error:
        if code_of(error) in GONE:
            return None
        raise
    if named is None or answer["ContentLength"] > MOST_OCTETS:
        logger.warning("%s: is no request about held mail; dropped", where)
        return None
    try:
        decision = Decision.of_json(answer["Body"].read())
        release = _release(decision, item, answer["LastModified"])
    except ValueError as error:
        logger.warning("%s: %s; dropped", where, error)
        return None
    held = read_description(s3, item.bucket, decision.held)
    if held is None:
        logger.info("%s: its message is no longer held", where)
        return None
    target = RawObject(item.bucket, held.key, held.version, rescan=named[1])
    if decision.kind is DecisionKind.DISCARD:
        record, _tag = read_record(s3, target)
        waits = record is not None and (record.action is Action.HOLD or record.discard is not None)
        return Asked(held=held, item=target, discard=release) if waits else None
    released = RawObject(item.bucket, held.key, held.version, rescan=named[1], release=release)
    return Asked(held=held, item=released, discard=None)


def wait_for_end(s3: S3Client, asked: Asked, pause: Callable[[float], None]) -> None:
    """Wait some seconds until the worker that held the message is done: applications can ask from the description on.

    Args:
        s3: a client.
        asked: the request.
        pause: waits so many seconds.

    Raises:
        ClientError: S3 failed.
    """
    for _ in range(_TRIES):
        record, _tag = read_record(s3, asked.item)
        if record is None or record.told:
            return
        pause(_PAUSE_SECONDS)


def ended(s3: S3Client, item: RawObject, asked: Asked | None, *, gone: bool) -> None:
    """Delete an executed request, and the description of a message that is gone. Raises ClientError."""
    if asked is not None and gone:
        drop_description(s3, item.bucket, asked.held.id)
    s3.delete_object(Bucket=item.bucket, Key=item.key, VersionId=item.version)


def _release(decision: Decision, item: RawObject, at: datetime) -> Release:
    return Release(
        by=decision.by,
        reason=decision.reason,
        at=at,
        verdict=Verdict(decision.verdict),
        sender=item.by[:_MOST_PRINCIPAL],
        applied=decision.kind is DecisionKind.DISCARD,
    )
