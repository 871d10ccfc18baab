"""Speaks with clamd over its socket. Each answer that is not exact is an error, never a clean file."""

from __future__ import annotations

import array
import os
import re
import socket
import struct
from dataclasses import dataclass
from typing import Final

from mailroom.scanning.verdicts import Verdict

__all__ = ["Clamd", "ClamdError", "EngineAnswer", "Submitted"]

_ANSWER: Final = re.compile(r"(?:fd\[\d++\]|stream): (?:(?P<clean>OK)|(?P<signature>[\x21-\x7e]++) FOUND)\0")
_MOST_ANSWER_OCTETS: Final = 4096
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
        with self._connected() as connection:
            connection.sendall(b"zVERSION\0")
            return _received(connection).rstrip("\0")

    def reload(self) -> None:
        """Start a reload of its definitions; returns before the end of it. Raises `ClamdError`."""
        with self._connected() as connection:
            connection.sendall(b"zRELOAD\0")
            answer = _received(connection)
        if answer != "RELOADING\0":
            raise ClamdError(f"clamd: does not reload, got {answer[:200]!r}; see clamd's log")

    def _handed_over(self, data: bytes) -> socket.socket:
        descriptor = os.memfd_create("part", os.MFD_CLOEXEC)
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(descriptor, view) :]
            os.lseek(descriptor, 0, os.SEEK_SET)
            connection = self._connected()
            try:
                connection.sendall(b"zFILDES\0")
                # One byte goes with the descriptor: the kernel sends no message of descriptors alone.
                connection.sendmsg([b"\0"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [descriptor]))])
            except OSError as error:
                connection.close()
                raise ClamdError(f"clamd: connection broke: {error}") from error
            return connection
        finally:
            os.close(descriptor)

    def _connected(self) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        # The kernel keeps the time-out; Python's own would cost a poll before each call.
        whole, rest = divmod(self.timeout_seconds, 1)
        limit = struct.pack("ll", int(whole), int(rest * 1_000_000))
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
        try:
            connection.connect(self.socket_path)
        except OSError as error:
            connection.close()
            raise ClamdError(f"clamd: {self.socket_path}: cannot connect: {error}; is it running?") from error
        return connection


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
