"""Verdicts of a scan, and the action for each. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final, TypeVar

from mailroom.layout import ACTION_DELETE, ACTION_HOLD
from mailroom.scanning.active.risks import OFF, STANDARD, ActiveContent, Reaction, Risk

__all__ = [
    "ENCRYPTED_MAIL",
    "Action",
    "PartVerdict",
    "Policy",
    "ScanResult",
    "Verdict",
    "policy_on",
    "worst",
    "worst_first",
]

T = TypeVar("T")


class Verdict(StrEnum):
    """Verdict on a part, or on a message: the worst of its parts."""

    CLEAN = "clean"
    OVER_LIMIT = "over-limit"
    """Too big, too deep or too slow to scan whole."""
    ENCRYPTED = "encrypted"
    """Unscannable: an archive or document with a password, or one piece of a message sent in several."""
    INFECTED = "infected"
    ERROR = "error"
    """The scan itself failed; delivered by no policy."""


class Action(StrEnum):
    """Action of the scanner on a message."""

    DELIVER = "deliver"
    STRIP = "strip"
    """Delivered with a notice in the place of each part that is not clean."""
    HOLD = ACTION_HOLD
    DELETE = ACTION_DELETE


ENCRYPTED_MAIL: Final = "Encrypted.Mail."
"""Prefix of the signatures of encrypted mail."""

_REACTIONS: Final = {
    Reaction.DELIVER: Action.DELIVER,
    Reaction.FLAG: Action.DELIVER,
    Reaction.STRIP: Action.STRIP,
    Reaction.HOLD: Action.HOLD,
}
_SEVERITY: Final = {verdict: number for number, verdict in enumerate(Verdict)}


def worst(verdicts: list[Verdict]) -> Verdict:
    """The worst verdict; CLEAN of none."""
    return max(verdicts, key=_SEVERITY.__getitem__, default=Verdict.CLEAN)


def worst_first(things: Iterable[T], verdict_of: Callable[[T], Verdict]) -> list[T]:
    """Things by their verdicts, the worst first; things of one verdict keep their order."""
    return sorted(things, key=lambda thing: -_SEVERITY[verdict_of(thing)])


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """A tenant's action for each verdict; `error` is always held.

    Args:
        clean: deliver or hold. Default: deliver.
        infected: strip, hold or delete. Default: strip.
        encrypted: any. Default: hold.
        over_limit: any. Default: hold.
        encrypted_mail: deliver or hold, for S/MIME and OpenPGP that only the recipient can open. Default: as `encrypted`.
        active_content: reaction to attachments that run code, in incoming mail. Default: the preset `standard`.
        unauthenticated: deliver, flag or hold, for mail that fails a DMARC policy of quarantine or reject. Default: flag.

    Raises:
        ValueError: `infected`, `clean`, `encrypted_mail` or `unauthenticated` has another value than listed.
    """

    clean: Action = Action.DELIVER
    infected: Action = Action.STRIP
    encrypted: Action = Action.HOLD
    over_limit: Action = Action.HOLD
    encrypted_mail: Action | None = None
    active_content: ActiveContent = STANDARD
    unauthenticated: Reaction = Reaction.FLAG

    def __post_init__(self) -> None:
        if self.infected is Action.DELIVER:
            raise ValueError("policy: infected must be strip, hold or delete, got deliver; use strip")
        if self.clean not in {Action.DELIVER, Action.HOLD}:
            raise ValueError(f"policy: clean must be deliver or hold, got {self.clean.value}; use deliver")
        if self.encrypted_mail not in {None, Action.DELIVER, Action.HOLD}:
            raise ValueError(f"policy: encrypted_mail must be deliver or hold, got {self.encrypted_mail}; use hold")
        if self.unauthenticated is Reaction.STRIP:
            raise ValueError("policy: unauthenticated must be deliver, flag or hold, got strip; use flag")

    def action_on(self, part: PartVerdict) -> Action:
        """Action on a message with that part."""
        if self.encrypted_mail is not None and part.is_encrypted_mail:
            return self.encrypted_mail
        return self.action(part.verdict)

    def action_on_risks(self, part: PartVerdict) -> Action:
        """Action on a message with a part that has this active content."""
        return _REACTIONS[self.active_content.worst(part.risks)]

    def action(self, verdict: Verdict) -> Action:
        """Action on a message with that verdict."""
        return {
            Verdict.CLEAN: self.clean,
            Verdict.OVER_LIMIT: self.over_limit,
            Verdict.ENCRYPTED: self.encrypted,
            Verdict.INFECTED: self.infected,
            Verdict.ERROR: Action.HOLD,
        }[verdict]


def policy_on(policy: Policy, *, outgoing: bool) -> Policy:
    """The policy on a message: outgoing mail may have active content, which the application put there."""
    return replace(policy, active_content=OFF, unauthenticated=Reaction.DELIVER) if outgoing else policy


@dataclass(frozen=True, kw_only=True, slots=True)
class PartVerdict:
    """Verdict on one part that a mail client could open.

    Args:
        path: its place: numbers of MIME parts joined by dots, "" for the message itself, a word behind a colon for another
            reading of the same bytes ("2.1:uuencode").
        filename: the sender's name for it; "" without one. Hostile text.
        verdict: its verdict.
        signature: the engine's or the scanner's name for the finding; "" when clean.
        sha256: of its bytes, in hexadecimal.
        size: number of its bytes.
        risks: classes of active content in it. Default: none.
    """

    path: str
    filename: str
    verdict: Verdict
    signature: str
    sha256: str
    size: int
    risks: tuple[Risk, ...] = ()

    @property
    def is_encrypted_mail(self) -> bool:
        """Whether it is S/MIME or OpenPGP that only the recipient can open."""
        return self.verdict is Verdict.ENCRYPTED and self.signature.startswith(ENCRYPTED_MAIL)

    @property
    def document(self) -> dict[str, Any]:
        """The verdict as JSON; `risks` only where there are some."""
        return {
            "path": self.path,
            "filename": self.filename,
            "verdict": self.verdict.value,
            "signature": self.signature,
            "sha256": self.sha256,
            "octets": self.size,
            **({"risks": [risk.value for risk in self.risks]} if self.risks else {}),
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class ScanResult:
    """Result of the scan of one message.

    Args:
        verdict: the worst of its parts'.
        parts: scanned parts, the message itself first; all parts that are not clean are listed.
        definitions: version of the engine and its signatures.
    """

    verdict: Verdict
    parts: tuple[PartVerdict, ...]
    definitions: str

    @property
    def found(self) -> tuple[PartVerdict, ...]:
        """The parts that are not clean."""
        return tuple(part for part in self.parts if part.verdict is not Verdict.CLEAN)

    @property
    def risks(self) -> tuple[Risk, ...]:
        """Classes of active content in any part, in their own order."""
        found = {risk for part in self.parts for risk in part.risks}
        return tuple(risk for risk in Risk if risk in found)

    @property
    def infected(self) -> bool:
        """Whether malware was found, also where the scan of another part failed."""
        return Verdict.INFECTED in {self.verdict, *(part.verdict for part in self.parts)}
