"""Dates, names of files and addresses of the envelope in forms that are rarer."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from mailroom.messages import Attachment, parse
from mailroom.messages.dates import read_date
from mailroom.messages.documents import message_from
from mailroom.store.headers import participants


@pytest.mark.parametrize(
    "written",
    [
        "Mon, 02 Nov 2026 09:00:00 -05:00",
        "Mon, 02 Nov 2026 09:00:00 GMT-0500",
        "Mon, 02 Nov 2026 09:00:00 GMT-05:00",
        "Mon, 02 Nov 2026 09:00:00 UTC-5",
        "Mon, 02 Nov 2026 09:00 -05",
        "Mon Nov 02 2026 09:00:00 GMT-0500 (Eastern Standard Time)",
        "Mon, 02 Nov 2026 19:30:00 +05:30",
        "2026-11-02T09:00:00-05:00",
        "2026-11-02 14:00:00",
    ],
)
def test_zones(written: str) -> None:
    """Each of them is the same moment."""
    assert read_date(written) == datetime(2026, 11, 2, 14, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "name", ["計画" * 80 + ".pdf", "ü" * 300 + ".pdf", "a" * 400 + ".pdf", "🚀" * 100 + ".pdf", "12:45.pdf"]
)
def test_safe_file_names(name: str) -> None:
    """File systems count octets: at most 255 of them, and the extension stays; no colon, which begins another stream on Windows."""
    safe = Attachment(path="2", filename=name, content_type="application/pdf", sha256="", size=0).safe_filename
    assert len(safe.encode()) <= 255
    assert safe.endswith(".pdf")
    assert ":" not in safe


@pytest.mark.parametrize(
    ("written", "recipient"),
    [
        ('"karl huber"@post.verein.example', '"karl huber"@post.verein.example'),
        ('<"karl; \\"k\\" huber"@Post.verein.example>', '"karl; \\"k\\" huber"@post.verein.example'),
        ("kontor@post.verein.example", "kontor@post.verein.example"),
    ],
)
def test_recipient_of_the_envelope(written: str, recipient: str) -> None:
    """A local part in quotes is whole, white space included."""
    received = f"from mx.example by inbound-smtp.eu-central-1.amazonaws.com with SMTP id k3m7q2 for {written}; x"
    message = parse(f"Return-Path: <a@b.example>\nReceived: {received}\nFrom: a@b.example\n\nx".encode())
    assert message.envelope.recipients == (recipient,)


@pytest.mark.parametrize(
    ("written", "name", "whats"),
    [
        ('"Angebot "Sommer" 2026.pdf"', 'Angebot "Sommer" 2026.pdf', ["parameter-broken"]),
        ('"Angebot "Sommer" 2026.pdf"; size=9', 'Angebot "Sommer" 2026.pdf', ["parameter-broken"]),
        ('"a"b".pdf"', 'a"b".pdf', ["parameter-broken"]),
        ('"Angebot.pdf" ; size=9', "Angebot.pdf", []),
        ('"Angebot.pdf"', "Angebot.pdf", []),
    ],
)
def test_bare_quotes_in_file_names(written: str, name: str, whats: list[str]) -> None:
    """A quote that the sender did not escape cuts no name, and is noted."""
    raw = f"Content-Type: application/pdf\nContent-Disposition: attachment; filename={written}\n\nx".encode()
    message = parse(raw)
    assert [one.filename for one in message.attachments] == [name]
    assert [one.what for one in message.problems] == whats


def test_resent_from() -> None:
    """Who passed a message on is kept beside its author; nothing else of the document changes."""
    raw = b"Resent-From: Ola <ola@kund.example>\nResent-From: c@d.example\nFrom: a@b.example\n\nx"
    message = parse(raw)
    assert [(one.name, one.address) for one in message.resent_from] == [
        ("Ola", "ola@kund.example"),
        ("", "c@d.example"),
    ]
    assert [one.address for one in message.from_] == ["a@b.example"]
    assert message_from(json.loads(json.dumps(message.document))) == message
    assert message.problems == ()
    assert "resent_from" not in parse(b"From: a@b.example\n\nx").document


def test_participants_are_short() -> None:
    """However long authors are, a thread's item is not."""
    found = participants([f"{number}{'a' * 300_000}@b.example" for number in range(30)])
    assert (len(found), {len(one) for one in found}) == (20, {320})
