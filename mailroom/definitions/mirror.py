"""Fetches definitions with freshclam, and publishes a set once the engine has loaded it and found a test file with it.

A set is immutable: the keys of its files are made of their digests, and the manifest that names them is written last. An earlier
failure leaves the current set. A damaged set is repaired: a missing or changed file or manifest is fetched again from the source.
"""

from __future__ import annotations

import logging
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError, ClientError

from mailroom.definitions.manifest import (
    FRESHCLAM_STATE,
    MANIFEST_KEY,
    SETS_PREFIX,
    Manifest,
    ManifestError,
    is_definitions,
    set_version,
)
from mailroom.definitions.sets import TRANSFER_ERRORS, Found, current, digest_of, fetch_good_files, fetch_set, find
from mailroom.errors import RetryableError
from mailroom.faults import GONE, TAKEN, code_of

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

logger = logging.getLogger(__name__)

__all__ = ["Mirror", "Refreshed", "current", "fetch_set"]

_KNOWN_SIGNATURES: Final = re.compile(r"^Known viruses: (\d++)$", re.MULTILINE)
_CONFIRMED: Final = re.compile(
    r"^([A-Za-z0-9_-]++)\.\w++ (?:database is up-to-date|is up-to-date|updated) ", re.MULTILINE
)
_STATE_OCTETS: Final = 65_536
"""freshclam writes some fifty bytes; a bigger file is not its own."""

_STILL_FETCHED: Final = timedelta(days=1)
_FRESHCLAM_SECONDS: Final = 600
_CLAMSCAN_SECONDS: Final = 300
_FOUND: Final = 1
"""clamscan's exit code for a finding; 0 is no finding, 2 is an error. clamscan(1), "RETURN CODES"."""


class Refreshed(StrEnum):
    """Result of a refresh."""

    PUBLISHED = "published"
    UNCHANGED = "unchanged"
    UNCONFIRMED = "unconfirmed"
    """Nothing was fetched, and the source did not confirm the present set: freshclam succeeds also when the source refused it."""

    OVERTAKEN = "overtaken"
    """Another run published another set meanwhile; that set stays."""


