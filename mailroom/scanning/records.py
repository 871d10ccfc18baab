"""The recorded verdict on one raw version: its key, its fields, and its reads and writes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from mailroom.faults import GONE, TAKEN, code_of
from mailroom.layout import MAX_KEY_BYTES, VERDICT_PREFIX
from mailroom.scanning.active.risks import Risk, risks_from
from mailroom.scanning.alerts import NAME_CHARACTERS
from mailroom.scanning.events import RawObject
from mailroom.scanning.release import Release, release_from
from mailroom.scanning.verdicts import Action, PartVerdict, ScanResult, Verdict, worst_first

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

__all__ = ["VerdictRecord", "read_record", "verdict_key", "write_record"]

_LISTED: Final = 200
"""Parts that a record lists, findings first; the others are counted."""


@dataclass(frozen=True, kw_only=True, slots=True)
class VerdictRecord:
    """Record of a scan: verdicts and digests, no content. File names come from the sender.

    Args:
        tenant: id of the tenant.
        message_id: the raw key without its prefix.
        raw_version: of the raw object.
        rescan: id of the request for the scan; "" for an arrival.
        time: time of the decision.
        action: action on the object.
        reason: reason besides verdict and policy; "" otherwise.
        result: result of the scan.
        removed: stripped parts.
        findings: number of findings in alerts.
        delivered: SHA-256 of the delivered message, in hexadecimal; "" without one.
        told: whether operators got the alert, or need none.
        release: the request for its release, with its result; None without one.
        risks: as in `Delivery`.
        discard: an application's request for its deletion; None without one.
    """

    tenant: str
    message_id: str
    raw_version: str
    rescan: str
    time: datetime
    action: Action
    reason: str
    result: ScanResult
    removed: tuple[PartVerdict, ...] = ()
    findings: int = 0
    delivered: str = ""
    told: bool = False
    release: Release | None = None
    risks: tuple[Risk, ...] = ()
    discard: Release | None = None

    def answers(self, item: RawObject) -> bool:
        """Whether the record is of this request, and not of an earlier one."""
        return item.rescan in {"", self.rescan}

    def refuses(self, item: RawObject) -> bool:
        """Whether the record is of this request, and refused the release."""
        return item.rescan == self.rescan and not (self.release is not None and self.release.applied)

    @property
    def document(self) -> dict[str, Any]:
        """The record's JSON document."""
        listed = _listed(self.result.parts)
        return {
            "tenant": self.tenant,
            "message_id": self.message_id,
            "raw_version": self.raw_version,
            "rescan": self.rescan,
            "time": self.time.isoformat(),
            "verdict": self.result.verdict.value,
            "action": self.action.value,
            "reason": self.reason,
            "definitions": self.result.definitions,
            "delivered": self.delivered,
            "findings": self.findings,
            "parts": [{**_cut(part), "removed": part in self.removed} for part in listed],
            "parts_not_listed": len(self.result.parts) - len(listed),
            "told": self.told,
            **({"risks": [risk.value for risk in self.risks]} if self.risks else {}),
            **({"release": self.release.record} if self.release is not None else {}),
            **({"discard": self.discard.record} if self.discard is not None else {}),
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> VerdictRecord:
        """The record of a document; older documents have fewer fields."""
        parts = [(_part(one), bool(one["removed"])) for one in document["parts"]]
        return cls(
            tenant=document["tenant"],
            message_id=document["message_id"],
            raw_version=document["raw_version"],
            rescan=document["rescan"],
            time=datetime.fromisoformat(document["time"]),
            action=Action(document["action"]),
            reason=document["reason"],
            result=ScanResult(
                verdict=Verdict(document["verdict"]),
                parts=tuple(part for part, _removed in parts),
                definitions=document["definitions"],
            ),
            removed=tuple(part for part, removed in parts if removed),
            findings=document.get("findings", 0),
            delivered=document.get("delivered", ""),
            told=document["told"],
            release=_release(document["release"]) if "release" in document else None,
            risks=risks_from(" ".join(document.get("risks", ()))),
            discard=_release(document["discard"]) if "discard" in document else None,
        )


def verdict_key(item: RawObject) -> str:
    """Key of the record of one raw version; an id that is too long for S3's keys is replaced by its digest."""
    key = f"{VERDICT_PREFIX}{item.message_id}/{item.version}.json"
    if len(key.encode()) <= MAX_KEY_BYTES:
        return key
    return f"{VERDICT_PREFIX}sha256-{hashlib.sha256(item.message_id.encode()).hexdigest()}/{item.version}.json"


def read_record(s3: S3Client, item: RawObject) -> tuple[VerdictRecord | None, str]:
    """The recorded verdict and its entity tag; None and "" where there is none. Raises ClientError."""
    try:
        answer = s3.get_object(Bucket=item.bucket, Key=verdict_key(item))
    except ClientError as error:
        if code_of(error) in GONE:
            return None, ""
        raise
    return VerdictRecord.from_document(json.loads(answer["Body"].read())), answer["ETag"]


def write_record(s3: S3Client, item: RawObject, record: VerdictRecord, *, replaces: str | None) -> str | None:
    """Write a record. Returns its entity tag, or None if another record is there.

    Args:
        s3: a client.
        item: its raw version.
        record: the verdict.
        replaces: entity tag of the record to replace; "" where none may exist; None writes in any case.

    Raises:
        ClientError: S3 failed.
    """
    condition = {} if replaces is None else {"IfMatch": replaces} if replaces else {"IfNoneMatch": "*"}
    try:
        answer = s3.put_object(
            Bucket=item.bucket,
            Key=verdict_key(item),
            Body=json.dumps(record.document),
            ContentType="application/json",
            **condition,  # type: ignore[arg-type]  # IfMatch or IfNoneMatch
        )
    except ClientError as error:
        if condition and code_of(error) in TAKEN:
            return None
        raise
    return answer["ETag"]


def _listed(parts: tuple[PartVerdict, ...]) -> list[PartVerdict]:
    """The listed parts: the message itself, then the worst findings, then others, up to the limit; in the message's order."""
    if len(parts) <= _LISTED:
        return list(parts)
    risky_first = sorted(range(1, len(parts)), key=lambda number: not parts[number].risks)
    found = worst_first(risky_first, lambda number: parts[number].verdict)
    return [parts[number] for number in sorted([0, *found[: _LISTED - 1]])]


def _cut(part: PartVerdict) -> dict[str, Any]:
    document = part.document
    if len(part.filename) <= NAME_CHARACTERS:
        return document
    return {**document, "filename": part.filename[:NAME_CHARACTERS], "filename_cut": True}


def _part(document: Mapping[str, Any]) -> PartVerdict:
    return PartVerdict(
        path=document["path"],
        filename=document["filename"],
        verdict=Verdict(document["verdict"]),
        signature=document["signature"],
        sha256=document["sha256"],
        size=document["octets"],
        risks=risks_from(" ".join(document.get("risks", ()))),
    )


def _release(document: Mapping[str, Any]) -> Release:
    return release_from(document, sender=document["sender"], applied=document["applied"])
