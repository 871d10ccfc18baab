"""Threads of messages, after JWZ's algorithm, with one difference: the result does not depend on the order of arrival. Pure.

Message-IDs connect the messages of a thread: those that they answer, those among their references, and equal ones. A new message
can merge threads, and never splits one. Each message has at most one parent: the last one that it names itself, or else the one
that others name. If such claims form a circle, the last claim in a fixed order is dropped.

Source: RFC 5322 3.6.4; Jamie Zawinski, "Message threading" (https://www.jwz.org/doc/threading.html).
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

__all__ = ["Position", "Thread", "ThreadNode", "thread_messages"]

_LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, kw_only=True, slots=True)
class ThreadNode:
    """The identifiers of a message and of its ancestors.

    Args:
        key: unique id of the message; two messages with one Message-ID have two keys.
        message_id: its Message-ID; "" without one.
        in_reply_to: Message-IDs that it answers.
        references: Message-IDs of its ancestors, oldest first.
        date: its date, with a time zone; None without one. Orders messages, and joins none.
        also: further values; messages that share one are in one thread: Outlook's conversation, a subject. Default: none.
    """

    key: str
    message_id: str = ""
    in_reply_to: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    date: datetime | None = None
    also: tuple[str, ...] = ()

    @property
    def ancestors(self) -> tuple[str, ...]:
        """Message-IDs of its ancestors, nearest last, without its own."""
        named = dict.fromkeys(self.references)
        # The last reference is the answered message; where In-Reply-To differs, that is nearer.
        for one in self.in_reply_to:
            named.setdefault(one)
        named.pop(self.message_id, None)
        return tuple(named)

    @property
    def order(self) -> tuple[datetime, str]:
        """Sort key: by date, then by key."""
        return (self.date or _LONG_AGO, self.key)


@dataclass(frozen=True, slots=True)
class Position:
    """Position of a message in its thread.

    Args:
        key: key of the message.
        parent: key of the nearest ancestor that is present; None without one.
        depth: number of present ancestors.
    """

    key: str
    parent: str | None
    depth: int


@dataclass(frozen=True, slots=True)
class Thread:
    """A thread tree.

    Args:
        positions: positions of its messages, each after its parent, answers ordered by date.
        ids: all Message-IDs in it, without angle brackets.
    """

    positions: tuple[Position, ...]
    ids: frozenset[str]


def thread_messages(links: Iterable[ThreadNode]) -> list[Thread]:
    """Build the thread trees of messages, oldest first. The result does not depend on the order of `links`.

    Takes time about linear in messages and references.

    Args:
        links: one link per message: `link` of a Summary, or the result of `node_of`.

    Raises:
        ValueError: two messages have the same key.

    Source: RFC 5322 3.6.4; Jamie Zawinski, "Message threading".
    """
    ordered = sorted(links, key=lambda link: link.order)
    for before, after in itertools.pairwise(ordered):
        if before.key == after.key:
            raise ValueError(f"threads: keys must differ, got {after.key!r} twice")
    holders = _holders(ordered)
    trees = _Trees()
    for child, parent in _claims(ordered, holders):
        trees.hang(child, parent)
    groups = _Groups()
    for link in ordered:
        node = _node(link, holders)
        groups.find(node)
        if link.message_id:
            # A message is in the thread of its identifier, also when an older message has the same: so threads are never split.
            groups.join(node, link.message_id)
        for ancestor in link.ancestors:
            groups.join(node, ancestor)
        for shared in link.also:
            groups.join(node, ("also", shared))
    return _threads(ordered, holders, trees, groups)


def _holders(ordered: Sequence[ThreadNode]) -> dict[str, ThreadNode]:
    """The message of each identifier: the oldest one that has it."""
    holders: dict[str, ThreadNode] = {}
    for link in ordered:
        if link.message_id:
            holders.setdefault(link.message_id, link)
    return holders


def _node(link: ThreadNode, holders: dict[str, ThreadNode]) -> Hashable:
    """Node of the message: its identifier, or an own node when the identifier is missing or belongs to another message."""
    if link.message_id and holders[link.message_id] is link:
        return link.message_id
    return ("key", link.key)


def _claims(ordered: Sequence[ThreadNode], holders: dict[str, ThreadNode]) -> Iterator[tuple[Hashable, Hashable]]:
    """Parents of messages: from their own headers, by date; then from others' headers for missing messages."""
    for link in ordered:
        node = _node(link, holders)
        ancestors = link.ancestors
        if ancestors:
            yield node, ancestors[-1]
        elif node != link.message_id and link.message_id:
            # A second message with the same identifier hangs below the first.
            yield node, link.message_id
    votes: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for link in ordered:
        for parent, child in itertools.pairwise(link.ancestors):
            if child not in holders:
                votes[child][parent] += 1
    for child, parents in sorted(votes.items()):
        yield child, min(parents, key=lambda parent: (-parents[parent], parent))


