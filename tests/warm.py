"""The operator's command line, in forks of one process that has imported it: a start less for each of hundreds of commands.

A fork has nothing of the others: it gets its environment, its folder and its output, and ends with the command. That the module
starts by itself is seen where tests run `python -m email_stack.cli`.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import inspect
import json
import os
import pkgutil
import signal
import socket
import socketserver
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, NoReturn
from unittest import mock

import coverage
import typer.main
from coverage.inorout import InOrOut

from tests.read_once import read_models, read_once
from tests.untraced import leave_libraries_unwatched

__all__ = ["CommandLine"]

_SECONDS: Final = 300
_START_SECONDS: Final = 60
_PROGRAM: Final = "email-stack"
_ROOMS: Final = ("cli.commands", "dnscheck", "doctor", "dns_setup", "operations", "status", "transitions")
"""What commands import when they run. No module of theirs imports the CDK: a fork cannot use its Node."""


class CommandLine:
    """The process that is forked, for as long as the `with` block lasts.

    Args:
        folder: a folder of its own, with a short path: a socket's has 107 bytes.
        environment: what the process starts with, where Python settles its encodings. Default: this process'.
        rooms: packages that it imports. Default: all that commands import.
    """

    def __init__(
        self, folder: Path, *, environment: Mapping[str, str] | None = None, rooms: Sequence[str] = _ROOMS
    ) -> None:
        self._socket = folder / "commands"
        self._environment, self._rooms = environment, rooms
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> CommandLine:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.warm", str(self._socket), *self._rooms],
            env=self._environment,
            stdin=subprocess.DEVNULL,
        )
        until = time.monotonic() + _START_SECONDS
        while not self._socket.exists():
            if self._process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"commands: their process did not start, exit code {self._process.returncode}")
            time.sleep(0.02)
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        self._process.terminate()
        self._process.wait()

    def run(self, arguments: list[str], environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        """Run `email-stack` with this whole environment, from this process' folder; its output, which is UTF-8.

        Raises:
            subprocess.TimeoutExpired: it takes more than 300 s; it is ended then.
        """
        done = self.run_raw(arguments, environment)
        return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())

    def run_raw(
        self, arguments: Sequence[str | bytes | Path], environment: Mapping[str, str]
    ) -> subprocess.CompletedProcess[bytes]:
        """The same with the output as it is. Arguments of bytes are as the shell gives them. Raises as `run`."""
        command = [_PROGRAM, *map(os.fsdecode, arguments)]
        with (
            tempfile.NamedTemporaryFile() as out,
            tempfile.NamedTemporaryFile() as errors,
            socket.socket(socket.AF_UNIX) as connection,
        ):
            connection.connect(str(self._socket))
            request = {
                "arguments": list(map(_sent, arguments)),
                "environment": [(_sent(name), _sent(value)) for name, value in environment.items()],
                "folder": str(Path.cwd()),
            }
            connection.sendall(json.dumps({**request, "out": out.name, "errors": errors.name}).encode() + b"\n")
            connection.settimeout(_SECONDS)
            answers = connection.makefile("r")
            process = int(answers.readline())
            try:
                code = answers.readline()
            except TimeoutError as error:
                os.kill(process, signal.SIGKILL)
                raise subprocess.TimeoutExpired(command, _SECONDS) from error
            said = [file.read() for file in (out, errors)]
        return subprocess.CompletedProcess(command, int(code or -signal.SIGKILL), *said)


def _sent(value: str | bytes | Path) -> str:
    """Its bytes, in JSON: two processes may read names otherwise."""
    return os.fsencode(value).decode("latin-1")


def _received(value: str) -> str:
    return os.fsdecode(value.encode("latin-1"))


class _Server(socketserver.ForkingMixIn, socketserver.UnixStreamServer):
    """Forks for each command. Many commands may run at once."""

    max_children = 100
    parent = os.getppid()

    def service_actions(self) -> None:
        """Twice a second: end with the process of the tests."""
        super().service_actions()
        if os.getppid() != self.parent:
            sys.exit()


class _Command(socketserver.StreamRequestHandler):
    """In the fork: becomes the command, and tells how it ended."""

    def handle(self) -> None:
        request = json.loads(self.rfile.readline())
        self.wfile.write(f"{os.getpid()}\n".encode())
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        for number, path in ((1, request["out"]), (2, request["errors"])):
            opened = os.open(path, os.O_WRONLY | os.O_APPEND)
            os.dup2(opened, number)
            os.close(opened)
        os.environ.clear()
        os.environ.update({_received(name): _received(value) for name, value in request["environment"]})
        os.chdir(request["folder"])
        sys.argv = [_PROGRAM, *map(_received, request["arguments"])]
        with _measured():
            code = _exit_code()
        sys.stdout.flush()
        sys.stderr.flush()
        self.wfile.write(f"{code}\n".encode())


def _exit_code() -> int:
    from email_stack.cli.main import main

    try:
        main()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # noqa: BLE001 - as Python itself does
        sys.excepthook(*sys.exc_info())
        return 1
    return 0


@contextlib.contextmanager
def _measured() -> Iterator[None]:
    """Measure the coverage of this fork by itself, where the tests' is measured."""
    before = coverage.Coverage.current()
    if before is None:
        yield
        return
    before.stop()
    own = coverage.process_startup(force=True)
    try:
        yield
    finally:
        if own is not None:
            own.stop()
            own.save()


def _serve(path: str, rooms: Sequence[str]) -> NoReturn:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    leave_libraries_unwatched()
    for room in rooms:
        package = importlib.import_module(f"email_stack.{room}")
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)
    _read_before_forks()
    if rooms:
        read_models()
    gc.freeze()
    with _Server(path, _Command) as server:
        server.serve_forever()
    sys.exit()


def _read_before_forks() -> None:
    """Read what each fork would read anew: the public suffixes, the commands' options, the modules' files."""
    from constructs_lib.names import tenant_subdomain
    from email_stack.cli.main import app

    # The tests' own process tells which files nothing runs, and each fork would search for them once more.
    mock.patch.object(InOrOut, "find_possibly_unexecuted_files", return_value=()).start()
    inspect.stack()  # coverage asks for it where it begins
    tenant_subdomain("post.acme.example")
    read_once()
    typer.main.get_command(app)


if __name__ == "__main__":
    _serve(sys.argv[1], sys.argv[2:])
