"""Engines of tests: one whose session is the engine itself, and a socket that answers as told."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Self

from mailroom.scanning.clamd import Clamd

__all__ = ["OwnSession", "answering"]


class OwnSession:
    """An engine that takes the files of a message one by one."""

    def session(self) -> AbstractContextManager[Self]:
        """The engine."""
        return nullcontext(self)


@contextmanager
def answering(folder: Path, *answers: Callable[[socket.socket], object]) -> Iterator[Clamd]:
    """A socket whose connections take one file each, and answer as told, one after the other."""
    path = str(folder / "socket")
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(path)
    listener.listen()

    def serve() -> None:
        for answer in answers:
            connection, _ = listener.accept()
            asked = b""
            with connection:
                while b"zFILDES\0\0" not in asked:
                    asked += connection.recv(100)
                answer(connection)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield Clamd(socket_path=path, timeout_seconds=1)
    finally:
        thread.join()
        listener.close()
