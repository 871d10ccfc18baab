"""Required environment variables of a function."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["required_variables"]


@contextmanager
def required_variables() -> Iterator[None]:
    """Raise ValueError with the name of an unset variable that the `with` block reads."""
    try:
        yield
    except KeyError as error:
        raise ValueError(f"environment: {error.args[0]} must be set") from error
