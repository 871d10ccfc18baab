"""Whom a message came to, as far as SES and its header say it."""

from __future__ import annotations

import pytest

from mailroom.messages import parse
from mailroom.store.entries import addresses_of

SES = (
    "Return-Path: <mara@kund.example>\r\n"
    "Received: from mx.kund.example by inbound-smtp.eu-central-1.amazonaws.com with SMTP id k3m7q2\r\n"
    " for hilfe@post.acme.example; Mon, 02 Nov 2026 10:00:00 +0000 (UTC)\r\n"
)


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("To: hilfe@post.acme.example", {"hilfe@post.acme.example"}),
        (
            "To: hilfe@post.acme.example\r\nCc: Lager <lager@post.acme.example>",
            {"hilfe@post.acme.example", "lager@post.acme.example"},
        ),
        ("To: undisclosed-recipients:;", {"hilfe@post.acme.example"}),
        ("To: liste@verein.example", {"hilfe@post.acme.example", "liste@verein.example"}),
        (
            "To: liste@verein.example\r\nReceived: by mx.verein.example for <lager@post.acme.example>; x",
            {"hilfe@post.acme.example", "liste@verein.example"},
        ),
    ],
    ids=["one", "two in the header", "hidden", "redirected", "line of another server"],
)
def test_recipients_that_are_known(header: str, found: set[str]) -> None:
    """The envelope has the one that SES names; the message is found by it and by all in the header."""
    message = parse(f"{SES}From: mara@kund.example\r\n{header}\r\n\r\nHallo\r\n".encode())
    assert message.envelope.recipients == ("hilfe@post.acme.example",)
    assert set(addresses_of(message)) == found | {"mara@kund.example"}


def test_no_recipient_without_ses() -> None:
    """A header proves nothing."""
    assert parse(b"To: hilfe@post.acme.example\r\n\r\nHallo\r\n").envelope.recipients == ()
