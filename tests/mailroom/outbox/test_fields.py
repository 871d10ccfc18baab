"""Other parsers find all fields of an outgoing message."""

from __future__ import annotations

import email
import email.policy
import re
from dataclasses import replace
from email.header import decode_header, make_header
from email.utils import getaddresses
from typing import Any

import fast_mail_parser
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailroom.messages import Address, parse
from mailroom.outbox import Outgoing, OutgoingFile
from tests.mailroom.outbox.test_compose import ANNA, PLAIN, SUPPORT, composed

LINE = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=150)
ATOM = st.text(st.sampled_from("abcXYZ019!#$%&'*+/=?^_`{|}~-"), min_size=1, max_size=20)
LOCAL = st.lists(ATOM, min_size=1, max_size=3).map(".".join)
LABEL = st.text(st.sampled_from("abcdefghxyz0123456789"), min_size=1, max_size=20)
DOMAIN = st.lists(LABEL, min_size=2, max_size=4).map(".".join)
ADDRESS = st.builds("{}@{}".format, LOCAL, DOMAIN)
IDENTIFIER = st.builds(
    "{}@{}".format,
    st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="<>@"), min_size=1, max_size=150),
    st.text(st.sampled_from("abcXYZ019.-"), min_size=1, max_size=100),
)
NAME = LINE.map(lambda name: " ".join(name.split()))
"""White space is one space: what a reader does with more of it differs."""

EXCHANGE = "AM0PR05MB6834D2C88EE7DD0B43CC6B35E8A0A@AM0PR05MB6834.eurprd05.prod.outlook.com"


def header_of(raw: bytes) -> email.message.Message:
    """As the standard library's old reader has it, which changes nothing."""
    return email.message_from_bytes(raw, policy=email.policy.compat32)


def unfolded(raw: bytes, field: str) -> str:
    """The field's text, lines joined as RFC 5322 2.2.3 says."""
    return re.sub(r"\r?\n(?=[ \t])", "", str(header_of(raw)[field]))


def check_octets(raw: bytes) -> None:
    """ASCII in lines that end in CRLF and are no longer than may be."""
    assert raw.isascii()
    assert b"\0" not in raw
    lines = raw.split(b"\r\n")
    assert all(b"\r" not in line and b"\n" not in line and len(line) <= 998 for line in lines)
    for line in raw.partition(b"\r\n\r\n")[0].split(b"\r\n"):
        assert len(line) <= 78 or b" " not in line.partition(b": ")[2].strip()


@given(st.lists(st.tuples(NAME, ADDRESS), min_size=1, max_size=12))
def test_any_mailboxes(people: list[tuple[str, str]]) -> None:
    """Names and addresses come back, by three readers."""
    to = tuple(Address(address, name) for name, address in people)
    raw = composed(Outgoing(sender=SUPPORT, to=to, text="a"))
    check_octets(raw)
    assert [(one.name, one.address.lower()) for one in parse(raw).to] == [(name, at.lower()) for name, at in people]
    found = getaddresses([unfolded(raw, "To")])
    assert [(str(make_header(decode_header(name))), address) for name, address in found] == people
    theirs = fast_mail_parser.parse_email(raw).headers["To"][0]
    assert all(address in theirs for _, address in people)


@given(IDENTIFIER, st.lists(IDENTIFIER, max_size=20))
def test_any_identifiers(answered: str, before: list[str]) -> None:
    """They stand in the header as they are: no encoded word, folded between two only."""
    raw = composed(Outgoing(sender=SUPPORT, to=(ANNA,), text="a", in_reply_to=answered, references=tuple(before)))
    check_octets(raw)
    assert unfolded(raw, "In-Reply-To").split() == [f"<{answered}>"]
    assert unfolded(raw, "References").split() == [f"<{one}>" for one in before] if before else True
    assert f"<{answered}>" in fast_mail_parser.parse_email(raw).headers["In-Reply-To"][0]


@pytest.mark.parametrize(
    "answered", [EXCHANGE, "0107019aa1b2c3d4-" + "5" * 60 + "-000000@eu-central-1.amazonses.com", "a" * 800 + "@b"]
)
def test_long_identifiers(answered: str) -> None:
    """Those of Exchange and SES are longer than a line."""
    raw = composed(Outgoing(sender=SUPPORT, to=(ANNA,), text="a", in_reply_to=answered, references=(answered,) * 2))
    assert raw.count(f"<{answered}>".encode()) == 3
    found = parse(raw)
    assert (found.in_reply_to, found.references) == ((answered,), (answered,))


