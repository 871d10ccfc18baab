"""A scanner's scheduled runs: they recall deliveries with infected parts, and rescan deliveries with the newest set.

A run takes a minute at most, and the next one continues: a finished delivery is removed from the ledger, or passed by.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError

from mailroom.errors import MailroomError, RetryableError
from mailroom.scanning.ledger import Bad, Entry, Ledger, State
from mailroom.scanning.noting import SET_CHARACTERS, set_of
from mailroom.scanning.recall import Recalls, Seen

__all__ = ["BAD_FOR", "MOST_SECONDS", "Passes", "hits"]

MOST_SECONDS: Final = 60.0
"""Seconds in which a run begins messages; one takes 150 seconds at most, so the run ends within the function's time-out."""

BAD_FOR: Final = 1800
"""Seconds for which deliveries are compared with an infected digest: each sandbox has the set that finds it within minutes."""

_LEASE: Final = 300
"""Seconds, as long as an invocation."""
_MOST_TRIES: Final = 3
_EVERY: Final = 10
"""Deliveries between two notes of the progress."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Passes:
    """The runs of one scanner.

    Args:
        ledger: of deliveries.
        recalls: rescans and recalls one delivery.
        newest: version of the newest published set; None without one.
        ensure_ready: makes the engine ready, if possible with that set; raises `MailroomError`.
        clock: the time now, with a time zone.
        timer: monotonic, in seconds. Default: the machine's.
    """

    ledger: Ledger
    recalls: Recalls
    newest: Callable[[], str | None]
    ensure_ready: Callable[[], None]
    clock: Callable[[], datetime]
    timer: Callable[[], float] = time.monotonic

    def run(self) -> int:
        """Work for a minute; returns the number of recalled messages.

        Raises:
            RetryableError: AWS failed; the next run continues.
        """
        end = self.timer() + MOST_SECONDS
        try:
            state, tag = self.ledger.state()
            now = int(self.clock().timestamp())
            newest = self.newest()
            if newest is not None and newest[:SET_CHARACTERS] != state.judging:
                state = State(judging=newest[:SET_CHARACTERS], began=now, done=False, until=state.until)
            leased = self.ledger.write_state(replace(state, until=now + _LEASE), tag) if state.until <= now else None
            if leased is None:
                return 0
            work = _Run(self, state, leased, end)
            try:
                work.recall_bad()
                work.scan_on()
            finally:
                work.save(until=0)
        except (BotoCoreError, ClientError) as error:
            raise RetryableError(f"recall: {self.ledger.bucket}: {error}") from error
        return work.recalled


@dataclass(slots=True)
class _Run:
    """One run, and its progress.

    Args:
        passes: its collaborators.
        state: progress of the rescan.
        tag: entity tag of the noted progress; None where another worker has the lock.
        end: time on the timer after which the run begins no message.
        recalled: messages so far.
    """

    passes: Passes
    state: State
    tag: str | None
    end: float
    recalled: int = 0

    def save(self, *, until: int | None = None) -> None:
        """Note the progress, unless another worker has the lock by now."""
        if self.tag is not None:
            lease = int(self.passes.clock().timestamp()) + _LEASE if until is None else until
            self.tag = self.passes.ledger.write_state(replace(self.state, until=lease), self.tag)

    def recall_bad(self) -> None:
        """Recall every delivery with a known infected part."""
        ledger, now = self.passes.ledger, self.passes.clock()
        bad = ledger.bad()
        if not bad:
            return
        whole = True
        for entry, signature in hits(ledger.deliveries(now), bad):
            if self._is_over or not self._done(entry, signature):
                whole = False
            if self._is_over:
                return
        if whole:
            ledger.forget_bad(digest for digest, one in bad.items() if one.at < now.timestamp() - BAD_FOR)

    def scan_on(self) -> None:
        """Rescan deliveries with the newest set, from the end of the last run."""
        if self.state.done:
            return
        ready = False
        for number, entry in enumerate(self.passes.ledger.deliveries(self.passes.clock(), self.state.behind)):
            if entry.at <= self.state.began and entry.judged != self.state.judging:
                if self._is_over or self.tag is None or not (ready or self._is_ready()):
                    return
                ready = True
                if self._done(entry):
                    self.state = replace(self.state, tries=0)
                elif self.state.tries + 1 < _MOST_TRIES:
                    self.state = replace(self.state, tries=self.state.tries + 1)
                    return
                else:
                    logger.error("recall: %s: delivery %s cannot be scanned; left", entry.bucket, entry.id)
                    self.state = replace(self.state, tries=0, left=self.state.left + 1)
                    self.passes.recalls.count("Failures", 1)
            self.state = replace(self.state, behind=entry.keys[-1])
            if number % _EVERY == _EVERY - 1:
                self.save()
        self.state = replace(self.state, done=True)

    @property
    def _is_over(self) -> bool:
        return self.passes.timer() >= self.end

    def _is_ready(self) -> bool:
        """Whether the engine scans with this set; if not, the next run tries again, perhaps in another sandbox."""
        self.passes.ensure_ready()
        return set_of(self.passes.recalls.engine.version()) == self.state.judging

    def _done(self, entry: Entry, signature: str = "") -> bool:
        """Process one delivery; returns whether no work is left."""
        recalls = self.passes.recalls
        try:
            seen = (
                recalls.at_once(entry, signature)
                if signature
                else recalls.look(entry.bucket, entry.id, entry.delivered)
            )
        except MailroomError as error:
            logger.warning("%s: %s", type(error).__name__, error)
            return False
        if seen not in {Seen.CLEAN, Seen.SLOW}:
            self.passes.ledger.forget(entry)
        self.recalled += seen is Seen.RECALLED
        return True


def hits(deliveries: Iterable[Entry], bad: Mapping[str, Bad]) -> Iterator[tuple[Entry, str]]:
    """Deliveries with a part that was later found infected, and its signature."""
    names = bad.keys()
    for entry in deliveries:
        found = names & entry.digests
        signature = next((bad[one].signature for one in sorted(found) if entry.at <= bad[one].at), "")
        if signature:
            yield entry, signature