class _Groups:
    """Disjoint sets, by union with path halving."""

    def __init__(self) -> None:
        self._above: dict[Hashable, Hashable] = {}
        self._size: dict[Hashable, int] = {}

    def find(self, node: Hashable) -> Hashable:
        """The representative of the node's set; a new node gets a set of its own."""
        above = self._above
        if node not in above:
            above[node] = node
            self._size[node] = 1
            return node
        while above[node] != node:
            above[node] = above[above[node]]
            node = above[node]
        return node

    def join(self, one: Hashable, other: Hashable) -> None:
        """Merge two sets."""
        first, second = self.find(one), self.find(other)
        if first == second:
            return
        if self._size[first] < self._size[second]:
            first, second = second, first
        self._above[second] = first
        self._size[first] += self._size[second]


@dataclass(slots=True)
class _Trees:
    """Trees that grow by hanging a root below another tree; a link that would close a circle is dropped."""

    parents: dict[Hashable, Hashable] = field(default_factory=dict)
    trees: _Groups = field(default_factory=_Groups)
    roots: dict[Hashable, Hashable] = field(default_factory=dict)

    def hang(self, child: Hashable, parent: Hashable) -> None:
        """Hang `child` below `parent`, unless it has a parent or is above `parent`."""
        if child in self.parents or self._root(parent) == child:
            return
        root = self._root(parent)
        self.parents[child] = parent
        self.trees.join(child, parent)
        self.roots[self.trees.find(parent)] = root

    def _root(self, node: Hashable) -> Hashable:
        return self.roots.setdefault(self.trees.find(node), node)


def _threads(
    ordered: Sequence[ThreadNode], holders: dict[str, ThreadNode], trees: _Trees, groups: _Groups
) -> list[Thread]:
    keys = {_node(link, holders): link.key for link in ordered}
    present = _nearest_present(keys, trees)
    children: dict[str, list[str]] = defaultdict(list)
    tops: dict[Hashable, list[str]] = defaultdict(list)
    ids: dict[Hashable, set[str]] = defaultdict(set)
    for link in ordered:
        node = _node(link, holders)
        group = groups.find(node)
        parent = present[node]
        if parent is None:
            tops[group].append(link.key)
        else:
            children[parent].append(link.key)
        ids[group].update(link.ancestors)
        if link.message_id:
            ids[group].add(link.message_id)
    # A dictionary keeps the order of insertion: by the oldest message on top.
    return [Thread(tuple(_walk(roots, children)), frozenset(ids[group])) for group, roots in tops.items()]


def _nearest_present(keys: dict[Hashable, str], trees: _Trees) -> dict[Hashable, str | None]:
    """The nearest present ancestor of each message. The walk passes each missing ancestor once, at any depth."""
    known: dict[Hashable, str | None] = {}

    def above(node: Hashable) -> str | None:
        passed: list[Hashable] = []
        found: str | None = None
        while node in trees.parents:
            node = trees.parents[node]
            if node in keys:
                found = keys[node]
                break
            if node in known:
                found = known[node]
                break
            passed.append(node)
        for one in passed:
            known[one] = found
        return found

    return {node: above(node) for node in keys}


def _walk(roots: list[str], children: dict[str, list[str]]) -> Iterator[Position]:
    """Depth first, without recursion: a thread may be as deep as it is long."""
    waiting: list[Position] = [Position(key, None, 0) for key in reversed(roots)]
    while waiting:
        place = waiting.pop()
        yield place
        waiting.extend(Position(key, place.key, place.depth + 1) for key in reversed(children.get(place.key, ())))
