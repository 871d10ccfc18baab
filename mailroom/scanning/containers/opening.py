"""Opens containers in another process, so that a crash there breaks no verdict."""

from __future__ import annotations

import array
import fcntl
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Lock
from typing import Final

from mailroom.scanning.containers.results import END, FAULT, FRAME, MAX_MEMBER_OCTETS, MESSAGE, FaultError, Member

__all__ = ["OPENERS", "Openers"]

_SECONDS: Final = 30.0
_PIPE_OCTETS: Final = 1 << 20
_NAME_OCTETS: Final = 1000
_CRASHED: Final = "Container.Crashed"
_LATE: Final = "Limits.Container.Time"


@dataclass(slots=True)
class Openers:
    """The opening process; started at its first use, and again after its end.

    Args:
        seconds: most time for one container. Default: 30.
    """

    seconds: float = _SECONDS
    _process: subprocess.Popen[bytes] | None = None
    _requests: socket.socket | None = None
    _owner: int = 0
    _lock: Lock = field(default_factory=Lock)

    def members(self, data: bytes, filename: str = "", content_type: str = "") -> Iterator[Member | FaultError]:
        """Members of the container, and a fault for each missing part; never raises for a bad container.

        A crash, a time-out and too much memory of the opener are faults, too.
        """
        try:
            source = self._requested(data, filename, content_type)
        except OSError:
            yield FaultError(_CRASHED)
            return
        with os.fdopen(source, "rb", buffering=0) as pipe:
            yield from _received(pipe.fileno(), time.monotonic() + self.seconds)

    def close(self) -> None:
        """End the process."""
        with self._lock:
            self._ended()

    def _requested(self, data: bytes, filename: str, content_type: str) -> int:
        """Send the request; returns the pipe of the answer."""
        request = json.dumps({"filename": filename[-200:], "content_type": content_type[:200]}).encode()
        memory = os.memfd_create("container", os.MFD_CLOEXEC)
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(memory, view) :]
            source, sink = os.pipe()
            try:
                with suppress(OSError):
                    fcntl.fcntl(sink, fcntl.F_SETPIPE_SZ, _PIPE_OCTETS)
                self._send(request, (memory, sink))
            except OSError:
                os.close(source)
                raise
            finally:
                os.close(sink)
        finally:
            os.close(memory)
        return source

    def _send(self, request: bytes, descriptors: tuple[int, int]) -> None:
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))]
        with self._lock:
            for attempt in (1, 2):
                try:
                    self._connected().sendmsg([request], rights)
                except OSError:
                    self._ended()
                    if attempt == 2:
                        raise
                else:
                    return

    def _connected(self) -> socket.socket:
        if self._process is not None and self._process.poll() is not None:
            self._ended()
        if self._requests is None or self._owner != os.getpid():
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            with theirs:
                self._process = subprocess.Popen(
                    [sys.executable, "-m", "mailroom.scanning.containers.child"],
                    stdin=theirs.fileno(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=_environment(),
                    start_new_session=True,
                )  # fmt: skip
            self._requests, self._owner = ours, os.getpid()
        return self._requests

    def _ended(self) -> None:
        if self._requests is not None:
            self._requests.close()
        if self._process is not None and self._owner == os.getpid():
            # With what it has forked, which may be at work on a file still.
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._process = self._requests = None


def _environment() -> dict[str, str]:
    """Environment with the path of our own code only: no credentials."""
    kept = ("PATH", "LD_LIBRARY_PATH", "LANG")
    path = os.pathsep.join(entry for entry in sys.path if entry)
    return {**{name: os.environ[name] for name in kept if name in os.environ}, "PYTHONPATH": path}


def _received(pipe: int, deadline: float) -> Iterator[Member | FaultError]:
    """Results from the pipe, and a fault if their end is missing."""
    try:
        while True:
            kind, name_octets, size = FRAME.unpack(_exactly(pipe, FRAME.size, deadline))
            if kind == END:
                return
            if name_octets > 4 * _NAME_OCTETS or size > MAX_MEMBER_OCTETS:
                yield FaultError(_CRASHED)
                return
            name = _exactly(pipe, name_octets, deadline).decode("utf-8", "replace")
            data = _exactly(pipe, size, deadline)
            before = time.monotonic()
            yield FaultError(name) if kind == FAULT else Member(name, data, is_message=kind == MESSAGE)
            # The consumer's time does not count for the opener.
            deadline += time.monotonic() - before
    except EOFError:
        yield FaultError(_CRASHED)
    except TimeoutError:
        yield FaultError(_LATE)


def _exactly(pipe: int, size: int, deadline: float) -> bytes:
    out = bytearray()
    while len(out) < size:
        ready, _, _ = select.select([pipe], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            raise TimeoutError
        more = os.read(pipe, min(size - len(out), _PIPE_OCTETS))
        if not more:
            raise EOFError
        out += more
    return bytes(out)


OPENERS: Final = Openers()
"""The openers of this process."""
