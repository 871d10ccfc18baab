"""Speaks with clamd over its socket. Each answer that is not exact is an error, never a clean file."""

from __future__ import annotations

import array
import os
import re
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from mailroom.scanning.verdicts import Verdict

__all__ = ["Clamd", "ClamdError", "EngineAnswer", "Session", "Submitted"]

_ANSWER: Final = re.compile(r"(?:fd\[\d++\]|stream): (?:(?P<clean>OK)|(?P<signature>[\x21-\x7e]++) FOUND)\0")
_MOST_ANSWER_OCTETS: Final = 4096
_NUMBERED: Final = re.compile(rb"(?P<number>[1-9][0-9]{0,8}): (?P<answer>[^\0]++\0)")
_SESSION_SECONDS: Final = 1.0
"""Seconds in which a session takes files. clamd ends a session without a command for ten, and the scans in it."""
_TOO_BIG: Final = re.compile(r"size limit exceeded", re.IGNORECASE)

_MEANINGS: Final = (
    ("Heuristics.Encrypted.", Verdict.ENCRYPTED),
    ("Heuristics.Limits.Exceeded", Verdict.OVER_LIMIT),
    # Our own, for files that the engine cannot open and calls clean: unscannable.ndb.
    ("Mailroom.Sealed.Office.", Verdict.ENCRYPTED),
    ("Mailroom.Sealed.Archive.", Verdict.OVER_LIMIT),
    # Containers within a PDF or an old Office document, which only the scanner can open.
    ("Mailroom.Opened.", Verdict.OVER_LIMIT),
    # Macros are common in offices; malicious ones have signatures of their own.
    ("Heuristics.OLE2.ContainsMacros", Verdict.CLEAN),
)


class ClamdError(Exception):
    """clamd did not answer, or could not scan: the message is tried again, and held when that lasts."""


@dataclass(frozen=True, slots=True)
class EngineAnswer:
    """The engine's answer on one file: a verdict, and its name for the finding ("" without one)."""

    verdict: Verdict
    signature: str = ""


@dataclass(frozen=True, slots=True)
class Submitted:
    """A file that clamd is scanning."""

    connection: socket.socket

    def result(self) -> EngineAnswer:
        """Wait for clamd's answer; once.

        Raises:
            ClamdError: no answer, a broken one, or an error of clamd; also when clamd died in the middle.
        """
        with self.connection:
            return _meaning(_received(self.connection))

    def close(self) -> None:
        """Release it, with or without a wait."""
        self.connection.close()


@dataclass(frozen=True, kw_only=True, slots=True)
class Clamd:
    """A clamd on this machine.

    Args:
        socket_path: its local socket.
        timeout_seconds: most time of one scan; longer than clamd's MaxScanTime, which it overshoots. Default: 120.

    Source: clamd(8), "Commands": FILDES passes an open file, so no bytes go through the socket or to disk.
    """

    socket_path: str
    timeout_seconds: float = 120.0

    def scan(self, data: bytes) -> EngineAnswer:
        """Scan `data` and wait for the answer. Raises the errors of `submit` and of its result."""
        return self.submit(data).result()

    def submit(self, data: bytes) -> Submitted:
        """Begin the scan of `data`. Raises `ClamdError` when clamd cannot be reached."""
        return Submitted(self._handed_over(data))

    def version(self) -> str:
        """Versions of engine and signatures, and the signatures' date. Raises `ClamdError`."""
        with self.connected() as connection:
            connection.sendall(b"zVERSION\0")
            return _received(connection).rstrip("\0")

    def reload(self) -> None:
        """Start a reload of its definitions; returns before the end of it. Raises `ClamdError`."""
        with self.connected() as connection:
            connection.sendall(b"zRELOAD\0")
            answer = _received(connection)
        if answer != "RELOADING\0":
            raise ClamdError(f"clamd: does not reload, got {answer[:200]!r}; see clamd's log")

    @contextmanager
    def session(self) -> Iterator[Session]:
        """One connection for the files of one message; used by one thread. Raises `ClamdError` when clamd cannot be reached."""
        session = Session(self, self.connected())
        try:
            yield session
        finally:
            session.close()

    def _handed_over(self, data: bytes) -> socket.socket:
        connection = self.connected()
        try:
            _hand_over(connection, data)
        except OSError as error:
            connection.close()
            raise ClamdError(f"clamd: connection broke: {error}") from error
        return connection

    def connected(self) -> socket.socket:
        """A new connection. Raises `ClamdError`."""
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        _limit_time(connection, socket.SO_RCVTIMEO, self.timeout_seconds)
        _limit_time(connection, socket.SO_SNDTIMEO, self.timeout_seconds)
        try:
            connection.connect(self.socket_path)
        except OSError as error:
            connection.close()
            raise ClamdError(f"clamd: {self.socket_path}: cannot connect: {error}; is it running?") from error
        return connection


