"""The process that opens hostile files: forks a child for each, with limits on its memory, time and output.

It is started once, has loaded the openers, and reads no file itself: a hostile file can harm only a child process, which ends after
the file.
"""

from __future__ import annotations

import array
import json
import mmap
import os
import resource
import signal
import socket
import sys
from typing import Final

from mailroom.scanning.containers.openers import members_of
from mailroom.scanning.containers.results import END, FAULT, FRAME, MEMBER, MESSAGE, FaultError, Room

__all__ = ["main"]

_MEMORY: Final = 1_000_000_000
_CPU_SECONDS: Final = 30
_WALL_SECONDS: Final = 60


def main() -> None:
    """Serve requests on the socket that is standard input, until its other end is closed."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    requests = socket.socket(fileno=0)
    while True:
        message, rights, _flags, _address = requests.recvmsg(70_000, socket.CMSG_SPACE(2 * 4))
        if not message:
            return
        descriptors = array.array("i")
        for _level, _kind, data in rights:
            descriptors.frombytes(data[: len(data) - len(data) % descriptors.itemsize])
        if os.fork() == 0:
            _child(json.loads(message), descriptors)
        for descriptor in descriptors:
            os.close(descriptor)


def _child(request: dict[str, str], descriptors: array.array[int]) -> None:
    """Open one file, and end."""
    status = 1
    try:
        source, out = descriptors
        signal.alarm(_WALL_SECONDS)
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
        resource.setrlimit(resource.RLIMIT_CPU, (_CPU_SECONDS, _CPU_SECONDS))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
        resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
        resource.setrlimit(resource.RLIMIT_NOFILE, (out + 8, out + 8))
        with mmap.mmap(source, 0, access=mmap.ACCESS_READ) as mapped:
            data = mapped[:]
        with os.fdopen(out, "wb", closefd=False) as pipe:
            for member in members_of(data, request["filename"], request["content_type"], Room()):
                if isinstance(member, FaultError):
                    text = str(member).encode()
                    pipe.write(FRAME.pack(FAULT, len(text), 0) + text)
                else:
                    name = member.name.encode("utf-8", "replace")[:1000]
                    kind = MESSAGE if member.is_message else MEMBER
                    pipe.write(FRAME.pack(kind, len(name), len(member.data)) + name)
                    pipe.write(member.data)
            pipe.write(FRAME.pack(END, 0, 0))
        status = 0
    except BaseException as error:  # noqa: BLE001 - a child of fork must not go on as its parent
        sys.stderr.write(f"opener: {type(error).__name__}\n")
    finally:
        os._exit(status)


if __name__ == "__main__":
    main()
