"""A message is composed as mail clients read it, the same octets each time; what could not be sent is refused before."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailroom.messages import Address, parse
from mailroom.outbox import Outgoing, OutgoingFile, answering
from mailroom.outbox.compose import MOST_OCTETS, compose
from mailroom.outbox.composed import transmitted
from tests.mailroom.store.conftest import mail

AT = datetime(2026, 11, 23, 10, 0, tzinfo=timezone(timedelta(hours=1)))
SUPPORT = Address("support@post.acme.example", "Müller & Söhne, Support")
ANNA = Address("anna@example.net", "Anna")
PLAIN = Outgoing(sender=SUPPORT, to=(ANNA,), subject="Ihr Zähler", text="Guten Tag.\n")


def composed(outgoing: Outgoing) -> bytes:
    """As the outbox has it."""
    return compose(outgoing, id="0123456789abcdef0123456789abcdef01234567", at=AT)


def test_everything_that_a_message_has() -> None:
    """Read back by the parser: names, subject, both bodies, attachments with their names and octets."""
    outgoing = Outgoing(
        sender=SUPPORT,
        to=(ANNA, Address("b@example.net")),
        cc=(Address("c@example.net", 'The "C"'),),
        reply_to=(Address("answers@post.acme.example"),),
        subject="Ihr Zähler Nr. 5 " + "x" * 200,
        text="Größe: 5\n",
        html="<p>Größe: 5</p>",
        attachments=(OutgoingFile(filename="Zähler 5.pdf", content_type="application/pdf", data=bytes(range(256))),),
        in_reply_to="a@example.net",
        references=("a@example.net",),
    )
    found = parse(composed(outgoing))
    assert found.problems == ()
    assert (found.from_, found.to, found.cc, found.reply_to) == (
        (SUPPORT,),
        outgoing.to,
        outgoing.cc,
        outgoing.reply_to,
    )
    assert (found.subject, found.text.strip(), found.html.strip()) == (outgoing.subject, "Größe: 5", "<p>Größe: 5</p>")
    (attachment,) = found.attachments
    assert (attachment.filename, attachment.content_type) == ("Zähler 5.pdf", "application/pdf")
    assert bytes(attachment.data) == bytes(range(256))
    assert (found.in_reply_to, found.references, found.date) == (("a@example.net",), ("a@example.net",), AT)


def test_same_message_same_octets() -> None:
    """So that asking again asks for the same; another message has another fingerprint."""
    file = OutgoingFile(filename="a.txt", content_type="text/plain", data=b"a")
    outgoing = replace(PLAIN, html="<p>a</p>", attachments=(file,))
    assert composed(outgoing) == composed(outgoing)
    others = [
        replace(outgoing, subject="b"),
        replace(outgoing, bcc=(ANNA,)),
        replace(outgoing, attachments=(replace(outgoing.attachments[0], data=b"b"),)),
    ]
    assert len({outgoing.fingerprint, *(other.fingerprint for other in others)}) == 4


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"to": ()}, "must have 1 to 50 recipients, got 0"),
        ({"to": (ANNA,) * 51}, "must have 1 to 50 recipients, got 51"),
        ({"subject": "a\r\nBcc: x@example.net"}, "subject: must be one line"),
        ({"to": (Address("anna@example.net\nBcc: x@example.net"),)}, "to 1: must be an address"),
        ({"cc": (Address("a@b@c"),)}, "cc 1: must be an address"),
        ({"to": (Address("anna@example.net", "A\nB"),)}, "to 1: name: must be one line"),
        ({"sender": Address("")}, "sender 1: must be an address"),
        ({"in_reply_to": "<a@b>"}, "in_reply_to: must be Message-IDs"),
        ({"references": ("a b",)}, "references: must be Message-IDs"),
        (
            {"attachments": (OutgoingFile(filename="a\nb", content_type="a/b", data=b""),)},
            "attachment 1: filename: must be one line",
        ),
        (
            {"attachments": (OutgoingFile(filename="a", content_type="message/rfc822", data=b""),)},
            "attachment 1: content_type",
        ),
        (
            {"attachments": (OutgoingFile(filename="a", content_type="a/b\r\nX: y", data=b""),)},
            "attachment 1: content_type",
        ),
        (
            {"attachments": (OutgoingFile(filename="a", content_type="a/b", data=b"x" * MOST_OCTETS),)},
            "must have at most 40,000,000 bytes",
        ),
    ],
)
def test_what_could_not_be_sent(changes: dict[str, Any], problem: str) -> None:
    """Is refused by field, and no address is in the error."""
    with pytest.raises(ValueError, match=re.escape(problem)) as caught:
        composed(replace(PLAIN, **changes))
    assert "anna" not in str(caught.value)


TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=80)


@given(TEXT, TEXT, st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00\r"), max_size=200))
def test_any_words_come_through(name: str, subject: str, text: str) -> None:
    """Whatever stands in a name, a subject and a body, no header more is made of it."""
    outgoing = replace(PLAIN, sender=Address(SUPPORT.address, name), subject=subject, text=text)
    found = parse(composed(outgoing))
    assert [one.address for one in (*found.from_, *found.to, *found.cc)] == [SUPPORT.address, ANNA.address]
    assert found.subject.split() == subject.split()
    assert found.text.split() == text.split()


def test_what_recipients_get() -> None:
    """SES's Message-ID in place of ours, and no Bcc; the body is as it was."""
    raw = composed(replace(PLAIN, bcc=(Address("secret@example.net"),)))
    sent = transmitted(raw, "0107-1", "eu-central-1")
    assert parse(sent).message_id == "0107-1@eu-central-1.amazonses.com"
    assert parse(transmitted(raw, "0107-1", "us-east-1")).message_id == "0107-1@email.amazonses.com"
    assert b"secret" in raw
    assert b"secret" not in sent
    assert sent.count(b"Message-ID:") == 1
    assert sent.partition(b"\r\n\r\n")[2] == raw.partition(b"\r\n\r\n")[2]


def test_answers_name_what_they_answer() -> None:
    """The whole chain, the first one and the last nineteen of a long one."""
    assert answering(parse(mail("b", "a"))) == {
        "in_reply_to": "b@example.net",
        "references": ("a@example.net", "b@example.net"),
    }
    long = answering(parse(mail("z", *(f"m{number}" for number in range(40)))))
    assert len(long["references"]) == 20
    assert (long["references"][0], long["references"][-1]) == ("m0@example.net", "z@example.net")
    assert answering(parse(b"Subject: none\r\n\r\n")) == {}
