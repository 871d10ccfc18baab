"""The ledger's entry of one message. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from mailroom.messages.parse import digest_of
from mailroom.scanning.events import RawObject
from mailroom.scanning.ledger import Entry, short
from mailroom.scanning.plans import Plan
from mailroom.scanning.verdicts import Action, PartVerdict, ScanResult, Verdict

__all__ = ["SET_CHARACTERS", "bad_parts", "entry_of", "set_of"]

SET_CHARACTERS: Final = 16
"""Of a set's version, so many name it in the engine's own."""

_MOST_BAD: Final = 10
"""Most parts per message; its sender controls their number."""


def entry_of(item: RawObject, plan: Plan, message: bytes, now: datetime) -> Entry:
    """A delivery, as the ledger keeps it.

    Args:
        item: the object.
        plan: the executed plan.
        message: what was delivered.
        now: with a time zone.
    """
    left = (part.sha256 for part in plan.result.parts if part.size and not _is_removed(part, plan))
    digests = dict.fromkeys(short(one) for one in (plan.delivered, *left))
    return Entry(
        bucket=item.bucket,
        id=item.message_id,
        at=int(now.timestamp()),
        judged=set_of(plan.result.definitions),
        message=digest_of(message),
        digests=tuple(digests),
    )


def _is_removed(part: PartVerdict, plan: Plan) -> bool:
    """Whether it is not in what was delivered: it was taken out, or is what something was taken out of."""
    if plan.delivery.action is not Action.STRIP:
        return False
    removed = [one.path for one in plan.delivery.removed]
    within = any(part.path == path or part.path.startswith((f"{path}.", f"{path}:")) for path in removed)
    return within or not part.path or part.verdict is Verdict.INFECTED


def bad_parts(result: ScanResult) -> list[PartVerdict]:
    """Parts that malware was found in, ten at most; the message as a whole, which is like no other, only where there are none."""
    infected = [part for part in result.parts if part.verdict is Verdict.INFECTED and part.size]
    return [part for part in infected if part.path][:_MOST_BAD] or infected[:1]


def set_of(definitions: str) -> str:
    """Beginning of the version of a set, of what the engine says of its definitions; "none" where it says no set."""
    named = definitions.rpartition(" set ")[2] if " set " in definitions else ""
    return named[:SET_CHARACTERS] or "none"
