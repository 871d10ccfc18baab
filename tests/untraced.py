"""What coverage does not watch: calls of libraries, in which nothing of ours runs, and what goes through the same lines again.

Before Python 3.12 whoever measures coverage is told of every line of every library, too: tests take half of their time again. What
the CDK calls back is watched.
"""

from __future__ import annotations

import functools
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from botocore.client import BaseClient
from botocore.session import Session

__all__ = ["is_unwatched", "leave_cdk_unwatched", "leave_libraries_unwatched", "running_tracer", "unwatched"]

_KERNEL_CALLS: Final = ("create", "get", "invoke", "set", "sget", "sinvoke", "sset")
_PACKAGES: Final = frozenset({"aws_cdk", "cdk_nag", "constructs"})
_PAUSED: Final = threading.local()


def leave_libraries_unwatched() -> None:
    """Have boto3 make clients and calls unwatched, in this process and its forks."""
    for owner, name in ((BaseClient, "_make_api_call"), (Session, "create_client")):
        setattr(owner, name, _unwatched(getattr(owner, name)))


def leave_cdk_unwatched() -> None:
    """Have the CDK make constructs, and ask its kernel, unwatched, in this process."""
    # Other processes than the tests' own need no CDK.
    from jsii import _kernel, _runtime

    for name in _KERNEL_CALLS:
        setattr(_kernel.Kernel, name, _unwatched(getattr(_kernel.Kernel, name)))
    _kernel._handle_callback = _watched(_kernel._handle_callback)
    made: Any = _runtime.JSIIMeta.__call__
    unwatched = _unwatched(made)

    def make(cls: Any, *arguments: Any, **named: Any) -> Any:
        own = cls.__module__.partition(".")[0] not in _PACKAGES
        return (made if own else unwatched)(cls, *arguments, **named)

    setattr(_runtime.JSIIMeta, "__call__", make)  # noqa: B010 - mypy takes no assignment to a method


@contextmanager
def unwatched() -> Iterator[None]:
    """Have coverage pause in this thread; also a decorator. Another test goes through these lines."""
    outer, tracer = getattr(_PAUSED, "asked", False), running_tracer()
    _PAUSED.asked = True
    if tracer is not None:
        tracer.stop()
    try:
        yield
    finally:
        if tracer is not None:
            tracer.start()
        _PAUSED.asked = outer


def is_unwatched() -> bool:
    """Whether this is within `unwatched`."""
    return bool(getattr(_PAUSED, "asked", False))


def running_tracer() -> Any:
    """This thread's tracer where it is coverage's own, which can be told to pause; None otherwise: a debugger's cannot."""
    tracer: Any = sys.gettrace()
    return tracer if type(tracer).__name__ == "CTracer" else None


def _unwatched(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(*arguments: Any, **named: Any) -> Any:
        tracer = running_tracer()
        if tracer is None:
            return function(*arguments, **named)
        outer = getattr(_PAUSED, "tracer", None)
        _PAUSED.tracer = tracer
        tracer.stop()
        try:
            return function(*arguments, **named)
        finally:
            tracer.start()
            _PAUSED.tracer = outer

    return wrapper


def _watched(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(*arguments: Any, **named: Any) -> Any:
        tracer = getattr(_PAUSED, "tracer", None)
        if tracer is None or sys.gettrace() is not None:
            return function(*arguments, **named)
        tracer.start()
        try:
            return function(*arguments, **named)
        finally:
            tracer.stop()

    return wrapper
