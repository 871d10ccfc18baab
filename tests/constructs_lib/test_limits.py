"""Limits of one tenant."""

from __future__ import annotations

from boto3.dynamodb.types import TypeSerializer
from hypothesis import given
from hypothesis import strategies as st

from constructs_lib.limits import attributes, book_bytes, sender_characters
from mailroom.addresses import AddressBook, DesignatedAddress
from mailroom.store.address_book import address_book_item

ADDRESSES = st.builds(
    DesignatedAddress, st.text(max_size=20), st.text(max_size=20), sends=st.booleans(), receives=st.booleans()
)


@given(st.lists(ADDRESSES, max_size=5), st.text(max_size=20), st.booleans())
def test_attributes_are_as_the_aws_sdk_writes_them(
    addresses: list[DesignatedAddress], subdomain: str, live: bool
) -> None:
    """The config has no AWS SDK to ask."""
    item = address_book_item(AddressBook(subdomain=subdomain, addresses=tuple(addresses), live=live))
    assert attributes(item) == TypeSerializer().serialize(item)["M"]


def test_bytes_are_counted_as_utf_8() -> None:
    """A name of two bytes a letter takes twice."""
    books = [AddressBook(subdomain="x", addresses=(DesignatedAddress("a@x", name),)) for name in ("", "a", "ä")]
    empty, one, two = map(book_bytes, books)
    assert (one - empty, two - empty) == (1, 2)


def test_a_sender_counts_once_with_quotes_and_comma() -> None:
    """As JSON writes a list."""
    assert sender_characters(["a@x", "a@x", "b@xy"]) == 6 + 7
