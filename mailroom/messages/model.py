"""What a message is, once it was read. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any, Final

from mailroom.messages.authentication import aligned_domain

__all__ = [
    "Address",
    "Attachment",
    "Envelope",
    "Kind",
    "Message",
    "Nested",
    "Origin",
    "Problem",
    "Report",
    "ReportedRecipient",
]


_MOST_FILE_NAME: Final = 255
"""Octets that file systems take."""


class Kind(StrEnum):
    """What else a message is, besides one that a person wrote. A message can be several."""

    BOUNCE = "bounce"
    """Says that a message could not be delivered; one that is delayed, or was delivered, is none. RFC 3464."""
    AUTO_REPLY = "auto-reply"
    """Answers by itself: an absence note, a receipt of a ticket system. RFC 3834."""
    AUTO_GENERATED = "auto-generated"
    """Sent by a program, or without a sender in its envelope: never to be answered by another one. RFC 3834."""
    READ_RECEIPT = "read-receipt"
    """RFC 8098."""
    COMPLAINT = "complaint"
    """A feedback report of abuse; one that says that a message is no spam is none. RFC 5965."""
    LIST = "list"
    """Came through a mailing list. RFC 2919."""
    BULK = "bulk"
    """Newsletters and the like. RFC 2076, "Precedence"; RFC 2369, "List-Unsubscribe"."""


class Origin(StrEnum):
    """How an attachment was in the message."""

    MIME = "mime"
    UUENCODE = "uuencode"
    TNEF = "tnef"


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that could not be read as its sender said, and was kept as well as it could be.

    Args:
        place: "header subject", "part 1.2", or "message".
        what: one of the words that `docs/messages.md` lists, such as "charset-unknown".
    """

    place: str
    what: str


@dataclass(frozen=True, slots=True)
class Address:
    """One mailbox of a header.

    Args:
        address: its addr-spec, the domain in lower case and in Unicode where it was; without an @ when the sender wrote none,
            "" beside a name alone.
        name: its display name; "" without one. Hostile text: it may look like an address.
        group: the group it was listed in; "" outside of one.
    """

    address: str
    name: str = ""
    group: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Envelope:
    """What SES wrote in front of the message; only its own lines count, whatever else the message claims.

    Args:
        sender: of the envelope; "" for none, as bounces have.
        recipients: of the envelope, those that SES names.
        ses_id: SES's id of the message; "" when SES did not receive it.
        received: when SES did; None when it did not.
        verdicts: what SES found, in lower case, by "spam", "virus", "spf", "dkim" and "dmarc"; only what it says.
        dmarc_domain: the domain that "dmarc" is about; "" where SES does not say.
    """

    sender: str = ""
    recipients: tuple[str, ...] = ()
    ses_id: str = ""
    received: datetime | None = None
    verdicts: Mapping[str, str] = field(default_factory=dict)
    dmarc_domain: str = ""


@dataclass(frozen=True, slots=True)
class ReportedRecipient:
    """What a delivery report says of one recipient. RFC 3464 2.3.

    Args:
        address: the final recipient; the original one where that is all there is.
        action: "failed", "delayed", "delivered", "relayed" or "expanded"; "" when it does not say.
        status: such as "5.1.1"; RFC 3463.
        diagnostic: what the other server said.
    """

    address: str
    action: str = ""
    status: str = ""
    diagnostic: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """What a bounce, a read receipt or a complaint is about.

    Args:
        original_message_id: identifier of the message that it answers, without brackets; "" when it does not say.
        recipients: what became of each.
        feedback: of a report of feedback, its type, such as "abuse" or "not-spam"; "" for all others. RFC 5965 7.3.
    """

    original_message_id: str = ""
    recipients: tuple[ReportedRecipient, ...] = ()
    feedback: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Attachment:
    """A part that has a name, or is neither plain text nor HTML.

    Args:
        path: numbers of MIME parts joined by dots, "" when the message is nothing else; for a file within text or within a
            winmail.dat, a colon and its number behind that.
        filename: as the sender named it; "" when not named. Hostile text: see `safe_filename`.
        content_type: in lower case, such as "image/png"; the sender's word.
        disposition: "attachment", "inline" or "".
        content_id: without brackets; "" without one. HTML refers to it as `cid:`.
        charset: as the sender labels it; "" without a label.
        sha256: of its octets, in hexadecimal.
        octets: its size, in bytes.
        origin: how it was in the message.
        data: its bytes. One that was read from the store has none, b"": `MessageReader.open_attachment` reads them.
    """

    path: str
    filename: str
    content_type: str
    disposition: str = ""
    content_id: str = ""
    charset: str = ""
    sha256: str
    octets: int
    origin: Origin = Origin.MIME
    data: bytes | memoryview = field(default=b"", repr=False, compare=False)

    @property
    def id(self) -> str:
        """Names it within its message, for `Message.attachment`: of digits, dots and hyphens, never empty, as a URL may have it."""
        return self.path.replace(":", "-") or "0"

    @property
    def safe_filename(self) -> str:
        """A name to save it under: of one path component, without control characters and colons; never empty.

        Of a longer name the last 200 characters are kept, and of those as many as are 255 octets in UTF-8.
        """
        name = PureWindowsPath(PurePosixPath(self.filename).name).name
        name = "".join(one if one.isprintable() and one != ":" else "_" for one in name).strip(" .")
        name = name[-200:].encode()[-_MOST_FILE_NAME:].decode("utf-8", "ignore").strip(" .")
        return name or f"attachment-{self.path.replace(':', '-') or '1'}"


