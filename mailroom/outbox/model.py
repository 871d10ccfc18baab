"""A message to send, and its progress. Pure."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any, Final

from mailroom.addresses import DesignatedAddress
from mailroom.messages.model import Address
from mailroom.store.states import OutboxState

__all__ = ["OutboxState", "Outgoing", "OutgoingFile", "Progress", "is_identifier"]

_ID: Final = re.compile(r"[!-;=?-~]{1,900}+")


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """State of a message in the outbox.

    Args:
        id: id of the request.
        state: its state.
        at: when the state began, with a time zone.
        ses_id: SES's id of it; "" before it was sent. `MessageReader.sending_events` lists its events by this id.
        reason: reason of a refusal: one of SES's error codes, or "scan", "sender", "gone", "quota", "unreachable", "deadline", or
            for settings of the organisation "off", "recipient", "repeated", or "automatic" for an answer to a message that must not
            be answered. Reason of a wait in the queue: "quota" for SES's
            quotas, or "unreachable". "" otherwise.
        explanation: of a refusal, the address or file by its place in the Outgoing, the rule and the remedy: "to 2: ...",
            "attachment 1: infected, ..."; "" otherwise. It contains no address.
        message: id of the stored copy, for `MessageReader.message`; "" before it is stored.
        asked: time of the request, with a time zone; None if the store has no request of it.
    """

    id: str
    state: OutboxState
    at: datetime
    ses_id: str = ""
    reason: str = ""
    explanation: str = ""
    message: str = ""
    asked: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class OutgoingFile:
    """A file to attach.

    Args:
        filename: the name that the recipient sees.
        content_type: such as "application/pdf", with parameters if needed: "text/calendar; method=REPLY". A text file in UTF-8 gets
            `charset=utf-8` automatically.
        data: its bytes; `Outbox.send` gives the maximum size of a message.
        content_id: name for the HTML, as in `<img src="cid:logo">`; "" for a file beside the text. RFC 2392.
    """

    filename: str
    content_type: str
    data: bytes
    content_id: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Outgoing:
    """A message to send.

    Args:
        sender: a designated address of the tenant with its display name, as Address or DesignatedAddress. Without a name, it gets
            the name that its organisation set.
        to: recipients.
        cc: further recipients, visible to all.
        bcc: hidden recipients.
        reply_to: addresses for answers. Default: the sender.
        subject: one line.
        text: the body as plain text. Default: the text of the HTML.
        html: the same as HTML; "" for none.
        attachments: files, and images of the HTML.
        in_reply_to: Message-ID of the answered message, without brackets; "" for none. See `answering`.
        references: Message-IDs of its ancestors, oldest first.
        automatic: whether a program wrote it, such as a receipt or an absence note: then other programs do not answer it. RFC 3834.
        anyway: whether to send an answer to a message that must not be answered, because a person decided so. Default: False: the
            outbox refuses answers to mail of programs, and automatic ones to mailing lists and bulk mail. RFC 3834.
        unsubscribe: https URL of the application; a POST to it unsubscribes the recipient at once. "" for none. Mailbox providers
            want it on bulk mail. It identifies the recipient, so sign it. RFC 8058.
        signature: whether to append the signature that the organisation set for the sender's address. Default: True.
        tracking: whether SES may track opens and clicks, as the tenant's settings say. Default: True. False, for example for a
            sensitive message: SES adds no image and leaves the links as they are; it still reports delivery, bounce and complaint.

    Raises:
        ValueError: an address or a file has another type, or is not in a tuple. The text contains no address.
    """

    sender: Address
    to: tuple[Address, ...]
    cc: tuple[Address, ...] = ()
    bcc: tuple[Address, ...] = ()
    reply_to: tuple[Address, ...] = ()
    subject: str = ""
    text: str = ""
    html: str = ""
    attachments: tuple[OutgoingFile, ...] = ()
    in_reply_to: str = ""
    references: tuple[str, ...] = ()
    automatic: bool = False
    unsubscribe: str = ""
    signature: bool = True
    tracking: bool = True
    anyway: bool = False

    def __post_init__(self) -> None:
        """Refuse fields of other types, before the message is queued."""
        # Callers without type checks may pass any type: the values come from forms and address books.
        object.__setattr__(self, "sender", _mailbox("sender", self.sender))
        for name in ("to", "cc", "bcc", "reply_to"):
            boxes = _several(name, getattr(self, name), "Address")
            checked = tuple(_mailbox(f"{name} {number}", one) for number, one in enumerate(boxes, start=1))
            object.__setattr__(self, name, checked)
        files = _several("attachments", self.attachments, "OutgoingFile")
        for number, one in enumerate(files, start=1):
            if not isinstance(one, OutgoingFile):
                raise ValueError(f"outgoing: attachment {number}: must be an OutgoingFile, got {type(one).__name__}")  # noqa: TRY004 - a value, as all that is wrong with it
        object.__setattr__(self, "attachments", files)
        object.__setattr__(self, "references", _several("references", self.references, "Message-IDs"))

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the whole message, in hexadecimal."""
        said = {
            name: value
            for name, value in asdict(self).items()
            # A later field counts only with another value than its default, so that an old message keeps its fingerprint.
            if name in _FINGERPRINTED or value != _DEFAULTS.get(name)
        }
        for file in said["attachments"]:
            file["data"] = hashlib.sha256(file["data"]).hexdigest()
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


_FINGERPRINTED: Final = frozenset(
    {"attachments", "automatic", "bcc", "cc", "html", "in_reply_to", "references"}
    | {"reply_to", "sender", "subject", "text", "to", "unsubscribe"}
)
_DEFAULTS: Final = {one.name: one.default for one in fields(Outgoing)}


def _several(field: str, value: object, of: str) -> tuple[Any, ...]:
    """The items of a field; a single item is a mistake, and so is text, which Python would iterate by letters."""
    if not isinstance(value, tuple | list):
        raise ValueError(  # noqa: TRY004 - a value, as all that is wrong with it
            f"outgoing: {field}: must be a tuple of {of}, got {type(value).__name__}; write {field}=(...,)"
        )
    return tuple(value)


def _mailbox(where: str, value: object) -> Address:
    if isinstance(value, DesignatedAddress):
        return Address(value.address, value.name)
    if not isinstance(value, Address):
        raise ValueError(  # noqa: TRY004 - a value, as all that is wrong with it
            f'outgoing: {where}: must be an Address, got {type(value).__name__}; write Address("support@post.acme.example", "Name")'
        )
    return value


def is_identifier(text: str) -> bool:
    """Whether the text is a Message-ID that other programs can read between brackets. RFC 5322 3.6.4."""
    return _ID.fullmatch(text) is not None
