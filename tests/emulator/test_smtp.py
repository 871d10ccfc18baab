"""The SMTP server, command by command."""

from __future__ import annotations

import smtplib
import socket
import threading
from collections.abc import Sequence
from queue import SimpleQueue

import pytest

from emulator import smtp

Taken = SimpleQueue[tuple[bytes, str, Sequence[str]]]


@pytest.fixture(scope="module")
def server() -> tuple[int, Taken]:
    """Its port, and what it took."""
    taken, ports = Taken(), SimpleQueue[int]()

    def answer(raw: bytes, sender: str, recipients: Sequence[str]) -> str:
        taken.put((raw, sender, recipients))
        return "250 2.0.0 Ok"

    threading.Thread(target=smtp.serve, args=(0, answer, ports.put), daemon=True).start()
    return ports.get(timeout=10), taken


def test_a_bounce_has_no_sender(server: tuple[int, Taken]) -> None:
    """The empty path; several recipients; a line of one dot is content where it is doubled."""
    port, taken = server
    with smtplib.SMTP("127.0.0.1", port) as client:
        client.sendmail("", ["a@post.acme.example", "b@post.acme.example"], b"Subject: x\r\n\r\n.\r\n")
    assert taken.get(timeout=10) == (
        b"Subject: x\r\n\r\n.\r\n",
        "",
        ["a@post.acme.example", "b@post.acme.example"],
    )


@pytest.mark.parametrize(
    ("commands", "answer"),
    [
        (["RCPT TO:<a@b.example>"], "503"),
        (["DATA"], "503"),
        (["MAIL FROM:<a@b.example>", "DATA"], "503"),
        (["MAIL FROM:<a@b.example>", "RSET", "RCPT TO:<a@b.example>"], "503"),
        (["MAIL FROM: <a@b.example> SIZE=10 BODY=8BITMIME"], "250"),
        (["MAIL FROM:a@b.example"], "501"),
        (["STARTTLS"], "502"),
        (["NOOP"], "250"),
        (["X" * 2000], "500"),
        (["MAIL FROM:<a@b.example>", *["RCPT TO:<a@b.example>"] * 101], "452"),
    ],
)
def test_commands_out_of_order_and_form_are_refused(
    server: tuple[int, Taken], commands: list[str], answer: str
) -> None:
    """With the codes of RFC 5321."""
    with socket.create_connection(("127.0.0.1", server[0]), timeout=10) as connection:
        lines = connection.makefile("rb")
        assert lines.readline().startswith(b"220 ")
        for command in commands:
            connection.sendall(command.encode() + b"\r\n")
            last = lines.readline().decode()
    assert last.startswith(answer)


def test_what_ses_would_not_take_is_too_big(server: tuple[int, Taken], monkeypatch: pytest.MonkeyPatch) -> None:
    """It is read to its end, kept by nobody, and the next message is taken."""
    monkeypatch.setattr(smtp, "MAX_MESSAGE_BYTES", 100)
    port, taken = server
    with smtplib.SMTP("127.0.0.1", port) as client:
        with pytest.raises(smtplib.SMTPResponseException, match="Message too big"):
            client.sendmail("a@b.example", ["a@post.acme.example"], b"x" * 60 + b"\r\n" + b"y" * 60 + b"\r\n")
        client.sendmail("a@b.example", ["a@post.acme.example"], b"short\r\n")
    assert taken.get(timeout=10)[0] == b"short\r\n"
