"""Objects under `clean/`, and their conditional writes: once, and never over a concurrent write."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from mailroom.faults import GONE, TAKEN, code_of
from mailroom.findings import findings_text
from mailroom.layout import (
    ACTION_DELETE,
    ACTION_GONE,
    ACTION_HOLD,
    ACTION_MARK,
    CLEAN_PREFIX,
    FINDINGS_MARK,
    MAX_KEY_BYTES,
    RECALLED_MARK,
    RISKS_MARK,
    SIGNATURE_MARK,
)
from mailroom.scanning.active.risks import Risk
from mailroom.scanning.arrived import Arrived
from mailroom.scanning.events import RawObject
from mailroom.scanning.finding import findings_of
from mailroom.scanning.verdicts import Action, PartVerdict, ScanResult, Verdict

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

__all__ = [
    "Standing",
    "clean_key",
    "deliver",
    "file_metadata",
    "has_place",
    "mail_metadata",
    "notice_metadata",
    "read_clean",
    "recall_metadata",
    "standing_at",
]

_MOST_METADATA: Final = 2_048
_MOST_SIGNATURE: Final = 200
_ORIGINAL: Final = "recalled-version"

_NOTICES: Final = {ACTION_HOLD: Action.HOLD, ACTION_DELETE: Action.DELETE, ACTION_GONE: Action.DELETE}


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """The object under `clean/`, described by its metadata.

    Args:
        etag: its entity tag.
        raw_version: its raw version; "" if the scanner did not write it.
        sha256: SHA-256 of its bytes, in hexadecimal.
        raw_sha256: SHA-256 of the raw version; "" if unknown.
        notice: action on the message, hold or delete, if the object is a notice; None if it is the message.
        modified: of a file, upload time of its raw version; None if unknown.
        older: older raw versions of the same second.
        version: its own version.
        since: time of its write; None if unknown.
        recalled: digest of the message that was recalled here; "" for none.
        original: the recalled version; "" without a recall, and where a message has replaced the notice.
        signature: finding in the recalled message; "" for none.
    """

    etag: str
    raw_version: str
    sha256: str
    raw_sha256: str
    notice: Action | None = None
    modified: datetime | None = None
    older: tuple[str, ...] = ()
    version: str = ""
    since: datetime | None = None
    recalled: str = ""
    original: str = ""
    signature: str = ""

    def action(self, raw_sha256: str) -> Action:
        """Action on the raw version of these bytes: delivered unchanged, or stripped."""
        return Action.DELIVER if self.sha256 == raw_sha256 else Action.STRIP


def clean_key(item: RawObject) -> str:
    """Key of its delivery."""
    return f"{CLEAN_PREFIX}{item.message_id}"


def has_place(item: RawObject) -> bool:
    """Whether the key of its delivery is short enough for S3."""
    return len(clean_key(item).encode()) <= MAX_KEY_BYTES


def standing_at(s3: S3Client, item: RawObject) -> Standing | None:
    """The object at the place of delivery; None without one, and for keys too long for S3. Raises ClientError."""
    if not has_place(item):
        return None
    try:
        answer = s3.head_object(Bucket=item.bucket, Key=clean_key(item))
    except ClientError as error:
        if code_of(error) in GONE:
            return None
        raise
    said = answer["Metadata"]
    is_file = "raw-time" in said and "raw-version" in said
    return Standing(
        etag=answer["ETag"],
        raw_version=said.get("raw-version", ""),
        sha256=said.get("sha256", ""),
        raw_sha256=said.get("raw-sha256", ""),
        # The metadata of a file are the uploader's, and no action of the scanner.
        notice=_NOTICES.get(said.get(ACTION_MARK, "")) if not is_file else None,
        modified=datetime.fromisoformat(said["raw-time"]) if is_file else None,
        older=tuple(said.get("raw-older", "").split()),
        version=answer.get("VersionId", ""),
        since=answer["LastModified"],
        recalled=said.get(RECALLED_MARK, "") if not is_file else "",
        original=said.get(_ORIGINAL, "") if not is_file else "",
        signature=said.get(SIGNATURE_MARK, ""),
    )


def read_clean(s3: S3Client, item: RawObject, standing: Standing) -> bytes:
    """Bytes of a delivered object. Raises ClientError, also if the object has changed."""
    return s3.get_object(Bucket=item.bucket, Key=clean_key(item), IfMatch=standing.etag)["Body"].read()


def deliver(
    s3: S3Client,
    item: RawObject,
    message: bytes,
    *,
    metadata: Mapping[str, str],
    headers: Mapping[str, str],
    replaces: Standing | None,
) -> bool:
    """Put an object under `clean/`, in the place of `replaces`; False where another object is there. Raises ClientError."""
    condition = {"IfMatch": replaces.etag} if replaces is not None else {"IfNoneMatch": "*"}
    named: dict[str, Any] = {**headers, **condition}
    try:
        s3.put_object(Bucket=item.bucket, Key=clean_key(item), Body=message, Metadata=metadata, **named)
    except ClientError as error:
        if code_of(error) in TAKEN:
            return False
        raise
    return True


def mail_metadata(
    item: RawObject,
    *,
    raw_sha256: str,
    verdict: Verdict,
    message: bytes,
    risks: Iterable[Risk] = (),
    removed: Iterable[PartVerdict] = (),
    recalled: str = "",
) -> dict[str, str]:
    """Metadata of a delivered message; `removed` are its stripped parts, `recalled` is the id for readers of a message that returns
    after a recall.
    """
    words = " ".join(risk.value for risk in risks)
    without = findings_text(findings_of(removed))
    return {
        "raw-version": item.version,
        "verdict": verdict.value,
        "sha256": hashlib.sha256(message).hexdigest(),
        "raw-sha256": raw_sha256,
        **({RISKS_MARK: words} if words else {}),
        **({FINDINGS_MARK: without} if without else {}),
        **({RECALLED_MARK: recalled} if recalled else {}),
    }


def notice_metadata(item: RawObject, action: Action, *, raw_sha256: str, result: ScanResult) -> dict[str, str]:
    """Metadata of the notice for an undelivered message."""
    said = {"raw-version": item.version, "verdict": result.verdict.value, ACTION_MARK: action.value}
    if found := findings_text(findings_of(result.parts)):
        said[FINDINGS_MARK] = found
    return {**said, "raw-sha256": raw_sha256} if raw_sha256 else said


def recall_metadata(standing: Standing, *, digest: str, signature: str) -> dict[str, str]:
    """Metadata of the notice for a recalled message.

    Args:
        standing: the message.
        digest: its id for readers.
        signature: the finding.
    """
    return {
        "raw-version": standing.raw_version,
        "verdict": Verdict.INFECTED.value,
        ACTION_MARK: ACTION_HOLD,
        RECALLED_MARK: digest,
        _ORIGINAL: standing.version,
        SIGNATURE_MARK: signature.encode("ascii", "replace").decode("ascii")[:_MOST_SIGNATURE],
    }


def file_metadata(
    item: RawObject, arrived: Arrived, *, verdict: Verdict, message: bytes, older: Sequence[str]
) -> dict[str, str]:
    """The scanner's metadata of a delivered file, with the upload's metadata if there is room.

    Args:
        item: the object.
        arrived: the raw version.
        verdict: the scanner's.
        message: the delivered bytes.
        older: older raw versions of the same second.

    Source: S3 user guide, "Working with object metadata": 2 KB, all names and values together.
    """
    own = {
        "raw-version": item.version,
        "verdict": verdict.value,
        "sha256": hashlib.sha256(message).hexdigest(),
        "raw-time": arrived.modified.isoformat(),
    }
    if older or "raw-older" in arrived.metadata:
        own["raw-older"] = " ".join(older) or "none"
    both = {**arrived.metadata, **own}
    return (
        both if sum(len(name.encode()) + len(value.encode()) for name, value in both.items()) <= _MOST_METADATA else own
    )
