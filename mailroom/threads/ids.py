"""Message identifiers, as headers hold them: well-formed, folded, without brackets, or with prose around them. Pure."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["MOST_IDS", "message_ids"]

MOST_IDS: Final = 50
"""Most identifiers of one header: the first one, which begins the thread, and the last ones, which are the nearest."""

_BRACKETED: Final = re.compile(r"<([^<>]*+)>")
_BARE: Final = re.compile(r"[^\s<>()\",;]++")
_COMMENT: Final = re.compile(r"\([^()]*+\)")
_MOST_CHARACTERS: Final = 998
"""RFC 5322 2.1.1: longest line; an identifier has one line."""


def message_ids(header: str) -> tuple[str, ...]:
    """The identifiers in a Message-ID, In-Reply-To or References header, in order, without brackets and duplicates.

    Whitespace within brackets is wrong folding, and is removed. Without brackets, words with an @ count. Empty identifiers, and
    those longer than a line, are ignored.

    Args:
        header: the header's value, folded or unfolded.

    Source: RFC 5322 3.6.4 and 4.5.4; the forms of In-Reply-To that RFC 822 allowed.
    """
    found = [_plain(match) for match in _BRACKETED.findall(header)]
    if not any(found):
        found = [word for word in _BARE.findall(header) if "@" in word[1:-1]]
    ids = tuple(dict.fromkeys(one for one in found if 0 < len(one) <= _MOST_CHARACTERS))
    return ids if len(ids) <= MOST_IDS else (ids[0], *ids[1 - MOST_IDS :])


def _plain(written: str) -> str:
    """The identifier without white space, and without comments beside white space. RFC 5322 4.5.4."""
    plain = "".join(written.split())
    return _COMMENT.sub("", plain) if plain != written and "(" in plain else plain
