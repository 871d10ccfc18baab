"""What stands under `clean/`, and how it is put there: once, and never over what somebody else put there meanwhile."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from mailroom.layout import ACTION_MARK, CLEAN_PREFIX
from mailroom.scanner.events import RawObject
from mailroom.scanner.s3_answers import GONE, TAKEN, code_of
from mailroom.scanning.verdicts import Action, Verdict

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

__all__ = ["Standing", "clean_key", "deliver", "put_notice", "read_clean", "standing_at"]

_NOT_DELIVERED: Final = {Action.HOLD.value, Action.DELETE.value}


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """What stands under `clean/` for an object, as its metadata say.

    Args:
        etag: its entity tag.
        raw_version: the raw version that it was made of; "" where the scanner did not put it there.
        sha256: of its octets, in hexadecimal.
        raw_sha256: of the raw version's; "" where that is not known.
        notice: what became of the message instead, hold or delete; None where the object is the message.
    """

    etag: str
    raw_version: str
    sha256: str
    raw_sha256: str
    notice: Action | None = None

    def action(self, raw_sha256: str) -> Action:
        """What was done with the raw version of these octets: delivered as it came, or without something."""
        return Action.DELIVER if self.sha256 == raw_sha256 else Action.STRIP


def clean_key(item: RawObject) -> str:
    """Where it is delivered."""
    return f"{CLEAN_PREFIX}{item.message_id}"


def standing_at(s3: S3Client, item: RawObject) -> Standing | None:
    """What stands where the object is delivered; None where nothing does. Raises ClientError."""
    try:
        answer = s3.head_object(Bucket=item.bucket, Key=clean_key(item))
    except ClientError as error:
        if code_of(error) in GONE:
            return None
        raise
    said = answer["Metadata"]
    return Standing(
        etag=answer["ETag"],
        raw_version=said.get("raw-version", ""),
        sha256=said.get("sha256", ""),
        raw_sha256=said.get("raw-sha256", ""),
        notice=Action(said[ACTION_MARK]) if said.get(ACTION_MARK) in _NOT_DELIVERED else None,
    )


def read_clean(s3: S3Client, item: RawObject, standing: Standing) -> bytes:
    """The octets that stand there. Raises ClientError, also where they are others by now."""
    return s3.get_object(Bucket=item.bucket, Key=clean_key(item), IfMatch=standing.etag)["Body"].read()


def deliver(
    s3: S3Client, item: RawObject, message: bytes, *, raw_sha256: str, verdict: Verdict, replaces: Standing | None
) -> bool:
    """Put what was scanned under `clean/`, in the place of `replaces`; False where something else stands there.

    Raises ClientError.
    """
    metadata = {
        "raw-version": item.version,
        "verdict": verdict.value,
        "sha256": hashlib.sha256(message).hexdigest(),
        "raw-sha256": raw_sha256,
    }
    return _put(s3, item, message, metadata, replaces)


def put_notice(
    s3: S3Client, item: RawObject, action: Action, *, raw_sha256: str, verdict: Verdict, replaces: Standing | None
) -> bool:
    """Put a notice without content where the message is not delivered; False where something else stands there.

    Raises ClientError.
    """
    metadata = {"raw-version": item.version, "verdict": verdict.value, ACTION_MARK: action.value}
    if raw_sha256:
        metadata["raw-sha256"] = raw_sha256
    return _put(s3, item, b"", metadata, replaces)


def _put(s3: S3Client, item: RawObject, body: bytes, metadata: Mapping[str, str], replaces: Standing | None) -> bool:
    condition = {"IfMatch": replaces.etag} if replaces is not None else {"IfNoneMatch": "*"}
    try:
        s3.put_object(
            Bucket=item.bucket,
            Key=clean_key(item),
            Body=body,
            ContentType="message/rfc822",
            Metadata=metadata,
            **condition,  # type: ignore[arg-type]  # IfMatch or IfNoneMatch
        )
    except ClientError as error:
        if code_of(error) in TAKEN:
            return False
        raise
    return True
