"""Parts of a pattern: texts that its pieces match, and pieces that could backtrack.

Reads the tree that `re` itself makes of a pattern.
"""

from __future__ import annotations

import itertools
import re
import re._constants as op  # type: ignore[import-not-found]
import re._parser as parser  # type: ignore[import-not-found]
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final

__all__ = ["Shape"]

_Items = Sequence[tuple[Any, Any]]

_PROBES: Final = "ax09A_ \t\r\n\f!\"'#%&()*+,-./:;<=>?@[\\]^`{|}~$\x00\x1b\x0b\x80\xa1\xc3\xe9\xf0\xff"
_WIDE: Final = "\u0431\u3042\uff1a"
_MANY: Final = 500
"""A repetition of more is unbounded, as far as time goes."""
_REPEATS: Final = {op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT}
_SINGLE: Final = {op.LITERAL, op.NOT_LITERAL, op.IN, op.ANY}
_CATEGORIES: Final = {
    op.CATEGORY_DIGIT: str.isdigit,
    op.CATEGORY_SPACE: str.isspace,
    op.CATEGORY_WORD: lambda one: one.isalnum() or one == "_",
    op.CATEGORY_NOT_DIGIT: lambda one: not one.isdigit(),
    op.CATEGORY_NOT_SPACE: lambda one: not one.isspace(),
    op.CATEGORY_NOT_WORD: lambda one: not (one.isalnum() or one == "_"),
}


def _is(category: Any, one: str) -> bool:
    test: Callable[[str], bool] = _CATEGORIES[category]
    return test(one)


