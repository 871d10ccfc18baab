"""Reads a message from its JSON document, which `Message.document` makes. Pure."""

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

__all__ = ["message_from"]


def message_from(document: Mapping[str, Any]) -> Message:
    """The message of a document, attachments without their bytes. Its own document is the same again.

    Raises:
        KeyError, TypeError, ValueError: the mapping is no such document.
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
        resent_from=_read_addresses(document.get("resent_from", ())),
        text=document["text"],
        reply=document["reply"],
        quoted=document["quoted"],
        html=document["html"],
        attachments=tuple(_read_attachment(one) for one in document["attachments"]),
        nested=tuple(Nested(one["path"], message_from(one["message"])) for one in document["nested"]),
        kinds=frozenset(Kind(kind) for kind in document["kinds"]),
        report=_read_report(document["report"]),
        envelope=Envelope(
            sender=envelope["sender"],
            recipients=tuple(envelope["recipients"]),
            ses_id=envelope["ses_id"],
            received=_date(envelope["received"]),
            verdicts=dict(envelope["verdicts"]),
            dmarc_domain=envelope.get("dmarc_domain", ""),
        ),
        problems=tuple(Problem(one["place"], one["what"]) for one in document["problems"]),
    )


def _read_attachment(document: Mapping[str, Any]) -> Attachment:
    rest = {name: value for name, value in document.items() if name != "octets"}
    return Attachment(**{**rest, "size": document["octets"], "origin": Origin(document["origin"])})


def _read_addresses(found: Sequence[Mapping[str, str]]) -> tuple[Address, ...]:
    return tuple(Address(one["address"], one["name"], one["group"]) for one in found)


def _read_report(document: Mapping[str, Any] | None) -> Report | None:
    if document is None:
        return None
    return Report(
        original_message_id=document["original_message_id"],
        recipients=tuple(ReportedRecipient(**one) for one in document["recipients"]),
        feedback=document.get("feedback", ""),
    )


def _date(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text is not None else None
