"""Decides on the action for a scanned message, and strips findings from it. Pure."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from mailroom.messages.mime import Limits, Part, Problems, read_structure
from mailroom.messages.parse import MESSAGE_TYPES
from mailroom.scanning.active.risks import Reaction, Risk
from mailroom.scanning.extracted_parts import MAX_PIECES, WITHIN, WRITTEN
from mailroom.scanning.verdicts import Action, PartVerdict, Policy, ScanResult, Verdict

__all__ = ["Delivery", "decide"]

_RANK: Final = (Action.DELIVER, Action.STRIP, Action.HOLD, Action.DELETE)
_REASONS: Final = {
    Verdict.INFECTED: "it contains malware",
    Verdict.ENCRYPTED: "it is encrypted and could not be scanned",
    Verdict.OVER_LIMIT: "it is too big or too deeply packed to be scanned",
}
_REASONS_OF_RISKS: Final = {
    Risk.PROGRAMS: "it is or holds a program or a script, which could do anything on your computer",
    Risk.MACROS: "it is an office document with macros, which are programs that run when it is opened",
    Risk.WEB_SCRIPTS: "it is a web page or a drawing with a script in it, which runs when it is opened",
    Risk.ONENOTE_FILES: "it is a OneNote section with files in it, which can be started from there",
    Risk.PDF_ACTIONS: "it is a PDF document that starts programs or scripts when it is opened",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """The decided action on one message.

    Args:
        action: the action.
        message: the delivered message; None without one.
        removed: stripped parts.
        reason: reason for holding it besides the policy; "" otherwise.
        risks: classes of active content in the message, without those that the policy delivers unflagged; for a delivered message,
            those still in it.
    """

    action: Action
    message: bytes | None = None
    removed: tuple[PartVerdict, ...] = ()
    reason: str = ""
    risks: tuple[Risk, ...] = ()


def decide(
    raw: bytes,
    result: ScanResult,
    policy: Policy,
    *,
    rescan: Callable[[bytes], ScanResult],
    now: datetime,
    unauthenticated: bool = False,
) -> Delivery:
    """Decide on the action for a message by the tenant's policy.

    A stripped message is scanned again before delivery: if any reading still has the finding, the message is held.

    Args:
        raw: the message as it came.
        result: result of the scan.
        policy: the tenant's policy.
        rescan: scans another message.
        now: for the notices; with a time zone.
        unauthenticated: whether it fails the DMARC policy of its author's domain. Default: it does not.
    """
    if result.verdict is Verdict.ERROR:
        return Delivery(action=Action.HOLD, reason="the scan failed")
    delivery = _by_content(raw, result, policy, rescan, now)
    if not unauthenticated or policy.unauthenticated is Reaction.DELIVER:
        return delivery
    delivery = replace(delivery, risks=(*delivery.risks, Risk.UNAUTHENTICATED_SENDER))
    if policy.unauthenticated is Reaction.FLAG or delivery.action not in {Action.DELIVER, Action.STRIP}:
        return delivery
    return _held("it fails the DMARC policy of its author's domain", delivery.risks)


def _by_content(
    raw: bytes, result: ScanResult, policy: Policy, rescan: Callable[[bytes], ScanResult], now: datetime
) -> Delivery:
    """Action for the findings, without DMARC."""
    found = max([policy.action_on(part) for part in result.found] or [policy.clean], key=_RANK.index)
    action = max([found, *(policy.action_on_risks(part) for part in result.parts)], key=_RANK.index)
    risks = policy.active_content.noted(result.risks)
    if action is Action.DELIVER:
        # The same bytes as received: signatures of the sender stay valid.
        return Delivery(action=action, message=raw, risks=risks)
    if action is Action.STRIP:
        return _stripped(raw, result, policy, rescan, now)
    reason = ""
    if action is not found:
        held = [risk.value for risk in risks if policy.active_content.on(risk) is Reaction.HOLD]
        reason = f"it has active content: {', '.join(held)}"
    return Delivery(action=action, reason=reason, risks=risks)


def _stripped(
    raw: bytes, result: ScanResult, policy: Policy, rescan: Callable[[bytes], ScanResult], now: datetime
) -> Delivery:
    risks = policy.active_content.noted(result.risks)
    removed = _removable(part for part in result.parts if _action_on(part, policy) is Action.STRIP)
    if not removed:
        return _held("the finding is in no removable part", risks)
    stripped = _without(raw, removed, lambda part: _notice(part, policy, now))
    if stripped is None:
        return _held("the finding could not be removed", risks)
    left = rescan(stripped)
    if any(_action_on(part, policy) is not Action.DELIVER for part in left.parts):
        return _held("the finding remains after the removal of its parts", risks)
    left_over = policy.active_content.noted(left.risks)
    return Delivery(action=Action.STRIP, message=stripped, removed=removed, risks=left_over)


def _held(reason: str, risks: tuple[Risk, ...]) -> Delivery:
    return Delivery(action=Action.HOLD, reason=reason, risks=risks)


def _action_on(part: PartVerdict, policy: Policy) -> Action:
    """Action on a message with that part, independent of other parts."""
    found = Action.DELIVER if part.verdict is Verdict.CLEAN else policy.action_on(part)
    return max(found, policy.action_on_risks(part), key=_RANK.index)


def _removable(found: Iterable[PartVerdict]) -> tuple[PartVerdict, ...]:
    """Removable MIME parts: of nested parts the inner one; for a file in a container, the container."""
    within = [replace(part, path=part.path.partition(WITHIN)[0].partition(WRITTEN)[0]) for part in found]
    parts = [part for part in within if part.path and ":" not in part.path]
    outer = {path for part in parts for path in _outer(part.path)}
    return tuple(part for part in parts if part.path not in outer)


def _outer(path: str) -> Iterator[str]:
    """The parts around a part."""
    while "." in path:
        path = path.rpartition(".")[0]
        yield path


def _without(raw: bytes, removed: Iterable[PartVerdict], notice: Callable[[PartVerdict], bytes]) -> bytes | None:
    """The message with notices in the place of these parts, otherwise unchanged; None where a part is missing."""
    places: dict[_Place, PartVerdict] = {}
    structures = _Structures(raw)
    for part in removed:
        place = _place_of(part.path, structures)
        if place is None:
            return None
        places.setdefault(place, part)
    line_end = b"\r\n" if b"\r\n" in raw else b"\n"
    out: list[bytes] = []
    at = 0
    for place, part in sorted(places.items(), key=lambda found: found[0].begin):
        out += (raw[at : place.begin], place.header, notice(part).replace(b"\n", line_end))
        at = place.end
    return b"".join((*out, raw[at:]))


@dataclass(frozen=True, slots=True)
class _Place:
    """Begin and end of a part, and the header lines that stay."""

    begin: int
    end: int
    header: bytes = b""


@dataclass(frozen=True, slots=True)
class _Structures:
    """Structures of a message and of messages within it, each read once."""

    raw: bytes
    read: dict[tuple[int, int], Part] = field(default_factory=dict)

    def of(self, begin: int, end: int) -> Part:
        """The structure of the message between two offsets."""
        if (begin, end) not in self.read:
            limits = Limits(parts=MAX_PIECES, bytes_left=0)
            self.read[begin, end] = read_structure(self.raw[begin:end], Problems(), limits)
        return self.read[begin, end]


def _place_of(path: str, structures: _Structures) -> _Place | None:
    """Place of a part by its number in `extracted_parts`; None without such a part."""
    base = 0
    part = structures.of(0, len(structures.raw))
    numbers = [int(number) for number in path.split(".")]
    for position, number in enumerate(numbers, start=1):
        if not part.children and part.kind.value in MESSAGE_TYPES:
            outer = base + part.start
            part = structures.of(outer, base + part.end)
            base = outer
            if not part.children:
                # The whole body of an attached message without parts: its subject and author stay.
                if position < len(numbers) or number != 1:
                    return None
                kept = _without_content_fields(structures.raw[base + part.begin : base + part.start])
                return _Place(base + part.begin, base + part.end, kept)
        if not 1 <= number <= len(part.children):
            return None
        part = part.children[number - 1]
    return _Place(base + part.begin, base + part.end)


def _without_content_fields(header: bytes) -> bytes:
    """A header's lines without the fields about the body (Content-...), and without the empty line at the end."""
    kept: list[bytes] = []
    dropping = False
    for line in header.splitlines(keepends=True):
        if line[:1] not in {b" ", b"\t"}:
            dropping = line[:8].lower() == b"content-"
        if not dropping and line.strip():
            kept.append(line)
    return b"".join(kept)