@given(LINE)
def test_any_subject(subject: str) -> None:
    """Also one that looks like encoded words."""
    raw = composed(Outgoing(sender=SUPPORT, to=(ANNA,), text="a", subject=subject))
    check_octets(raw)
    assert str(make_header(decode_header(unfolded(raw, "Subject")))).strip() == subject.strip()
    assert fast_mail_parser.parse_email(raw).subject.split() == subject.split()


@pytest.mark.parametrize(
    "words", ["=?utf-8?q?kein_Wort?= wie geschrieben", "Formel =?x?B?eQ==?=", "=?", "  a  b  ", "a" * 2000]
)
def test_subjects_that_readers_would_change(words: str) -> None:
    """Encoded, so that they are read as they were meant."""
    raw = composed(Outgoing(sender=Address(SUPPORT.address, words), to=(ANNA,), text="a", subject=words))
    check_octets(raw)
    found = parse(raw)
    assert found.subject.split() == words.split()
    assert found.from_[0].name.split() == words.split()
    assert str(make_header(decode_header(unfolded(raw, "Subject")))) == words


@given(
    LINE,
    st.text(st.characters(exclude_categories=["Cs"]), max_size=400),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=400),
    LINE.filter(lambda name: name.strip() == name and name),
    st.binary(max_size=300),
)
def test_any_parts(subject: str, text: str, html: str, filename: str, data: bytes) -> None:
    """Texts and files come back, by two readers: lines, charsets, names and octets."""
    file = OutgoingFile(filename=filename, content_type="application/pdf", data=data)
    raw = composed(
        Outgoing(sender=SUPPORT, to=(ANNA,), subject=subject, text=text or " ", html=html, attachments=(file,))
    )
    check_octets(raw)
    theirs = email.message_from_bytes(raw, policy=email.policy.default)
    assert [part.defects for part in theirs.walk() if part.defects] == []
    parts = {part.get_content_type(): part for part in theirs.walk()}
    assert _lines(parts["text/plain"].get_content()).rstrip("\n") == _lines(text or " ").rstrip("\n")
    if html:
        assert _lines(parts["text/html"].get_content()).rstrip("\n") == _lines(html).rstrip("\n")
    assert parts["application/pdf"].get_content() == data
    (attachment,) = parse(raw).attachments
    # What stands first in a text and says in which order its bytes come is no part of it.
    assert (attachment.filename.split(), bytes(attachment.data)) == (filename.removeprefix("\ufeff").split(), data)


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        (
            {"subject": "Hello\u2028World"},
            "subject: must be one line of text, got an end of a line or a control character, U+2028",
        ),
        (
            {"subject": "Hello\x0bWorld"},
            "subject: must be one line of text, got an end of a line or a control character, U+000B",
        ),
        (
            {"subject": "Hello\x85World"},
            "subject: must be one line of text, got an end of a line or a control character, U+0085",
        ),
        ({"subject": "\ud83d"}, "subject: must be one line of text, got half a character, U+D83D, at character 1"),
        ({"text": "a\udc00"}, "text: must be text, got half a character, U+DC00"),
        ({"html": "a\udc00"}, "html: must be text, got half a character, U+DC00"),
        ({"to": (Address("a@b.example", "\ud83d"),)}, "to 1: name: must be one line of text, got half a character"),
        ({"to": (Address("jörg@example.net"),)}, "to 1: must have ASCII in front of its @, got '\\xf6' there"),
        ({"cc": (Address("a@-.example"),)}, "cc 1: must be an address"),
        ({"cc": (Address("a@bü cher.example"),)}, "cc 1: must be an address"),
        ({"in_reply_to": "ö@example.net"}, "in_reply_to: must be Message-IDs in ASCII"),
        ({"unsubscribe": "http://example.net/u"}, "unsubscribe: must be an https URL"),
        ({"unsubscribe": "https://example.net/u>\r\nBcc: x"}, "unsubscribe: must be an https URL"),
        (
            {"attachments": (OutgoingFile(filename="a", content_type="a/b; c", data=b""),)},
            "attachment 1: content_type: parameters must be like",
        ),
        (
            {"attachments": (OutgoingFile(filename="a\ud83d", content_type="a/b", data=b""),)},
            "attachment 1: filename: must be one line of text, got half a character",
        ),
        (
            {"attachments": (OutgoingFile(filename="a", content_type="image/png", data=b"", content_id="a"),)},
            "attachment 1: content_id: must be shown by HTML, and there is none",
        ),
        (
            {
                "html": "a",
                "attachments": (OutgoingFile(filename="a", content_type="image/png", data=b"", content_id="<a>"),),
            },
            "attachment 1: content_id must be ASCII",
        ),
    ],
)
def test_fields_that_cannot_be_written(changes: dict[str, Any], problem: str) -> None:
    """The error names the field, what is wrong with it, and where."""
    with pytest.raises(ValueError, match=re.escape(f"outgoing: {problem}")):
        composed(replace(PLAIN, **changes))


