"""Answers: to whom, in which thread, and what no machine answers."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailroom.addresses import DesignatedAddress
from mailroom.messages import Address, parse
from mailroom.outbox import Outgoing, OutgoingFile, reply_to
from mailroom.outbox.compose import compose
from tests.mailroom.outbox.conftest import NOW

SUPPORT = Address("support@post.acme.example", "Support")
PATH = (
    "Return-Path: <{}>\r\nReceived: from a by inbound-smtp.eu-central-1.amazonaws.com with SMTP id abc123\r\n"
    " for support@post.acme.example;\r\n Mon, 23 Nov 2026 09:00:00 +0000 (UTC)\r\n"
)


def came(extra: str = "", *, path: str = "anna@example.net", sender: str = "Anna <anna@example.net>") -> Any:
    """A message that SES received."""
    return parse(
        (
            PATH.format(path)
            + f"From: {sender}\r\nTo: support@post.acme.example, Bo <bo@example.net>\r\nSubject: Order\r\n"
            f"Message-ID: <m1@example.net>\r\n{extra}\r\nWhere is it?\r\n"
        ).encode()
    )


def test_answer_goes_to_whoever_wrote_in_the_thread() -> None:
    """From, "Re: " once, and what it refers to."""
    found = reply_to(came(), sender=DesignatedAddress("support@post.acme.example", "Support"), text="Here.")
    assert (found.sender, found.to, found.cc) == (SUPPORT, (Address("anna@example.net", "Anna"),), ())
    assert (found.subject, found.in_reply_to, found.references) == ("Re: Order", "m1@example.net", ("m1@example.net",))
    assert not found.automatic
    assert compose(found, id="0" * 40, at=NOW)


def test_answer_follows_reply_to_and_can_go_to_everybody() -> None:
    """Reply-To goes before From; copies go to the other recipients, never to the sender of the answer."""
    message = came("Reply-To: Desk <desk@example.net>\r\nCc: cy@example.net, BO@example.net\r\n")
    found = reply_to(message, sender=SUPPORT, text="Here.", everybody=True)
    assert [one.address for one in found.to] == ["desk@example.net"]
    assert sorted(one.address.lower() for one in found.cc) == ["bo@example.net", "cy@example.net"]


def test_answer_to_ones_own_message_goes_on_to_its_recipients() -> None:
    """A second mail after one that nobody answered."""
    found = reply_to(came(sender="support@post.acme.example"), sender=Address("Support@post.acme.example"), text="?")
    assert "bo@example.net" in [one.address for one in found.to]


@pytest.mark.parametrize(
    ("extra", "path", "sender", "why"),
    [
        ("Auto-Submitted: auto-replied\r\n", "a@b.example", "a@b.example", "a machine answered with it"),
        ("Auto-Submitted: auto-generated\r\n", "a@b.example", "a@b.example", "a program wrote it"),
        ("Precedence: bulk\r\n", "a@b.example", "a@b.example", "it is bulk mail"),
        ("Precedence: junk\r\n", "a@b.example", "a@b.example", "it is bulk mail"),
        ("Precedence: list\r\n", "a@b.example", "a@b.example", "mailing list"),
        ("List-Id: <x.example>\r\n", "a@b.example", "a@b.example", "mailing list"),
        ("List-Unsubscribe: <https://x.example>\r\n", "a@b.example", "a@b.example", "it is bulk mail"),
        ("", "", "MAILER-DAEMON@b.example", "it is a bounce"),
        ("", "", "a@b.example", "a program wrote it"),
        ("", "owner-news@b.example", "a@b.example", "a mail system sent it"),
        ("", "news-request@b.example", "a@b.example", "a mail system sent it"),
        ("", "no-reply@b.example", "a@b.example", "a mail system sent it"),
        ("", "support@post.acme.example", "a@b.example", "it comes from the sender of the answer"),
    ],
)
def test_no_machine_answers_a_machine(extra: str, path: str, sender: str, why: str) -> None:
    """Two that answer each other never end; a machine that is told to may, where there is somebody."""
    message = came(extra, path=path, sender=sender)
    with pytest.raises(ValueError, match=why) as refused:
        reply_to(message, sender=SUPPORT, text="We are away.", automatic=True)
    assert "@" not in str(refused.value)
    if path:
        assert reply_to(message, sender=SUPPORT, text="We are away.", automatic=True, anyway=True).automatic


@pytest.mark.parametrize(
    ("extra", "path", "sender", "why"),
    [
        ("Auto-Submitted: auto-replied\r\n", "a@b.example", "a@b.example", "a machine answered with it"),
        ("Auto-Submitted: auto-generated\r\n", "a@b.example", "a@b.example", "a program wrote it"),
        ("", "", "MAILER-DAEMON@b.example", "it is a bounce"),
        ("", "", "a@b.example", "a program wrote it"),
    ],
)
def test_mail_of_a_program_is_answered_only_when_told_to(extra: str, path: str, sender: str, why: str) -> None:
    """By default nobody answers it: an application that forgets to say that it is one is refused, too."""
    message = came(extra, path=path, sender=sender)
    with pytest.raises(ValueError, match=f"reply: may not be sent, because {why}; .* pass anyway=True") as refused:
        reply_to(message, sender=SUPPORT, text="It is on its way.")
    assert "@" not in str(refused.value)
    found = reply_to(message, sender=SUPPORT, text="I am here.", anyway=True)
    assert (found.automatic, found.anyway, [one.address for one in found.to]) == (False, True, [sender])


@pytest.mark.parametrize(
    "extra", ["Precedence: list\r\n", "List-Id: <x.example>\r\n", "List-Unsubscribe: <https://x>\r\n"]
)
def test_person_answers_mailing_lists(extra: str) -> None:
    """And newsletters: only programs must not."""
    assert reply_to(came(extra), sender=SUPPORT, text="I am here.").to


def test_automatic_answer_goes_to_the_envelopes_sender() -> None:
    """Whatever Reply-To and From say, and it says that it is one."""
    message = came("Reply-To: victim@example.org\r\n", path="bounce+7@example.net")
    found = reply_to(message, sender=SUPPORT, text="We are away.", automatic=True)
    assert [one.address for one in found.to] == ["bounce+7@example.net"]
    assert found.subject == "Auto: Order"
    assert b"Auto-Submitted: auto-replied" in compose(found, id="0" * 40, at=NOW)


def test_nobody_to_answer_is_refused() -> None:
    """A message without a sender."""
    with pytest.raises(ValueError, match="reply: the message must have a sender who can be answered"):
        reply_to(parse(b"Subject: x\r\n\r\nHello"), sender=SUPPORT, text="?")


@given(subject=st.text(max_size=80), name=st.text(max_size=40))
def test_hostile_subject_and_name_can_be_answered(subject: str, name: str) -> None:
    """Whatever a stranger writes there, the answer is one that can be sent."""
    from mailroom.messages import Message

    message = Message(subject=subject, from_=(Address("anna@example.net", name),))
    assert compose(reply_to(message, sender=SUPPORT, text="Here."), id="0" * 40, at=NOW)


@pytest.mark.parametrize(
    ("fields", "wanted"),
    [
        ({"to": ("a@b.example",)}, "outgoing: to 1: must be an Address, got str"),
        ({"to": "a@b.example"}, r"outgoing: to: must be a tuple of Address, got str; write to=\(...,\)"),
        ({"to": Address("a@b.example")}, "outgoing: to: must be a tuple of Address, got Address"),
        ({"cc": (Address("a@b.example"), None)}, "outgoing: cc 2: must be an Address, got NoneType"),
        ({"bcc": {"a@b.example"}}, "outgoing: bcc: must be a tuple of Address, got set"),
        ({"reply_to": ("a@b.example",)}, "outgoing: reply_to 1: must be an Address, got str"),
        ({"sender": "a@b.example"}, "outgoing: sender: must be an Address, got str"),
        ({"attachments": (b"octets",)}, "outgoing: attachment 1: must be an OutgoingFile, got bytes"),
        ({"references": "a@b.example"}, "outgoing: references: must be a tuple of Message-IDs, got str"),
    ],
)
def test_what_is_no_address_says_what_is_wanted(fields: dict[str, Any], wanted: str) -> None:
    """Where it is made, with the field, and without the address."""
    settings: dict[str, Any] = {"sender": SUPPORT, "to": (Address("anna@example.net"),), **fields}
    with pytest.raises(ValueError, match=wanted) as refused:
        Outgoing(**settings)
    assert "a@b.example" not in str(refused.value)


def test_list_and_designated_address_are_taken() -> None:
    """As forms and address books give them; the same message, however it was given."""
    file = OutgoingFile(filename="a.txt", content_type="text/plain", data=b"x")
    lists: Any = {"to": [Address("anna@example.net")], "attachments": [file]}
    found = Outgoing(sender=DesignatedAddress("support@post.acme.example", "Support"), **lists)  # type: ignore[arg-type]
    same = Outgoing(sender=SUPPORT, to=(Address("anna@example.net"),), attachments=(file,))
    assert found == same
    assert found.fingerprint == same.fingerprint
