"""Answers to messages: recipients, references, and the limits of automatic answers. Pure."""

from __future__ import annotations

import re
from typing import Final, TypedDict

from mailroom.addresses import DesignatedAddress
from mailroom.messages.model import Address, Message
from mailroom.outbox.model import Outgoing, OutgoingFile, is_identifier
from mailroom.outbox.unanswered import why_unanswered

__all__ = ["Answering", "answering", "reply_to"]

_MOST_REFERENCES: Final = 20
_MOST_SUBJECT: Final = 300
_BREAKS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_MACHINES: Final = frozenset({"mailer-daemon", "mail-daemon", "postmaster", "noreply", "no-reply"})


class Answering(TypedDict, total=False):
    """The result of `answering`: keyword arguments of `Outgoing`; empty for a message without a Message-ID.

    Attributes:
        in_reply_to: Message-ID of the answered message, without brackets.
        references: Message-IDs of its ancestors and its own, oldest first, at most twenty.
    """

    in_reply_to: str
    references: tuple[str, ...]


def answering(message: Message) -> Answering:
    """`in_reply_to` and `references` of an answer to this message, so that each mail client shows it below the message.

        Outgoing(..., **answering(stored.content))

    Args:
        message: the message to answer; without a Message-ID the result is empty.

    Source: RFC 5322 3.6.4.
    """
    if not is_identifier(message.message_id):
        return {}
    before = message.references or message.in_reply_to[:1]
    chain = tuple(dict.fromkeys(one for one in (*before, message.message_id) if is_identifier(one)))
    if len(chain) > _MOST_REFERENCES:
        # The first one begins the thread; the last ones are the nearest.
        chain = (chain[0], *chain[1 - _MOST_REFERENCES :])
    return {"in_reply_to": message.message_id, "references": chain}


def reply_to(
    message: Message,
    *,
    sender: Address | DesignatedAddress,
    text: str,
    html: str = "",
    attachments: tuple[OutgoingFile, ...] = (),
    everybody: bool = False,
    automatic: bool = False,
    anyway: bool = False,
) -> Outgoing:
    """An answer to a message, ready for `Outbox.send`: to its author, in its thread, with "Re: " before its subject.

    It goes to Reply-To, or else to From. An answer to a message from `sender` itself goes to that message's recipients. An
    automatic answer goes to the envelope sender, with "Auto: " before its subject. The answer to a message without a Message-ID
    begins a new thread, as only a Message-ID can refer to the answered message.

    Args:
        message: the message to answer: `content` of a StoredMessage.
        sender: a designated address of the tenant: one of `AddressBook.senders`.
        text: the body as plain text. The answer does not quote the message.
        html: the same as HTML. Default: none.
        attachments: files, and images of the HTML. Default: none.
        everybody: whether all other recipients get a copy. Default: False. An automatic answer goes to one recipient only.
        automatic: whether a program wrote it. Default: False.
        anyway: whether to answer a message that must not be answered, because a person decided so. Default: False.

    Raises:
        ValueError: the message has no usable sender, or must not be answered: it is automatic itself, a bounce or another report.
            An automatic answer is also refused to bulk mail, mailing lists, mail without an envelope sender, mail systems and
            `sender` itself. The text gives the reason, and no address.

    Source: RFC 5322 3.6.3 and 3.6.4; RFC 3834 2, 3.1.5 and 4.
    """
    own = Address(sender.address, sender.name)
    others: tuple[Address, ...] = ()
    if automatic:
        to = _automatically(message)
        if not anyway and (why := _why_not(message, to, own)):
            raise ValueError(
                f"reply: an automatic answer may not be sent, because {why}; leave it, or pass anyway=True"
            )
    else:
        if not anyway and (why := why_unanswered(message.kinds, automatic=False)):
            raise ValueError(
                f"reply: may not be sent, because {why}; leave it, or pass anyway=True if a person answers"
            )
        to = _usable(message.reply_to or message.from_)
        if everybody:
            others = _usable((*message.to, *message.cc))
        if _is_one_of(own, to):
            to = _usable(message.to)
    if not to:
        raise ValueError(
            "reply: the message must have a sender who can be answered, got none; send an Outgoing of your own"
        )
    seen = {_folded(one) for one in (own, *to)}
    return Outgoing(
        sender=own,
        to=to,
        cc=tuple({_folded(one): one for one in others if _folded(one) not in seen}.values()),
        subject=_subject(message.subject, "Auto: " if automatic else "Re: "),
        text=text,
        html=html,
        attachments=attachments,
        automatic=automatic,
        anyway=anyway,
        **answering(message),
    )


def _automatically(message: Message) -> tuple[Address, ...]:
    """Recipient of an automatic answer: the envelope sender, which may differ from the header; From without an envelope of SES."""
    return _usable((Address(message.envelope.sender),) if message.envelope.ses_id else message.from_[:1])


def _why_not(message: Message, to: tuple[Address, ...], own: Address) -> str:
    """Reason why no program may answer the message; "" where one may."""
    if why := why_unanswered(message.kinds, automatic=True):
        return why
    if message.envelope.ses_id and not message.envelope.sender:
        return "its envelope has no sender"
    for one in (*to, *message.from_, *message.sender):
        local = one.address.rpartition("@")[0].lower()
        if local in _MACHINES or local.startswith("owner-") or local.endswith("-request"):
            return "a mail system sent it"
    return "it comes from the sender of the answer" if _is_one_of(own, (*to, *message.from_)) else ""


def _usable(boxes: tuple[Address, ...]) -> tuple[Address, ...]:
    """Mailboxes with an address, each once, without their groups; names are on one line, as header fields need it."""
    found = {_folded(one): Address(one.address, _BREAKS.sub(" ", one.name)) for one in boxes if "@" in one.address}
    return tuple(found.values())


def _is_one_of(one: Address, boxes: tuple[Address, ...]) -> bool:
    return _folded(one) in {_folded(box) for box in boxes}


def _folded(one: Address) -> str:
    return one.address.casefold()


def _subject(subject: str, prefix: str) -> str:
    plain = _BREAKS.sub(" ", subject).strip()[:_MOST_SUBJECT]
    return plain if plain.lower().startswith(prefix.strip().lower()) else f"{prefix}{plain}".rstrip()
