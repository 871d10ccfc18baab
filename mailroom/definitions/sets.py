"""Reads published sets: the current manifest, and its files, which must have the manifest's digests."""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from boto3.exceptions import Boto3Error
from botocore.exceptions import BotoCoreError, ClientError
from s3transfer.exceptions import S3DownloadFailedError

from mailroom.definitions.manifest import MANIFEST_KEY, Manifest, ManifestError
from mailroom.errors import RetryableError
from mailroom.faults import GONE, code_of

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

__all__ = ["TRANSFER_ERRORS", "Found", "current", "digest_of", "fetch_good_files", "fetch_set", "find"]

TRANSFER_ERRORS: Final = (Boto3Error, BotoCoreError, ClientError, S3DownloadFailedError, OSError)
"""Errors of a transfer between S3 and a folder."""

_MANIFEST_OCTETS: Final = 1_000_000
"""Most bytes of a manifest: one of the official set has a thousand."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Found:
    """The object at the manifest's key.

    Args:
        manifest: its manifest, or the fault of its text.
        tag: its entity tag, for a conditional replacement.
    """

    manifest: Manifest | ManifestError
    tag: str


def find(s3: S3Client, bucket: str) -> Found | None:
    """Read the object at the manifest's key; None without one.

    Raises:
        RetryableError: AWS refused.
    """
    try:
        answer = s3.get_object(Bucket=bucket, Key=MANIFEST_KEY)
        with closing(answer["Body"]) as body:
            text = body.read(_MANIFEST_OCTETS + 1)
    except (BotoCoreError, ClientError) as error:
        if code_of(error) in GONE:
            return None
        raise RetryableError(f"definitions: {bucket}/{MANIFEST_KEY}: cannot be read: {error}") from error
    if len(text) > _MANIFEST_OCTETS:
        return Found(ManifestError(f"manifest: cannot be read: has more than {_MANIFEST_OCTETS} bytes"), answer["ETag"])
    try:
        return Found(Manifest.from_json(text), answer["ETag"])
    except ManifestError as error:
        return Found(error, answer["ETag"])


def current(s3: S3Client, bucket: str) -> Manifest | None:
    """The published set; None before the first.

    Raises:
        RetryableError: AWS refused, or the manifest cannot be read.
    """
    found = find(s3, bucket)
    if found is None:
        return None
    if isinstance(found.manifest, ManifestError):
        raise RetryableError(f"definitions: {bucket}/{MANIFEST_KEY}: {found.manifest}") from found.manifest
    return found.manifest


def fetch_set(s3: S3Client, bucket: str, manifest: Manifest, folder: Path) -> None:
    """Put all files of a set into `folder`, or none. Each must have the manifest's digest.

    Raises:
        RetryableError: AWS refused, or a file has another digest.
    """
    partial = folder / "partial"
    try:
        partial.mkdir()
        try:
            for name in manifest.files:
                _fetch(s3, bucket, manifest, name, partial)
            for name in manifest.files:
                (partial / name).replace(folder / name)
        finally:
            shutil.rmtree(partial)
    except OSError as error:
        raise RetryableError(f"definitions: {bucket}: cannot be fetched: {error}") from error


def fetch_good_files(s3: S3Client, bucket: str, manifest: Manifest, folder: Path) -> set[str]:
    """Put the files of a set with the right digest into `folder`; returns the names of the others."""
    broken = set()
    for name in manifest.files:
        try:
            _fetch(s3, bucket, manifest, name, folder)
        except RetryableError as error:
            logger.warning("%s", error)
            (folder / name).unlink(missing_ok=True)
            broken.add(name)
    return broken


def _fetch(s3: S3Client, bucket: str, manifest: Manifest, name: str, folder: Path) -> None:
    """Fetch one file, and give it the time of the set's last confirmation. Raises `RetryableError`."""
    path = folder / name
    try:
        s3.download_file(bucket, manifest.key(name), str(path))
        if digest_of(path) != manifest.files[name]:
            raise RetryableError(f"definitions: {bucket}/{manifest.key(name)}: is not what the manifest says")
        # freshclam asks for changes since a file's own time, so that must be the last confirmation, and not now.
        os.utime(path, (manifest.checked.timestamp(), manifest.checked.timestamp()))
    except (*TRANSFER_ERRORS, OverflowError) as error:
        raise RetryableError(f"definitions: {bucket}/{manifest.key(name)}: cannot be fetched: {error}") from error


def digest_of(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
