"""Keeps a clamd warm with the newest definitions, and knows at every scan which ones those are.

Each set gets a canary beside it: a signature for a few octets that name the set. Finding them proves at once that the engine
scans and what it scans with; an answer to PING proves neither.
"""

from __future__ import annotations

import hashlib
import logging
import shutil
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mailroom.definitions.mirror import current, fetch_set
from mailroom.errors import RetryableError
from mailroom.scanning.clamd import ClamdError, EngineAnswer, Submitted
from mailroom.scanning.daemon import Daemon
from mailroom.scanning.verdicts import Verdict

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from mailroom.definitions.manifest import Manifest

__all__ = ["WarmEngine"]

_LOOK_AGAIN: Final = timedelta(minutes=5)
"""How often a sandbox looks whether there is a newer set, and tries again to load one that did not load."""

logger = logging.getLogger(__name__)


class WarmEngine:
    """The engine of one sandbox: clamd, started once, kept, and reloaded when a newer set is published.

    Args:
        s3: a client.
        bucket: where sets are published.
        folder: an empty folder of its own.
        max_age: definitions that were not confirmed for longer are not scanned with.
        clock: the time now, with a time zone.
    """

    def __init__(
        self, *, s3: S3Client, bucket: str, folder: Path, max_age: timedelta, clock: Callable[[], datetime]
    ) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._folder = folder
        self._max_age = max_age
        self._clock = clock
        self._daemon = Daemon(folder)
        self._newest: Manifest | None = None
        self._placed: Manifest | None = None
        self._loaded: Manifest | None = None
        self._looked: datetime | None = None

    def ensure_ready(self) -> None:
        """Start clamd where it does not run, and have it load a newer set where there is one; scanning goes on meanwhile.

        Raises:
            RetryableError: no set is published, the newest is too old, it cannot be fetched, or clamd does not start with it.
        """
        now = self._clock()
        due = self._looked is None or now - self._looked >= _LOOK_AGAIN
        if due:
            self._newest = current(self._s3, self._bucket)
            self._looked = now
        if self._newest is None:
            self._looked = None
            raise RetryableError(f"definitions: {self._bucket}: none are published yet; run the mirror")
        if now - self._newest.checked > self._max_age:
            raise RetryableError(
                f"definitions: {self._bucket}: were last confirmed at {self._newest.checked.isoformat()}, "
                f"more than {self._max_age} ago; see why the mirror fails"
            )
        try:
            if not self._daemon.running:
                self._place(self._newest)
                self._daemon.start()
                self._loaded = self._placed
            elif self._placed is None or self._placed.version != self._newest.version:
                self._place(self._newest)
                self._daemon.reload()
            elif due and self._loaded is not self._placed:
                logger.error("definitions: set %s does not load: %s", self._placed.version, self._daemon.log())
                self._daemon.reload()
        except ClamdError as error:
            raise RetryableError(str(error)) from error

    def submit(self, data: bytes) -> Submitted:
        """Hand a file to clamd. Raises `ClamdError`."""
        return self._daemon.client.submit(data)

    def version(self) -> str:
        """Versions of engine and signatures, and the set that is loaded; looked at by finding its canary.

        Raises:
            ClamdError: clamd does not answer, or finds the canary of no set that it was given.
        """
        # The newer one last as well: it may have been loaded after it was looked for.
        for manifest in (self._placed, self._loaded, self._placed):
            if manifest is not None and self._finds(manifest):
                self._loaded = manifest
                return f"{self._daemon.client.version()} set {manifest.version[:16]}"
        raise ClamdError("clamd: does not find the canary of its definitions; see clamd's log")

    def stop(self) -> None:
        """End clamd."""
        self._daemon.stop()

    def _finds(self, manifest: Manifest) -> bool:
        octets, name = _canary(manifest)
        answer = self._daemon.client.scan(octets)
        return answer == EngineAnswer(Verdict.INFECTED, f"{name}.UNOFFICIAL")

    def _place(self, manifest: Manifest) -> None:
        """Put a set where clamd loads from; what is there stays until the new one is whole."""
        incoming, outgoing = self._folder / "incoming", self._folder / "outgoing"
        for folder in (incoming, outgoing):
            shutil.rmtree(folder, ignore_errors=True)
        incoming.mkdir()
        fetch_set(self._s3, self._bucket, manifest, incoming)
        octets, name = _canary(manifest)
        (incoming / "canary.hsb").write_text(f"{hashlib.sha256(octets).hexdigest()}:{len(octets)}:{name}:73\n")
        self._daemon.definitions.rename(outgoing)
        incoming.rename(self._daemon.definitions)
        shutil.rmtree(outgoing)
        self._placed = manifest
        logger.info("definitions: set %s, published %s", manifest.version, manifest.created.isoformat())


def _canary(manifest: Manifest) -> tuple[bytes, str]:
    """Octets that are in no mail, and what the set's own signature calls them."""
    return f"canary of definitions {manifest.version}\n".encode(), f"Mailroom.Canary.{manifest.version[:16]}"
