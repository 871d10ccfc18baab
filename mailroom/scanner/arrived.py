"""Reads one raw version: its octets, and what was said of it when it was put there."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from mailroom.errors import PermanentError
from mailroom.layout import MAX_MESSAGE_OCTETS
from mailroom.scanner.events import RawObject
from mailroom.scanner.s3_answers import GONE, code_of
from mailroom.scanner.versions import is_kept

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

__all__ = ["Arrived", "read_raw"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Arrived:
    """One raw version.

    Args:
        octets: all of it, or its beginning.
        sha256: of all of it, in hexadecimal; "" where only the beginning was read.
        metadata: what whoever put it there said of it.
    """

    octets: bytes
    sha256: str
    metadata: Mapping[str, str]


def read_raw(s3: S3Client, item: RawObject, most: int | None = None) -> Arrived | None:
    """The raw version, or so many octets of its beginning; None when it is gone.

    Somebody may have deleted it since it was listed to be scanned anew: then its version can still be read.

    Raises:
        PermanentError: it is bigger than any mail.
        ClientError: S3 failed.
    """
    if item.rescan and not is_kept(s3, item.bucket, item.key, item.version):
        return None
    try:
        answer = s3.get_object(Bucket=item.bucket, Key=item.key, VersionId=item.version)
    except ClientError as error:
        if code_of(error) in GONE:
            return None
        raise
    if most is not None:
        with closing(answer["Body"]) as body:
            return Arrived(octets=body.read(most), sha256="", metadata=answer["Metadata"])
    if answer["ContentLength"] > MAX_MESSAGE_OCTETS:
        raise PermanentError(f"{item.bucket}/{item.key}: has {answer['ContentLength']} octets, more than SES takes")
    octets = answer["Body"].read()
    return Arrived(octets=octets, sha256=hashlib.sha256(octets).hexdigest(), metadata=answer["Metadata"])
