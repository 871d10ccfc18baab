"""Messages as JSON documents, and back. Pure.

Of attachments, everything but their octets. What `message_from` makes of a document has the same document again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from mailroom.messages.model import (
    Address,
    Attachment,
    Envelope,
    Kind,
    Message,
    Nested,
    Origin,
    Problem,
    Report,
    ReportedRecipient,
)

__all__ = ["document_of", "message_from"]


def document_of(message: Message) -> dict[str, Any]:
    """The message as JSON has it: dates by RFC 3339, kinds sorted."""
    envelope = message.envelope
    return {
        "digest": message.digest,
        "message_id": message.message_id,
        "in_reply_to": list(message.in_reply_to),
        "references": list(message.references),
        "thread_index": message.thread_index,
        "date": message.date.isoformat() if message.date is not None else None,
        "subject": message.subject,
        "from": _addresses(message.from_),
        "sender": _addresses(message.sender),
        "reply_to": _addresses(message.reply_to),
        "to": _addresses(message.to),
        "cc": _addresses(message.cc),
        "text": message.text,
        "reply": message.reply,
        "quoted": message.quoted,
        "html": message.html,
        "attachments": [_attachment(one) for one in message.attachments],
        "nested": [{"path": one.path, "message": document_of(one.message)} for one in message.nested],
        "kinds": sorted(kind.value for kind in message.kinds),
        "report": _report(message.report),
        "envelope": {
            "sender": envelope.sender,
            "recipients": list(envelope.recipients),
            "ses_id": envelope.ses_id,
            "received": envelope.received.isoformat() if envelope.received is not None else None,
            "verdicts": dict(envelope.verdicts),
        },
        "problems": [{"place": one.place, "what": one.what} for one in message.problems],
    }


def message_from(document: Mapping[str, Any]) -> Message:
    """The message that a document describes, attachments without their octets.

    Raises:
        KeyError, TypeError, ValueError: it is no such document.
    """
    envelope = document["envelope"]
    return Message(
        digest=document["digest"],
        message_id=document["message_id"],
        in_reply_to=tuple(document["in_reply_to"]),
        references=tuple(document["references"]),
        thread_index=document["thread_index"],
        date=_date(document["date"]),
        subject=document["subject"],
        from_=_read_addresses(document["from"]),
        sender=_read_addresses(document["sender"]),
        reply_to=_read_addresses(document["reply_to"]),
        to=_read_addresses(document["to"]),
        cc=_read_addresses(document["cc"]),
        text=document["text"],
        reply=document["reply"],
        quoted=document["quoted"],
        html=document["html"],
        attachments=tuple(Attachment(**{**one, "origin": Origin(one["origin"])}) for one in document["attachments"]),
        nested=tuple(Nested(one["path"], message_from(one["message"])) for one in document["nested"]),
        kinds=frozenset(Kind(kind) for kind in document["kinds"]),
        report=_read_report(document["report"]),
        envelope=Envelope(
            sender=envelope["sender"],
            recipients=tuple(envelope["recipients"]),
            ses_id=envelope["ses_id"],
            received=_date(envelope["received"]),
            verdicts=dict(envelope["verdicts"]),
        ),
        problems=tuple(Problem(one["place"], one["what"]) for one in document["problems"]),
    )


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
    return {"original_message_id": report.original_message_id, "recipients": recipients}


def _read_addresses(found: Sequence[Mapping[str, str]]) -> tuple[Address, ...]:
    return tuple(Address(one["address"], one["name"], one["group"]) for one in found)


def _read_report(document: Mapping[str, Any] | None) -> Report | None:
    if document is None:
        return None
    return Report(
        original_message_id=document["original_message_id"],
        recipients=tuple(ReportedRecipient(**one) for one in document["recipients"]),
    )


def _date(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text is not None else None
