"""A refusal says which address or file, by its place in the message, and which rule: never the address itself."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from mailroom import Address, AddressBook, DesignatedAddress, Outgoing, OutgoingFile
from mailroom.findings import Finding, findings_from, findings_text
from mailroom.messages import parse
from mailroom.messages.mime import read_header
from mailroom.outbox.compose import compose
from mailroom.outbox.explanations import of_deadline, of_findings, of_ses, places_of_files
from mailroom.scanning.extracted_parts import extracted_parts

NOW = datetime(2026, 11, 23, tzinfo=UTC)
SUPPORT = "support@post.acme.example"
MAIL = Outgoing(
    sender=Address(SUPPORT, "Acme"),
    to=(Address("anna@example.net"), Address("bob@example.net", "Bob")),
    bcc=(Address("carla@example.net"),),
    text="Hello.\n",
)
HEADER = read_header(compose(MAIL, id="ab" * 20, at=NOW))
BOOK = AddressBook(
    subdomain="post.acme.example", addresses=(DesignatedAddress(SUPPORT),), catch_all=False, live=True, written=NOW
)


def file(number: int, *, shown: bool) -> OutgoingFile:
    """A file whose content says its number."""
    return OutgoingFile(
        filename=f"{number}.bin",
        content_type="application/octet-stream",
        data=f"file {number}".encode(),
        content_id=f"id{number}" if shown else "",
    )


@pytest.mark.parametrize("shown", list(itertools.product([False, True], repeat=3)), ids=str)
def test_places_are_those_that_the_scanner_names(shown: tuple[bool, ...]) -> None:
    """Pictures within the HTML, files beside it, in any order: each place is the part with that file."""
    for count in range(1, 4):
        files = tuple(file(number, shown=one) for number, one in enumerate(shown[:count], start=1))
        html = "<p>Hello</p>"
        outgoing = replace(MAIL, html=html, attachments=files)
        pieces = {one.data: one.path for one in extracted_parts(compose(outgoing, id="ab" * 20, at=NOW))}
        assert [pieces[one.data] for one in files] == list(places_of_files(outgoing))


def test_places_without_html() -> None:
    """Files beside a plain text."""
    outgoing = replace(MAIL, attachments=(file(1, shown=False), file(2, shown=False)))
    assert places_of_files(outgoing) == ("2", "3")
    assert len(parse(compose(outgoing, id="ab" * 20, at=NOW)).attachments) == 2


@pytest.mark.parametrize(
    ("path", "verdict", "said"),
    [
        ("3", "infected", "attachment 2: infected, Eicar; scanning.infected delivers no such file"),
        ("3:in:in", "encrypted", "attachment 2: encrypted, Eicar; scanning.encrypted delivers no such file"),
        ("2.1", "over-limit", "attachment 1: over-limit, Eicar; scanning.over_limit delivers no such file"),
        ("1", "infected", "the message: infected, Eicar; scanning.infected delivers no such file"),
        ("", "error", "the message: error, Eicar"),
    ],
)
def test_findings(path: str, verdict: str, said: str) -> None:
    """Of a file within a file, the attachment that it is in."""
    found = Finding(filename="secret name.bin", verdict=verdict, signature="Eicar", path=path)
    assert of_findings((found,), ("2", "3")) == said


def test_message_as_a_whole_says_less_than_its_part() -> None:
    """Both were found; nothing was told by a scanner of before."""
    whole = Finding(filename="", verdict="infected", signature="Eicar")
    assert of_findings((whole, replace(whole, path="2")), ("2",)).startswith("attachment 1: ")
    assert "the scanner found something" in of_findings((), ("2",))


@pytest.mark.parametrize(
    ("code", "said", "book", "begins"),
    [
        ("AccessDeniedException", "User is not authorized", None, "sender: must be one of AddressBook.senders"),
        ("AccessDeniedException", "", replace(BOOK, addresses=()), "sender: must be one of AddressBook.senders"),
        ("AccessDeniedException", "", BOOK, "sender: is designated, but"),
        ("MessageRejected", "Email address is not verified: bob@example.net", BOOK, "to 2: is not verified"),
        ("MessageRejected", "is not verified: Anna@example.net, carla@example.net", BOOK, "to 1, bcc 1: is not"),
        ("MessageRejected", "not verified", BOOK, "an address: is not verified"),
        ("SendingPausedException", "", BOOK, "sending of the account or of the tenant is paused"),
        ("MessageRejected", "Email contains illegal content", BOOK, ""),
        ("BadRequestException", "bob@example.net", BOOK, ""),
    ],
)
def test_what_ses_refuses(code: str, said: str, book: AddressBook | None, begins: str) -> None:
    """By the place of the address, which SES names in full."""
    found = of_ses(code, said, HEADER, SUPPORT, book)
    assert found.startswith(begins)
    assert bool(found) == bool(begins)
    assert "@" not in found


def test_sender_in_other_case_is_none() -> None:
    """IAM compares letter by letter."""
    assert "letter by letter" in of_ses("AccessDeniedException", "", HEADER, SUPPORT.upper(), BOOK)


def test_deadline_says_what_it_waited_for() -> None:
    """Scanner, quota or network."""
    assert [of_deadline(reason).split(";")[0] for reason in ("deadline", "quota", "unreachable")] == [
        "deadline: passed while it was waiting for the scanner",
        "deadline: passed while it was waiting for SES's quota",
        "deadline: passed while it was waiting for SES to be reached",
    ]


def test_findings_fit_into_metadata() -> None:
    """ASCII, 1,200 octets at most, however many there are and however they are called; what fits comes back."""
    many = [Finding(filename="\u202eü" * 80, verdict="infected", signature="S" * 300, path="1." * 90)] * 50
    text = findings_text(many)
    assert text.isascii()
    assert 0 < len(text) <= 1_200
    (first, *_rest) = findings_from(text)
    assert (first.verdict, first.filename) == ("infected", ("\u202eü" * 80)[:100])
    assert findings_text([]) == ""
    assert findings_from("") == findings_from("{") == findings_from("[1]") == findings_from("[" * 100_000) == ()
