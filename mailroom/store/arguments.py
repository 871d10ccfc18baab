"""Arguments of callers in the store's form. An argument that cannot be right is an error, and no empty result. Pure."""

from __future__ import annotations

from typing import Final

from mailroom.messages.addresses import addresses

__all__ = ["MOST_ITEMS", "address_of", "message_id_of", "page_size"]

MOST_ITEMS: Final = 100
"""Items of one page."""


def page_size(limit: int) -> int:
    """Most items of a page; 100 for a greater number.

    Raises:
        ValueError: `limit` is no number from 1 up.
    """
    if not isinstance(limit, int) or isinstance(limit, bool):
        raise ValueError(f"limit: must be a whole number from 1 to {MOST_ITEMS}, got {type(limit).__name__}")  # noqa: TRY004 - a value, as all that is wrong with it
    if limit < 1:
        raise ValueError(f"limit: must be 1 to {MOST_ITEMS}, got {limit}; leave it out for the default")
    return min(limit, MOST_ITEMS)


def message_id_of(text: str) -> str:
    """The identifier without white space and brackets around it.

    Raises:
        ValueError: no text is left.
    """
    plain = text.strip()
    if plain.startswith("<") and plain.endswith(">"):
        plain = plain[1:-1].strip()
    if not plain:
        raise ValueError("message_id: must be a Message-ID such as a1b2@example.net, got an empty one")
    return plain


def address_of(text: str) -> str:
    """The address without a name beside it.

    Raises:
        ValueError: the text has no address, or more than one. The error repeats none.
    """
    plain = text.strip()
    if any(mark in plain for mark in "<>,;"):
        found = [one.address for one in addresses(plain, lambda _what: None) if one.address]
        if len(found) != 1:
            raise ValueError(f"address: must be one address such as anna@example.net, got {len(found)}")
        return found[0]
    if not plain:
        raise ValueError("address: must be an address such as anna@example.net, got an empty one")
    return plain
