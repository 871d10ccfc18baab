"""Addresses that bounced or complained: what is kept of them, whatever comes in whatever order."""

from __future__ import annotations

import itertools
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from emulator import Emulator
from mailroom.store.suppression import forget, suppress
from mailroom.tracking import SendingEvent, SendingEventKind
from tests.mailroom.store.conftest import START, Store, everything, new_store

ANNA = "anna@example.net"


def event(kind: SendingEventKind, minute: int = 0) -> SendingEvent:
    """Of a message that nobody asks for here."""
    return SendingEvent(kind, "0107-1", START + timedelta(minutes=minute))


BOUNCE, COMPLAINT = SendingEventKind.BOUNCE, SendingEventKind.COMPLAINT
EVENTS = [event(BOUNCE, 1), event(BOUNCE, 5), event(COMPLAINT, 3), event(COMPLAINT, 2)]


def test_the_latest_of_each_counts(store: Store) -> None:
    """In whatever order they come, and however often."""
    table = store.writer().table
    for order in itertools.permutations(EVENTS):
        address = f"{''.join(str(EVENTS.index(one)) for one in order)}@example.net"
        for one in (*order, order[0]):
            suppress(table, address, one, plain=False)
        found = store.reader.suppression(address)
        assert found is not None
        assert (found.bounced, found.complained) == (START + timedelta(minutes=5), START + timedelta(minutes=3)), order


def test_many_at_once(store: Store) -> None:
    """Eight writers of one address that nobody knew: both of its events are there, and one key."""
    table = store.writer().table
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: suppress(table, ANNA, EVENTS[number % 4], plain=True), range(16)))
    (found,) = store.reader.suppressions().items
    assert (found.address, found.bounced, found.complained) == (
        ANNA,
        START + timedelta(minutes=5),
        START + timedelta(minutes=3),
    )
    assert len([item for item in store.items() if item["sk"] == "KEY"]) == 1


def test_address_is_kept_where_the_tenant_says_so(store: Store) -> None:
    """And found by both; what is kept as a digest from then on is one at its next event."""
    table = store.writer().table
    suppress(table, "Anna@Example.net", event(BOUNCE, 1), plain=True)
    assert [one.address for one in store.reader.suppressions().items] == [ANNA]
    suppress(table, ANNA, event(BOUNCE, 2), plain=False)
    found = store.reader.suppression("ANNA@example.net")
    assert found is not None
    assert found.address == ""
    assert "anna" not in json.dumps([item for item in store.items() if item["pk"] == "SUPPRESSED"])


def test_the_same_address_of_two_tenants(store: Store, emulator: Emulator) -> None:
    """Has digests that nobody can tell to be of one address."""
    other = new_store(emulator)
    for one in (store, other):
        suppress(one.writer().table, ANNA, event(BOUNCE), plain=False)
    digests = [one.digest for each in (store, other) for one in each.reader.suppressions().items]
    assert len(set(digests)) == 2
    assert all(len(one) == 64 for one in digests)


def test_what_is_dropped_is_gone(store: Store) -> None:
    """In whatever case the address is written; others stay, and a later event counts again."""
    table = store.writer().table
    forget(table, ANNA)
    for address in (ANNA, "ben@example.net"):
        suppress(table, address, event(BOUNCE, 5), plain=False)
    forget(table, "Anna@Example.NET")
    forget(table, "carl@example.net")
    assert store.reader.suppression(ANNA) is None
    assert store.reader.suppression("ben@example.net") is not None
    suppress(table, ANNA, event(BOUNCE, 1), plain=False)
    assert store.reader.suppression(ANNA) is not None


def test_what_has_expired_is_not_shown(store: Store) -> None:
    """By the latest event of either kind; the clock of the store's reader is a day on."""
    table = store.writer().table
    suppress(table, ANNA, event(BOUNCE), plain=False, retention=timedelta(hours=12))
    assert store.reader.suppression(ANNA) is None
    assert store.reader.suppressions().items == ()
    suppress(table, ANNA, event(COMPLAINT), plain=False, retention=timedelta(days=2))
    suppress(table, ANNA, event(BOUNCE, 1), plain=False, retention=timedelta(hours=12))
    assert store.reader.suppression(ANNA) is not None


def test_pages(store: Store) -> None:
    """Each address once; whom nothing is known of is not there."""
    table = store.writer().table
    assert store.reader.suppression(ANNA) is None
    for number in range(7):
        suppress(table, f"a{number}@example.net", event(BOUNCE), plain=True)
    found = everything(store.reader.suppressions, limit=3)
    assert sorted(one.address for one in found) == [f"a{number}@example.net" for number in range(7)]
    assert store.reader.suppression(ANNA) is None


def test_other_events_are_no_reason(store: Store) -> None:
    """Whoever calls must know."""
    with pytest.raises(KeyError):
        suppress(store.writer().table, ANNA, event(SendingEventKind.SOFT_BOUNCE), plain=False)
