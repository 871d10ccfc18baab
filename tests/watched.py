"""What coverage watches: fixtures and tests, until cases of one come to nothing new; neither pytest nor what finds examples."""

from __future__ import annotations

import functools
import sys
from collections.abc import Generator
from typing import Any, Final

import pytest

from tests.untraced import is_unwatched, running_tracer

__all__ = ["pytest_fixture_setup", "pytest_runtest_call", "stop_watching"]

_CASES: Final = 20
_EXAMPLES: Final = 60
"""So many cases of a test, or examples of a property, in a row that come to no new line: no more of them is watched.

Hypothesis begins with the simplest examples, which come to few."""
_stopped: list[Any] = []
"""Coverage's tracer of the main thread, while it is stopped."""
_in_vain: dict[str, int] = {}


def stop_watching() -> None:
    """Watch nothing of this thread from now on, but what the hooks below do."""
    tracer = running_tracer()
    if tracer is not None:
        tracer.stop()
        _stopped.append(tracer)


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(fixturedef: pytest.FixtureDef[Any]) -> Generator[None, Any, Any]:
    """Watch how a fixture is made."""
    with _Watch(f"{fixturedef.baseid}::{fixturedef.argname}", _CASES):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """Watch a test, or the examples of a property without what finds them."""
    handle: Any = getattr(getattr(item, "obj", None), "hypothesis", None)
    if handle is None:
        with _Watch(item.nodeid.partition("[")[0], _CASES):
            return (yield)
    inner = handle.inner_test

    @functools.wraps(inner)
    def example(*arguments: Any, **named: Any) -> Any:
        with _Watch(item.nodeid, _EXAMPLES):
            return inner(*arguments, **named)

    handle.inner_test = example
    try:
        return (yield)
    finally:
        handle.inner_test = inner


class _Watch:
    """Watches what is done in its `with` block, unless the last of that name came to no new line."""

    def __init__(self, name: str, in_a_row: int) -> None:
        self._name = name
        self._tracer: Any = None
        if _stopped and sys.gettrace() is None and not is_unwatched() and _in_vain.get(name, 0) < in_a_row:
            self._tracer = _stopped[-1]
            self._seen = _steps(self._tracer)

    def __enter__(self) -> None:
        if self._tracer is not None:
            self._tracer.start()

    def __exit__(self, *_: object) -> None:
        # A test may have put another in its place.
        tracer = running_tracer()
        if tracer is not None and tracer is self._tracer:
            tracer.stop()
            came_to_new = _steps(tracer) > self._seen
            _in_vain[self._name] = 0 if came_to_new else _in_vain.get(self._name, 0) + 1


def _steps(tracer: Any) -> int:
    """Number of steps from a line to another that were seen."""
    return sum(len(seen) for seen in tracer.data.values())
