"""A message that waits for SES, as a queue message that the function puts into its own queue. Pure."""

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
    """A message to take again.

    Args:
        item: the message, as the scanner delivered it.
        turn: how often it waited: of several queue messages about it, the one that waited most counts.
        count: of its recipients.
        slot: when it is its turn to be sent, in seconds since 1970; None where it has to ask again.
    """

    item: StoredObject
    turn: int
    count: int
    slot: float | None = None

    @property
    def name(self) -> str:
        """Names the message in the outbox."""
        return self.item.key.removeprefix(APPROVED_PREFIX)

    def to_json(self) -> str:
        """The body of the queue message."""
        item = self.item
        said = {"bucket": item.bucket, "key": item.key, "version": item.version}
        return json.dumps({_NAME: {**said, "turn": self.turn, "count": self.count, "slot": self.slot}})

    @classmethod
    def of(cls, body: str) -> Again | None:
        """What a queue message says; None when it is something else, such as a notification of S3's.

        Raises:
            PermanentError: it says something that `to_json` does not.
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
