"""Shows messages on a terminal, without effect of their senders' control characters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from rich.text import Text

from email_stack.output.printable import escaped, escaped_lines

if TYPE_CHECKING:
    from mailroom.messages import Address, Attachment, Message

__all__ = ["at_depth", "attachments_of", "header_of", "shown_addresses", "shown_time", "whole"]

_MOST_DEPTH: Final = 12
"""Deepest indent of an answer."""
_MOST_ADDRESSES: Final = 10
_LONGEST_LINE: Final = 1000


def shown_time(moment: datetime | None) -> str:
    """A moment, in UTC, to the minute."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M}" if moment is not None else "no date         "


def shown_addresses(addresses: Iterable[Address]) -> str:
    """Addresses, the first ten; a name never hides the address beside it."""
    listed = list(addresses)
    shown = [f"{escaped(one.name)} <{escaped(one.address)}>" if one.name else escaped(one.address) for one in listed]
    more = len(shown) - _MOST_ADDRESSES
    return ", ".join(shown[:_MOST_ADDRESSES]) + (f" and {more} more" if more > 0 else "")


def at_depth(text: Text, depth: int) -> Text:
    """A line with its indent in the thread's tree."""
    return Text("  " * (min(depth, _MOST_DEPTH) + 1)) + text


def header_of(message: Message) -> Text:
    """One line of a message: when, who, what."""
    kinds = ", ".join(sorted(message.kinds))
    return Text.assemble(
        (shown_time(message.date), "dim"),
        "  ",
        (shown_addresses(message.from_) or "(no author)", "bold"),
        f"  {escaped(message.subject) or '(no subject)'}",
        f"  [{kinds}]" if kinds else "",
    )


def attachments_of(message: Message) -> Iterator[Text]:
    """One line for each attachment, and one for each problem of the parser."""
    for one in message.attachments:
        yield Text(f"  attachment {_shown_attachment(one)}")
    for problem in message.problems:
        yield Text(f"  noted: {escaped(problem.place)}: {problem.what}")


def whole(message: Message) -> Iterator[Text]:
    """A message line by line: its header, its text, its attachments."""
    named = {
        "From": shown_addresses(message.from_),
        "To": shown_addresses(message.to),
        "Cc": shown_addresses(message.cc),
        "Reply-To": shown_addresses(message.reply_to),
        "Date": message.date.isoformat(sep=" ") if message.date is not None else "",
        "Subject": escaped(message.subject, _LONGEST_LINE),
        "Message-ID": escaped(message.message_id),
        "Kinds": ", ".join(sorted(message.kinds)),
        "Found by SES": ", ".join(
            f"{name} {escaped(found)}" for name, found in sorted(message.envelope.verdicts.items())
        ),
    }
    for name, value in named.items():
        if value:
            yield Text.assemble((f"{name}: ", "bold"), value)
    if message.report is not None:
        yield Text.assemble(("Reports on: ", "bold"), escaped(message.report.original_message_id) or "(not said)")
        for one in message.report.recipients:
            said = " ".join(filter(None, (one.action, one.status, one.diagnostic)))
            yield Text(f"  {escaped(one.address)}: {escaped(said)}")
    yield Text()
    yield Text.assemble(escaped_lines(message.reply), (escaped_lines(message.quoted), "dim"))
    yield from attachments_of(message)


def _shown_attachment(one: Attachment) -> str:
    name = escaped(one.filename) if one.filename else "without a name"
    inline = f", inline as {escaped(one.content_id)}" if one.content_id else ""
    size = f"{one.size:,} byte{'' if one.size == 1 else 's'}"
    return f"{one.path or 'message'}: {name} ({escaped(one.content_type)}, {size}{inline})"
