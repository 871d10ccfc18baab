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
"""Characters of a set's version in the engine's version."""

_MOST_BAD: Final = 10
"""Most parts per message; its sender controls their number."""


def entry_of(item: RawObject, plan: Plan, message: bytes, now: datetime) -> Entry:
    """The ledger's entry of a delivery.

    Args:
        item: the object.
        plan: the executed plan.
        message: the delivered bytes.
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
    """Whether the delivered message lacks the part: the part was stripped, or contains a stripped one."""
    if plan.delivery.action is not Action.STRIP:
        return False
    removed = [one.path for one in plan.delivery.removed]
    within = any(part.path == path or part.path.startswith((f"{path}.", f"{path}:")) for path in removed)
    return within or not part.path or part.verdict is Verdict.INFECTED


def bad_parts(result: ScanResult) -> list[PartVerdict]:
    """Infected parts, ten at most; the whole message, whose digest is unique, only without infected parts."""
    infected = [part for part in result.parts if part.verdict is Verdict.INFECTED and part.size]
    return [part for part in infected if part.path][:_MOST_BAD] or infected[:1]


def set_of(definitions: str) -> str:
    """Beginning of the set's version in the engine's version; "none" without a set."""
    named = definitions.rpartition(" set ")[2] if " set " in definitions else ""
    return named[:SET_CHARACTERS] or "none"
