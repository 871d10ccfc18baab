"""One emulator for all tests of a worker that keep to what they made themselves."""

from __future__ import annotations

import contextlib

import pytest

from emulator import Emulator

__all__ = ["shared_emulator"]

_SHARED = pytest.StashKey[Emulator]()


def shared_emulator(request: pytest.FixtureRequest) -> Emulator:
    """An emulator that looks at no policy; it runs until the worker ends. Names in it must be nobody else's."""
    config = request.config
    if _SHARED not in config.stash:
        until_the_end = contextlib.ExitStack()
        config.stash[_SHARED] = until_the_end.enter_context(Emulator())
        config.add_cleanup(until_the_end.close)
    return config.stash[_SHARED]