class Session:
    """A connection on which clamd takes several files, and scans them at once.

    clamd numbers the commands of a session, and each answer has the number of its command. A file whose session has broken is
    scanned again on a connection of its own.

    Args:
        engine: for connections of their own.
        connection: a new one.
        clock: monotonic, in seconds. Default: the machine's.

    Source: clamd(8), "IDSESSION, END"; clamd/server-th.c (a session's time-out ends its scans; after END there is none).
    """

    def __init__(self, engine: Clamd, connection: socket.socket, clock: Callable[[], float] = time.monotonic) -> None:
        self._engine = engine
        self._connection = connection
        self._clock = clock
        self._until = clock() + _SESSION_SECONDS
        _limit_time(connection, socket.SO_RCVTIMEO, _SESSION_SECONDS)
        self._first = b"zIDSESSION\0"
        self._number = 0
        self._waiting: set[int] = set()
        self._answers: dict[int, str] = {}
        self._received = b""
        self._takes = True
        self._broken = False

    def submit(self, data: bytes) -> Submitted | _InSession:
        """Begin the scan of `data`. Raises `ClamdError` when clamd cannot be reached."""
        if not self._is_open():
            return self._engine.submit(data)
        try:
            _hand_over(self._connection, data, self._first)
        except OSError:
            self._break()
            return self._engine.submit(data)
        return _InSession(self, self._sent(), data)

    def version(self) -> str:
        """As of `Clamd`. Raises `ClamdError`."""
        # clamd writes this answer in two pieces, between which it may write the answer of a scan.
        if self._waiting or not self._is_open():
            return self._engine.version()
        try:
            self._connection.sendall(self._first + b"zVERSION\0")
        except OSError:
            self._break()
            return self._engine.version()
        answer = self.answer(self._sent())
        return self._engine.version() if answer is None else answer.rstrip("\0")

    def answer(self, number: int) -> str | None:
        """Wait for an answer; None if the session has broken. Raises `ClamdError` after the time of one scan."""
        while number not in self._answers and not self._broken:
            self._receive()
        return self._answers.pop(number, None)

    def scan_apart(self, data: bytes) -> EngineAnswer:
        """Scan `data` on a connection of its own. Raises `ClamdError`."""
        return self._engine.scan(data)

    def close(self) -> None:
        """End the session; clamd begins no further file of it."""
        self._connection.close()
        self._broken = True

    def _is_open(self) -> bool:
        """Whether the session takes a command now."""
        if self._takes and self._clock() >= self._until:
            self._end()
        return self._takes

    def _sent(self) -> int:
        self._first = b""
        self._number += 1
        self._waiting.add(self._number)
        return self._number

    def _end(self) -> None:
        """Take no more files; clamd answers on what it has, however long it takes."""
        self._takes = False
        try:
            _limit_time(self._connection, socket.SO_RCVTIMEO, self._engine.timeout_seconds)
            self._connection.sendall(self._first + b"zEND\0")
        except OSError:
            self._break()

    def _break(self) -> None:
        """Trust none of its answers that were not read yet."""
        self._answers.clear()
        self._takes = False
        self._broken = True

    def _receive(self) -> None:
        """Receive answers; without one in time, end the session and wait as long as for any scan."""
        try:
            more = self._connection.recv(_MOST_ANSWER_OCTETS)
        except BlockingIOError as error:
            if not self._takes:
                raise ClamdError(f"clamd: no answer: {error}") from error
            self._end()
            return
        except OSError:
            more = b""
        *answers, self._received = (self._received + more).split(b"\0")
        for one in answers:
            match = _NUMBERED.fullmatch(one + b"\0")
            if match is None or int(match["number"]) not in self._waiting:
                more = b""
                break
            self._waiting.remove(int(match["number"]))
            self._answers[int(match["number"])] = match["answer"].decode("ascii", "backslashreplace")
        if not more or len(self._received) > _MOST_ANSWER_OCTETS:
            self._break()


@dataclass(frozen=True, slots=True)
class _InSession:
    """A file that clamd is scanning in a session."""

    session: Session
    number: int
    data: bytes = field(repr=False)

    def result(self) -> EngineAnswer:
        """Wait for clamd's answer; once. Raises `ClamdError` as `Submitted.result` does."""
        answer = self.session.answer(self.number)
        return self.session.scan_apart(self.data) if answer is None else _meaning(answer)

    def close(self) -> None:
        """Do nothing: the session's end releases it."""


def _hand_over(connection: socket.socket, data: bytes, before: bytes = b"") -> None:
    """Send the command FILDES with a file of `data`, behind other commands. Raises `OSError`."""
    descriptor = os.memfd_create("part", os.MFD_CLOEXEC)
    try:
        written = 0
        view = memoryview(data)
        while written < len(data):
            written += os.pwrite(descriptor, view[written:], written)
        # The last byte is not of the command: clamd takes the descriptor with it.
        command = before + b"zFILDES\0\0"
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [descriptor]))]
        if connection.sendmsg([command], rights) != len(command):
            raise OSError("the command was cut")
    finally:
        os.close(descriptor)


def _limit_time(connection: socket.socket, option: int, seconds: float) -> None:
    """Set a time-out that the kernel keeps: Python's own would cost a poll before each call."""
    whole, rest = divmod(seconds, 1)
    connection.setsockopt(socket.SOL_SOCKET, option, struct.pack("ll", int(whole), int(rest * 1_000_000)))


def _meaning(answer: str) -> EngineAnswer:
    match = _ANSWER.fullmatch(answer)
    if match is None:
        if answer.endswith(" ERROR\0") and _TOO_BIG.search(answer):
            return EngineAnswer(Verdict.OVER_LIMIT, "Limits.FileSize")
        raise ClamdError(f"clamd: scan failed, got {answer[:200]!r}; see clamd's log")
    signature = match["signature"] or ""
    if not signature:
        return EngineAnswer(Verdict.CLEAN)
    meaning = next((verdict for start, verdict in _MEANINGS if signature.startswith(start)), Verdict.INFECTED)
    return EngineAnswer(meaning, signature)


def _received(connection: socket.socket) -> str:
    """One answer with its closing NUL; an answer without it was cut off."""
    answer = b""
    while not answer.endswith(b"\0"):
        try:
            more = connection.recv(_MOST_ANSWER_OCTETS)
        except OSError as error:
            raise ClamdError(f"clamd: no answer: {error}") from error
        answer += more
        if not more or len(answer) > _MOST_ANSWER_OCTETS:
            raise ClamdError(f"clamd: answer ended after {len(answer)} bytes; clamd may have crashed during the scan")
    return answer.decode("ascii", "backslashreplace")