def test_international_domains() -> None:
    """A-labels leave; ß stays one letter, as IDNA 2008 has it."""
    to = (Address("joerg@bücher.example"), Address("a@straße.example", "A"), Address('"karl huber"@example.net'))
    raw = composed(Outgoing(sender=SUPPORT, to=to, text="a"))
    check_octets(raw)
    addresses = [address for _, address in getaddresses([unfolded(raw, "To")])]
    assert addresses[:2] == ["joerg@xn--bcher-kva.example", "a@xn--strae-oqa.example"]
    assert [one.address for one in parse(raw).to][2] == '"karl huber"@example.net'


def test_html_alone_has_a_text() -> None:
    """Readers that show no HTML show what it says."""
    raw = composed(Outgoing(sender=SUPPORT, to=(ANNA,), html="<p>Nur <b>HTML</b></p><p>&nbsp;zwei</p>"))
    theirs = email.message_from_bytes(raw, policy=email.policy.default)
    (plain,) = [part for part in theirs.walk() if part.get_content_type() == "text/plain"]
    assert _lines(plain.get_content()) == "Nur HTML\n\nzwei\n"


def test_pictures_that_html_shows() -> None:
    """They are parts of the HTML's own multipart/related, and other files stand beside."""
    logo = OutgoingFile(filename="logo.png", content_type="image/png", data=b"PNG", content_id="logo@post.acme.example")
    terms = OutgoingFile(filename="terms.pdf", content_type="application/pdf", data=b"PDF")
    raw = composed(
        Outgoing(sender=SUPPORT, to=(ANNA,), html='<img src="cid:logo@post.acme.example">', attachments=(terms, logo))
    )
    theirs = email.message_from_bytes(raw, policy=email.policy.default)
    assert [part.get_content_type() for part in theirs.walk()] == [
        "multipart/mixed",
        "multipart/alternative",
        "text/plain",
        "multipart/related",
        "text/html",
        "image/png",
        "application/pdf",
    ]
    assert [part["Content-ID"] for part in theirs.walk() if part["Content-ID"]] == ["<logo@post.acme.example>"]
    assert [one.content_id for one in parse(raw).attachments] == ["logo@post.acme.example", ""]


def test_parameters_of_a_file_are_kept() -> None:
    """A calendar takes an answer for one only if the part says its method. RFC 6047 2.4."""
    reply = OutgoingFile(
        filename="antwort.ics",
        content_type="text/calendar; charset=utf-8; method=REPLY",
        data=b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nMETHOD:REPLY\r\nEND:VCALENDAR\r\n",
    )
    raw = composed(Outgoing(sender=SUPPORT, to=(ANNA,), text="a", attachments=(reply,)))
    assert b"\r\nContent-Type: text/calendar; charset=utf-8; method=REPLY\r\n" in raw


@pytest.mark.parametrize(
    ("data", "charset"),
    [("こんにちは\n".encode(), "utf-8"), (b"plain\n", None), (b"\xff\xfe", None)],
)
def test_text_files_say_their_charset(data: bytes, charset: str | None) -> None:
    """Where they are UTF-8; what is another charset's only the application knows."""
    file = OutgoingFile(filename="l.txt", content_type="text/plain", data=data)
    raw = composed(Outgoing(sender=SUPPORT, to=(ANNA,), text="a", attachments=(file,)))
    part = next(one for one in email.message_from_bytes(raw).walk() if one.get_filename())
    assert part.get_content_charset() == charset
    assert part.get_payload(decode=True) == data


@pytest.mark.parametrize(("answered", "said"), [("", "auto-generated"), ("a@example.net", "auto-replied")])
def test_automatic_mail_says_so(answered: str, said: str) -> None:
    """So that no machine answers it. RFC 3834 5."""
    raw = composed(Outgoing(sender=SUPPORT, to=(ANNA,), text="a", automatic=True, in_reply_to=answered))
    assert header_of(raw)["Auto-Submitted"] == said
    assert header_of(composed(PLAIN))["Auto-Submitted"] is None


def test_one_click_to_unsubscribe() -> None:
    """Both fields, as RFC 8058 3.1 asks for them."""
    url = "https://app.example/unsubscribe/" + "t" * 100
    raw = composed(Outgoing(sender=SUPPORT, to=(ANNA,), text="a", unsubscribe=url))
    assert unfolded(raw, "List-Unsubscribe").strip() == f"<{url}>"
    assert header_of(raw)["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
