"""What a message is besides one that a person wrote, and what reports are about. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

from mailroom.messages.charsets import decoded_header
from mailroom.messages.mime import Header
from mailroom.messages.model import Address, Attachment, Envelope, Kind, Nested, Report, ReportedRecipient
from mailroom.messages.parameters import Field
from mailroom.messages.specs import UNCLEAR, read_spec
from mailroom.threads import message_ids

__all__ = ["kinds_of", "report_of"]

PartNote = Callable[[str, str], None]
"""Told of a place, and of a problem there."""

_REPORT_KINDS: Final = {
    "delivery-status": Kind.BOUNCE,
    "global-delivery-status": Kind.BOUNCE,
    "disposition-notification": Kind.READ_RECEIPT,
    "global-disposition-notification": Kind.READ_RECEIPT,
    "feedback-report": Kind.COMPLAINT,
}
_STATUS_TYPES: Final = frozenset({"message/delivery-status", "message/global-delivery-status"})
_NOTIFICATION_TYPES: Final = frozenset(
    {
        "message/disposition-notification",
        "message/global-disposition-notification",
        "message/feedback-report",
    }
)
_HEADER_TYPES: Final = frozenset({"text/rfc822-headers", "message/rfc822-headers", "message/global-headers"})
_POSTMASTERS: Final = re.compile(r"(?:mailer-daemon|postmaster|mail-daemon)@", re.IGNORECASE)
_MOST_STATUS: Final = 1_000_000
_MOST_RECIPIENTS: Final = 1000
_FIELD: Final = re.compile(r"^([!-9;-~]++)[ \t]*+:[ \t]*+(.*+(?:\n[ \t].*+)*)", re.MULTILINE)
_EMPTY_LINE: Final = re.compile(r"\n[ \t]*+\n")
_WHITE: Final = re.compile(r"\s++")
_BEHIND_WORD: Final = re.compile(r"[;\s(]")


def kinds_of(header: Header, kind: Field, from_: Sequence[Address], envelope: Envelope) -> frozenset[Kind]:
    """What else the message is.

    Args:
        header: the message's.
        kind: its content type.
        from_: its authors.
        envelope: what SES says of it.

    Source: RFC 3464, RFC 3834 5, RFC 8098, RFC 5965, RFC 2919, RFC 2369; MS-OXCMAIL for X-Auto-Response-Suppress, which many
        ordinary messages have and which therefore says nothing here.
    """
    found: set[Kind] = set()
    if kind.value == "multipart/report":
        reported = _REPORT_KINDS.get(kind.parameters.get("report-type", "").lower())
        if reported is not None:
            found.add(reported)
    if header.first("x-failed-recipients") or (
        any(_POSTMASTERS.match(address.address) for address in from_) and envelope.ses_id and not envelope.sender
    ):
        found.add(Kind.BOUNCE)
    submitted = _BEHIND_WORD.split(header.first("auto-submitted").strip().lower(), maxsplit=1)[0]
    precedence = header.first("precedence").strip().lower()
    if (
        submitted == "auto-replied"
        or precedence == "auto_reply"
        or _says(header, "x-autoreply", "x-autorespond", "x-autoresponse")
    ):
        found.add(Kind.AUTO_REPLY)
    elif submitted.startswith("auto-"):
        found.add(Kind.AUTO_GENERATED)
    if precedence == "list" or _says(header, "list-id", "list-post", "mailing-list"):
        found.add(Kind.LIST)
    elif precedence in {"bulk", "junk"} or _says(header, "list-unsubscribe", "feedback-id"):
        found.add(Kind.BULK)
    return frozenset(found)


def _says(header: Header, *names: str) -> bool:
    """Whether any of these fields is there and says something else than no."""
    return any(header.first(name).strip().lower() not in {"", "no", "false"} for name in names)


def report_of(
    kind: Field, attachments: Sequence[Attachment], nested: Sequence[Nested], note: PartNote
) -> Report | None:
    """What a multipart/report is about; None for any other message, and for a report without any of its parts.

    Args:
        kind: the message's content type.
        attachments: its parts.
        nested: the messages among them: the one that is reported on.
        note: told of each problem, and of the part where it is.
    """
    if kind.value != "multipart/report":
        return None
    recipients: list[ReportedRecipient] = []
    original = ""
    seen = False
    for part in attachments:
        if part.content_type in _STATUS_TYPES:
            recipients += _recipients(part, note)
        elif part.content_type in _NOTIFICATION_TYPES:
            for group in _groups(part):
                original = original or _id(group.get("original-message-id", ""))
        elif part.content_type in _HEADER_TYPES:
            headers = next(iter(_groups(part)), {})
            original = original or _id(headers.get("message-id", ""))
        else:
            continue
        seen = True
    for inner in nested:
        original = original or inner.message.message_id
        seen = True
    return Report(original_message_id=original, recipients=tuple(recipients[:_MOST_RECIPIENTS])) if seen else None


def _groups(part: Attachment) -> list[dict[str, str]]:
    """The groups of fields that a report's part has; names in lower case."""
    text = decoded_header(bytes(part.data[:_MOST_STATUS])).replace("\r\n", "\n").replace("\r", "\n")
    groups = []
    for block in _EMPTY_LINE.split(text):
        fields: dict[str, str] = {}
        for match in _FIELD.finditer(block):
            fields.setdefault(match[1].lower(), _WHITE.sub(" ", match[2]).strip())
        if fields:
            groups.append(fields)
    return groups


def _recipients(part: Attachment, note: PartNote) -> list[ReportedRecipient]:
    found = []
    for group in _groups(part):
        if "final-recipient" not in group and "original-recipient" not in group:
            continue
        written = _typed(group.get("final-recipient") or group.get("original-recipient", "")).strip("<> ")
        address, clear = read_spec(written)
        if not clear:
            note(f"part {part.path}" if part.path else "message", UNCLEAR)
        found.append(
            ReportedRecipient(
                address=address,
                action=group.get("action", "").lower(),
                status=group.get("status", "").partition(" ")[0],
                diagnostic=_typed(group.get("diagnostic-code", "")),
            )
        )
    return found


def _typed(value: str) -> str:
    """What stands behind the type of an address or a code, such as "rfc822;"."""
    kind, semicolon, rest = value.partition(";")
    return rest.strip() if semicolon and " " not in kind.strip() else value.strip()


def _id(header: str) -> str:
    return next(iter(message_ids(header)), "")
