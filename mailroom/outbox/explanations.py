"""Explanations of refusals: the address or file, and the rule. Pure.

Addresses and files are named by their place in the message, "to 2" or "attachment 1": a request contains no address.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from mailroom.addresses import AddressBook
from mailroom.findings import Finding
from mailroom.messages.addresses import addresses
from mailroom.messages.mime import Header
from mailroom.messages.words import ignore_problem
from mailroom.outbox.model import Outgoing

__all__ = ["of_deadline", "of_findings", "of_gone", "of_sender", "of_ses", "places_of_files"]

_RULES: Final = {"infected": "infected", "encrypted": "encrypted", "over-limit": "over_limit"}
_NOT_VERIFIED: Final = "is not verified, which SES's sandbox asks for; verify it, or ask AWS for production access"
_OF_SES: Final = {
    "SendingPausedException": "sending of the account or of the tenant is paused; see `email-stack status`",
    "AccountSuspendedException": "SES suspended the account; see `email-stack status`",
    "MailFromDomainNotVerifiedException": "the MAIL FROM domain has no records in DNS; see `email-stack dns-check`",
}
_OF_SENDER: Final = {
    "automatic": "in_reply_to: names a message that must not be answered, since a program sent it, or a list to which no program "
    "answers; leave it, or send with anyway=True under another key if a person decided so",
    "sender": "sender: must be one address that every program reads alike",
    "off": "sender: this address, or its domain, is switched off in the organisation's settings",
    "recipient": "to, cc, bcc: hold an address that is not one of those that the organisation's settings allow",
    "repeated": "the same message was asked for a short time ago, and the organisation's settings allow it once in that time",
}


def places_of_files(outgoing: Outgoing) -> tuple[str, ...]:
    """Number of the MIME part of each attachment, in their order, as `compose` puts them together."""
    beside = [one for one in outgoing.attachments if not one.content_id]
    body = "1.2" if beside else "2"
    file, shown = 1, 1
    places = []
    for one in outgoing.attachments:
        if one.content_id:
            shown += 1
            places.append(f"{body}.{shown}")
        else:
            file += 1
            places.append(str(file))
    return tuple(places)


def of_findings(findings: Sequence[Finding], places: Sequence[str]) -> str:
    """For a message that the scanner did not deliver: the file, the finding and the setting.

    Args:
        findings: the findings, worst first.
        places: places of the attachments, from `places_of_files`.
    """
    if not findings:
        return "the scanner found something in it that the tenant's policy never delivers"
    # A file with a number explains more than its whole container.
    found = next((one for one in findings if one.path), findings[0])
    rule = f"; scanning.{_RULES[found.verdict]} delivers no such file" if found.verdict in _RULES else ""
    signature = f", {found.signature}" if found.signature else ""
    return f"{_where(found.path, places)}: {found.verdict}{signature}{rule}"


def of_ses(code: str, said: str, header: Header, sender: str, book: AddressBook | None) -> str:
    """Of what SES refused: which address, and what to do; "" where its code says it all.

    Args:
        code: SES's.
        said: SES's own text, which may hold addresses.
        header: of the message.
        sender: its author.
        book: the tenant's addresses; None where none is known.
    """
    if code.startswith("AccessDenied"):
        may = book is not None and sender in {one.address for one in book.senders}
        if not may:
            return "sender: must be one of AddressBook.senders, letter by letter; take it from there, or designate it"
        return "sender: is designated, but the function's role may not send from it; deploy the tenant again"
    if code == "MessageRejected" and "not verified" in said.lower():
        named = [place for place, address in _boxes(header) if address and address.casefold() in said.casefold()]
        return f"{', '.join(named) or 'an address'}: {_NOT_VERIFIED}"
    return _OF_SES.get(code, "")


def of_sender(reason: str) -> str:
    """For a message that its header or the organisation's settings forbid."""
    return _OF_SENDER[reason]


def of_gone() -> str:
    """For a message that was deleted while it waited."""
    return "the message was deleted from the bucket before it was sent; send it again under another key"


def of_deadline(reason: str) -> str:
    """For a message that missed its deadline."""
    waited = {"quota": "waiting for SES's quota", "unreachable": "waiting for SES to be reached"}
    return f"deadline: passed while it was {waited.get(reason, 'waiting for the scanner')}; send it under another key"


def _where(path: str, places: Sequence[str]) -> str:
    part = path.partition(":")[0]
    for number, place in enumerate(places, start=1):
        if part == place or part.startswith(f"{place}."):
            return f"attachment {number}"
    return "the message"


def _boxes(header: Header) -> Iterator[tuple[str, str]]:
    """Addresses of the header, each with its place in the Outgoing."""
    for field, place in (("from", "sender"), ("to", "to"), ("cc", "cc"), ("bcc", "bcc")):
        boxes = [box for value in header.every(field) for box in addresses(value, ignore_problem)]
        for number, box in enumerate(boxes, start=1):
            yield place if place == "sender" else f"{place} {number}", box.address
