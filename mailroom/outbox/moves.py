"""Moves requests from state to state without loss of information, despite failures and concurrent workers."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from mailroom.errors import RetryableError
from mailroom.outbox.model import OutboxState
from mailroom.outbox.requests import Request, move_on, request_of
from mailroom.store.table import Table

__all__ = ["Moves"]

logger = logging.getLogger(__name__)

_TRIES: Final = 3
_TRIES_WITH_ANSWER: Final = 12
_LONGEST_PAUSE: Final = 8.0
"""Seconds. Retries with SES's answer, which no other worker has, take 45 at most, of an invocation's two minutes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Moves:
    """Changes the states of requests.

    Args:
        table: the tenant's.
        clock: the time now, with a time zone.
        chance: evenly from 0 to 1.
        pause: waits so many seconds.
    """

    table: Table
    clock: Callable[[], datetime]
    chance: Callable[[], float]
    pause: Callable[[float], None]

    def surely(self, request: Request, before: OutboxState, after: OutboxState, *, at: datetime, **noted: Any) -> bool:
        """`move_on` with retries while AWS fails. Returns whether the request has the new state. Raises RetryableError."""
        tries = _TRIES_WITH_ANSWER if before is OutboxState.SENDING else _TRIES
        for attempt in range(tries - 1):
            try:
                return move_on(self.table, request.progress.id, before, after, at, **noted)
            except RetryableError:
                self.pause(min(_LONGEST_PAUSE, 2**attempt / 10) * self.chance())
        return move_on(self.table, request.progress.id, before, after, at, **noted)

    def end(
        self,
        request: Request,
        before: OutboxState,
        after: OutboxState,
        *,
        at: datetime | None = None,
        **noted: Any,
    ) -> None:
        """Take a request to a final state; a final state by another worker stays.

        Raises:
            RetryableError: AWS failed, or another worker has the request in a state that is not final: the queue retries.
        """
        if self.surely(request, before, after, at=at or self.clock(), **noted):
            return
        found = request_of(self.table, request.progress.id)
        state = found.progress.state if found is not None else after
        if state in {OutboxState.QUEUED, OutboxState.SENDING}:
            name = request.progress.id
            raise RetryableError(f"table {self.table.name}: request {name} is in another worker's hands; try again")

    def took(self, request: Request, ses_id: str) -> None:
        """Record SES's answer, which only this worker has. Raises RetryableError."""
        at = self.clock()
        for before in (OutboxState.SENDING, OutboxState.IN_DOUBT):
            if self.surely(request, before, OutboxState.SENT, at=at, ses_id=ses_id):
                return
        logger.info("request %s: SES's event came before its answer was noted", request.progress.id)
