"""A model of an SQS queue that several tenants share, and of the functions that work on it.

Three ways: in the order of arrival; in turn, where the workers themselves give each message its tenant's name and send it again;
and in turn, where a function of its own does that, ten at a time, from a queue of its own.

Of what AWS documents of fair queues, this is modelled: who had more than a tenth of the time that consumers took of late is noisy,
as long as messages of theirs wait; messages of all others go first, the oldest before; of several noisy ones, those of whom the
fewest are in flight. The other measure, a share of those in flight, needs thirty of them and never counts here. How far back
"of late" goes is not documented: here, what somebody took counts half after `MEMORY` seconds, and it counts once it is done.

Source: SQS developer guide, "How Amazon SQS fair queues work".
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final

__all__ = ["MEMORY", "Mail", "Way", "served"]

NOISY: Final = 0.1
MEMORY: Final = 60.0
_BATCH: Final = 10


@dataclass(frozen=True, slots=True)
class Mail:
    """One message: when it comes, whose it is, and how long the work on it takes.

    Args:
        at: seconds.
        tenant: whose.
        seconds: of a worker.
        again: seconds of a worker that has worked on such a message of the tenant of late. Default: None, as long; and such a
            message is not remembered.
    """

    at: float
    tenant: str
    seconds: float
    again: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Way:
    """How messages come to be worked on.

    Args:
        workers: how many messages are worked on at once.
        fair: whether the queue knows tenants. Default: False, the order of arrival.
        sorters: batches that a function of its own names the tenants of at once. Default: 0, the workers do it, one message each.
        naming: seconds that it takes to name one message, or a batch.
        at_once: seconds; what a worker receives sooner than that after it came is worked on at once, unnamed. Default: 0, none.
        remembers: seconds for which a worker remembers whose messages had an `again`. Default: 0, none.
    """

    workers: int
    fair: bool = False
    sorters: int = 0
    naming: float = 0.0
    at_once: float = 0.0
    remembers: float = 0.0


def served(mail: Iterable[Mail], way: Way) -> list[tuple[Mail, float]]:
    """Each message with the seconds from its arrival to the end of the work on it, in the order of their ends."""
    return list(_Model(way).run(mail))


class _What(Enum):
    ARRIVED = auto()
    NAMED = auto()
    DONE = auto()


@dataclass(slots=True)
class _Model:
    way: Way
    now: float = 0.0
    numbered: int = 0
    coming: list[tuple[float, int, _What, list[Mail], int]] = field(default_factory=list)
    """With the worker's number; -1 for a sorter or none."""
    idle: list[int] = field(default_factory=list)
    remembered: dict[tuple[int, str], float] = field(default_factory=dict)
    """Until when a worker remembers a tenant."""
    unnamed: deque[tuple[int, Mail]] = field(default_factory=deque)
    """Oldest first; each a tenant by itself."""
    waiting: dict[str, deque[tuple[int, Mail]]] = field(default_factory=dict)
    """Of each tenant the oldest first."""
    in_flight: dict[str, int] = field(default_factory=dict)
    taken: dict[str, float] = field(default_factory=dict)
    took: dict[int, float] = field(default_factory=dict)
    """Of the messages under work, by number."""
    looked: float = 0.0

    def run(self, mail: Iterable[Mail]) -> Iterator[tuple[Mail, float]]:
        self.idle, sorters = list(range(self.way.workers)), self.way.sorters
        for one in mail:
            self._at(one.at, _What.ARRIVED, [one])
        while self.coming:
            self.now, begun, what, messages, worker = heapq.heappop(self.coming)
            if worker >= 0:
                self.idle.append(worker)
            sorters += what is _What.NAMED and worker < 0
            for one in messages:
                if what is _What.DONE:
                    self._done(one, self.took.pop(begun))
                    yield one, self.now - one.at
                else:
                    self._put(one, named=what is _What.NAMED or not self.way.fair)
            while sorters and self.unnamed:
                sorters -= 1
                batch = [self.unnamed.popleft()[1] for _ in range(min(_BATCH, len(self.unnamed)))]
                self._at(self.now + self.way.naming, _What.NAMED, batch)
            while self.idle and (self.waiting or (self.unnamed and not self.way.sorters)):
                self._begin(self.idle.pop(0))

    def _at(self, when: float, what: _What, messages: list[Mail], worker: int = -1) -> None:
        self.numbered += 1
        heapq.heappush(self.coming, (when, self.numbered, what, messages, worker))

    def _put(self, one: Mail, *, named: bool) -> None:
        self.numbered += 1
        if named:
            tenant = one.tenant if self.way.fair else ""
            self.waiting.setdefault(tenant, deque()).append((self.numbered, one))
        else:
            self.unnamed.append((self.numbered, one))

    def _begin(self, worker: int) -> None:
        """What a free worker receives: the oldest of the quiet; without any, of the noisy one with the fewest in flight."""
        noisy = self._noisy()
        quiet = {tenant: messages[0][0] for tenant, messages in self.waiting.items() if tenant not in noisy}
        oldest = min(quiet, key=lambda tenant: quiet[tenant]) if quiet else None
        if self.unnamed and not self.way.sorters and (oldest is None or self.unnamed[0][0] < quiet[oldest]):
            _, one = self.unnamed.popleft()
            if self.now - one.at < self.way.at_once:
                self._work_on(one, worker)
            else:
                self._at(self.now + self.way.naming, _What.NAMED, [one], worker)
            return
        if oldest is None:
            oldest = min(self.waiting, key=lambda tenant: (self.in_flight.get(tenant, 0), self.waiting[tenant][0][0]))
        _, one = self.waiting[oldest].popleft()
        if not self.waiting[oldest]:
            del self.waiting[oldest]
        self._work_on(one, worker)

    def _work_on(self, one: Mail, worker: int) -> None:
        self.in_flight[one.tenant] = self.in_flight.get(one.tenant, 0) + 1
        seconds = one.seconds
        if one.again is not None:
            if self.remembered.get((worker, one.tenant), 0.0) > self.now:
                seconds = one.again
            self.remembered[worker, one.tenant] = self.now + seconds + self.way.remembers
        self._at(self.now + seconds, _What.DONE, [one], worker)
        self.took[self.numbered] = seconds

    def _noisy(self) -> frozenset[str]:
        taken: Mapping[str, float] = self.taken
        most = NOISY * sum(taken.values())
        return frozenset(tenant for tenant in self.waiting if len(taken) > 1 and taken.get(tenant, 0.0) > most)

    def _done(self, one: Mail, seconds: float) -> None:
        left = 0.5 ** ((self.now - self.looked) / MEMORY)
        self.taken = {tenant: seconds * left for tenant, seconds in self.taken.items()}
        self.taken[one.tenant] = self.taken.get(one.tenant, 0.0) + seconds
        self.looked = self.now
        self.in_flight[one.tenant] -= 1
