"""Fetches definitions with freshclam, and publishes a set once the engine has loaded it and found what it must find.

A set is immutable: its files stand under a key made of their digests, and the manifest that names them is written last. Whatever
goes wrong before leaves the set that was current.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError, ClientError

from mailroom.definitions.manifest import MANIFEST_KEY, SETS_PREFIX, Manifest, ManifestError, set_version
from mailroom.errors import RetryableError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

logger = logging.getLogger(__name__)

__all__ = ["Mirror", "Refreshed", "current", "fetch_set"]

_KNOWN_SIGNATURES: Final = re.compile(r"^Known viruses: (\d++)$", re.MULTILINE)
_CONFIRMED: Final = re.compile(
    r"^([A-Za-z0-9_-]++)\.\w++ (?:database is up-to-date|is up-to-date|updated) ", re.MULTILINE
)
_STILL_FETCHED: Final = timedelta(days=1)
_FRESHCLAM_SECONDS: Final = 600
_CLAMSCAN_SECONDS: Final = 300
_FOUND: Final = 1
"""What clamscan exits with when it found something; 0 is nothing, 2 is an error. clamscan(1), "RETURN CODES"."""


class Refreshed(StrEnum):
    """What a refresh came to."""

    PUBLISHED = "published"
    UNCHANGED = "unchanged"
    UNCONFIRMED = "unconfirmed"
    """Nothing came, and the source did not say that there is nothing newer: freshclam succeeds where it was turned away, too."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Mirror:
    """Where definitions come from, and what a set must be to be published.

    Args:
        s3: a client.
        bucket: of the published sets.
        folder: an empty folder to work in.
        configuration: freshclam's configuration file; its DatabaseDirectory is overridden.
        required: names of databases that a set must have, without their endings: an update that lost one is none.
        minimum_signatures: fewer mean that something is missing.
        canary: octets that the set must find.
        clock: the time now, with a time zone.
        arguments: more arguments of freshclam. Default: none.
    """

    s3: S3Client
    bucket: str
    folder: Path
    configuration: Path
    required: Sequence[str]
    minimum_signatures: int
    canary: bytes
    clock: Callable[[], datetime]
    arguments: Sequence[str] = ()

    def refresh(self) -> Refreshed:
        """Fetch what is new, and publish it if it is a good set.

        Raises:
            RetryableError: freshclam failed, the set is incomplete or finds nothing, or AWS refused. The current set stays.
        """
        before = current(self.s3, self.bucket)
        files = self.folder / "definitions"
        files.mkdir()
        if before is not None:
            # What is there already is only updated: the source refuses those who fetch all of it again and again.
            fetch_set(self.s3, self.bucket, before, files)
        said = self._freshclam(files)
        found = {path.name: _digest(path) for path in sorted(files.iterdir()) if path.suffix != ".dat"}
        now = self.clock()
        if before is not None and set_version(found) == before.version:
            if not {*self.required} <= {*_CONFIRMED.findall(said)}:
                return Refreshed.UNCONFIRMED
            self._write(Manifest(files=found, signatures=before.signatures, created=before.created, checked=now))
            return Refreshed.UNCHANGED
        manifest = Manifest(files=found, signatures=self._verified(files, found), created=now, checked=now)
        try:
            for name in found:
                self.s3.upload_file(str(files / name), self.bucket, manifest.key(name))
        except (BotoCoreError, ClientError, OSError) as error:
            raise RetryableError(f"definitions: {self.bucket}: cannot be written: {error}") from error
        self._write(manifest)
        self._tidy(manifest)
        return Refreshed.PUBLISHED

    def _tidy(self, manifest: Manifest) -> None:
        """Remove the sets that no scanner can be fetching any more."""
        before = self.clock() - _STILL_FETCHED
        try:
            pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=SETS_PREFIX)
            for entry in (entry for page in pages for entry in page.get("Contents", [])):
                superseded = not entry["Key"].startswith(f"{SETS_PREFIX}{manifest.version}/")
                if superseded and entry["LastModified"] < before:
                    self.s3.delete_object(Bucket=self.bucket, Key=entry["Key"])
        except (BotoCoreError, ClientError) as error:
            # The new set is published; the next run tidies up.
            logger.warning("definitions: %s: old sets cannot be removed: %s", self.bucket, error)

    def _freshclam(self, files: Path) -> str:
        """Returns what it said. Raises `RetryableError`."""
        command = [
            "freshclam",
            f"--config-file={self.configuration}",
            f"--datadir={files}",
            "--stdout",
            *self.arguments,
        ]
        try:
            done = subprocess.run(  # noqa: S603 - our own arguments, without a shell
                command, capture_output=True, text=True, timeout=_FRESHCLAM_SECONDS, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise RetryableError(f"definitions: freshclam did not end: {error}") from error
        if done.returncode != 0:
            raise RetryableError(f"definitions: freshclam exited with {done.returncode}: {done.stdout[-800:]}")
        return done.stdout

    def _verified(self, files: Path, found: dict[str, str]) -> int:
        """How many signatures the engine loads from the set. Raises `RetryableError` when it is not a good one."""
        missing = [name for name in self.required if not any(Path(one).stem == name for one in found)]
        if missing:
            raise RetryableError(f"definitions: the set must have {', '.join(self.required)}; {missing[0]} is missing")
        canary = self.folder / "canary"
        canary.write_bytes(self.canary)
        try:
            done = subprocess.run(  # noqa: S603 - as above
                ["clamscan", f"--database={files}", str(canary)],  # noqa: S607 - where the image or Debian has it
                capture_output=True,
                text=True,
                timeout=_CLAMSCAN_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise RetryableError(f"definitions: clamscan did not end: {error}") from error
        if done.returncode != _FOUND:
            raise RetryableError(
                f"definitions: the set does not find what it must: {(done.stdout + done.stderr)[-800:]}"
            )
        match = _KNOWN_SIGNATURES.search(done.stdout)
        count = int(match[1]) if match is not None else 0
        if count < self.minimum_signatures:
            raise RetryableError(f"definitions: the set has {count} signatures, must have {self.minimum_signatures}")
        return count

    def _write(self, manifest: Manifest) -> None:
        try:
            self.s3.put_object(
                Bucket=self.bucket, Key=MANIFEST_KEY, Body=manifest.to_json(), ContentType="application/json"
            )
        except (BotoCoreError, ClientError) as error:
            raise RetryableError(f"definitions: {self.bucket}/{MANIFEST_KEY}: cannot be written: {error}") from error


def current(s3: S3Client, bucket: str) -> Manifest | None:
    """The published set; None before the first.

    Raises:
        RetryableError: AWS refused, or the manifest cannot be read.
    """
    try:
        return Manifest.from_json(s3.get_object(Bucket=bucket, Key=MANIFEST_KEY)["Body"].read())
    except ManifestError as error:
        raise RetryableError(f"definitions: {bucket}/{MANIFEST_KEY}: {error}") from error
    except (BotoCoreError, ClientError) as error:
        if isinstance(error, ClientError) and error.response.get("Error", {}).get("Code") in {"NoSuchKey", "404"}:
            return None
        raise RetryableError(f"definitions: {bucket}/{MANIFEST_KEY}: cannot be read: {error}") from error


def fetch_set(s3: S3Client, bucket: str, manifest: Manifest, folder: Path) -> None:
    """Put the files of a set into `folder`, each only when its digest is the manifest's; all of them or none.

    Raises:
        RetryableError: AWS refused, or a file is not what the manifest says.
    """
    partial = folder / "partial"
    partial.mkdir()
    try:
        for name, digest in manifest.files.items():
            s3.download_file(bucket, manifest.key(name), str(partial / name))
            if _digest(partial / name) != digest:
                raise RetryableError(f"definitions: {bucket}/{manifest.key(name)}: is not what the manifest says")
        for name in manifest.files:
            # freshclam asks for what changed since a file's own time: not since now, but since somebody last looked.
            os.utime(partial / name, (manifest.checked.timestamp(), manifest.checked.timestamp()))
            (partial / name).replace(folder / name)
    except (BotoCoreError, ClientError, OSError) as error:
        raise RetryableError(f"definitions: {bucket}: cannot be fetched: {error}") from error
    finally:
        shutil.rmtree(partial)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