@dataclass(frozen=True, slots=True)
class Nested:
    """A message within a message.

    Args:
        path: `path` of the attachment that it is.
        message: the message, read like the outer one.
    """

    path: str
    message: Message


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """A message that was read.

    Args:
        digest: names it: SHA-256, in hexadecimal, of its authors, recipients, subject, date, identifiers and body. Copies of one
            message that came by different ways have the same; another message that claims its identifier has not.
        message_id: its identifier, without brackets; "" without one.
        in_reply_to: identifiers that it answers.
        references: identifiers of those before it, the oldest first.
        thread_index: Outlook's name of the conversation, in hexadecimal; "" without one. MS-OXOMSG 2.2.1.3.
        date: when it says that it was sent, with a time zone; None when it does not say, or not readably.
        subject: "" without one.
        from_: its authors.
        sender: who sent it for them.
        reply_to: where answers go.
        to: recipients, as it says.
        cc: further recipients.
        resent_from: who passed it on unchanged, the last one first; none as a rule. RFC 5322 3.6.6.
        text: the body as text, lines ending in LF: what was sent as plain text, or else what its HTML says.
        reply: the beginning of `text`, up to what is quoted of an earlier message.
        quoted: the rest: `reply + quoted` is always `text`.
        html: the body as HTML, as it was sent; "" when none was. Hostile: show it through `safe_html`.
        attachments: everything else, in its order.
        nested: messages among the attachments.
        kinds: what else it is.
        report: what it reports; None when it is no report.
        envelope: what SES says of it.
        problems: what could not be read as it was meant.
    """

    digest: str = ""
    message_id: str = ""
    in_reply_to: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    thread_index: str = ""
    date: datetime | None = None
    subject: str = ""
    from_: tuple[Address, ...] = ()
    sender: tuple[Address, ...] = ()
    reply_to: tuple[Address, ...] = ()
    to: tuple[Address, ...] = ()
    cc: tuple[Address, ...] = ()
    text: str = ""
    reply: str = ""
    quoted: str = ""
    html: str = ""
    attachments: tuple[Attachment, ...] = ()
    nested: tuple[Nested, ...] = ()
    kinds: frozenset[Kind] = frozenset()
    report: Report | None = None
    envelope: Envelope = field(default_factory=Envelope)
    problems: tuple[Problem, ...] = ()
    resent_from: tuple[Address, ...] = ()

    def attachment(self, id: str) -> Attachment | None:
        """The attachment of that id; None where there is none.

        Args:
            id: `id` of an Attachment.
        """
        return next((one for one in self.attachments if one.id == id), None)

    @property
    def sender_authenticated(self) -> str:
        """The authors' domain, where SES found by DMARC that the message comes from there; "" where it did not, or authors have
        several domains, or readers may understand the From field in several ways. Nobody else says it: ARC counts for nothing.
        """
        unclear = any(problem.place == "header from" for problem in self.problems)
        if unclear or self.envelope.verdicts.get("dmarc") != "pass":
            return ""
        return aligned_domain(self.envelope.dmarc_domain, [one.address for one in self.from_])

    @property
    def document(self) -> dict[str, Any]:
        """The message as JSON has it: dates by RFC 3339, kinds sorted; of attachments everything but their bytes."""
        envelope = self.envelope
        return {
            "digest": self.digest,
            "message_id": self.message_id,
            "in_reply_to": list(self.in_reply_to),
            "references": list(self.references),
            "thread_index": self.thread_index,
            "date": self.date.isoformat() if self.date is not None else None,
            "subject": self.subject,
            "from": _addresses(self.from_),
            "sender": _addresses(self.sender),
            "reply_to": _addresses(self.reply_to),
            "to": _addresses(self.to),
            "cc": _addresses(self.cc),
            **({"resent_from": _addresses(self.resent_from)} if self.resent_from else {}),
            "text": self.text,
            "reply": self.reply,
            "quoted": self.quoted,
            "html": self.html,
            "attachments": [_attachment(one) for one in self.attachments],
            "nested": [{"path": one.path, "message": one.message.document} for one in self.nested],
            "kinds": sorted(kind.value for kind in self.kinds),
            "report": _report(self.report),
            "envelope": {
                "sender": envelope.sender,
                "recipients": list(envelope.recipients),
                "ses_id": envelope.ses_id,
                "received": envelope.received.isoformat() if envelope.received is not None else None,
                "verdicts": dict(envelope.verdicts),
                **({"dmarc_domain": envelope.dmarc_domain} if envelope.dmarc_domain else {}),
            },
            "problems": [{"place": one.place, "what": one.what} for one in self.problems],
        }


def _addresses(found: Sequence[Address]) -> list[dict[str, str]]:
    return [{"name": one.name, "address": one.address, "group": one.group} for one in found]


def _attachment(one: Attachment) -> dict[str, Any]:
    return {
        "path": one.path,
        "filename": one.filename,
        "content_type": one.content_type,
        "disposition": one.disposition,
        "content_id": one.content_id,
        "charset": one.charset,
        "sha256": one.sha256,
        "octets": one.octets,
        "origin": one.origin.value,
    }


def _report(report: Report | None) -> dict[str, Any] | None:
    if report is None:
        return None
    recipients = [
        {"address": one.address, "action": one.action, "status": one.status, "diagnostic": one.diagnostic}
        for one in report.recipients
    ]
    document: dict[str, Any] = {"original_message_id": report.original_message_id, "recipients": recipients}
    # Only where there is one: documents in the store have none.
    return {**document, "feedback": report.feedback} if report.feedback else document
