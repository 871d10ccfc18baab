"""Identifiers in the headers of a message, also where a sender encoded them. Pure."""

from __future__ import annotations

import re
from typing import Final

from mailroom.messages.words import Note, decoded_words
from mailroom.threads import message_ids

__all__ = ["identifiers_of"]

_BRACKETED: Final = re.compile(r"(<[^<>]*+>)")


def identifiers_of(header: str, note: Note) -> tuple[str, ...]:
    """The identifiers of a header, also those in encoded words, as some programs write long ones.

    No standard allows encoded identifiers; a text between brackets is an identifier as it is.

    Args:
        header: value of a Message-ID, In-Reply-To or References field, unfolded.
        note: called with each problem.

    Source: RFC 2047 5, which allows encoded words elsewhere only.
    """
    if "=?" not in header:
        return message_ids(header)
    pieces = _BRACKETED.split(header)
    plain = (piece if number % 2 else decoded_words(piece, note) for number, piece in enumerate(pieces))
    return message_ids("".join(plain))
