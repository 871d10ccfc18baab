"""Whose domain a message is shown to come from, and what that domain asks of receivers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailroom.messages import parse
from mailroom.messages.authentication import ascii_domain, dmarc_domain, same_domain
from mailroom.messages.dmarc import DmarcPolicy, TextsError, governing_policy
from mailroom.messages.documents import message_from

FRONT: Final = (
    "Return-Path: <a@example.net>\r\n"
    "Received: from mx.example.net (mx.example.net [192.0.2.1])\r\n by inbound-smtp.eu-central-1.amazonaws.com with SMTP id abc123"
    "\r\n for support@post.acme.example;\r\n Mon, 23 Nov 2026 10:00:00 +0000 (UTC)\r\n"
)


def ses(results: str, *, author: str = "Anna <anna@bank.example>") -> bytes:
    """A message of that author with this behind SES's name in Authentication-Results."""
    return f"{FRONT}Authentication-Results: amazonses.com; {results}\r\nFrom: {author}\r\n\r\nhello\r\n".encode()


PASS: Final = "spf=pass (x) client-ip=192.0.2.1; dkim=pass header.i=@bank.example; dmarc=pass header.from=bank.example;"


def test_domain_that_passed_is_told() -> None:
    """Of the author; and a document that was kept says it again."""
    message = parse(ses(PASS))
    assert message.sender_authenticated == "bank.example"
    assert message_from(message.document).sender_authenticated == "bank.example"


@pytest.mark.parametrize(
    ("results", "author"),
    [
        ("dmarc=fail header.from=bank.example;", "anna@bank.example"),
        ("dmarc=none header.from=bank.example; dkim=pass header.i=@bank.example;", "anna@bank.example"),
        ("spf=pass; dkim=pass header.i=@bank.example;", "anna@bank.example"),
        ("dmarc=pass header.from=evil.example;", "anna@bank.example"),
        ("dmarc=pass header.from=example;", "anna@bank.example"),
        ("dmarc=pass header.from=bank.example.evil.example;", "anna@bank.example"),
        ("dmarc=pass;", "anna@bank.example"),
        ("helo=x; dmarc=pass header.from=bank.example; dmarc=fail header.from=bank.example;", "anna@bank.example"),
        ("helo=x; dmarc=pass header.from=bank.example; dmarc=pass header.from=evil.example;", "anna@bank.example"),
        ("(dmarc=pass header.from=bank.example;) dmarc=fail header.from=bank.example;", "anna@bank.example"),
        ('envelope-from="; dmarc=pass header.from=bank.example; "@evil.example;', "anna@bank.example"),
        (PASS, "anna@bank.example, boss@evil.example"),
        (PASS, '"anna@bank.example" <x@evil.example>'),
        (PASS, "boss"),
        (PASS, ""),
        (PASS, "anna@bank.example\r\nFrom: boss@evil.example"),
    ],
)
def test_nothing_else_is_told(results: str, author: str) -> None:
    """Whatever the sender writes where SES copies it, or into several From fields."""
    assert parse(ses(results, author=author)).sender_authenticated == ""


def test_sender_cannot_say_it() -> None:
    """A field of that name in the message itself counts for nothing."""
    raw = f"{FRONT}From: anna@bank.example\r\nAuthentication-Results: amazonses.com; {PASS}\r\n\r\nhello\r\n"
    assert parse(raw.encode()).sender_authenticated == ""
    assert parse(f"Authentication-Results: amazonses.com; {PASS}\r\nFrom: a@bank.example\r\n\r\n".encode()) is not None


def test_spellings_of_one_domain() -> None:
    """Letters of either case, A-labels and U-labels."""
    results = "dmarc=pass header.from=XN--MNCHEN-3YA.example;"
    assert parse(ses(results, author="a@münchen.example")).sender_authenticated == "xn--mnchen-3ya.example"
    assert same_domain("a.example", "A.EXAMPLE")
    assert not same_domain("a b", "c d")


@given(st.text(max_size=200))
def test_any_field_is_read(text: str) -> None:
    """None raises."""
    assert isinstance(dmarc_domain(text), str)
    assert isinstance(ascii_domain(text), str)


LAST_SEVEN: Final = ["g.h.i.j.k.l.m", "h.i.j.k.l.m", "i.j.k.l.m", "j.k.l.m", "k.l.m", "l.m", "m"]


def asked(zone: dict[str, Sequence[str]], domain: str) -> DmarcPolicy:
    """The domain's policy by these TXT values."""
    return governing_policy(domain, lambda name: zone.get(name, []))


