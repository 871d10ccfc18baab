"""Carries out a plan under `clean/`: writes a message once, a file over an older one, or a notice for an unsent message."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from mailroom.errors import PermanentError, RetryableError
from mailroom.messages.envelope import read_envelope
from mailroom.messages.mime import read_header
from mailroom.scanning.arrived import ENVELOPE_OCTETS, older_at_once
from mailroom.scanning.clean_objects import (
    clean_key,
    deliver,
    file_metadata,
    mail_metadata,
    notice_metadata,
    read_clean,
    standing_at,
)
from mailroom.scanning.envelopes import Addressed, add
from mailroom.scanning.plans import DELIVERED_BEFORE, Case, Plan
from mailroom.scanning.verdicts import Verdict

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

__all__ = ["bring_again", "deliver_by", "notify_of"]

_MAIL: Final = {"ContentType": "message/rfc822"}


def deliver_by(plan: Plan, case: Case, s3: S3Client, where: str) -> None:
    """Put what the plan delivers under `clean/`; nothing when it delivers nothing.

    Raises:
        RetryableError: another worker delivered it meanwhile.
        PermanentError: another message stands there.
        ClientError: S3 failed.
    """
    item, arrived, message, verdict = case.item, case.arrived, plan.delivery.message, plan.result.verdict
    if message is None:
        return
    if case.once:
        headers: Mapping[str, str] = _MAIL
        metadata = mail_metadata(
            item,
            raw_sha256=arrived.sha256,
            verdict=verdict,
            message=message,
            risks=plan.delivery.risks,
            removed=plan.delivery.removed,
            recalled=case.standing.recalled if case.standing is not None else "",
        )
    else:
        headers = arrived.headers
        older = older_at_once(s3, item, arrived.modified)
        metadata = file_metadata(item, arrived, verdict=verdict, message=message, older=older)
    if deliver(s3, item, message, metadata=metadata, headers=headers, replaces=case.replaced):
        return
    standing = standing_at(s3, item)
    same = standing is not None and standing.sha256 == plan.delivered
    if standing is not None and same and (case.once or standing.raw_version == item.version):
        return
    ours = not case.once or replace(case, standing=standing).delivered(plan) is not None
    if standing is None or case.replaced is not None or ours:
        raise RetryableError(f"{where}: another worker delivered it meanwhile")
    # Another receipt rule wrote this copy: its line may name another recipient.
    named = read_envelope(read_header(arrived.data[:ENVELOPE_OCTETS])).recipients
    if case.once and named:
        add(s3, Addressed(bucket=item.bucket, message_id=item.message_id, recipients=named))
    raise PermanentError(
        f"{item.bucket}/{clean_key(item)}: holds version {standing.raw_version or 'none'} of its message already, "
        f"not {item.version}"
    )


def bring_again(plan: Plan, case: Case, s3: S3Client, where: str) -> None:
    """Write an outgoing message to its place again, so that S3 notifies of it again: its request was repeated, and it was not sent.

    Does nothing if this raw version was already written, if the scan now has a finding, or if it failed.

    Raises:
        RetryableError: another worker delivered it meanwhile.
        ClientError: S3 failed.
    """
    item, standing = case.item, case.standing
    if standing is None or standing.notice is not None or standing.raw_version == item.version:
        return
    if plan.delivery.reason == DELIVERED_BEFORE or plan.result.verdict is Verdict.ERROR:
        return
    message, verdict = read_clean(s3, item, standing), plan.result.verdict
    metadata = mail_metadata(item, raw_sha256=standing.raw_sha256, verdict=verdict, message=message)
    if not deliver(s3, item, message, metadata=metadata, headers=_MAIL, replaces=standing):
        raise RetryableError(f"{where}: locked by another worker")


def notify_of(plan: Plan, case: Case, s3: S3Client, where: str) -> None:
    """Write a notice for the outbox that an outgoing message is held or deleted.

    Raises:
        RetryableError: another worker delivered it meanwhile.
        ClientError: S3 failed.
    """
    action, standing = plan.delivery.action, case.standing
    if standing is not None and standing.notice in {action, None}:
        return
    said = notice_metadata(case.item, action, raw_sha256=case.arrived.sha256, result=plan.result)
    if not deliver(s3, case.item, b"", metadata=said, headers=_MAIL, replaces=standing):
        raise RetryableError(f"{where}: locked by another worker")
