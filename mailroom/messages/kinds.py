"""Finds the kinds of a message, and parses reports. Pure."""

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

__all__ = ["NOT_SPAM", "kinds_of", "report_of"]

PartNote = Callable[[str, str], None]
"""Called with a place, and a problem there."""

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
_COMMENT: Final = re.compile(r"\([^()]*+\)")
_OF_LISTS: Final = (
    "list-unsubscribe",
    "list-unsubscribe-post",
    "list-help",
    "list-subscribe",
    "list-owner",
    "list-archive",
)
"""RFC 2369, RFC 8058. Feedback-ID does not count: SES adds it to all mail that it sends."""
_NOT_FAILED: Final = frozenset({"delayed", "delivered", "relayed", "expanded"})
"""RFC 3464 2.3.3."""
NOT_SPAM: Final = "not-spam"
"""RFC 5965 7.3: the recipient took the message out of the spam folder."""
_QMAIL_BEGIN: Final = "Hi. This is the"
_QMAIL_RECIPIENT: Final = re.compile(r"<([^<>\n]{1,400}+)>:\n?")
_QMAIL_STATUS: Final = re.compile(r"#([245]\.[0-9]{1,3}+\.[0-9]{1,3}+)")
_BEHIND_WORD: Final = re.compile(r"[;\s(]")


def kinds_of(
    header: Header, kind: Field, from_: Sequence[Address], envelope: Envelope, report: Report | None
) -> frozenset[Kind]:
    """The kinds of a message.

    Args:
        header: the message's.
        kind: its content type.
        from_: its authors.
        envelope: SES's lines.
        report: its report.

    Source: RFC 3464, RFC 3834 2 and 5, RFC 8098, RFC 5965, RFC 2919, RFC 2369; MS-OXCMAIL for X-Auto-Response-Suppress, which many
        ordinary messages have and which therefore says nothing here.
    """
    found: set[Kind] = set()
    reported = _REPORT_KINDS.get(kind.parameters.get("report-type", "").lower()) if _is_report(kind) else None
    if reported is Kind.BOUNCE or (report is not None and not _is_report(kind)):
        if _failed(report):
            found.add(Kind.BOUNCE)
    elif reported is not None and not (report is not None and report.feedback == NOT_SPAM):
        found.add(reported)
    elif reported is None and _looks_like_bounce(header, from_, envelope):
        found.add(Kind.BOUNCE)
    automatic = _automatic(header)
    if automatic is not None:
        found.add(automatic)
    elif not found and header.every("return-path")[:1] in (["<>"], [""]):
        found.add(Kind.AUTO_GENERATED)
    precedence = header.first("precedence").strip().lower()
    if precedence == "list" or _says(header, "list-id", "list-post", "mailing-list"):
        found.add(Kind.LIST)
    elif precedence in {"bulk", "junk"} or _says(header, *_OF_LISTS):
        found.add(Kind.BULK)
    return frozenset(found)


def _is_report(kind: Field) -> bool:
    return kind.value == "multipart/report"


def _failed(report: Report | None) -> bool:
    """Whether the message could not be delivered to some recipient; also True if the report names none."""
    recipients = report.recipients if report is not None else ()
    return not recipients or any(one.action not in _NOT_FAILED for one in recipients)


def _looks_like_bounce(header: Header, from_: Sequence[Address], envelope: Envelope) -> bool:
    by_postmaster = any(_POSTMASTERS.match(address.address) for address in from_)
    return bool(header.first("x-failed-recipients") or (by_postmaster and envelope.ses_id and not envelope.sender))


def _automatic(header: Header) -> Kind | None:
    """Automatic kind of the message; None without such a field. A field with "no" does not cancel another field."""
    written = (_COMMENT.sub(" ", value).strip().lower() for value in header.every("auto-submitted"))
    submitted = {_BEHIND_WORD.split(value, maxsplit=1)[0] for value in written} - {"", "no"}
    precedence = header.first("precedence").strip().lower()
    if (
        "auto-replied" in submitted
        or precedence == "auto_reply"
        or _says(header, "x-autoreply", "x-autorespond", "x-autoresponse")
    ):
        return Kind.AUTO_REPLY
    return Kind.AUTO_GENERATED if submitted else None


def _says(header: Header, *names: str) -> bool:
    """Whether one of these fields has another value than "no"."""
    return any(header.first(name).strip().lower() not in {"", "no", "false"} for name in names)


def report_of(
    kind: Field,
    attachments: Sequence[Attachment],
    nested: Sequence[Nested],
    *,
    text: str,
    answered: Sequence[str],
    note: PartNote,
) -> Report | None:
    """The report of a multipart/report, or of a text by qmail; None for other messages, and without the report's parts.

    Args:
        kind: the message's content type.
        attachments: its parts.
        nested: the messages among them, such as the reported one.
        text: its text.
        answered: identifiers of In-Reply-To: Exchange's read receipts name the message there only.
        note: called with each problem and its part.

    Source: RFC 3464, RFC 8098, RFC 5965; D. J. Bernstein, "The qmail-send Bounce Message Format".
    """
    if not _is_report(kind):
        return _report_of_qmail(text, note) if text.startswith(_QMAIL_BEGIN) else None
    recipients: list[ReportedRecipient] = []
    original = feedback = ""
    seen = notified = False
    for part in attachments:
        if part.content_type in _STATUS_TYPES:
            recipients += _recipients(part, note)
        elif part.content_type in _NOTIFICATION_TYPES:
            notified = notified or "disposition" in part.content_type
            for group in _groups(part):
                original = original or _id(group.get("original-message-id", ""))
                feedback = feedback or group.get("feedback-type", "").lower()
        elif part.content_type in _HEADER_TYPES:
            headers = next(iter(_groups(part)), {})
            original = original or _id(headers.get("message-id", ""))
        else:
            continue
        seen = True
    for inner in nested:
        original = original or inner.message.message_id
        seen = True
    if notified and not original:
        original = next(iter(answered), "")
    if not seen:
        return None
    return Report(original_message_id=original, recipients=tuple(recipients[:_MOST_RECIPIENTS]), feedback=feedback)


def _report_of_qmail(text: str, note: PartNote) -> Report | None:
    """The report of qmail's text: paragraphs of recipients, a paragraph that begins with a dash, and the message behind it."""
    recipients: list[ReportedRecipient] = []
    paragraphs = iter(text[:_MOST_STATUS].split("\n\n"))
    for paragraph in paragraphs:
        words = paragraph.lstrip("\n")
        if words.startswith("-"):
            break
        found = _QMAIL_RECIPIENT.match(words)
        if found is None or len(recipients) >= _MOST_RECIPIENTS:
            continue
        address, clear = read_spec(found[1])
        if not clear:
            note("message", UNCLEAR)
        said = _WHITE.sub(" ", words[found.end() :]).strip()
        status = _QMAIL_STATUS.search(said)
        recipients.append(ReportedRecipient(address, "failed", status[1] if status else "", said))
    else:
        return None
    if not recipients:
        return None
    copied = next(paragraphs, "").lstrip("\n")
    ids = (match[2] for match in _FIELD.finditer(copied) if match[1].lower() == "message-id")
    return Report(original_message_id=_id(next(ids, "")), recipients=tuple(recipients))


def _groups(part: Attachment) -> list[dict[str, str]]:
    """Groups of fields in a report's part; names in lower case."""
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
    """The value behind the type of an address or a code, such as "rfc822;"."""
    kind, semicolon, rest = value.partition(";")
    return rest.strip() if semicolon and " " not in kind.strip() else value.strip()


def _id(header: str) -> str:
    return next(iter(message_ids(header)), "")
