"""Keeps a tenant's pace in its table, where all its workers share it, and asks SES what the account may send."""

from __future__ import annotations

import json
import logging
import random
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from mailroom.faults import TOO_OFTEN, code_of
from mailroom.outbox.pacing import Go, Pace, Wait, asking, not_read, quota_read, refused, turn_of
from mailroom.store.keys import PACE_KEY, PARTITION, SORT
from mailroom.store.table import ConflictError, Table, Write

if TYPE_CHECKING:
    from mypy_boto3_sesv2 import SESV2Client

__all__ = ["Pacer"]

R = TypeVar("R")
logger = logging.getLogger(__name__)

_TRIES: Final = 8
_MOST_ITS_OWN_SECONDS: Final = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class Pacer:
    """Decides which message SES gets now.

    Args:
        table: the tenant's.
        ses: a client.
        clock: the time now, with a time zone.
        chance: evenly from 0 to 1. Default: Python's own.
    """

    table: Table
    ses: SESV2Client
    clock: Callable[[], datetime]
    chance: Callable[[], float] = random.random

    def turn(self, count: int, *, slot: float | None, tries: int) -> Go | Wait:
        """Decide whether a message to `count` recipients may be sent now, and count it if so. Raises RetryableError."""
        if self._changed(self._asking):
            self._read()
        found = self._changed(lambda pace, now: turn_of(pace, now, count, slot=slot, tries=tries, chance=self.chance))
        # Many workers write at once: this one comes later.
        return found or Wait(1 + _MOST_ITS_OWN_SECONDS * self.chance())

    def refused(self, count: int, *, day: bool, tries: int) -> Wait:
        """Time of the retry after SES refused a permitted message. Raises RetryableError."""
        found = self._changed(lambda pace, now: refused(pace, now, count, day=day, tries=tries, chance=self.chance))
        return found or Wait(1 + _MOST_ITS_OWN_SECONDS * self.chance())

    def _asking(self, pace: Pace, now: float) -> tuple[Pace, bool]:
        mine = asking(pace, now, self.chance)
        return (mine, True) if mine is not None else (pace, False)

    def _read(self) -> None:
        """Ask SES for its quota; without an answer, the older one counts until the next request."""
        try:
            quota = self.ses.get_account()["SendQuota"]
        except (BotoCoreError, ClientError) as error:
            code = code_of(error)
            if code in TOO_OFTEN:
                self._changed(lambda pace, now: (not_read(pace, now, self.chance), True))
            else:
                logger.warning("SES did not return the account's sending quota: %s", code)
            return
        per_second, per_day, sent = quota["MaxSendRate"], quota["Max24HourSend"], quota["SentLast24Hours"]
        if per_second > 0:
            self._changed(lambda pace, _: (quota_read(pace, per_second=per_second, per_day=per_day, sent=sent), True))

    def _changed(self, change: Callable[[Pace, float], tuple[Pace, R]]) -> R | None:
        """Change the pace; None if concurrent writers always won."""
        for _ in range(_TRIES):
            item = self.table.get(PACE_KEY)
            before = Pace(**json.loads(item["pace"])) if item is not None else Pace()
            after, result = change(before, self.clock().timestamp())
            if after == before:
                return result
            revision = item["revision"] if item is not None else 0
            partition, sort = PACE_KEY
            put = {PARTITION: partition, SORT: sort, "revision": revision + 1, "pace": json.dumps(asdict(after))}
            write = (
                Write(put=put, condition="#revision = :revision", values={":revision": revision})
                if item is not None
                else Write(put=put, condition="attribute_not_exists(#pk)")
            )
            try:
                self.table.change(write)
            except ConflictError:
                continue
            return result
        return None
