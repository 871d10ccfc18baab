"""Held mail in quarantine: the scanner's descriptions for applications, and the applications' requests. Pure.

A description has authors, recipients, subject and the reason, but none of the text. It is deleted when the message leaves
quarantine.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

from mailroom.findings import Finding
from mailroom.layout import DECISIONS_PREFIX, HELD_PREFIX, LONGEST_REASON
from mailroom.messages.model import Address

__all__ = [
    "MOST_OCTETS",
    "Decision",
    "DecisionKind",
    "HeldMessage",
    "check_words",
    "decision_key",
    "held_id",
    "held_key",
    "is_held_id",
]

MOST_OCTETS: Final = 16_384
"""Most bytes of a request, which has requester and reason."""

_LONGEST_NAME: Final = 512
_ID: Final = re.compile(r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{32}")
_REQUEST: Final = re.compile(r"[0-9a-f]{32}")


class DecisionKind(StrEnum):
    """Requested action on a held message."""

    RELEASE = "release"
    DISCARD = "discard"


@dataclass(frozen=True, kw_only=True, slots=True)
class HeldMessage:
    """A message held in quarantine, without its text. All values that a sender wrote are hostile.

    Args:
        id: its id for `HeldMail.message`, and `held_id` of a MessageHeld event. Valid in a URL.
        delivery: SES's id of the delivery; "out/" and the id of the request for a message of the outbox.
        key: key of the raw message in the bucket; only the scanner reads that object.
        version: version of that object.
        arrived: when it arrived, with a time zone.
        held: when the scanner last decided to hold it, with a time zone.
        verdict: the scanner's worst verdict.
        reason: reason for holding it besides verdict and policy; "" if there is none.
        risks: classes of active content in it that the tenant's policy flags, strips or holds.
        size: size of the raw message, in bytes.
        sender: envelope sender; "" without one, or if SES recorded none.
        recipients: recipients of the envelope; of a message of the outbox, all in its header, at most 50.
        from_: authors by its header, at most five.
        subject: its subject, at most 300 characters.
        findings: its findings, worst first, at most twenty.
        request: id of the latest refused release; "" if there is none.
    """

    id: str
    delivery: str
    key: str
    version: str
    arrived: datetime
    held: datetime
    verdict: str
    reason: str
    risks: tuple[str, ...]
    size: int
    sender: str
    recipients: tuple[str, ...]
    from_: tuple[Address, ...]
    subject: str
    findings: tuple[Finding, ...] = field(default=())
    request: str = ""

    @property
    def outgoing(self) -> bool:
        """Whether it is outgoing mail of the tenant."""
        return self.delivery.startswith("out/")

    def to_json(self) -> str:
        """The description's JSON."""
        return json.dumps(
            {
                "id": self.id,
                "delivery": self.delivery,
                "key": self.key,
                "version": self.version,
                "arrived": self.arrived.isoformat(),
                "held": self.held.isoformat(),
                "verdict": self.verdict,
                "reason": self.reason,
                "risks": list(self.risks),
                "octets": self.size,
                "sender": self.sender,
                "recipients": list(self.recipients),
                "from": [{"name": one.name, "address": one.address} for one in self.from_],
                "subject": self.subject,
                "findings": [
                    {
                        "filename": one.filename,
                        "verdict": one.verdict,
                        "signature": one.signature,
                        "risks": list(one.risks),
                        "path": one.path,
                    }
                    for one in self.findings
                ],
                "request": self.request,
            }
        )

    @classmethod
    def of_json(cls, text: bytes | str) -> HeldMessage:
        """The message of a description.

        Args:
            text: by `to_json`.

        Raises:
            ValueError, KeyError, TypeError: the text is no description.
        """
        said: Any = json.loads(text)
        return cls(
            id=said["id"],
            delivery=said["delivery"],
            key=said["key"],
            version=said["version"],
            arrived=datetime.fromisoformat(said["arrived"]),
            held=datetime.fromisoformat(said["held"]),
            verdict=said["verdict"],
            reason=said["reason"],
            risks=tuple(said["risks"]),
            size=said["octets"],
            sender=said["sender"],
            recipients=tuple(said["recipients"]),
            from_=tuple(Address(one["address"], one["name"]) for one in said["from"]),
            subject=said["subject"],
            findings=tuple(
                Finding(
                    filename=one["filename"],
                    verdict=one["verdict"],
                    signature=one["signature"],
                    risks=tuple(one["risks"]),
                    path=one["path"],
                )
                for one in said["findings"]
            ),
            request=said["request"],
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """An application's request on a held message.

    Args:
        kind: release or discard.
        held: `id` of the HeldMessage.
        verdict: verdict that the requester knows; a worse new one is not released.
        by: the requester's name in the application.
        reason: 1 to 200 printable characters.

    Raises:
        ValueError: a field has an impossible value.
    """

    kind: DecisionKind
    held: str
    verdict: str
    by: str
    reason: str

    def __post_init__(self) -> None:
        """Check the fields as the scanner does."""
        check_words(self.kind.value, by=self.by, reason=self.reason)
        if not is_held_id(self.held):
            raise ValueError(f"{self.kind.value}: must be of a held message, got another id; take HeldMessage.id")

    def to_json(self) -> str:
        """The request's JSON."""
        return json.dumps(
            {
                "kind": self.kind.value,
                "held": self.held,
                "verdict": self.verdict,
                "by": self.by,
                "reason": self.reason,
            }
        )

    @classmethod
    def of_json(cls, text: bytes) -> Decision:
        """The request of a JSON text. Raises ValueError for another text."""
        try:
            said: Any = json.loads(text)
        except (ValueError, RecursionError):
            raise ValueError("decision: must be JSON") from None
        fields = ("kind", "held", "verdict", "by", "reason")
        if not isinstance(said, Mapping) or not all(isinstance(said.get(name), str) for name in fields):
            raise ValueError(f"decision: must have {', '.join(fields)}")
        return cls(
            kind=DecisionKind(said["kind"]),
            held=said["held"],
            verdict=said["verdict"],
            by=said["by"],
            reason=said["reason"],
        )


def check_words(what: str, *, by: str, reason: str) -> None:
    """Raise ValueError unless requester and reason are printable lines of allowed length."""
    for name, text, most in (("by", by, _LONGEST_NAME), ("reason", reason, LONGEST_REASON)):
        if not text.strip() or len(text) > most or not text.isprintable():
            raise ValueError(f"{what}: {name} must be 1 to {most} printable characters")


def held_id(message_id: str, version: str, arrived: datetime) -> str:
    """Id of a held raw version: sorts by arrival, and has no text of the sender."""
    digest = hashlib.sha256(f"{message_id}\n{version}".encode()).hexdigest()[:32]
    return f"{arrived.astimezone(UTC):%Y%m%dT%H%M%SZ}-{digest}"


def is_held_id(text: str) -> bool:
    """Whether a text has the form of an id."""
    return _ID.fullmatch(text) is not None


def held_key(id: str) -> str:
    """Key of the description of a held message."""
    return f"{HELD_PREFIX}{id}.json"


def decision_key(request: str) -> str:
    """Key of a request, whose id is 32 hexadecimal digits.

    Raises:
        ValueError: the id has another form.
    """
    if _REQUEST.fullmatch(request) is None:
        raise ValueError("decision: its id must be 32 hexadecimal digits")
    return f"{DECISIONS_PREFIX}{request}"
