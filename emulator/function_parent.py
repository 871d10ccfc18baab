"""Imports the libraries of functions once, and becomes a function's process as often as it is asked to.

    python function_parent.py SOCKET [LIBRARIES]

SOCKET is an open one's number, LIBRARIES the folder with boto3. A request is a line of JSON, with the process' pipes and one more,
which closes when the process has ended. The answer is the process' id. All ends with the asking process.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import socket
import sys
import types
from pathlib import Path
from typing import Any

__all__: list[str] = []

_PIPES = 4


def _main(connection: socket.socket, libraries: str) -> None:
    sys.path[0] = libraries
    _import_libraries()
    del sys.path[0]  # the function's own code is the only one there
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for a process: the system forgets it
    while said := _request(connection):
        request, pipes = said
        if process := os.fork():
            for pipe in pipes:
                os.close(pipe)
            connection.sendall(f"{process}\n".encode())
            continue
        connection.close()
        _become(request, pipes)
        return


def _import_libraries() -> None:
    import boto3  # noqa: PLC0415 - from the folder that is asked for
    import botocore.handlers  # noqa: F401, PLC0415

    # Imports what botocore imports with the first client; the session is nobody's.
    boto3.session.Session(aws_access_key_id="none", aws_secret_access_key="none").client("sts", region_name="us-east-1")


def _request(connection: socket.socket) -> tuple[dict[str, Any], list[int]] | None:
    said, pipes, *_ = socket.recv_fds(connection, 1 << 20, _PIPES)
    while said and not said.endswith(b"\n"):
        said += connection.recv(1 << 20)
    return (json.loads(said), pipes) if said else None


def _become(request: dict[str, Any], pipes: list[int]) -> None:
    """Run a script as Python does that is started with it."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    *own, alive = pipes
    for number, pipe in enumerate(own):
        os.dup2(pipe, number)
        os.close(pipe)
    os.set_inheritable(alive, False)  # what the function starts may outlive it
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["folder"])
    script = Path(request["script"])
    sys.argv = [str(script)]
    sys.path.insert(0, str(script.parent))
    main = types.ModuleType("__main__")
    main.__file__ = str(script)
    sys.modules["__main__"] = main
    exec(compile(script.read_text(encoding="utf-8"), script, "exec"), main.__dict__)


if __name__ == "__main__":
    _main(socket.socket(fileno=int(sys.argv[1])), sys.argv[2] if sys.argv[2:] else "")
