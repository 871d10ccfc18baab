"""The address book is read as it was written."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailroom.addresses import AddressBook, DesignatedAddress
from mailroom.store.address_book import address_book_item
from tests.mailroom.store.conftest import Store

TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
ADDRESSES = st.builds(DesignatedAddress, TEXT, TEXT, sends=st.booleans(), receives=st.booleans())
BOOKS = st.builds(
    AddressBook,
    subdomain=TEXT,
    addresses=st.lists(ADDRESSES, max_size=5).map(tuple),
    catch_all=st.booleans(),
    live=st.booleans(),
)


def test_before_the_first_deployment_is_done(store: Store) -> None:
    """There is none."""
    assert store.reader.address_book() is None


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(BOOKS)
def test_book_is_as_it_was_written(store: Store, book: AddressBook) -> None:
    """Whatever names are made of; the next one replaces it whole."""
    store.writer().table.put({**address_book_item(book), "written": "2026-11-23T10:00:00.123Z"})
    written = datetime(2026, 11, 23, 10, 0, 0, 123_000, tzinfo=UTC)
    assert store.reader.address_book() == replace(book, written=written)
