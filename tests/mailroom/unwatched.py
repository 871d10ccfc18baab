"""What goes through the same lines thousands of times, without coverage's watch: it would take more than half of the time.

Whoever uses it sees to it that another test, or its own beginning, goes through these lines.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["unwatched"]


@contextmanager
def unwatched() -> Iterator[None]:
    """Have coverage pause in this thread; also a decorator."""
    tracer: Any = sys.gettrace()
    # Coverage's own, which can be told to pause; a debugger's cannot.
    if type(tracer).__name__ != "CTracer":
        yield
        return
    tracer.stop()
    try:
        yield
    finally:
        tracer.start()
