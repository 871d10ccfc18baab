"""Keeps a clamd warm with the newest definitions, and knows the set of every scan.

Each set gets a canary beside it: a signature for a few bytes that name the set. Finding them proves that the
engine scans, and with which set; an answer to PING proves neither.

The set whose canary was found last is the proven one. Its files are kept until a newer set is proven. If the published set is
faulty, a sandbox continues with its proven set while that is young enough.
"""

from __future__ import annotations

import hashlib
import logging
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mailroom.definitions.sets import current, fetch_set
from mailroom.errors import RetryableError
from mailroom.metric_names import OLDER_DEFINITIONS
from mailroom.scanning.clamd import ClamdError, EngineAnswer, Submitted
from mailroom.scanning.daemon import Daemon
from mailroom.scanning.verdicts import Verdict

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from mailroom.definitions.manifest import Manifest
    from mailroom.scanning.scan import Pending, Session

__all__ = ["WarmEngine"]

_LOOK_AGAIN: Final = timedelta(minutes=5)
"""Interval between looks for a newer set, and between tries to load a set that did not load."""

_START_AGAIN: Final = timedelta(hours=1)
"""Interval between tries that restart clamd: each try delays a message by two starts."""

logger = logging.getLogger(__name__)


def _ignore_count(_name: str, _number: int) -> None:
    pass


