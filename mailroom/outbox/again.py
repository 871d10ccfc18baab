"""A message that waits for SES, as a message in the function's own queue. Pure."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from mailroom.errors import PermanentError
from mailroom.layout import APPROVED_PREFIX
from mailroom.notifications import StoredObject

__all__ = ["Again"]

_NAME: Final = "send"


@dataclass(frozen=True, kw_only=True, slots=True)
class Again:
    """A message to send again.

    Args:
        item: the message, as the scanner delivered it.
        turn: number of its waits: of several queue messages about it, the one with most waits counts.
        count: number of its recipients.
        slot: time of its turn, in seconds since 1970; None where it needs a new one.
    """

    item: StoredObject
    turn: int
    count: int
    slot: float | None = None

    @property
    def name(self) -> str:
        """Id of the outbox's request."""
        return self.item.key.removeprefix(APPROVED_PREFIX)

    def to_json(self) -> str:
        """The body of the queue message."""
        item = self.item
        said = {"bucket": item.bucket, "key": item.key, "version": item.version}
        return json.dumps({_NAME: {**said, "turn": self.turn, "count": self.count, "slot": self.slot}})

    @classmethod
    def of(cls, body: str) -> Again | None:
        """Parse a queue message; None for another kind, such as a notification of S3.

        Raises:
            PermanentError: the message is not of the form of `to_json`.
        """
        try:
            said: Any = json.loads(body)
        except (ValueError, RecursionError):
            return None
        if not isinstance(said, Mapping) or _NAME not in said:
            return None
        try:
            found = said[_NAME]
            bucket, key, version = found["bucket"], found["key"], found["version"]
            turn, count, slot = found["turn"], found["count"], found["slot"]
        except (KeyError, TypeError) as error:
            raise PermanentError("queue message: must name bucket, key, version, turn, count and slot") from error
        texts = all(isinstance(text, str) and text for text in (bucket, key, version))
        numbers = all(type(number) is int and number > 0 for number in (turn, count))
        timed = slot is None or (type(slot) in {int, float} and math.isfinite(slot))
        if not (texts and numbers and timed) or not key.startswith(APPROVED_PREFIX):
            raise PermanentError(f"queue message: must be about a message below {APPROVED_PREFIX}, got another one")
        return cls(item=StoredObject(bucket, key, version), turn=turn, count=count, slot=slot)