REJECT: Final = {"_dmarc.bank.example": ["v=DMARC1; p=reject; rua=mailto:a@bank.example"]}


@pytest.mark.parametrize(
    ("zone", "domain", "policy"),
    [
        (REJECT, "bank.example", "reject"),
        (REJECT, "BANK.example.", "reject"),
        (REJECT, "news.bank.example", "reject"),
        (REJECT, "a.b.c.d.e.f.g.h.i.bank.example", "reject"),
        (REJECT, "other.example", "none"),
        ({"_dmarc.bank.example": ["v=DMARC1; p=reject; sp=none"]}, "news.bank.example", "none"),
        ({"_dmarc.bank.example": ["v=DMARC1;p=none;sp=quarantine"]}, "news.bank.example", "quarantine"),
        ({"_dmarc.bank.example": ["v=DMARC1;p=none;sp=quarantine"]}, "bank.example", "none"),
        ({"_dmarc.bank.example": ["v = DMARC1 ; P = Quarantine"]}, "bank.example", "quarantine"),
        ({"_dmarc.bank.example": ["v=DMARC1; p=reject; t=y"]}, "bank.example", "quarantine"),
        ({"_dmarc.bank.example": ["v=DMARC1; p=quarantine; t=y"]}, "bank.example", "none"),
        ({"_dmarc.bank.example": ["v=DMARC1; p=none; t=y"]}, "bank.example", "none"),
        ({"_dmarc.bank.example": ["v=DMARC1; p=reject", "v=DMARC1; p=none"]}, "bank.example", "none"),
        ({"_dmarc.bank.example": ["hello", "v=DMARC1; p=reject"]}, "bank.example", "reject"),
        ({"_dmarc.bank.example": ["v=DMARC12; p=reject"]}, "bank.example", "none"),
        ({"_dmarc.bank.example": ["v=DMARC1; p=rejct"]}, "bank.example", "none"),
        ({"_dmarc.bank.example": ["V=DMARC1; p=reject; x=ü;; p=none; 1=2"]}, "bank.example", "reject"),
        ({"_dmarc.bank.example": ["v=DMARC1; p=reject; sp=rejct"]}, "news.bank.example", "none"),
        ({"_dmarc.bank.example": ["v=DMARC1; rua=mailto:a@bank.example"]}, "bank.example", "none"),
        (
            {"_dmarc.bank.example": ["v=DMARC1; psd=n"], "_dmarc.example": ["v=DMARC1; p=reject"]},
            "a.bank.example",
            "none",
        ),
        ({**REJECT, "_dmarc.news.bank.example": ["v=DMARC1; p=none"]}, "news.bank.example", "none"),
        ({**REJECT, "_dmarc.example": ["v=DMARC1; p=none; psd=y"]}, "news.bank.example", "reject"),
        ({"_dmarc.example": ["v=DMARC1; p=none; sp=reject; psd=y"]}, "bank.example", "reject"),
        (
            {"_dmarc.b.bank.example": ["v=DMARC1; p=quarantine; psd=n"], **REJECT},
            "a.b.bank.example",
            "quarantine",
        ),
        ({}, "a b", "unknown"),
        ({}, "", "unknown"),
        ({}, f"{'a' * 64}.example", "unknown"),
    ],
)
def test_policy_that_holds(zone: dict[str, Sequence[str]], domain: str, policy: str) -> None:
    """A domain's own, or that of the organization above; by the newest standard."""
    assert asked(zone, domain) == policy


def test_long_name_costs_eight_questions() -> None:
    """The name itself, then its last seven labels, one fewer each time."""
    questions: list[str] = []

    def none(name: str) -> list[str]:
        questions.append(name)
        return []

    assert governing_policy(".".join("abcdefghijklm"), none) is DmarcPolicy.NONE
    assert questions == ["_dmarc.a.b.c.d.e.f.g.h.i.j.k.l.m", *(f"_dmarc.{name}" for name in LAST_SEVEN)]


def test_no_answer_is_no_policy() -> None:
    """Whoever cannot be asked has not said that nothing is to be done."""

    def silent(name: str) -> list[str]:
        raise TextsError(name)

    with pytest.raises(TextsError):
        governing_policy("bank.example", silent)


@given(st.text(max_size=60), st.lists(st.text(max_size=60).map(lambda text: f"v=DMARC1;{text}"), max_size=2))
def test_any_record_is_read(domain: str, texts: list[str]) -> None:
    """None raises, and each says one of the policies."""
    assert governing_policy(domain, lambda _name: texts) in DmarcPolicy
