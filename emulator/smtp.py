"""SMTP on loopback: the receipt rules receive all mail that a client sends there.

Source: RFC 5321, 3.3 (transactions), 4.5.2 (dots), 4.5.3.1 (limits); RFC 1870 (SIZE); SES quotas, size of a received message.
"""

from __future__ import annotations

import re
import socketserver
from collections.abc import Callable, Sequence
from typing import Final

__all__ = ["Answers", "serve"]

MAX_MESSAGE_BYTES: Final = 40 * 1024 * 1024
MAX_LINE_BYTES: Final = 1000
MAX_RECIPIENTS: Final = 100
_PATH: Final = re.compile(rb"(?i)(?:MAIL FROM|RCPT TO): ?<([^<>\s]*)>(?: .*)?")

Answers = Callable[[bytes, str, Sequence[str]], str]
"""Takes a message, its envelope's sender and its recipients; returns the answer after its end."""


def serve(port: int, answer: Answers, ready: Callable[[int], None]) -> None:
    """Serve until it is interrupted.

    Args:
        port: of 127.0.0.1; 0 for a free one.
        answer: handles each message.
        ready: called with the port once the server listens.
    """

    class Handler(_Session):
        answers = staticmethod(answer)

    with _Server(("127.0.0.1", port), Handler) as server:
        ready(server.server_address[1])
        server.serve_forever()


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


class _Session(socketserver.StreamRequestHandler):
    """One connection."""

    answers: Answers
    sender: str | None
    recipients: list[str]

    def handle(self) -> None:
        """Commands until QUIT, or until the client is gone."""
        self._forget()
        self._say("220 localhost ESMTP emulator")
        while line := self.rfile.readline(MAX_LINE_BYTES + 1):
            if not line.endswith(b"\n"):
                self._say("500 5.5.6 Line too long")
                return
            command = line.rstrip(b"\r\n")
            verb = command[:4].upper()
            if verb == b"QUIT":
                self._say("221 2.0.0 Bye")
                return
            self._say(self._answer(verb, command))

    def _answer(self, verb: bytes, command: bytes) -> str:
        match verb:
            case b"EHLO":
                self._forget()
                return f"250-localhost\r\n250-8BITMIME\r\n250 SIZE {MAX_MESSAGE_BYTES}"
            case b"HELO" | b"RSET" | b"NOOP":
                if verb != b"NOOP":
                    self._forget()
                return "250 2.0.0 Ok"
            case b"MAIL" | b"RCPT":
                return self._name(verb, _PATH.fullmatch(command))
            case b"DATA":
                return self._take()
            case _:
                return "502 5.5.1 Command not implemented"

    def _name(self, verb: bytes, path: re.Match[bytes] | None) -> str:
        if path is None:
            return "501 5.1.7 Bad address syntax"
        address = path[1].decode(errors="replace")
        if verb == b"MAIL":
            self._forget()
            self.sender = address
        elif self.sender is None:
            return "503 5.5.1 Bad sequence of commands"
        elif len(self.recipients) == MAX_RECIPIENTS:
            return "452 4.5.3 Too many recipients"
        else:
            self.recipients.append(address)
        return "250 2.1.0 Ok"

    def _take(self) -> str:
        if self.sender is None or not self.recipients:
            return "503 5.5.1 Bad sequence of commands"
        self._say("354 End with a line that is one dot")
        content, octets = list[bytes](), 0
        for line in iter(self.rfile.readline, b""):
            if line in {b".\r\n", b".\n"}:
                break
            octets += len(line)
            if octets <= MAX_MESSAGE_BYTES:
                content.append(line.removeprefix(b"."))
        else:
            return "451 4.4.2 Connection lost"
        sender, recipients = self.sender, self.recipients
        self._forget()
        if octets > MAX_MESSAGE_BYTES:
            return "552 5.3.4 Message too big"
        return self.answers(b"".join(content), sender, recipients)

    def _forget(self) -> None:
        self.sender, self.recipients = None, []

    def _say(self, text: str) -> None:
        self.wfile.write(text.encode() + b"\r\n")
