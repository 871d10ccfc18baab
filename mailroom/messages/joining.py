"""What a message says of the thread it is in. Pure."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final

from mailroom.messages.model import Message
from mailroom.threads import Link

__all__ = ["JoinBy", "link_of", "plain_subject"]


class JoinBy(StrEnum):
    """What else than identifiers may make one thread of messages; by default nothing does."""

    THREAD_INDEX = "thread-index"
    """Outlook's name of the conversation, which answers of Outlook keep where a gateway took their identifiers away."""
    SUBJECT = "subject"
    """The subject without the marks of answers. Joins strangers who write of the same thing: only for mail from programs."""


_MARKS: Final = re.compile(
    r"\A(?:\s*+(?:re|aw|antw|antwort|sv|vs|rv|ref|fw|fwd|wg|tr|rif|odp|doorst|enc)\s*+"
    r"(?:(?:\[\d{1,3}+\]|\(\d{1,3}+\))\s*+)?[:\uff1a])+\s*+",
    re.IGNORECASE,
)
_WHITE: Final = re.compile(r"\s++")


def link_of(message: Message, key: str, join_by: frozenset[JoinBy] = frozenset()) -> Link:
    """The message as threads know it. A report answers the message that it is about.

    Args:
        message: as it was read.
        key: names it.
        join_by: what else joins it.
    """
    answered = message.in_reply_to
    if message.report is not None and message.report.original_message_id:
        answered = (*answered, message.report.original_message_id)
    also = []
    if JoinBy.THREAD_INDEX in join_by and message.thread_index:
        also.append(f"thread-index:{message.thread_index}")
    if JoinBy.SUBJECT in join_by and (subject := plain_subject(message.subject)):
        also.append(f"subject:{subject}")
    return Link(
        key=key,
        message_id=message.message_id,
        in_reply_to=answered,
        references=message.references,
        date=message.date,
        also=tuple(also),
    )


def plain_subject(subject: str) -> str:
    """The subject without marks of answers and forwarded mail, in small letters; "" when nothing else is there."""
    return _WHITE.sub(" ", _MARKS.sub("", subject)).strip().casefold()