class Shape:
    """One pattern, as a tree."""

    def __init__(self, pattern: re.Pattern[Any]) -> None:
        text = pattern.pattern
        self.text: str = text if isinstance(text, str) else text.decode("latin-1")
        self.of_octets = isinstance(text, bytes)
        flags = pattern.flags if self.of_octets else pattern.flags & ~re.UNICODE
        self.tree: _Items = list(parser.parse(text, flags))
        self.ignores_case = bool(pattern.flags & re.IGNORECASE)
        self.dot_all = bool(pattern.flags & re.DOTALL)
        self.alphabet: str = _PROBES if self.of_octets else _PROBES + _WIDE
        self._sets: dict[tuple[Any, int], frozenset[str]] = {}

    def letters(self) -> list[str]:
        """One character of each kind that the pattern tells apart."""
        sets = [self._set(item) for item in self._singles(self.tree)]
        kinds: dict[tuple[bool, ...], str] = {}
        for one in self.alphabet:
            kinds.setdefault(tuple(one in chosen for chosen in sets), one)
        return list(kinds.values())

    def attacks(self) -> list[tuple[str, str]]:
        """For each repetition, what leads to it and what it repeats; for the pattern as a whole, itself."""
        found = dict.fromkeys(self._attacks(self.tree, ""))
        for whole in self._examples(self.tree):
            found.setdefault(("", whole))
        return [(prefix, unit) for prefix, unit in found if unit]

    def faults(self) -> list[str]:
        """Pieces that could backtrack for long, or that the Python of an image misreads."""
        return list(self._faults(self.tree, ()))

    def _faults(self, items: _Items, after: _Items) -> Iterator[str]:
        for number, (kind, value) in enumerate(items):
            follow = [*items[number + 1 :], *after]
            if kind is op.ATOMIC_GROUP:
                yield "an atomic group"
            if kind in _REPEATS:
                _, most, body = value
                single = len(body) == 1 and body[0][0] in _SINGLE
                if kind is op.POSSESSIVE_REPEAT and not single:
                    yield "a possessive group"
                if kind is not op.POSSESSIVE_REPEAT and most > _MANY and single:
                    yield f"a repetition of {self._sample(body)!r} that gives back"
                if (
                    most > _MANY
                    and not single
                    and not self._nullable(follow)
                    and self._first(body) & self._first(follow)
                ):
                    yield f"a repetition of {self._sample(body)!r}, and what follows begins alike"
            for inside in self._inside(kind, value):
                yield from self._faults(inside, [] if kind in {op.ASSERT, op.ASSERT_NOT} else follow)

    def _sample(self, items: _Items) -> str:
        return next(iter(self._examples(items)), "")

    @staticmethod
    def _inside(kind: Any, value: Any) -> list[_Items]:
        if kind in _REPEATS:
            return [value[2]]
        if kind is op.SUBPATTERN:
            return [value[3]]
        if kind is op.BRANCH:
            return list(value[1])
        if kind in {op.ASSERT, op.ASSERT_NOT}:
            return [value[1]]
        return [value] if kind is op.ATOMIC_GROUP else []

    def _singles(self, items: _Items) -> Iterator[tuple[Any, Any]]:
        for kind, value in items:
            if kind in _SINGLE:
                yield kind, value
            for inside in self._inside(kind, value):
                yield from self._singles(inside)

    def _set(self, item: tuple[Any, Any]) -> frozenset[str]:
        """The characters of the alphabet that a single item takes."""
        kind, value = item
        # Lists of the tree have no hash, and stay where they are as long as the tree does.
        key = (kind, id(value))
        if key not in self._sets:
            self._sets[key] = frozenset(one for one in self._choices(item) if self._takes(item, one))
        return self._sets[key]

    def _choices(self, item: tuple[Any, Any]) -> str:
        kind, value = item
        return self.alphabet + chr(value) if kind is op.LITERAL else self.alphabet

    def _takes(self, item: tuple[Any, Any], one: str) -> bool:
        kind, value = item
        cases = {one, one.lower(), one.upper()} if self.ignores_case else {one}
        if kind is op.LITERAL:
            return chr(value) in cases or (self.ignores_case and str(chr(value)).lower() in cases)
        if kind is op.NOT_LITERAL:
            return chr(value) not in cases
        if kind is op.ANY:
            return self.dot_all or one != "\n"
        negated = value[0][0] is op.NEGATE
        return bool(negated) != any(self._in(part, case) for part in value for case in cases)

    def _in(self, part: tuple[Any, Any], one: str) -> bool:
        kind, value = part
        if kind is op.LITERAL:
            return bool(ord(one) == value)
        if kind is op.RANGE:
            return bool(value[0] <= ord(one) <= value[1])
        if kind is op.CATEGORY:
            return (not self.of_octets or one.isascii()) and _is(value, one)
        return False

    def _first(self, items: _Items) -> frozenset[str]:
        """Possible first characters of texts that these items match."""
        found: frozenset[str] = frozenset()
        for kind, value in items:
            if kind in _SINGLE:
                return found | self._set((kind, value))
            if kind in {op.ASSERT, op.ASSERT_NOT, op.AT}:
                continue
            for inside in self._inside(kind, value):
                found |= self._first(inside)
            if not self._nullable([(kind, value)]):
                return found
        return found

    def _nullable(self, items: _Items) -> bool:
        """Whether they match nothing at all, wherever they stand, so that they cannot fail."""
        for kind, value in items:
            if kind in _SINGLE or kind in {op.AT, op.ASSERT, op.ASSERT_NOT, op.GROUPREF}:
                return False
            if kind in _REPEATS and value[0] == 0:
                continue
            if not any(self._nullable(inside) for inside in self._inside(kind, value)):
                return False
        return True

    def _examples(self, items: _Items, most: int = 3) -> list[str]:
        """Some short texts that these items match, or nearly."""
        found = [""]
        for kind, value in items:
            if kind in {op.AT, op.ASSERT_NOT} or (kind is op.ASSERT and value[0] < 0):
                continue
            if kind in _SINGLE:
                chosen = sorted(self._set((kind, value)), key=self._choices((kind, value)).index)
                pieces = chosen[:: max(len(chosen) // 2, 1)][:2]
            elif kind in _REPEATS:
                least, _, body = value
                pieces = [piece * max(least, 1) for piece in self._examples(body, 2)]
            else:
                pieces = [piece for inside in self._inside(kind, value) for piece in self._examples(inside, 1)][:2]
            found = [text + piece for text, piece in itertools.product(found, pieces or [""])][:most]
        return found

    def _attacks(self, items: _Items, prefix: str) -> Iterator[tuple[str, str]]:
        for number, (kind, value) in enumerate(items):
            before = prefix + self._sample(items[:number])
            if kind in _REPEATS and value[1] > 3:
                for unit in self._units(value[2]):
                    yield before, unit
                    yield prefix, before.removeprefix(prefix) + unit
            for inside in self._inside(kind, value):
                yield from self._attacks(inside, before)

    def _units(self, body: _Items) -> Iterable[str]:
        return self._examples(body, 3)
