"""Threads and trees: on all orders of arrival of small sets, and on anything at all."""

from __future__ import annotations

import itertools
import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailroom.threads import Thread, ThreadNode, thread_messages
from tests.untraced import unwatched

START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def mail(key: str, *ancestors: str, minute: int | None = 0, **others: object) -> ThreadNode:
    """A message with its key as identifier, unless told otherwise."""
    settings: dict[str, object] = {
        "message_id": key,
        "references": ancestors,
        "in_reply_to": ancestors[-1:],
        "date": START + timedelta(minutes=minute) if minute is not None else None,
        **others,
    }
    return ThreadNode(key=key, **settings)  # type: ignore[arg-type]


def drawn(threads: list[Thread]) -> list[str]:
    """Each thread as text: keys indented by depth."""
    return ["/".join("." * place.depth + place.key for place in thread.positions) for thread in threads]


CASES: dict[str, tuple[list[ThreadNode], list[str]]] = {
    "a conversation": (
        [mail("a", minute=1), mail("b", "a", minute=2), mail("c", "a", "b", minute=3), mail("d", "a", minute=4)],
        ["a/.b/..c/.d"],
    ),
    "strangers": ([mail("a", minute=1), mail("b", minute=2)], ["a", "b"]),
    "the parent never came": ([mail("b", "a", minute=1), mail("c", "a", minute=2)], ["b/c"]),
    "a grandparent in between is missing": ([mail("a", minute=1), mail("d", "a", "b", "c", minute=2)], ["a/.d"]),
    "joined by a late message": (
        [mail("a", minute=1), mail("x", minute=2), mail("z", minute=4, references=("a",), in_reply_to=("x",))],
        ["a/x/.z"],
    ),
    "joined by what neither has": (
        [mail("b", "m", minute=1), mail("c", "n", minute=2), mail("d", "m", "n", minute=3)],
        ["b/c/d"],
    ),
    "only In-Reply-To": ([mail("a", minute=1), mail("b", minute=2, in_reply_to=("a",))], ["a/.b"]),
    "only References": ([mail("a", minute=1), mail("b", minute=2, references=("a",))], ["a/.b"]),
    "itself": ([mail("a", "a", minute=1), mail("b", "a", "b", minute=2)], ["a/.b"]),
    "a circle of two": ([mail("a", "b", minute=1), mail("b", "a", minute=2)], ["b/.a"]),
    "a circle of three": ([mail("a", "c", minute=1), mail("b", "a", minute=2), mail("c", "b", minute=3)], ["c/.a/..b"]),
    "one identifier, two messages": (
        [mail("a", minute=1), mail("b", minute=2, message_id="a"), mail("c", "a", minute=3)],
        ["a/.b/.c"],
    ),
    "one identifier, two messages with parents": (
        [mail("a", "p", minute=1), mail("b", "q", minute=2, message_id="a"), mail("c", "a", minute=3)],
        ["a/.c/b"],
    ),
    "without an identifier": ([mail("a", minute=1, message_id=""), mail("b", minute=2, message_id="")], ["a", "b"]),
    "without an identifier, but an answer": ([mail("a", minute=1), mail("b", "a", minute=2, message_id="")], ["a/.b"]),
    "without dates": ([mail("a", minute=None), mail("b", "a", minute=None), mail("c", "a", minute=None)], ["a/.b/.c"]),
    "dates that lie": ([mail("a", minute=9), mail("b", "a", minute=1)], ["a/.b"]),
    "a conversation of Outlook's": (
        [mail("a", minute=1, also=("k",)), mail("b", minute=2, also=("k",)), mail("c", minute=3)],
        ["a/b", "c"],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_every_order_of_arrival(name: str) -> None:
    """All permutations give the same threads, the same trees, in the same order."""
    links, expected = CASES[name]
    for arrived in itertools.permutations(links):
        assert drawn(thread_messages(arrived)) == expected


ids = st.sampled_from("abcdef")
graphs = st.lists(
    st.builds(
        lambda message_id, references, answered, minute: (message_id, tuple(references), tuple(answered), minute),
        st.one_of(ids, st.just("")),
        st.lists(ids, max_size=4),
        st.lists(ids, max_size=2),
        st.integers(0, 5),
    ),
    max_size=6,
)


def links_of(graph: list[tuple[str, tuple[str, ...], tuple[str, ...], int]]) -> list[ThreadNode]:
    """Messages of a random graph."""
    return [
        ThreadNode(
            key=f"k{number}",
            message_id=message_id,
            references=references,
            in_reply_to=answered,
            date=START + timedelta(minutes=minute),
        )
        for number, (message_id, references, answered, minute) in enumerate(graph)
    ]


@given(graphs, st.randoms(use_true_random=False))
def test_any_graph_in_any_order(
    graph: list[tuple[str, tuple[str, ...], tuple[str, ...], int]], rng: random.Random
) -> None:
    """Circles, duplicates, missing ones: each message is in one place, below one that is there, and order does not matter."""
    links = links_of(graph)
    threads = thread_messages(links)
    positions = [place for thread in threads for place in thread.positions]
    assert sorted(place.key for place in positions) == sorted(link.key for link in links)
    for thread in threads:
        depths: dict[str | None, int] = {None: -1}
        for place in thread.positions:
            assert place.depth == depths[place.parent] + 1
            depths[place.key] = place.depth
    shuffled = list(links)
    rng.shuffle(shuffled)
    assert thread_messages(shuffled) == threads


@given(graphs)
def test_who_names_whom_is_in_one_thread(graph: list[tuple[str, tuple[str, ...], tuple[str, ...], int]]) -> None:
    """Two messages that name one identifier are never apart, and no identifier is in two threads."""
    links = links_of(graph)
    threads = thread_messages(links)
    thread_of = {place.key: number for number, thread in enumerate(threads) for place in thread.positions}
    for one, other in itertools.combinations(links, 2):
        if {*one.ancestors, one.message_id} & {*other.ancestors, other.message_id} - {""}:
            assert thread_of[one.key] == thread_of[other.key]
    named = [name for thread in threads for name in thread.ids]
    assert len(named) == len(set(named))


@given(graphs)
def test_threads_only_grow_together(graph: list[tuple[str, tuple[str, ...], tuple[str, ...], int]]) -> None:
    """One message more never parts two that were together."""
    links = links_of(graph)
    for length in range(len(links)):
        before, after = thread_messages(links[:length]), thread_messages(links[: length + 1])
        together = [{place.key for place in thread.positions} for thread in after]
        for thread in before:
            assert any({place.key for place in thread.positions} <= keys for keys in together)


@unwatched()
@pytest.mark.slow
def test_deep_and_wide() -> None:
    """50,000 messages below each other, and 50,000 below one: no recursion, and no time that grows with the square."""
    deep = [mail(f"m{n}", *([f"m{n - 1}"] if n else []), minute=n) for n in range(50_000)]
    wide = [mail(f"w{n}", "m0", minute=n) for n in range(50_000)]
    (thread,) = thread_messages([*deep, *wide])
    assert len(thread.positions) == 100_000
    assert max(place.depth for place in thread.positions) == 49_999


def test_keys_that_are_not_keys() -> None:
    """Two messages with one key cannot be told apart."""
    with pytest.raises(ValueError, match="keys must differ, got 'a' twice"):
        thread_messages([mail("a"), mail("a", "b")])
