"""Composes a message's bytes. Pure: the same message, id and time give the same bytes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from email.utils import format_datetime
from typing import Final

from mailroom.messages.model import Address
from mailroom.messages.plain import text_of_html
from mailroom.outbox.fields import ids_field, line_of, mailboxes_field, text_field
from mailroom.outbox.model import Outgoing, is_identifier
from mailroom.outbox.parts import Part, file_part, multipart, text_part
from mailroom.outbox.signing import signed_html, signed_text
from mailroom.store.run_time import Signature

__all__ = ["MOST_OCTETS", "MOST_RECIPIENTS", "compose"]

MOST_RECIPIENTS: Final = 50
MOST_OCTETS: Final = 40_000_000
"""Both: SES developer guide, "Service quotas", e-mail sending."""

_NONE: Final = Signature()
_LOCAL: Final = re.compile(r"""[^\s@<>,;:"()\\\x00-\x20\x7f-\U0010ffff]{1,64}+|"(?:[ !#-\[\]-~]|\\[ -~]){0,62}\"""")
_DOMAIN: Final = re.compile(r"[a-z0-9][a-z0-9.-]{0,252}+(?<=[a-z0-9])", re.IGNORECASE)
_URL: Final = re.compile(r"https://[!-;=?-~]{1,900}+")


def compose(outgoing: Outgoing, *, id: str, at: datetime, signature: Signature | None = None) -> bytes:
    """The message as raw content for SES, with all recipients in its header, including Bcc, which SES removes.

    It is all ASCII. Without a text, one is made of the HTML.

    Args:
        outgoing: the message.
        id: id of the request, for its Message-ID, which SES replaces.
        at: time of the request, with a time zone.
        signature: appended to text and HTML. Default: none.

    Raises:
        ValueError: the message cannot be sent: no recipient, an invalid address, a line break in a header, too many recipients or
            bytes. The text names the field, and no whole address.

    Source: RFC 5322; RFC 2046 (5.1); SES developer guide, "Sending raw email", "Amazon SES header fields".
    """
    recipients = (*outgoing.to, *outgoing.cc, *outgoing.bcc)
    if not 1 <= len(recipients) <= MOST_RECIPIENTS:
        raise ValueError(f"outgoing: must have 1 to {MOST_RECIPIENTS} recipients, got {len(recipients)}")
    header = b"".join(_fields(outgoing, id, at))
    raw = header + _body(outgoing, f"=_{id[:24]}", signature or _NONE).data
    if len(raw) > MOST_OCTETS:
        raise ValueError(f"outgoing: must have at most {MOST_OCTETS:,} bytes with its attachments, got {len(raw):,}")
    return raw


def _fields(outgoing: Outgoing, id: str, at: datetime) -> Iterator[bytes]:
    for name, field, boxes in (
        ("From", "sender", (outgoing.sender,)),
        ("To", "to", outgoing.to),
        ("Cc", "cc", outgoing.cc),
        ("Bcc", "bcc", outgoing.bcc),
        ("Reply-To", "reply_to", outgoing.reply_to),
    ):
        if boxes:
            yield mailboxes_field(name, _mailboxes(field, boxes))
    yield text_field("Subject", line_of("subject", outgoing.subject))
    yield text_field("Date", format_datetime(at))
    yield ids_field("Message-ID", [f"{id}@{_domain('sender 1', outgoing.sender.address.rpartition('@')[2])}"])
    if outgoing.in_reply_to:
        yield ids_field("In-Reply-To", _ids("in_reply_to", [outgoing.in_reply_to]))
    if outgoing.references:
        yield ids_field("References", _ids("references", outgoing.references))
    if outgoing.automatic:
        yield text_field("Auto-Submitted", "auto-replied" if outgoing.in_reply_to else "auto-generated")
    if outgoing.unsubscribe:
        if not _URL.fullmatch(outgoing.unsubscribe):
            raise ValueError("outgoing: unsubscribe: must be an https URL in ASCII")
        yield ids_field("List-Unsubscribe", [outgoing.unsubscribe])
        yield text_field("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")
    yield text_field("MIME-Version", "1.0")


def _body(outgoing: Outgoing, boundary: str, signature: Signature) -> Part:
    """The signed text and HTML as alternatives, pictures with the HTML that shows them, all other files behind."""
    files: list[Part] = []
    shown: list[Part] = []
    for number, file in enumerate(outgoing.attachments, start=1):
        if file.content_id and not outgoing.html:
            raise ValueError(f"outgoing: attachment {number}: content_id: must be shown by HTML, and there is none")
        (shown if file.content_id else files).append(file_part(f"attachment {number}", file))
    text = signed_text(outgoing.text or text_of_html(outgoing.html), signature)
    alternatives = [text_part("text", "plain", text)]
    if outgoing.html:
        html = text_part("html", "html", signed_html(outgoing.html, signature))
        alternatives.append(multipart("related", [html, *shown], f"{boundary}_3"))
    body = multipart("alternative", alternatives, f"{boundary}_2")
    return multipart("mixed", [body, *files], f"{boundary}_1")


def _mailboxes(field: str, boxes: Sequence[Address]) -> list[tuple[str, str]]:
    found = []
    for number, box in enumerate(boxes, start=1):
        where = f"{field} {number}"
        found.append((line_of(f"{where}: name", box.name), _address(where, box.address)))
    return found


def _address(where: str, address: str) -> str:
    local, at, domain = address.rpartition("@")
    if not local.isascii():
        beyond = next(character for character in local if not character.isascii())
        raise ValueError(
            f"outgoing: {where}: must have ASCII in front of its @, got {beyond!a} there, which SES does not send to; "
            "use another address of that person's"
        )
    if not at or not _LOCAL.fullmatch(local):
        raise ValueError(f"outgoing: {where}: must be an address such as support@post.acme.example")
    return f"{local}@{_domain(where, domain)}"


def _domain(where: str, domain: str) -> str:
    """The domain in ASCII, as in DNS."""
    if not domain.isascii():
        import idna  # noqa: PLC0415 - few addresses have such names

        try:
            domain = idna.encode(domain, uts46=True).decode("ascii")
        except idna.IDNAError:
            domain = ""
    if not _DOMAIN.fullmatch(domain):
        raise ValueError(f"outgoing: {where}: must be an address such as support@post.acme.example")
    return domain


def _ids(field: str, ids: Sequence[str]) -> Sequence[str]:
    if not all(is_identifier(one) for one in ids):
        raise ValueError(f"outgoing: {field}: must be Message-IDs in ASCII, without brackets and white space")
    return ids
