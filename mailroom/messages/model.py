"""The model of a parsed message. Pure."""

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
"""Bytes that file systems accept."""


class Kind(StrEnum):
    """Kinds of messages other than personal mail. A message can have several."""

    BOUNCE = "bounce"
    """A report that a message could not be delivered; reports of delays and deliveries are no bounces. RFC 3464."""
    AUTO_REPLY = "auto-reply"
    """An automatic answer: an absence note, a receipt of a ticket system. RFC 3834."""
    AUTO_GENERATED = "auto-generated"
    """Sent by a program, or without an envelope sender. Programs must never answer it. RFC 3834."""
    READ_RECEIPT = "read-receipt"
    """RFC 8098."""
    COMPLAINT = "complaint"
    """A feedback report of abuse; a "not-spam" report is no complaint. RFC 5965."""
    LIST = "list"
    """Came through a mailing list. RFC 2919."""
    BULK = "bulk"
    """Newsletters and the like. RFC 2076, "Precedence"; RFC 2369, "List-Unsubscribe"."""


class Origin(StrEnum):
    """Encoding of an attachment in the message."""

    MIME = "mime"
    UUENCODE = "uuencode"
    TNEF = "tnef"


@dataclass(frozen=True, slots=True)
class Problem:
    """A malformed part of a message, which was parsed as well as possible.

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
        address: its addr-spec, with the domain in lower case, and in Unicode if it was so; without an @ if the sender wrote none,
            "" if there is only a name.
        name: its display name; "" without one. Hostile text, possibly in the form of an address.
        group: the group it was listed in; "" outside of one.
    """

    address: str
    name: str = ""
    group: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Envelope:
    """The header lines that SES added to the message. Lines of the message itself do not count.

    Args:
        sender: envelope sender; "" for none, as in bounces.
        recipients: envelope recipients that SES names: one of those that the message came to; () if SES did not receive it.
        ses_id: SES's id of the message; "" if SES did not receive it.
        received: time of SES's receipt; None if SES did not receive it.
        verdicts: SES's verdicts in lower case, by "spam", "virus", "spf", "dkim" and "dmarc", as far as SES gives them.
        dmarc_domain: domain of the "dmarc" verdict; "" if SES names none.
    """

    sender: str = ""
    recipients: tuple[str, ...] = ()
    ses_id: str = ""
    received: datetime | None = None
    verdicts: Mapping[str, str] = field(default_factory=dict)
    dmarc_domain: str = ""


@dataclass(frozen=True, slots=True)
class ReportedRecipient:
    """Delivery status of one recipient in a report. RFC 3464 2.3.

    Args:
        address: the final recipient, or else the original one.
        action: "failed", "delayed", "delivered", "relayed" or "expanded"; "" without one.
        status: such as "5.1.1"; RFC 3463.
        diagnostic: the other server's answer.
    """

    address: str
    action: str = ""
    status: str = ""
    diagnostic: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """The report in a bounce, a read receipt or a complaint.

    Args:
        original_message_id: Message-ID of the reported message, without brackets; "" if the report has none.
        recipients: delivery status of each recipient.
        feedback: type of a feedback report, such as "abuse" or "not-spam"; "" for other reports. RFC 5965 7.3.
    """

    original_message_id: str = ""
    recipients: tuple[ReportedRecipient, ...] = ()
    feedback: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Attachment:
    """A part with a name, or of another type than plain text and HTML.

    Args:
        path: numbers of MIME parts, joined by dots; "" if the message is only this part. A colon and a number follow for a file
            within text or within a winmail.dat, and for what is within an S/MIME signature.
        filename: the sender's name for it; "" without one. Hostile text: see `safe_filename`.
        content_type: the sender's type for it, in lower case, such as "image/png".
        disposition: "attachment", "inline" or "".
        content_id: its Content-ID without brackets; "" without one. HTML refers to it by `cid:`.
        charset: the sender's label; "" without one.
        sha256: SHA-256 of its bytes, in hexadecimal.
        size: its size, in bytes.
        origin: its encoding in the message.
        data: its bytes; b"" in a message of the store: `MessageReader.open_attachment` reads them.
    """

    path: str
    filename: str
    content_type: str
    disposition: str = ""
    content_id: str = ""
    charset: str = ""
    sha256: str
    size: int
    origin: Origin = Origin.MIME
    data: bytes | memoryview = field(default=b"", repr=False, compare=False)

    @property
    def id(self) -> str:
        """Its id within the message, for `Message.attachment`: digits, dots and hyphens, never empty, valid in a URL."""
        return self.path.replace(":", "-") or "0"

    @property
    def safe_filename(self) -> str:
        """A name to save it under: one path component, without control characters and colons; never empty.

        A longer name keeps its last 200 characters, and of those at most 255 bytes in UTF-8.
        """
        name = PureWindowsPath(PurePosixPath(self.filename).name).name
        name = "".join(one if one.isprintable() and one != ":" else "_" for one in name).strip(" .")
        name = name[-200:].encode()[-_MOST_FILE_NAME:].decode("utf-8", "ignore").strip(" .")
        return name or f"attachment-{self.path.replace(':', '-') or '1'}"


@dataclass(frozen=True, slots=True)
class Nested:
    """A message within a message.

    Args:
        path: `path` of its attachment.
        message: the message, parsed like the outer one.
    """

    path: str
    message: Message


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """A parsed message.

    Args:
        digest: its id: SHA-256, in hexadecimal, of its authors, recipients, subject, date, identifiers and body. Copies of a
            message on different ways have the same digest; another message with the same Message-ID has another one.
        message_id: its Message-ID without brackets; "" without one.
        in_reply_to: Message-IDs that it answers.
        references: Message-IDs of its ancestors, oldest first.
        thread_index: Outlook's name of the conversation, in hexadecimal; "" without one. MS-OXOMSG 2.2.1.3.
        date: its Date, with a time zone; None without a readable one.
        subject: "" without one.
        from_: its authors.
        sender: its Sender, who sent it for the authors.
        reply_to: addresses for answers.
        to: recipients in its header.
        cc: further recipients.
        resent_from: people who passed it on unchanged, the last one first; usually none. RFC 5322 3.6.6.
        text: the body as text, with LF at line ends: the plain text, or else the text of its HTML.
        reply: the beginning of `text`, up to the quotation of an earlier message.
        quoted: the rest: `reply + quoted` is always `text`.
        html: the body as HTML, unchanged; "" without one. Hostile: show it through `safe_html`.
        attachments: all other parts, in order.
        nested: messages among the attachments.
        kinds: its kinds.
        report: its report; None if it is no report.
        envelope: SES's lines.
        problems: its malformed parts.
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
        """The authors' domain, if SES confirmed it by DMARC. "" if DMARC did not pass, if the authors have several domains, or if
        mail clients may read the From field in different ways. ARC is not evaluated.
        """
        unclear = any(problem.place == "header from" for problem in self.problems)
        if unclear or self.envelope.verdicts.get("dmarc") != "pass":
            return ""
        return aligned_domain(self.envelope.dmarc_domain, [one.address for one in self.from_])

    @property
    def document(self) -> dict[str, Any]:
        """The message as JSON: dates by RFC 3339, kinds sorted, attachments without their bytes."""
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
        "octets": one.size,
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
