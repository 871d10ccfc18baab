"""Addresses that may send and receive."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mailroom.addresses import AddressBook, DesignatedAddress

SUPPORT = DesignatedAddress("support@post.acme.example", "Acme")
NEWS = DesignatedAddress("news@post.acme.example", receives=False)
INBOX = DesignatedAddress("inbox@post.acme.example", sends=False)
BOOK = AddressBook(subdomain="post.acme.example", addresses=(SUPPORT, NEWS, INBOX))


@pytest.mark.parametrize(
    ("address", "sends", "receives"),
    [
        ("support@post.acme.example", True, True),
        ("news@post.acme.example", True, False),
        ("inbox@post.acme.example", False, True),
        ("sales@post.acme.example", False, False),
        ("Support@post.acme.example", False, True),  # IAM compares letter by letter, SES's rules do not
        ("support+tag@post.acme.example", False, True),
        ("support@post.globex.example", False, False),
        ("support@acme.example", False, False),
        ("@post.acme.example", False, False),
        ("support", False, False),
        ("", False, False),
    ],
)
def test_what_an_address_may(address: str, sends: bool, receives: bool) -> None:
    """As IAM and SES's rules decide it."""
    assert (BOOK.may_send(address), BOOK.may_receive(address)) == (sends, receives)


@pytest.mark.parametrize(
    ("address", "receives"),
    [("anybody@post.acme.example", True), ("news@post.acme.example", True), ("a@b.post.acme.example", False)],
)
def test_catch_all(address: str, receives: bool) -> None:
    """Every address of the subdomain, and none below it; nothing more may send."""
    book = replace(BOOK, catch_all=True)
    assert (book.may_receive(address), book.may_send("anybody@post.acme.example")) == (receives, False)


def test_tenant_that_is_not_live() -> None:
    """Neither sends nor receives."""
    book = replace(BOOK, live=False, catch_all=True)
    assert (book.senders, book.may_send(SUPPORT.address), book.may_receive(SUPPORT.address)) == ((), False, False)
