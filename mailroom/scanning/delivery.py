"""What becomes of a scanned message, and the message without what was found in it. Pure."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from email.errors import MessageError
from email.message import Message
from typing import Final

from mailroom.scanning.openings import canonical
from mailroom.scanning.verdicts import Action, PartVerdict, Policy, ScanResult, Verdict

__all__ = ["Delivery", "decide"]

_RANK: Final = (Action.DELIVER, Action.STRIP, Action.HOLD, Action.DELETE)
_AS_SENT: Final = email.policy.compat32.clone(linesep="\r\n", max_line_length=0, mangle_from_=False)
_REASONS: Final = {
    Verdict.INFECTED: "it contains malware",
    Verdict.ENCRYPTED: "it is encrypted and could not be scanned",
    Verdict.OVER_LIMIT: "it is too big or too deeply packed to be scanned",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """What becomes of one message.

    Args:
        action: what is done with it.
        message: what is delivered; None when nothing is.
        removed: the parts that it is delivered without.
        reason: why it is held, where the policy alone does not say; "" otherwise.
    """

    action: Action
    message: bytes | None = None
    removed: tuple[PartVerdict, ...] = ()
    reason: str = ""


def decide(
    raw: bytes, result: ScanResult, policy: Policy, *, rescan: Callable[[bytes], ScanResult], now: datetime
) -> Delivery:
    """What becomes of the message by the tenant's policy.

    What is stripped is scanned again before it is delivered: whatever of the finding is still in it, in any reading, holds it.

    Args:
        raw: the message as it came.
        result: what was found in it.
        policy: what the tenant wants.
        rescan: scans another message.
        now: for the notices; with a time zone.
    """
    if result.verdict is Verdict.ERROR:
        return Delivery(action=Action.HOLD, reason="the scan failed")
    action = max([policy.action(part.verdict) for part in result.found] or [policy.clean], key=_RANK.index)
    if action is Action.DELIVER:
        # As it came, to the octet: signatures of the sender stay valid.
        return Delivery(action=action, message=raw)
    return _stripped(raw, result, policy, rescan, now) if action is Action.STRIP else Delivery(action=action)


def _stripped(
    raw: bytes, result: ScanResult, policy: Policy, rescan: Callable[[bytes], ScanResult], now: datetime
) -> Delivery:
    removed = _removable(part for part in result.found if policy.action(part.verdict) is Action.STRIP)
    if not removed:
        return Delivery(action=Action.HOLD, reason="what was found is in no part that could be removed")
    stripped = _without(raw, removed, now)
    if stripped is None:
        return Delivery(action=Action.HOLD, reason="what was found could not be removed")
    left = rescan(stripped)
    if any(policy.action(part.verdict) is not Action.DELIVER for part in left.found):
        return Delivery(action=Action.HOLD, reason="what was found is still there without the parts it was found in")
    return Delivery(action=Action.STRIP, message=stripped, removed=removed)


def _removable(found: Iterable[PartVerdict]) -> tuple[PartVerdict, ...]:
    """Those that are MIME parts, and of a part within a part only the inner one."""
    parts = [part for part in found if part.path and ":" not in part.path]
    return tuple(part for part in parts if not any(other.path.startswith(f"{part.path}.") for other in parts))


def _without(raw: bytes, removed: Iterable[PartVerdict], now: datetime) -> bytes | None:
    root = email.message_from_bytes(canonical(raw))
    for part in removed:
        found = _part(root, part.path)
        if found is None:
            return None
        _replace(found, part, now)
    try:
        return root.as_bytes(policy=_AS_SENT)
    except (LookupError, ValueError, TypeError, AttributeError, MessageError):
        # The library does not write everything that it reads.
        return None


def _part(root: Message, path: str) -> Message | None:
    part: Message = root
    for number in path.split("."):
        children = [child for child in part.get_payload() if isinstance(child, Message)] if part.is_multipart() else []
        if not 1 <= int(number) <= len(children):
            return None
        part = children[int(number) - 1]
    return part


def _replace(part: Message, verdict: PartVerdict, now: datetime) -> None:
    """Make the part a notice."""
    for name in [name for name in part if name.lower().startswith("content-")]:
        del part[name]
    named = f'"{_shown(verdict.filename)}"' if verdict.filename else "without a name"
    text = (
        f"The attachment {named} was removed, because {_REASONS[verdict.verdict]}.\r\n\r\n"
        f"Found:   {_shown(verdict.signature)}\r\n"
        f"Removed: {now:%Y-%m-%d %H:%M:%S %Z}\r\n"
    )
    part["Content-Disposition"] = 'attachment; filename="removed-attachment.txt"'
    part.set_payload(text, "utf-8")


def _shown(text: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in text)[:200]