class WarmEngine:
    """The engine of one sandbox: a warm clamd that loads newly published sets.

    Where memory holds two sets, clamd loads the newer one while it scans with the other. Elsewhere clamd is stopped between two
    messages and started with the newer set; if that does not load, it is started with the proven one again.

    Args:
        s3: a client.
        bucket: of published sets.
        folder: an empty folder for this engine only.
        max_age: most time since the source confirmed a set that is used.
        clock: the time now, with a time zone.
        concurrent_reload: whether memory holds two sets. Default: it does.
        limits: options of clamd with other values than in `clamd.conf`. Default: none.
    """

    def __init__(
        self,
        *,
        s3: S3Client,
        bucket: str,
        folder: Path,
        max_age: timedelta,
        clock: Callable[[], datetime],
        concurrent_reload: bool = True,
        limits: Mapping[str, str] | None = None,
    ) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._folder = folder
        self._max_age = max_age
        self._clock = clock
        self._concurrent_reload = concurrent_reload
        self._daemon = Daemon(folder, limits=limits)
        self._kept = folder / "proven"
        self._newest: Manifest | None = None
        self._placed: Manifest | None = None
        self._proven: Manifest | None = None
        self._looked: datetime | None = None
        self._did_not_start: tuple[str, datetime] | None = None
        self._lost = False
        self._trouble = False

    def ensure_ready(self, count: Callable[[str, int], None] = _ignore_count) -> None:
        """Start clamd if it does not run, and load a newer set if there is one.

        If the newest set cannot be fetched or loaded, the proven one continues until it is too old.

        Args:
            count: counts these cases. Default: no count.

        Raises:
            RetryableError: no set is published, the newest is too old, it cannot be fetched, or clamd does not start with it; and
                no proven set is young enough.
        """
        due = self._looked is None or self._clock() - self._looked >= _LOOK_AGAIN
        try:
            try:
                if due:
                    self._look()
                self._load_newest(due=due)
            except (RetryableError, ClamdError) as error:
                self._go_on(error)
            self._refuse_if_old(self._proven)
        except (RetryableError, ClamdError) as error:
            self._looked = None
            raise RetryableError(str(error)) from error
        if self._trouble:
            count(OLDER_DEFINITIONS, 1)

    def submit(self, data: bytes) -> Submitted:
        """Hand a file to clamd. Raises `ClamdError`."""
        return self._daemon.client.submit(data)

    @contextmanager
    def session(self) -> Iterator[_Session]:
        """For the files of one message. Raises `ClamdError`."""
        with self._daemon.client.session() as session:
            yield _Session(session, self)

    def version(self) -> str:
        """Versions of engine and signatures, and the loaded set, which is proven by its canary.

        Raises:
            ClamdError: clamd does not answer, or finds the canary of no given set.
        """
        return self.version_on(self._daemon.client)

    def version_on(self, session: Session) -> str:
        """The same, asked in a session. Raises `ClamdError`."""
        # The newer set comes last as well: clamd may have loaded it after the first look.
        for manifest in (self._placed, self._proven, self._placed):
            if manifest is not None and self._proves(manifest, session):
                return f"{session.version()} set {manifest.version[:16]}"
        self._lost = True
        raise ClamdError("clamd: does not find the canary of its definitions; see clamd's log")

    def stop(self) -> None:
        """End clamd."""
        self._daemon.stop()

    def _look(self) -> None:
        """Read the published set, and whether the source has confirmed the proven one meanwhile."""
        self._looked = self._clock()
        self._trouble = False
        self._newest = None
        newest = current(self._s3, self._bucket)
        if newest is None:
            raise RetryableError(f"definitions: {self._bucket}: none are published yet; run the mirror")
        self._newest = newest
        if (
            self._proven is not None
            and newest.version == self._proven.version
            and newest.checked > self._proven.checked
            and not self._is_old(newest)
        ):
            self._proven = newest

    def _load_newest(self, *, due: bool) -> None:
        newest, proven, placed = self._newest, self._proven, self._placed
        if newest is None:
            if not self._scans:
                raise RetryableError(f"definitions: {self._bucket}: it is not known which are the newest")
        elif not self._scans or proven is None or self._is_old(proven):
            self._refuse_if_old(newest)
            self._place(newest)
            self._start()
        elif newest.version == proven.version:
            if placed is None or placed.version != proven.version:
                self._put_back()
                self._load()
        elif placed is None or placed.version != newest.version:
            if due:  # a set that could not be fetched is not fetched again at each message
                self._refuse_if_old(newest)
                self._refuse_if_tried(newest)
                self._place(newest)
                self._load()
        elif due and not self._proves(newest):
            said = self._daemon.log()
            self._load()
            raise ClamdError(f"definitions: set {newest.version} does not load: {said}")

    def _go_on(self, error: Exception) -> None:
        """Continue with the proven set; raises `error` where that is missing or too old."""
        if self._proven is None or self._is_old(self._proven):
            raise error
        self._trouble = True
        logger.error("%s; going on with set %s", error, self._proven.version)
        if not self._scans:
            self._put_back()
            self._start()

    def _load(self) -> None:
        """Have clamd load the placed set, by a reload or a restart. Raises `ClamdError`."""
        if self._concurrent_reload:
            self._daemon.reload()
            return
        try:
            self._start()
        except ClamdError as error:
            if self._placed is None:
                raise
            self._did_not_start = (self._placed.version, self._clock())
            raise ClamdError(f"definitions: set {self._placed.version} does not load: {error}") from error

    def _refuse_if_tried(self, manifest: Manifest) -> None:
        """Raise `RetryableError` for a set with which clamd did not start a short time ago."""
        if self._did_not_start is None:
            return
        version, tried = self._did_not_start
        if version == manifest.version and self._clock() - tried < _START_AGAIN:
            raise RetryableError(f"definitions: set {version} did not load at {tried.isoformat()}")

    @property
    def _scans(self) -> bool:
        """Whether clamd runs, and found a canary at the last look."""
        return self._daemon.running and not self._lost

    def _start(self) -> None:
        """Start clamd with the placed set. Raises `ClamdError`, also when clamd scans with another set."""
        try:
            self._daemon.start()
        except OSError as error:
            raise ClamdError(f"clamd: does not start: {error}") from error
        self.version()

    def _is_old(self, manifest: Manifest) -> bool:
        # A time far in the future is wrong: it would keep the set young for ever.
        return abs(self._clock() - manifest.checked) > self._max_age

    def _refuse_if_old(self, manifest: Manifest | None) -> None:
        if manifest is not None and self._is_old(manifest):
            raise RetryableError(
                f"definitions: {self._bucket}: were last confirmed at {manifest.checked.isoformat()}, "
                f"more than {self._max_age} ago; see why the mirror fails"
            )

    def _proves(self, manifest: Manifest, session: Session | None = None) -> bool:
        """Whether clamd scans with this set now; then the set becomes the proven one, and an older copy is deleted."""
        octets, name = _canary(manifest)
        asked = session if session is not None else self._daemon.client
        if asked.submit(octets).result() != EngineAnswer(Verdict.INFECTED, f"{name}.UNOFFICIAL"):
            return False
        self._lost = False
        if self._placed is not None and manifest.version == self._placed.version:
            shutil.rmtree(self._kept, ignore_errors=True)
        if self._newest is not None and manifest.version == self._newest.version:
            self._trouble = False
        if self._proven is None or manifest.version != self._proven.version or manifest.checked > self._proven.checked:
            self._proven = manifest
        return True

    def _place(self, manifest: Manifest) -> None:
        """Put a set into clamd's folder. The former set stays until the new one is complete, the proven one while it is needed.

        Raises:
            RetryableError: the set cannot be fetched, or there is no room for it.
        """
        incoming = self._folder / "incoming"
        try:
            shutil.rmtree(incoming, ignore_errors=True)
            incoming.mkdir()
            fetch_set(self._s3, self._bucket, manifest, incoming)
            octets, name = _canary(manifest)
            (incoming / "canary.hsb").write_text(f"{hashlib.sha256(octets).hexdigest()}:{len(octets)}:{name}:73\n")
            placed, proven = self._placed, self._proven
            if placed is not None and proven is not None and placed.version == proven.version:
                shutil.rmtree(self._kept, ignore_errors=True)
                self._daemon.definitions.rename(self._kept)
            else:
                shutil.rmtree(self._daemon.definitions)
            self._placed = None
            incoming.rename(self._daemon.definitions)
        except OSError as error:
            raise RetryableError(f"definitions: {self._bucket}: cannot be placed: {error}") from error
        self._placed = manifest
        logger.info("definitions: set %s, published %s", manifest.version, manifest.created.isoformat())

    def _put_back(self) -> None:
        """Put the proven set back into clamd's folder, unless it is there. Raises `RetryableError`."""
        try:
            if self._kept.exists():
                shutil.rmtree(self._daemon.definitions, ignore_errors=True)
                self._kept.rename(self._daemon.definitions)
        except OSError as error:
            raise RetryableError(f"definitions: {self._bucket}: cannot be put back: {error}") from error
        self._placed = self._proven


@dataclass(frozen=True, slots=True)
class _Session:
    """A session of clamd's that knows the loaded set."""

    clamd: Session
    engine: WarmEngine

    def submit(self, data: bytes) -> Pending:
        return self.clamd.submit(data)

    def version(self) -> str:
        return self.engine.version_on(self.clamd)


def _canary(manifest: Manifest) -> tuple[bytes, str]:
    """The canary's bytes, which are in no mail, and the name of its signature."""
    return f"canary of definitions {manifest.version}\n".encode(), f"Mailroom.Canary.{manifest.version[:16]}"
