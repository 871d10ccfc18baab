"""A message as octets. Pure: the same message, id and time give the same octets."""

from __future__ import annotations

import email.message
import email.policy
import re
from collections.abc import Sequence
from datetime import datetime
from email.headerregistry import Address as Mailbox
from email.utils import format_datetime
from typing import Final

from mailroom.messages.model import Address
from mailroom.outbox.model import Outgoing, OutgoingFile

__all__ = ["MOST_OCTETS", "MOST_RECIPIENTS", "compose"]

MOST_RECIPIENTS: Final = 50
MOST_OCTETS: Final = 40_000_000
"""Both: SES developer guide, "Service quotas", e-mail sending."""

_ADDRESS: Final = re.compile(
    r"[^\s@<>,;:\"()\\\x00-\x20\x7f]{1,64}+@[a-z0-9][a-z0-9.-]{0,252}+(?<=[a-z0-9])", re.IGNORECASE
)
_TYPE: Final = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,126}+/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}+", re.IGNORECASE)
_ID: Final = re.compile(r"[^\s<>]{1,900}+")
_POLICY: Final = email.policy.SMTP.clone(max_line_length=78)


def compose(outgoing: Outgoing, *, id: str, at: datetime) -> bytes:
    """The message as SES's raw content takes it, recipients in its header, those of Bcc too: SES takes these out.

    Args:
        outgoing: the message.
        id: names it; its Message-ID is made of that, which SES replaces by one of its own.
        at: when it was asked for, with a time zone.

    Raises:
        ValueError: it could not be sent as it is: nobody to send it to, an address that is none, a line break in a header, too
            many recipients or octets. The text names the field, and no address.

    Source: RFC 5322; SES developer guide, "Sending raw email", "Amazon SES header fields".
    """
    recipients = (*outgoing.to, *outgoing.cc, *outgoing.bcc)
    if not 1 <= len(recipients) <= MOST_RECIPIENTS:
        raise ValueError(f"outgoing: must have 1 to {MOST_RECIPIENTS} recipients, got {len(recipients)}")
    message = email.message.EmailMessage(policy=_POLICY)
    for name, value in _header(outgoing, id, at).items():
        message[name] = value
    message.set_content(outgoing.text)
    if outgoing.html:
        message.add_alternative(outgoing.html, subtype="html")
    for number, file in enumerate(outgoing.attachments, start=1):
        _attach(message, number, file)
    for number, part in enumerate(message.walk()):
        if part.is_multipart():
            part.set_boundary(f"=_{id[:24]}_{number}")
    raw = message.as_bytes()
    if len(raw) > MOST_OCTETS:
        raise ValueError(f"outgoing: must have at most {MOST_OCTETS:,} octets with its attachments, got {len(raw):,}")
    return raw


def _header(outgoing: Outgoing, id: str, at: datetime) -> dict[str, str | list[Mailbox]]:
    boxes = {
        "From": _mailboxes("sender", [outgoing.sender]),
        "To": _mailboxes("to", outgoing.to),
        "Cc": _mailboxes("cc", outgoing.cc),
        "Bcc": _mailboxes("bcc", outgoing.bcc),
        "Reply-To": _mailboxes("reply_to", outgoing.reply_to),
    }
    fields: dict[str, str | list[Mailbox]] = {name: found for name, found in boxes.items() if found}
    fields["Subject"] = _line("subject", outgoing.subject)
    fields["Date"] = format_datetime(at)
    fields["Message-ID"] = f"<{id}@{outgoing.sender.address.rpartition('@')[2]}>"
    if outgoing.in_reply_to:
        fields["In-Reply-To"] = _ids("in_reply_to", [outgoing.in_reply_to])
    if outgoing.references:
        fields["References"] = _ids("references", outgoing.references)
    return fields


def _attach(message: email.message.EmailMessage, number: int, file: OutgoingFile) -> None:
    if not _TYPE.fullmatch(file.content_type) or file.content_type.lower().startswith(("multipart/", "message/")):
        raise ValueError(f"outgoing: attachment {number}: content_type must be that of a file, such as application/pdf")
    main, _, sub = file.content_type.partition("/")
    name = _line(f"attachment {number}: filename", file.filename)
    message.add_attachment(file.data, maintype=main, subtype=sub, filename=name)


def _mailboxes(field: str, boxes: Sequence[Address]) -> list[Mailbox]:
    found = []
    for number, box in enumerate(boxes, start=1):
        if not _ADDRESS.fullmatch(box.address):
            raise ValueError(f"outgoing: {field} {number}: must be an address such as support@post.acme.example")
        found.append(Mailbox(display_name=_line(f"{field} {number}: name", box.name), addr_spec=box.address))
    return found


def _line(field: str, text: str) -> str:
    if any(character in text for character in "\r\n\x00"):
        raise ValueError(f"outgoing: {field}: must be one line")
    return text


def _ids(field: str, ids: Sequence[str]) -> str:
    if not all(_ID.fullmatch(one) for one in ids):
        raise ValueError(f"outgoing: {field}: must be Message-IDs without brackets and white space")
    return " ".join(f"<{one}>" for one in ids)
