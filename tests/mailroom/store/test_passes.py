"""A pass over the table beside writers: wherever it is, nothing keeps its old end in a place that it has left."""

from __future__ import annotations

import contextlib
from datetime import timedelta

import pytest

from mailroom.lifetimes import readable_for
from mailroom.store.keys import RETENTION_KEY
from mailroom.store.retention import Pass, begin_pass, pass_of, take_pages
from tests.mailroom.store.conftest import START, arrival, mail
from tests.mailroom.store.memory import MemoryTable
from tests.mailroom.store.test_joining import Memory
from tests.untraced import unwatched

MONTH = timedelta(days=30)


class StoppedError(Exception):
    """The pass is interrupted."""


def pages(store: Memory, most: int) -> bool:
    """So many pages of one item each; returns whether the pass is over."""
    left = [most]

    def told(_: Pass) -> None:
        left[0] -= 1
        if not left[0]:
            raise StoppedError

    begun = pass_of(store.table)
    assert begun is not None
    with contextlib.suppress(StoppedError):
        begun = take_pages(store.table, begun, lambda: store.now, told)
    return begun.done


def all_end(store: Memory, life: timedelta | None) -> None:
    """Each item has the end of this retention."""
    for key, item in store.client.items.items():
        if key == RETENTION_KEY:
            continue
        end = int(item["expires"]["N"]) if "expires" in item else None
        wanted = int(item["kept_from"]["N"]) + int(life.total_seconds()) if life is not None else None
        if key[0].startswith("ID#") and key[1] == "THREAD" and wanted is not None:
            assert end is not None
            assert wanted <= end <= wanted + MONTH.total_seconds(), key
        else:
            assert end == wanted, key


def three_threads(retention: timedelta | None) -> Memory:
    """A store with three threads; one of them is merged, and its messages are not moved yet."""
    store = Memory(retention=readable_for(retention))
    store.now = START + timedelta(days=1)
    for name, count, minute in (("a", 2, 0), ("x", 2, 10), ("z", 1, 20)):
        store.conversation(name, count, minute)
    store.join("a0", "z0")
    return store


def same_as(begun: Memory, retention: timedelta | None) -> Memory:
    """A store with the same items an hour later, and another retention."""
    store = Memory(retention=readable_for(retention), client=MemoryTable(items=dict(begun.client.items)))
    store.now = begun.now + timedelta(hours=1)
    return store


CALLS = 12
"""Calls of a worker at least, between the note of a pass and its first page."""
CHANGES = [(None, MONTH), (timedelta(days=90), MONTH), (MONTH, timedelta(days=90)), (MONTH, None)]


@unwatched()
@pytest.mark.parametrize(("before", "after"), CHANGES)
@pytest.mark.parametrize(
    "comes", [mail("j", "a0", "x0", minute=30), mail("x1", "x0", minute=11)], ids=["joins", "copy"]
)
def test_pass_beside_writers(
    before: timedelta | None, after: timedelta | None, comes: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever the pass is when threads are joined or a copy comes: nothing keeps its old end in a place that the pass has left."""
    monkeypatch.setattr("mailroom.store.retention._PAGE", 1)
    stored = three_threads(before)
    for most in range(1, 80):
        store = same_as(stored, after)
        begin_pass(store.table, after, store.now)
        is_over = pages(store, most)
        store.now += timedelta(seconds=200)
        store.writer.file(arrival(comes, ses_id="again", received=store.now))
        assert is_over or pages(store, 1000)
        all_end(store, readable_for(after))
        if is_over:
            return
    raise AssertionError("the pass has no end")


@unwatched()
@pytest.mark.parametrize(("before", "after"), CHANGES)
@pytest.mark.parametrize("most", [9, 1000])
def test_pass_begins_while_a_worker_writes(
    before: timedelta | None, after: timedelta | None, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before whichever call of a worker it is noted: its first page comes when the worker has written what it read before."""
    monkeypatch.setattr("mailroom.store.retention._PAGE", 1)
    monkeypatch.setattr("mailroom.store.merging._STANDING_SECONDS", 0)
    stored = three_threads(before)
    for at in range(1, 80):
        store = same_as(stored, after)
        calls = [0]

        def hook(
            _name: str, _request: object, when: str, store: Memory = store, at: int = at, calls: list[int] = calls
        ) -> None:
            calls[0] += when == "before"
            if when == "before" and calls[0] in {at, at + CALLS}:
                store.client.hook = None
                if calls[0] == at:
                    begin_pass(store.table, after, store.now)
                else:
                    pages(store, most)
                store.client.hook = hook

        store.client.hook = hook
        store.writer.file(arrival(mail("j", "a0", "x0", minute=30), received=store.now))
        store.client.hook = None
        if calls[0] < at:
            assert at > 10
            return
        assert pass_of(store.table).done or pages(store, 1000)  # type: ignore[union-attr]
        all_end(store, readable_for(after))
    raise AssertionError("the worker has no end")


def test_threads_that_are_merged_while_a_pass_is_long_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the pass has left gets no end of a thread that it has not reached, whose messages ended and came again meanwhile."""
    monkeypatch.setattr("mailroom.store.retention._PAGE", 1)
    stored = three_threads(None)
    for most in range(1, 60):
        store = same_as(stored, timedelta(days=2))
        begin_pass(store.table, timedelta(days=2), store.now)
        is_over = pages(store, most)
        store.now += timedelta(days=60)
        for raw in (mail("a0"), mail("x0", minute=10), mail("j", "a0", "x0", minute=30)):
            store.writer.file(arrival(raw, ses_id="again", received=store.now))
        assert is_over or pages(store, 1000)
        ends = {key: item.get("expires") for key, item in store.client.items.items() if key != RETENTION_KEY}
        assert not [key for key, end in ends.items() if end is None], most
        if is_over:
            return
    raise AssertionError("the pass has no end")
