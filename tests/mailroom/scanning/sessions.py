"""Engines of tests, whose session is the engine itself."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Self

__all__ = ["OwnSession"]


class OwnSession:
    """An engine that takes the files of a message one by one."""

    def session(self) -> AbstractContextManager[Self]:
        """The engine."""
        return nullcontext(self)
