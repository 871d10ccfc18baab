"""Writes that meet transactions of others: such a conflict is no answer, and nothing is concluded from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest

from mailroom.addresses import AddressBook
from mailroom.errors import RetryableError
from mailroom.settings.store import SettingsStore
from mailroom.store import Table
from mailroom.store.address_book import confirm_address_book, put_address_book
from mailroom.store.keys import EXPIRES, PARTITION, RUN_TIME_KEY, SORT
from mailroom.store.retention import begin_pass, pass_of, take_pages
from mailroom.store.run_time import RunTime, put_run_time, read_run_time
from mailroom.store.table import ConflictError, UnderWayError, Write
from tests.mailroom.store.conftest import START, arrival, mail
from tests.mailroom.store.memory import MemoryTable, failure
from tests.mailroom.store.test_joining import Memory

ITEM = {PARTITION: "a", SORT: "b", "n": 1}


@pytest.fixture(autouse=True)
def _without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mailroom.store.table.time.sleep", lambda _seconds: None)


def meets(client: MemoryTable, tries: int, where: Callable[[Mapping[str, Any]], bool] = lambda _request: True) -> None:
    """So many writes of one kind meet a transaction."""
    left = [tries]

    def hook(name: str, request: Mapping[str, Any], when: str) -> None:
        if (
            name in {"put_item", "update_item", "transact_write_items"}
            and when == "before"
            and left[0]
            and where(request)
        ):
            left[0] -= 1
            if name == "transact_write_items":
                raise failure("TransactionCanceledException", name, ["TransactionConflict"])
            raise failure("TransactionConflictException", name)

    client.hook = hook


def of(request: Mapping[str, Any], key: tuple[str, str]) -> bool:
    """Whether a single write is of this item."""
    there = request.get("Item") or request.get("Key") or {}
    return bool(there) and (there[PARTITION]["S"], there[SORT]["S"]) == key


WRITES: dict[str, Callable[[Table], None]] = {
    "put": lambda table: table.put(ITEM),
    "change": lambda table: table.change(Write(put=ITEM)),
    "write": lambda table: table.write([Write(put=ITEM)]),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_write_that_meets_a_transaction(write: Callable[[Table], None]) -> None:
    """It is tried again; where that goes on, the error says so: it is retryable, and no failed condition."""
    client: Any = MemoryTable()
    table = Table(client=client, name="messages")
    meets(client, 7)
    write(table)
    assert table.get(("a", "b")) == ITEM
    meets(client, 8)
    with pytest.raises(RetryableError, match="table messages: an item is written by others; try again") as raised:
        write(table)
    assert isinstance(raised.value, UnderWayError)
    assert not isinstance(raised.value, ConflictError)


def test_run_time_settings_are_not_taken_for_older() -> None:
    """A conflict is no later revision: the caller hears of it, and brings the settings again."""
    client: Any = MemoryTable()
    table = Table(client=client, name="messages")
    meets(client, 8, lambda request: of(request, RUN_TIME_KEY))
    with pytest.raises(RetryableError):
        put_run_time(table, RunTime(revision=2, live=False), [], START)
    assert put_run_time(table, RunTime(revision=2, live=False), [], START)
    found = read_run_time(table)
    assert found is not None
    assert not found.live


def test_address_book_is_not_taken_for_another() -> None:
    """A conflict is no other book."""
    client: Any = MemoryTable()
    table = Table(client=client, name="messages")
    book = AddressBook(subdomain="post.acme.example", addresses=())
    put_address_book(table, book, digest="d", now=START)
    meets(client, 8)
    with pytest.raises(RetryableError):
        confirm_address_book(table, digest="d", now=START)
    assert confirm_address_book(table, digest="d", now=START)
    assert not confirm_address_book(table, digest="e", now=START)


def test_pass_leaves_out_no_item() -> None:
    """An item that others write while the pass comes to it gets its end when the pass goes on."""
    store = Memory()
    digest = store.writer.file(arrival(mail("a"))).digest
    key = (f"MESSAGE#{digest}", "MESSAGE")
    begun = begin_pass(store.table, timedelta(days=30), store.now)
    meets(store.client, 8, lambda request: of(request, key))
    with pytest.raises(RetryableError):
        take_pages(store.table, begun, lambda: store.now, lambda _: None)
    again = pass_of(store.table)
    assert again is not None
    assert take_pages(store.table, again, lambda: store.now, lambda _: None).done
    assert EXPIRES in store.client.items[key]


def test_confinement_is_marked_whatever_else_is_written() -> None:
    """An organisation that has settings is not taken for one without: the operator hears of it."""
    client: Any = MemoryTable()
    store = SettingsStore(table=Table(client=client, name="settings"), clock=lambda: START)
    meets(client, 8, lambda request: "UpdateExpression" in request)
    with pytest.raises(RetryableError):
        store.confine("acme", True)
