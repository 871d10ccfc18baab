"""Releases of held messages by operators and applications, and deletions. Pure.

An operator's right to ask is the right to send to the scanner's queue, an application's the right to write below
`raw/decisions/` of its tenant's bucket. A released message is scanned once more before the
delivery. The verdict's record has requester, reason and result.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from mailroom.held_mail import check_words
from mailroom.scanning.delivery import Delivery
from mailroom.scanning.verdicts import Action, ScanResult, Verdict, worst

__all__ = ["DISCARDED", "RELEASED", "Release", "covers", "release_from", "released"]

RELEASED: Final = "released by an operator"
"""Reason of a delivery against the tenant's policy."""
DISCARDED: Final = "discarded on request"
"""Reason of a deletion of a held message."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Release:
    """Request to deliver a message even against the tenant's policy; or to delete it, as a record's `discard`.

    Args:
        by: the requester's own name: an operator's ARN, or a text of the application.
        reason: 1 to 200 printable characters.
        at: when, with a time zone.
        verdict: verdict that the requester knew. A worse new verdict is not released.
        sender: sender of the queue message, from SQS, or writer of the object, from S3; "" before that.
        applied: whether the scanner carried it out; False before its decision.

    Raises:
        ValueError: a field has an impossible value.
    """

    by: str
    reason: str
    at: datetime
    verdict: Verdict
    sender: str = ""
    applied: bool = False

    def __post_init__(self) -> None:
        check_words("release", by=self.by, reason=self.reason)
        if self.at.tzinfo is None:
            raise ValueError(f"release: at must have a time zone, got {self.at.isoformat()}")

    @property
    def document(self) -> dict[str, str]:
        """The release in a queue message."""
        return {"by": self.by, "reason": self.reason, "at": self.at.isoformat(), "verdict": self.verdict.value}

    @property
    def record(self) -> dict[str, Any]:
        """The release in a verdict's record."""
        return {**self.document, "sender": self.sender, "applied": self.applied}


def release_from(document: object, *, sender: str, applied: bool = False) -> Release:
    """The release of a queue message, or of a record.

    Args:
        document: of `Release.document` or `Release.record`.
        sender: SQS's id of its sender.
        applied: whether it delivered the message. Default: False.

    Raises:
        ValueError: the document is no release.
    """
    fields = ("by", "reason", "at", "verdict")
    if not isinstance(document, Mapping) or not all(isinstance(document.get(name), str) for name in fields):
        raise ValueError(f"release: must have {', '.join(fields)}")
    try:
        at, verdict = datetime.fromisoformat(document["at"]), Verdict(document["verdict"])
    except ValueError:
        raise ValueError("release: at must be a time, and verdict one of the scanner's") from None
    return Release(by=document["by"], reason=document["reason"], at=at, verdict=verdict, sender=sender, applied=applied)


def covers(release: Release, result: ScanResult) -> bool:
    """Whether a release covers a message with this result.

    It never covers malware, nor a worse verdict than the one that the requester knew.
    """
    if result.infected:
        return False
    return worst([result.verdict, release.verdict]) is release.verdict


def released(release: Release | None, raw: bytes, result: ScanResult) -> Delivery | None:
    """The unchanged delivery, if a release covers it after this scan; None otherwise."""
    if release is None or not covers(release, result):
        return None
    return Delivery(action=Action.DELIVER, message=raw, reason=RELEASED)