class _NotGoodError(RetryableError):
    """The fetched files are no set that can be published."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Mirror:
    """Fetches definitions, and checks a set before its publication.

    Args:
        s3: a client.
        bucket: of the published sets.
        folder: an empty folder to work in.
        configuration: freshclam's configuration file; its DatabaseDirectory is overridden.
        required: names of databases that a set must have, without their endings.
        minimum_signatures: least number of signatures; fewer mean that a part is missing.
        canary: bytes that the set must find.
        clock: the time now, with a time zone.
        arguments: more arguments of freshclam. Default: none.
        remembers: whether freshclam gets its kept state, which is about one source. Default: True; False for a second source.
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
    remembers: bool = True

    def refresh(self) -> Refreshed:
        """Fetch updates, and publish them if they make a good set.

        Raises:
            RetryableError: freshclam failed, the set is incomplete or finds nothing, or AWS refused. The current set stays.
        """
        there = find(self.s3, self.bucket)
        before = self._before(there)
        files = self.folder / "definitions"
        # The present set is updated only: the source bans clients that fetch all of it repeatedly.
        broken = self._begin(files, before)
        said = self._freshclam(files)
        found = _taken(files)
        if before is not None and set_version(found) == before.version:
            self._upload(files, before, broken)
            if not {*self.required} <= {*_CONFIRMED.findall(said)}:
                return Refreshed.UNCONFIRMED
            same = replace(before, checked=self.clock())
            return Refreshed.UNCHANGED if self._write(same, there) else Refreshed.OVERTAKEN
        try:
            signatures = self._verified(files, found)
        except _NotGoodError as error:
            if before is None:
                raise
            # A damaged file of the former set would be kept for ever.
            logger.warning("%s; fetching all of it again", error)
            self._begin(files, None)
            self._freshclam(files)
            found = _taken(files)
            signatures = self._verified(files, found)
        now = self.clock()
        manifest = Manifest(files=found, signatures=signatures, created=now, checked=now)
        self._upload(files, manifest, found)
        if not self._write(manifest, there):
            return Refreshed.OVERTAKEN
        self._tidy(manifest)
        return Refreshed.PUBLISHED

    def _before(self, there: Found | None) -> Manifest | None:
        """The current set; None without one, or with a damaged manifest: then the mirror starts over."""
        if there is None:
            return None
        if isinstance(there.manifest, ManifestError):
            logger.error("definitions: %s/%s: %s; starting over", self.bucket, MANIFEST_KEY, there.manifest)
            return None
        return there.manifest

    def _begin(self, files: Path, before: Manifest | None) -> set[str]:
        """Make the folder that freshclam updates, with the good files of a set; returns the names of the others."""
        shutil.rmtree(files, ignore_errors=True)
        files.mkdir()
        if self.remembers:
            self._remember(files)
        return set() if before is None else fetch_good_files(self.s3, self.bucket, before, files)

    def _upload(self, files: Path, manifest: Manifest, names: Iterable[str]) -> None:
        try:
            for name in names:
                self.s3.upload_file(str(files / name), self.bucket, manifest.key(name))
        except TRANSFER_ERRORS as error:
            raise RetryableError(f"definitions: {self.bucket}: cannot be written: {error}") from error

    def _tidy(self, manifest: Manifest) -> None:
        """Remove sets that are too old for a scanner to be fetching them."""
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
        """Run freshclam; returns its output. Raises `RetryableError`."""
        command = [
            "freshclam",
            f"--config-file={self.configuration}",
            f"--datadir={files}",
            "--stdout",
            *self.arguments,
        ]
        try:
            done = subprocess.run(  # noqa: S603 - our own arguments, without a shell
                command,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=_FRESHCLAM_SECONDS,
                check=False,
                env=self._environment,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise RetryableError(f"definitions: freshclam did not end: {error}") from error
        finally:
            if self.remembers:
                self._keep_state(files)
        if done.returncode != 0:
            raise RetryableError(f"definitions: freshclam exited with {done.returncode}: {done.stdout[-800:]}")
        return done.stdout

    def _remember(self, files: Path) -> None:
        """Give freshclam its state: the source knows it again, and a ban by the source is respected."""
        try:
            answer = self.s3.get_object(Bucket=self.bucket, Key=FRESHCLAM_STATE)
            with closing(answer["Body"]) as body:
                state = body.read(_STATE_OCTETS + 1)
            if len(state) <= _STATE_OCTETS:
                (files / FRESHCLAM_STATE).write_bytes(state)
        except TRANSFER_ERRORS as error:
            if code_of(error) not in GONE:
                # freshclam begins as a new client, which is worse than a known one and better than no definitions.
                logger.warning("definitions: %s/%s: cannot be read: %s", self.bucket, FRESHCLAM_STATE, error)

    def _keep_state(self, files: Path) -> None:
        """Keep freshclam's state for the next run, also after a ban by the source."""
        path = files / FRESHCLAM_STATE
        try:
            if path.is_symlink() or not path.is_file() or path.stat().st_size > _STATE_OCTETS:
                return
            self.s3.put_object(Bucket=self.bucket, Key=FRESHCLAM_STATE, Body=path.read_bytes())
        except TRANSFER_ERRORS as error:
            logger.warning("definitions: %s/%s: cannot be written: %s", self.bucket, FRESHCLAM_STATE, error)

    @property
    def _environment(self) -> dict[str, str]:
        """Environment that has both programs unpack in the mirror's own folder, which is emptied: a killed program leaves files."""
        return {**os.environ, "TMPDIR": str(self.folder)}

    def _verified(self, files: Path, found: dict[str, str]) -> int:
        """Number of signatures that the engine loads from the set. Raises `_NotGoodError` for a set that may not be published."""
        missing = [name for name in self.required if not any(Path(one).stem == name for one in found)]
        if missing:
            raise _NotGoodError(f"definitions: the set must have {', '.join(self.required)}; {missing[0]} is missing")
        canary = self.folder / "canary"
        canary.write_bytes(self.canary)
        try:
            done = subprocess.run(  # noqa: S603 - as above
                ["clamscan", f"--database={files}", str(canary)],  # noqa: S607 - where the image or Debian has it
                capture_output=True,
                text=True,
                errors="replace",
                timeout=_CLAMSCAN_SECONDS,
                check=False,
                env=self._environment,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise RetryableError(f"definitions: clamscan did not end: {error}") from error
        if done.returncode != _FOUND:
            raise _NotGoodError(
                f"definitions: the set does not find its test patterns: {(done.stdout + done.stderr)[-800:]}"
            )
        match = _KNOWN_SIGNATURES.search(done.stdout)
        count = int(match[1]) if match is not None else 0
        if count < self.minimum_signatures:
            raise _NotGoodError(f"definitions: the set has {count} signatures, must have {self.minimum_signatures}")
        return count

    def _write(self, manifest: Manifest, there: Found | None) -> bool:
        """Write the manifest; returns whether its set is the current one. False where another run published another set meanwhile.

        Raises:
            RetryableError: AWS refused, or scanners could not read it.
        """
        text = manifest.to_json()
        try:
            readable = Manifest.from_json(text) == manifest
        except ManifestError as error:
            raise RetryableError(f"definitions: {self.bucket}: cannot be published: {error}") from error
        if not readable:
            raise RetryableError(f"definitions: {self.bucket}: cannot be published: its manifest reads as another")
        condition = {"IfNoneMatch": "*"} if there is None else {"IfMatch": there.tag}
        try:
            self.s3.put_object(
                Bucket=self.bucket,
                Key=MANIFEST_KEY,
                Body=text,
                ContentType="application/json",
                **condition,  # type: ignore[arg-type]  # IfMatch or IfNoneMatch
            )
        except (BotoCoreError, ClientError) as error:
            if code_of(error) in TAKEN:
                # Another run's manifest, or our own, whose answer was lost: the same set is as good.
                now = current(self.s3, self.bucket)
                return now is not None and now.version == manifest.version
            raise RetryableError(f"definitions: {self.bucket}/{MANIFEST_KEY}: cannot be written: {error}") from error
        return True


def _taken(files: Path) -> dict[str, str]:
    """SHA-256 of each file of a set, by its name. Other files are removed, so that exactly the published files are verified."""
    found = {}
    for path in sorted(files.iterdir()):
        if is_definitions(path.name) and path.is_file() and not path.is_symlink():
            found[path.name] = digest_of(path)
            continue
        if path.suffix != ".dat":
            logger.warning("definitions: %r: is no definitions; left out", path.name)
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    return found
