"""The app in one process that keeps the CDK's kernel: a synthesis costs what it does, not a start of Python, Node and the CDK.

A request is what a process is given: its environment, its folder, where it prints. What the kernel itself reads of the environment
is settled when it starts: a request that differs there is not taken, and whoever asked runs the app. After a failure, and after
some dozens of assemblies, which the kernel never lets go, the process becomes a new one.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NoReturn

__all__ = ["NOT_TAKEN", "WarmApp", "run_there"]

NOT_TAKEN: Final = -1
"""Instead of an exit code: this process cannot do it."""
_OF_ONE_RUN: Final = frozenset(
    {"CDK_CONTEXT_JSON", "CDK_ERROR_FILE", "CDK_OUTDIR", "CDK_PERF_COUNTERS_FILE", "NODE_EXTRA_CA_CERTS"}
)
"""Of one request, or, as each emulator's certificate, of no use to a kernel that asks nobody."""
_OVERFLOW: Final = "CONTEXT_OVERFLOW_LOCATION_ENV"
_MOST_ASSEMBLIES: Final = 40
_START_SECONDS: Final = 60


class WarmApp:
    """The process, for as long as the `with` block lasts. It begins with the first request.

    Args:
        folder: a folder of its own, with a short path: a socket's has 107 bytes.
    """

    def __init__(self, folder: Path) -> None:
        self.socket = folder / "app"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> WarmApp:
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(str(self.socket))
            listening.listen(100)
            self._process = subprocess.Popen(
                _command(listening.fileno()), stdin=subprocess.DEVNULL, pass_fds=(listening.fileno(),)
            )
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        self._process.terminate()
        self._process.wait(_START_SECONDS)


def run_there(path: str) -> int:
    """Have the process at the socket `path` synthesize what this process' environment says; its exit code, or `NOT_TAKEN`.

    Its output is this process' output.
    """
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(path)
        request = {"environment": dict(os.environ), "folder": str(Path.cwd())}
        socket.send_fds(connection, [json.dumps(request).encode() + b"\n"], [1, 2])
        answer = connection.makefile("r").readline()
    return int(answer or -signal.SIGKILL)


def _command(listening: int) -> list[str]:
    return [sys.executable, "-O", "-m", "tests.e2e.warm_app", str(listening), str(os.getpid())]


def _settled(environment: Mapping[str, str]) -> dict[str, str]:
    """What the kernel reads of the environment when it starts."""
    named = {name: value for name, value in environment.items() if name.startswith(("CDK_", "JSII_", "NODE_"))}
    return {name: value for name, value in named.items() if name not in _OF_ONE_RUN}


def _serve(listening: socket.socket, parent: int) -> NoReturn:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    listening.settimeout(0.5)
    settled: dict[str, str] | None = None
    assemblies = 0
    while os.getppid() == parent:
        try:
            connection, _ = listening.accept()
        except TimeoutError:
            continue
        with connection:
            connection.settimeout(None)
            environment, folder, outputs = _request(connection)
            settled = settled if settled is not None else _settled(environment)
            code = NOT_TAKEN
            if settled == _settled(environment) and _OVERFLOW not in environment:
                code = _synthesized(environment, folder, outputs)
                assemblies += 1
            for output in outputs:
                os.close(output)
            connection.sendall(f"{code}\n".encode())
        if code > 0 or assemblies == _MOST_ASSEMBLIES:
            listening.set_inheritable(True)
            os.chdir(Path(__file__).parents[2])
            command = _command(listening.fileno())
            os.execve(command[0], [*command[:-1], str(parent)], _STARTED_WITH)
    sys.exit()


def _request(connection: socket.socket) -> tuple[dict[str, str], str, list[int]]:
    said, outputs, *_ = socket.recv_fds(connection, 1 << 20, 2)
    while not said.endswith(b"\n"):
        said += connection.recv(1 << 20)
    request = json.loads(said)
    return request["environment"], request["folder"], outputs


def _synthesized(environment: Mapping[str, str], folder: str, outputs: list[int]) -> int:
    """Exit code of `app.py` with this environment in this folder."""
    kept = [os.dup(number) for number in (1, 2)]
    for number, output in zip((1, 2), outputs, strict=True):
        os.dup2(output, number)
    try:
        os.environ.clear()
        # The kernel is started with it, and would prefer the first request's context to the one at hand.
        os.environ.update({name: value for name, value in environment.items() if name != "CDK_CONTEXT_JSON"})
        # Whoever asked first is gone before this process is, with its folders.
        for name in ("HOME", "TMPDIR"):
            os.environ.pop(name, None)
            os.environ.update({name: _STARTED_WITH[name]} if name in _STARTED_WITH else {})
        os.environ["NODE_NO_WARNINGS"] = "1"  # each app waits for the kernel's end, and Node counts those who wait
        os.chdir(folder)
        return _exit_code(environment)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        for number, output in zip((1, 2), kept, strict=True):
            os.dup2(output, number)
            os.close(output)


def _exit_code(environment: Mapping[str, str]) -> int:
    from email_stack.synthesis import app
    from email_stack.synthesis.toolchain import use_own_node

    try:
        use_own_node()
        import email_stack.stacks  # noqa: F401 - starts the kernel, unless it runs

        os.environ["CDK_CONTEXT_JSON"] = environment["CDK_CONTEXT_JSON"]
        app.main()
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # noqa: BLE001 - as Python itself does
        traceback.print_exc()
        return 1
    return 0


_STARTED_WITH: Final = dict(os.environ)

if __name__ == "__main__":
    with socket.socket(fileno=int(sys.argv[1])) as opened:
        _serve(opened, int(sys.argv[2]))
