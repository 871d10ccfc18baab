"""Kinds of messages by their authors, persons or programs, and contents of reports."""

from __future__ import annotations

import json

import pytest

from mailroom.messages import Kind, Message, parse
from mailroom.messages.documents import message_from

SES = (
    "Return-Path: {sender}\nReceived: from mx.nordhof.example by inbound-smtp.eu-central-1.amazonaws.com with SMTP id k3m7q2"
    " for kontor@post.verein.example; Mon, 02 Nov 2026 14:00:05 +0000 (UTC)\n"
)


def read(fields: str, body: str = "Guten Tag.\n", *, sender: str = "<ida@nordhof.example>") -> Message:
    """A message that SES received."""
    message = parse(f"{SES.format(sender=sender)}From: Ida <ida@nordhof.example>\n{fields}\n{body}".encode())
    assert message_from(json.loads(json.dumps(message.document))) == message
    return message


@pytest.mark.parametrize(
    ("fields", "kinds"),
    [
        ("Feedback-ID: ::1.eu-central-1.QmVpc3BpZWw=:AmazonSES\nX-SES-Outgoing: 2026.11.02-192.0.2.8\n", set()),
        ("Feedback-ID: a:b:c:d\nPrecedence: bulk\n", {Kind.BULK}),
        ("List-Unsubscribe: <https://a.example/u>\n", {Kind.BULK}),
        ("List-Help: <mailto:a@b.example>\n", {Kind.BULK}),
        ("Auto-Submitted: no\nAuto-Submitted: auto-replied\n", {Kind.AUTO_REPLY}),
        ("Auto-Submitted: auto-replied\nAuto-Submitted: no\n", {Kind.AUTO_REPLY}),
        ("Auto-Submitted: auto-generated\nAuto-Submitted: auto-replied\n", {Kind.AUTO_REPLY}),
        ("Auto-Submitted: x-vorgang\n", {Kind.AUTO_GENERATED}),
        ("Auto-Submitted: auto-notified; owner-email=a@b.example\n", {Kind.AUTO_GENERATED}),
        ("Auto-Submitted: (a comment) Auto-Replied (vacation)\n", {Kind.AUTO_REPLY}),
        ("Auto-Submitted: No (a person)\n", set()),
        ("Auto-Submitted:\n", set()),
    ],
)
def test_kinds_of_fields(fields: str, kinds: set[Kind]) -> None:
    """Any word but "no" is automatic, whichever field says it; bulk needs a sign of bulk."""
    assert read(fields).kinds == kinds


def test_empty_return_path() -> None:
    """Nothing that came without a sender is to be answered."""
    assert read("", sender="<>").kinds == {Kind.AUTO_GENERATED}
    assert read("Auto-Submitted: auto-replied\n", sender="<>").kinds == {Kind.AUTO_REPLY}
    assert read("").kinds == set()


def report(kind: str, part: str, *, more: str = "") -> str:
    """Fields and body of a report."""
    return (
        f"From: Mail Delivery System <MAILER-DAEMON@nordhof.example>\n{more}"
        f"Content-Type: multipart/report; report-type={kind}; boundary=b\n\n--b\nContent-Type: text/plain\n\nHinweis.\n"
        f"--b\nContent-Type: message/{kind}\n\n{part}\n"
    )


ORIGINAL = "--b\nContent-Type: message/rfc822\n\nMessage-ID: <0107f00d-aa@eu-central-1.amazonses.com>\n\nWann?\n--b--\n"


@pytest.mark.parametrize(
    ("actions", "bounce"),
    [
        (["failed"], True),
        (["Failed"], True),
        (["delayed"], False),
        (["delivered"], False),
        (["relayed"], False),
        (["expanded"], False),
        (["delivered", "failed"], True),
        (["delivered", "relayed"], False),
        ([], True),
    ],
)
def test_delivery_reports(actions: list[str], bounce: bool) -> None:
    """Only what could not be delivered is a bounce; every report is about its message and says what became of it."""
    groups = "".join(
        f"\nFinal-Recipient: rfc822; p{number}@nordhof.example\nAction: {action}\n"
        for number, action in enumerate(actions)
    )
    raw = SES.format(sender="<>") + report("delivery-status", f"Reporting-MTA: dns; mx.example\n{groups}") + ORIGINAL
    message = parse(raw.encode())
    assert (Kind.BOUNCE in message.kinds) == bounce
    assert message.report is not None
    assert message.report.original_message_id == "0107f00d-aa@eu-central-1.amazonses.com"
    assert [one.action for one in message.report.recipients] == [action.lower() for action in actions]


@pytest.mark.parametrize(("feedback", "kinds"), [("abuse", {Kind.COMPLAINT}), ("not-spam", set()), ("Not-Spam", set())])
def test_feedback(feedback: str, kinds: set[Kind]) -> None:
    """Who takes a message out of the spam folder does not complain; the report says so."""
    part = f"Feedback-Type: {feedback}\nUser-Agent: P/1\nVersion: 1\n"
    message = parse((report("feedback-report", part) + ORIGINAL).encode())
    assert message.kinds == kinds
    assert message.report is not None
    assert message.report.feedback == feedback.lower()
    assert message_from(json.loads(json.dumps(message.document))) == message


@pytest.mark.parametrize(
    ("original", "found"), [("", "0107f00d-aa@x.example"), ("Original-Message-ID: <1@x.example>\n", "1@x.example")]
)
def test_read_receipts(original: str, found: str) -> None:
    """Exchange names the message in In-Reply-To only; where the receipt itself names one, that counts."""
    disposition = "Disposition: automatic-action/MDN-sent-automatically; displayed\n"
    part = f"Final-Recipient: rfc822; ida@nordhof.example\n{original}{disposition}"
    raw = report("disposition-notification", part, more="In-Reply-To: <0107f00d-aa@x.example>\n")
    message = parse(f"{raw}--b--\n".encode())
    assert message.kinds == {Kind.READ_RECEIPT}
    assert message.report is not None
    assert message.report.original_message_id == found


QMAIL = """From: MAILER-DAEMON@mx.nordhof.example
Subject: failure notice

Hi. This is the qmail-send program at mx.nordhof.example.
Your message could not be delivered to these addresses.

<ida@nordhof.example>:
No such mailbox. (#5.1.1)

<karl@nordhof.example>:
192.0.2.9 does not like recipient.
Remote host said: 550 no

--- Below this line is a copy of the message.

Return-Path: <kontor@post.verein.example>
To: ida@nordhof.example
Message-ID: <0107f00d-aa@eu-central-1.amazonses.com>

Wann?
"""


def test_bounces_of_qmail() -> None:
    """The form that qmail writes is a report: whom it is about, why, and which message."""
    for raw in (QMAIL, SES.format(sender="<>") + QMAIL):
        message = parse(raw.encode())
        assert message.kinds == {Kind.BOUNCE}
        assert message.report is not None
        assert message.report.original_message_id == "0107f00d-aa@eu-central-1.amazonses.com"
        found = [(one.address, one.action, one.status, one.diagnostic) for one in message.report.recipients]
        assert found == [
            ("ida@nordhof.example", "failed", "5.1.1", "No such mailbox. (#5.1.1)"),
            ("karl@nordhof.example", "failed", "", "192.0.2.9 does not like recipient. Remote host said: 550 no"),
        ]


def test_what_only_begins_like_qmails() -> None:
    """A letter that begins with the same words is a letter."""
    message = read("", "Hi. This is the neighbour.\n\n<me>:\n\nBye\n")
    assert (message.kinds, message.report) == (frozenset(), None)
