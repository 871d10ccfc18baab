"""The link of a message for threads. Pure."""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum
from typing import Final

from mailroom.messages.languages import LANGUAGES
from mailroom.messages.model import Message
from mailroom.threads import ThreadNode

__all__ = ["JoinBy", "node_of", "plain_subject"]


def _folded(word: str) -> str:
    return unicodedata.normalize("NFC", word).casefold()


class JoinBy(StrEnum):
    """Further ways to join messages into threads, besides Message-IDs. None is on by default."""

    THREAD_INDEX = "thread-index"
    """Outlook's name of the conversation, which answers of Outlook keep where a gateway took their identifiers away."""
    SUBJECT = "subject"
    """The subject without the marks of answers. Joins strangers who write of the same thing: only for mail from programs."""


_MARKS: Final = frozenset(
    {
        "re",
        "aw",
        "fw",
        "fwd",
        "ref",
        *(_folded(one) for language in LANGUAGES for one in (*language.answers, *language.forwards)),
    }
)
"""Marks of answers and forwarded mail, in any language; RFC 5256 has the English ones."""
_COUNT: Final = re.compile(r"\[[^\[\]]{0,30}+\]|\(\d{1,3}+\)")
"""Such as `[2]` in `Re[2]:`."""
_LONGEST_MARK: Final = 40
_MOST_MARKS: Final = 100
_WHITE: Final = re.compile(r"\s++")


def node_of(message: Message, key: str, join_by: frozenset[JoinBy] = frozenset()) -> ThreadNode:
    """The message's link for threads. A report answers the message that it reports on.

    Args:
        message: the parsed message.
        key: its id.
        join_by: further ways to join it.
    """
    answered = message.in_reply_to
    if message.report is not None and message.report.original_message_id:
        answered = (*answered, message.report.original_message_id)
    also = []
    if JoinBy.THREAD_INDEX in join_by and message.thread_index:
        also.append(f"thread-index:{message.thread_index}")
    if JoinBy.SUBJECT in join_by and (subject := plain_subject(message.subject)):
        also.append(f"subject:{subject}")
    return ThreadNode(
        key=key,
        message_id=message.message_id,
        in_reply_to=answered,
        references=message.references,
        date=message.date,
        also=tuple(also),
    )


def plain_subject(subject: str) -> str:
    """The base subject, in small letters; "" for a subject of marks only.

    `[Garten] Re: Beete (fwd)`, `Re: [Fwd: Beete]` and `AW[2]: Beete` are all `beete`; `[Garten]` alone stays.

    Source: RFC 5256 2.1; the marks of other languages besides.
    """
    base = _folded(_WHITE.sub(" ", subject)).strip()
    for _ in range(_MOST_MARKS):
        without = _without_one(base)
        if without == base:
            break
        base = without
    return base


def _without_one(base: str) -> str:
    """The subject without one trailer, mark, tag or wrapping."""
    if base.endswith("(fwd)"):
        return base[:-5].rstrip()
    if base.startswith("[fwd:") and base.endswith("]"):
        return base[5:-1].strip()
    rest = _without_mark(base)
    if rest is None and base.startswith("["):
        # RFC 5256: a tag is removed only in front of further text.
        end = base.find("]")
        if end > 0 and "[" not in base[1:end]:
            rest = base[end + 1 :].strip() or None
    return base if rest is None else rest


def _without_mark(base: str) -> str | None:
    """The subject without its mark, which may have a count or a tag; None for a subject without a mark."""
    colon = min((at for at in (base.find(one, 0, _LONGEST_MARK) for one in (":", "\uff1a")) if at > 0), default=0)
    word = _COUNT.sub("", base[:colon]).rstrip()
    return base[colon + 1 :].lstrip() if word in _MARKS else None
