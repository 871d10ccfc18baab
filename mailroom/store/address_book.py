"""The address book in a tenant's table: one item, which a deployment writes whole."""

from __future__ import annotations

from datetime import datetime

from mailroom.addresses import AddressBook, DesignatedAddress
from mailroom.store.keys import BOOK_KEY, PARTITION, SORT
from mailroom.store.table import Item, Table

__all__ = ["address_book_item", "read_address_book"]


def address_book_item(book: AddressBook) -> Item:
    """The book as the item that it is, without `written`, which is for whoever writes it to say."""
    return {
        PARTITION: BOOK_KEY[0],
        SORT: BOOK_KEY[1],
        "subdomain": book.subdomain,
        "catch_all": book.catch_all,
        "live": book.live,
        "addresses": [
            {"address": one.address, "name": one.name, "sends": one.sends, "receives": one.receives}
            for one in book.addresses
        ],
    }


def read_address_book(table: Table) -> AddressBook | None:
    """The book; None before a deployment wrote one. Raises RetryableError."""
    item = table.get(BOOK_KEY)
    if item is None:
        return None
    return AddressBook(
        subdomain=item["subdomain"],
        addresses=tuple(DesignatedAddress(**one) for one in item["addresses"]),
        catch_all=item["catch_all"],
        live=item["live"],
        written=datetime.fromisoformat(item["written"]),
    )
