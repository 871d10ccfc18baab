"""Alerts to operators about detections: a few per mail, for machines and for people. Pure."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from mailroom.messages.mime import read_header
from mailroom.scanning.delivery import Delivery
from mailroom.scanning.events import RawObject
from mailroom.scanning.verdicts import PartVerdict, ScanResult, Verdict, worst_first

__all__ = ["MOST_ALERTS", "NAME_CHARACTERS", "Alert", "alerts_of", "findings_of", "recall_alert", "release_alert"]

MOST_ALERTS: Final = 10
"""Most alerts per message; its sender controls the number of findings."""

NAME_CHARACTERS: Final = 1_000
"""Longest part of a file name in alerts and records; file systems allow no longer names."""

_HEAD_OCTETS: Final = 64_000
"""Bytes at the beginning of a message that are read for its envelope, which SES writes in front."""

_SHOWN: Final = 200
_FOR: Final = re.compile(r"\bfor\s++<?([^\s<>;][^\s<>;@]*+@[^\s<>;]++)", re.IGNORECASE)
_SUBJECT_CHARACTERS: Final = 100
"""SNS takes subjects of fewer than 100 ASCII characters. SNS API reference, "Publish"."""
_BEFORE_MORE: Final = 80
"""Characters of a subject, with room left for a count."""


@dataclass(frozen=True, slots=True)
class Alert:
    """One message for SNS: its subject, and a JSON document of one text for each protocol."""

    subject: str
    message: str


def alerts_of(
    item: RawObject,
    *,
    tenant: str,
    raw: bytes,
    result: ScanResult,
    delivery: Delivery,
    now: datetime,
    findings: int = 0,
) -> Iterator[Alert]:
    """One alert per distinct finding, at most ten, worst first; none for a clean message. Without content of the message.

    The same bytes in several readings of a message are one detection: the one with a file name, or else the first. If there are
    more than ten, the last alert gives the number of the others.

    Args:
        item: the object.
        tenant: id of the tenant.
        raw: the message, or its beginning.
        result: result of the scan.
        delivery: the decided action.
        now: with a time zone.
        findings: number of findings, if `result` may not have all. Default: the number in `result`.
    """
    distinct = worst_first(_distinct(result.found), lambda part: part.verdict)
    told = distinct[:MOST_ALERTS]
    more = max(len(distinct), findings) - len(told)
    for number, part in enumerate(told, start=1):
        subject = f"{part.verdict.value} mail to {tenant}: {_plain(part.signature)}"
        yield _alert(
            item,
            part,
            subject=subject,
            tenant=tenant,
            raw=raw,
            delivery=delivery,
            now=now,
            more=more if number == len(told) else 0,
        )


def findings_of(result: ScanResult) -> int:
    """Number of distinct findings."""
    return len(_distinct(result.found))


def release_alert(item: RawObject, *, tenant: str, raw: bytes, delivery: Delivery, now: datetime) -> Alert:
    """The alert for a message without findings, after an alert that it is held."""
    whole = PartVerdict(
        path="",
        filename="",
        verdict=Verdict.CLEAN,
        signature="",
        sha256=hashlib.sha256(raw).hexdigest(),
        size=len(raw),
    )
    subject = f"{whole.verdict.value} mail to {tenant}: delivered after it was held"
    return _alert(item, whole, subject=subject, tenant=tenant, raw=raw, delivery=delivery, now=now)


def recall_alert(item: RawObject, *, tenant: str, signature: str, now: datetime) -> Alert:
    """The alert for a recalled message. It reads no mail, so it names no envelope and no file."""
    facts = {
        "tenant": tenant,
        "message_id": item.message_id,
        "verdict": Verdict.INFECTED.value,
        "signature": signature[:NAME_CHARACTERS],
        "action": "recall",
        "reason": "it was delivered before this was found",
        "time": now.isoformat(),
    }
    lines = {
        "Tenant": tenant,
        "Message": item.message_id,
        "Found": f"{signature} ({Verdict.INFECTED.value})",
        "Action": "recall, it was delivered before this was found",
        "Time": f"{now:%Y-%m-%d %H:%M:%S %Z}",
    }
    return _written(f"recalled mail to {tenant}: {_plain(signature)}", facts, lines)


def _written(subject: str, facts: dict[str, Any], lines: dict[str, str]) -> Alert:
    text = "".join(f"{name + ':':15} {_plain(value)}\n" for name, value in lines.items())
    return Alert(
        subject=subject[: _SUBJECT_CHARACTERS - 1].encode("ascii", "replace").decode("ascii"),
        message=json.dumps({"default": json.dumps(facts), "email": text}),
    )


def _alert(
    item: RawObject,
    part: PartVerdict,
    *,
    subject: str,
    tenant: str,
    raw: bytes,
    delivery: Delivery,
    now: datetime,
    more: int = 0,
) -> Alert:
    sender, recipient = _envelope(raw)
    facts: dict[str, Any] = {
        "tenant": tenant,
        "message_id": item.message_id,
        "envelope": {"from": sender, "to": recipient},
        "part": part.path[:NAME_CHARACTERS],
        "filename": part.filename[:NAME_CHARACTERS],
        "verdict": part.verdict.value,
        "signature": part.signature[:NAME_CHARACTERS],
        "sha256": part.sha256,
        "action": delivery.action.value,
        "reason": delivery.reason,
        "time": now.isoformat(),
    }
    if len(part.filename) > NAME_CHARACTERS:
        facts["filename_cut"] = True
    if more:
        facts["more"] = more
    lines = {
        "Tenant": tenant,
        "Message": item.message_id,
        "Envelope from": sender,
        "Envelope to": recipient,
        "File name": part.filename or "none",
        "Found": f"{part.signature or 'nothing'} ({part.verdict.value})",
        "Action": f"{delivery.action.value}{f', {delivery.reason}' if delivery.reason else ''}",
        "Time": f"{now:%Y-%m-%d %H:%M:%S %Z}",
    }
    if more:
        subject = f"{subject[:_BEFORE_MORE]}, and {more} more"
        lines["Besides"] = f"and {more} more that were found in this message; see its verdict record"
    return _written(subject, facts, lines)


def _distinct(found: tuple[PartVerdict, ...]) -> list[PartVerdict]:
    """Each named file with a finding; for a signature in no named file, the first MIME part, or else the whole message."""
    named = [part for part in found if part.filename]
    told = {part.signature for part in named}
    others = sorted(
        (part for part in found if part.signature not in told), key=lambda part: (":" in part.path, not part.path)
    )
    kept: dict[tuple[str, str], PartVerdict] = {}
    for part in (*named, *others):
        kept.setdefault((part.signature, part.sha256 if part.filename else ""), part)
    return list(kept.values())


def _envelope(raw: bytes) -> tuple[str, str]:
    """Sender and recipient of the envelope from SES's lines in front of the message; "" without such a line."""
    header = read_header(raw[:_HEAD_OCTETS])
    sender = header.first("return-path").strip().strip("<>")
    match = _FOR.search(header.first("received"))
    return _plain(sender), _plain(match[1] if match else "")


def _plain(text: str) -> str:
    """Text of the sender on one line, cut."""
    shown = "".join(character if character.isprintable() else "?" for character in text)
    return shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}..."
