"""The environment of a function: what it must say."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["required_variables"]


@contextmanager
def required_variables() -> Iterator[None]:
    """Raise ValueError with the name of a variable that is read within and not set."""
    try:
        yield
    except KeyError as error:
        raise ValueError(f"environment: {error.args[0]} must be set") from error
