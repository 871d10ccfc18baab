"""Processes of Python functions, forked from one that has imported their libraries: ten functions start in the time of two.

A fork has the environment, the folder and the pipes that ministack gives the process, and imports the function itself. Functions
whose code has the same libraries, byte for byte, have them from the same process. On Linux alone: other systems' libraries do not
bear a fork.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import types
import zipfile
from pathlib import Path
from typing import Any, Final

from emulator.extension import upstream

MODULE: Final = "core.lambda_runtime"
OWN: Final = "mailroom"
LIBRARY: Final = "boto3"
LAYERS: Final = "_LAMBDA_LAYERS_DIRS"
PROGRAM: Final = Path(__file__).parents[1] / "function_parent.py"
_lock = threading.Lock()
_parents: dict[str, Parent] = {}


def install() -> None:
    """Fork in the place of a start, where that can be done."""
    if sys.platform == "linux":
        upstream.replace(MODULE, "subprocess", _forking)


def _forking(original: Any) -> Any:
    return types.SimpleNamespace(**{**vars(original), "Popen": _started})


def _started(command: list[str], **how: Any) -> Any:
    """A process of ministack's, forked if it is a function's that runs on this Python."""
    script = Path(command[-1])
    if command == [sys.executable, str(script)] and script.name == "_worker.py" and LAYERS not in how["env"]:
        libraries = _libraries(script.with_name("code.zip"))
        if libraries is not None:
            with contextlib.suppress(OSError):
                return Fork(_parent(libraries, how["cwd"]), script, how["cwd"], how["env"])
    return subprocess.Popen(command, **how)


def _libraries(archive: Path) -> str | None:
    """A name of all libraries in a function's archive; "" of none, and None of some without boto3."""
    with zipfile.ZipFile(archive) as opened:
        files = [(Path(one.filename).parts, one.CRC) for one in opened.infolist()]
    libraries = [("/".join(parts), crc) for parts, crc in files if len(parts) > 1 and parts[0] != OWN]
    if any(parts[0] == LIBRARY for parts, _ in files):
        return hashlib.sha256(json.dumps(sorted(libraries)).encode()).hexdigest()
    return None if libraries else ""


def _parent(libraries: str, folder: str) -> Parent:
    with _lock:
        if libraries not in _parents or _parents[libraries].ended:
            _parents[libraries] = Parent(folder if libraries else "")
        return _parents[libraries]


class Parent:
    """The process to fork, with the libraries of a function's folder or, without one, of this installation."""

    def __init__(self, folder: str) -> None:
        self.ended = False
        self._lock = threading.Lock()
        self._socket, other = socket.socketpair()
        # The folder of a function's process goes with it; what it links to stays.
        libraries = [str((Path(folder) / LIBRARY).resolve().parent)] if folder else []
        with other:
            subprocess.Popen(
                [sys.executable, str(PROGRAM), str(other.fileno()), *libraries],
                stdin=subprocess.DEVNULL,
                pass_fds=(other.fileno(),),
            )

    def fork(self, request: dict[str, Any], pipes: list[int]) -> int:
        """Id of a new process. OSError if this one has ended."""
        with self._lock:
            try:
                socket.send_fds(self._socket, [json.dumps(request).encode() + b"\n"], pipes)
                return int(self._socket.recv(100))
            except (OSError, ValueError) as error:
                self.ended = True
                raise ConnectionError("no process to fork") from error


class Fork:
    """What ministack uses of `subprocess.Popen`."""

    def __init__(self, parent: Parent, script: Path, folder: str, environment: dict[str, str]) -> None:
        self.returncode: int | None = None
        taken, stdin = os.pipe()
        (stdout, written), (stderr, told), (self._alive, ended) = (os.pipe() for _ in range(3))
        self.stdin = open(stdin, "w", buffering=1, encoding="utf-8")  # noqa: PTH123, SIM115 - as long as the process
        self.stdout = open(stdout, encoding="utf-8")  # noqa: PTH123, SIM115
        self.stderr = open(stderr, encoding="utf-8")  # noqa: PTH123, SIM115
        given = [taken, written, told, ended]
        request = {"script": str(script), "folder": folder, "environment": environment}
        try:
            self.pid = parent.fork(request, given)
        finally:
            for pipe in given:
                os.close(pipe)

    def poll(self) -> int | None:
        """A number once the process has ended."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(timeout=0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """A number when the process has ended. Raises `subprocess.TimeoutExpired`."""
        if self.returncode is None:
            waiting = select.poll()
            waiting.register(self._alive, select.POLLIN)
            if not waiting.poll(None if timeout is None else timeout * 1000):
                raise subprocess.TimeoutExpired("a function", timeout or 0)
            os.close(self._alive)
            self.returncode = -signal.SIGTERM
        return self.returncode

    def terminate(self) -> None:
        """Ask it to end."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self._signal(signal.SIGKILL)

    def _signal(self, number: int) -> None:
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)
