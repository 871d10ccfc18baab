"""The address book in a tenant's table: one item, written after a deployment."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from mailroom.addresses import AddressBook, DesignatedAddress
from mailroom.store.keys import BOOK_KEY, PARTITION, SORT
from mailroom.store.run_time import AddressNow, RunTime, read_run_time
from mailroom.store.table import ConflictError, Item, Table, Write

__all__ = [
    "METADATA",
    "address_book_item",
    "book_as_json",
    "confirm_address_book",
    "put_address_book",
    "read_address_book",
]

_NO_SETTINGS: Final = AddressNow()
METADATA: Final = "mail:address-book"
"""Key of the book in a template: in the metadata of the parameter with the tenant's entry."""


def book_as_json(book: AddressBook) -> dict[str, Any]:
    """The book as a template has it, without `written`."""
    return {
        "subdomain": book.subdomain,
        "catch_all": book.catch_all,
        "live": book.live,
        "addresses": [
            {"address": one.address, "name": one.name, "sends": one.sends, "receives": one.receives}
            for one in book.addresses
        ],
    }


def address_book_item(book: AddressBook) -> Item:
    """The book's item, without `written`, which the writer adds."""
    return {PARTITION: BOOK_KEY[0], SORT: BOOK_KEY[1], **book_as_json(book)}


def put_address_book(table: Table, book: AddressBook, *, digest: str, now: datetime) -> None:
    """Write the book over any earlier one. Raises RetryableError.

    Args:
        table: the tenant's.
        book: the deployed book.
        digest: its digest.
        now: its time for readers.
    """
    table.put({**address_book_item(book), "digest": digest, "written": now.isoformat()})


def confirm_address_book(table: Table, *, digest: str, now: datetime) -> bool:
    """Confirm that the book of this digest is in the table now. False for another book or none, which stays.

    Raises RetryableError.
    """
    same = Write(
        update=(BOOK_KEY, "SET #written = :written"),
        condition="#digest = :digest",
        values={":written": now.isoformat(), ":digest": digest},
    )
    try:
        table.change(same)
    except ConflictError:
        return False
    return True


def read_address_book(table: Table) -> AddressBook | None:
    """The present book; None before a deployment wrote one. Raises RetryableError.

    If the tenant's organisation has settings of its own, names, switched-off addresses and the primary address come from them.
    """
    item = table.get(BOOK_KEY)
    if item is None:
        return None
    deployed = AddressBook(
        subdomain=item["subdomain"],
        addresses=tuple(DesignatedAddress(**one) for one in item["addresses"]),
        catch_all=item["catch_all"],
        live=item["live"],
        written=datetime.fromisoformat(item["written"]),
    )
    run_time = read_run_time(table)
    return deployed if run_time is None else _now(deployed, run_time)


def _now(book: AddressBook, run_time: RunTime) -> AddressBook:
    """The deployed book with the present settings. It has deployed addresses only."""
    addresses = []
    for one in book.addresses:
        known = run_time.addresses.get(one.address.lower())
        if known is None:
            addresses.append(one)
            continue
        on = run_time.is_on(one.address)
        addresses.append(
            replace(one, name=known.name or one.name, sends=one.sends and on, receives=one.receives and on)
        )
    first = [one.address for one in addresses if run_time.addresses.get(one.address.lower(), _NO_SETTINGS).primary]
    return replace(
        book, addresses=tuple(addresses), live=book.live and run_time.live, primary=first[0] if first else ""
    )
