"""Reads one raw version: its bytes, headers and metadata."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from mailroom.faults import GONE, code_of
from mailroom.layout import MAX_MESSAGE_OCTETS
from mailroom.scanning.events import RawObject
from mailroom.scanning.versions import is_kept

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

__all__ = ["ENVELOPE_OCTETS", "Arrived", "older_at_once", "read_raw"]

ENVELOPE_OCTETS: Final = 64_000
"""Bytes at the beginning of a message that hold SES's lines with the envelope."""

_HEADERS: Final = ("CacheControl", "ContentDisposition", "ContentEncoding", "ContentLanguage", "ContentType")
_LISTED: Final = 100
_MOST_NAMED: Final = 10
"""Version ids that metadata have room for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Arrived:
    """One raw version.

    Args:
        data: its bytes, or their beginning.
        sha256: SHA-256 of all bytes, in hexadecimal; "" if only the beginning was read.
        size: its size in bytes.
        modified: time of the upload, to the second.
        headers: such as its ContentType, by the names of S3's client.
        metadata: metadata of the upload.
    """

    data: bytes
    sha256: str
    size: int
    modified: datetime
    headers: Mapping[str, str]
    metadata: Mapping[str, str]


def read_raw(s3: S3Client, item: RawObject, most: int = MAX_MESSAGE_OCTETS) -> Arrived | None:
    """The raw version, or the beginning of a bigger one; None if it does not exist. Raises ClientError.

    If it was deleted after a rescan was requested, its version can still be read.
    """
    if item.rescan and not is_kept(s3, item.bucket, item.key, item.version):
        return None
    try:
        answer = s3.get_object(Bucket=item.bucket, Key=item.key, VersionId=item.version)
    except ClientError as error:
        if code_of(error) in GONE:
            return None
        raise
    size = answer["ContentLength"]
    with closing(answer["Body"]) as body:
        data = body.read() if size <= most else body.read(min(most, ENVELOPE_OCTETS))
    said: Mapping[str, Any] = answer
    return Arrived(
        data=data,
        sha256=hashlib.sha256(data).hexdigest() if len(data) == size else "",
        size=size,
        modified=answer["LastModified"].replace(microsecond=0),
        headers={name: said[name] for name in _HEADERS if said.get(name)},
        metadata=answer["Metadata"],
    )


def older_at_once(s3: S3Client, item: RawObject, modified: datetime) -> tuple[str, ...]:
    """Existing older versions of the same key and the same second, whose times do not show their order.

    Raises ClientError.

    Source: S3 API reference, "ListObjectVersions": the newest of a key comes first.
    """
    listed = s3.list_object_versions(Bucket=item.bucket, Prefix=item.key, MaxKeys=_LISTED).get("Versions", [])
    own = [one for one in listed if one["Key"] == item.key]
    ids = [one["VersionId"] for one in own]
    behind = own[ids.index(item.version) + 1 :] if item.version in ids else []
    at_once = [one["VersionId"] for one in behind if one["LastModified"].replace(microsecond=0) == modified]
    return tuple(at_once[:_MOST_NAMED])