def _notice(part: PartVerdict, policy: Policy, now: datetime) -> bytes:
    """The notice for a removed part, with the reason."""
    reason, found = _why(part, policy)
    named = f'"{_shown(part.filename)}"' if part.filename else "without a name"
    text = (
        f"The attachment {named} was removed, because {reason}.\r\n\r\n"
        f"Found:   {_shown(found)}\r\n"
        f"Removed: {now:%Y-%m-%d %H:%M:%S %Z}\r\n"
    )
    header = (
        "Content-Type: text/plain; charset=utf-8\n"
        "Content-Transfer-Encoding: base64\n"
        'Content-Disposition: attachment; filename="removed-attachment.txt"\n\n'
    )
    return header.encode() + base64.encodebytes(text.encode()).rstrip(b"\n")


def _why(part: PartVerdict, policy: Policy) -> tuple[str, str]:
    """Reason for removing a part, as text for the reader, and the name of the finding."""
    if part.verdict is not Verdict.CLEAN and policy.action_on(part) is Action.STRIP:
        return _REASONS[part.verdict], part.signature
    risks = [risk for risk in part.risks if policy.active_content.on(risk) is Reaction.STRIP]
    return _REASONS_OF_RISKS[risks[0]], ", ".join(risk.value for risk in risks)


def _shown(text: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in text)[:200]
