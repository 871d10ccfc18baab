"""Authors and recipients are what the header literally says, and what two readers understand differently is noted."""

from __future__ import annotations

import re
from email.utils import getaddresses

import fast_mail_parser
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mailroom.messages import Address, parse
from mailroom.messages.addresses import addresses

PIECES = [
    "=?utf-8?q?ceo=40bank.example?=",
    "=?utf-8?b?Y2VvQGJhbmsuZXhhbXBsZQ==?=",
    "=?utf-8?q?a=2Cb=00?=",
    "x@evil.example",
    "ceo@bank.example",
    "@relay.example:",
    "Boss",
    "kontor",
    "<",
    ">",
    "@",
    ".",
    " . ",
    " ",
    '"',
    "\\",
    "(",
    ")",
    "(of the bank)",
    "\x00",
    "\x0b",
    "\xa0",
    "\u202e",
    "[192.0.2.1]",
    "nord",
    "ü",
]
HEADERS = st.lists(st.sampled_from(PIECES), min_size=1, max_size=9).map("".join)
_COMMENT = re.compile(r"\([^()]*\)")


def read(header: str) -> tuple[list[Address], set[str]]:
    """The addresses, and the problems."""
    notes: list[str] = []
    return list(addresses(header, notes.append)), set(notes)


def literal(header: str) -> str:
    """The header without comments and white space, in small letters."""
    before = ""
    while before != header:
        before, header = header, _COMMENT.sub("", header)
    return squeezed(header)


def squeezed(text: str) -> str:
    """The text without white space, in small letters."""
    return "".join(text.split()).lower()


@pytest.mark.parametrize(
    ("header", "address", "name"),
    [
        ("Boss <=?utf-8?q?ceo=40bank.example?=>", "=?utf-8?q?ceo=40bank.example?=", "Boss"),
        ("Boss <=?utf-8?b?Y2VvQGJhbmsuZXhhbXBsZQ==?=>", "=?utf-8?b?Y2VvQGJhbmsuZXhhbXBsZQ==?=", "Boss"),
        ("=?utf-8?q?ceo=40bank.example?=@evil.example", "=?utf-8?q?ceo=40bank.example?=@evil.example", ""),
        ("<=?utf-8?q?ceo=00?=@evil.example>", "=?utf-8?q?ceo=00?=@evil.example", ""),
        ("=?utf-8?q?ceo=40bank.example?=", "", "ceo@bank.example"),
        ("ceo@bank.example@evil.example", "", "ceo@bank.example@evil.example"),
        ("Boss <ceo@bank.example@evil.example>", "", "Boss ceo@bank.example@evil.example"),
        ("<ceo@bank.example,x@evil.example>", "", "ceo@bank.example,x@evil.example"),
        ("<ceo@ba\x00nk.example>", "", "ceo@ba nk.example"),
        ("ceo@ba\x0bnk.example", "", "ceo@ba nk.example"),
        ("<@bank.example:x@evil.example>", "x@evil.example", ""),
        ("<ceo@bank.example> <x@evil.example>", "x@evil.example", ""),
        ("ceo@bank.example <x@evil.example>", "x@evil.example", "ceo@bank.example"),
        ("<x@evil.example> ceo@bank.example", "x@evil.example", "ceo@bank.example"),
        ("x@evil.example ceo@bank.example", "x@evil.example", "ceo@bank.example"),
        ("anna@exam ple.example", "anna@exam", "ple.example"),
        ("anna@exam<>.ple.example", "anna@exam", ".ple.example"),
        ("<anna@exam ple.example>", "", "anna@exam ple.example"),
        ('"ceo@bank.example"', "", "ceo@bank.example"),
        ("<mailto:anna@kontor.example>", "mailto:anna@kontor.example", ""),
        ("<an\u200bna@kontor.example>", "an\u200bna@kontor.example", ""),
        ("'anna@kontor.example'", "'anna@kontor.example'", ""),
    ],
)
@pytest.mark.parametrize("field", ["From", "Sender", "Reply-To", "To", "Cc"])
def test_unclear_addresses(field: str, header: str, address: str, name: str) -> None:
    """None is decoded, none is put together of pieces, and the problem says which field nobody should rely on."""
    message = parse(f"{field}: {header}\nSubject: x\n\nx".encode())
    found = {"From": message.from_, "Sender": message.sender, "Reply-To": message.reply_to, "To": message.to}
    assert found.get(field, message.cc) == (Address(address, name),)
    assert [(one.place, one.what) for one in message.problems] == [(f"header {field.lower()}", "author-unclear")]


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("Karin(Buero) <karin(am Tresen)@praxis(Haupthaus).example>", [("karin@praxis.example", "Karin")]),
        ("team@nord   . werk . example", [("team@nord.werk.example", "")]),
        ("rolf . meier@sued.example", [("rolf.meier@sued.example", "")]),
        ("<rolf\t. meier @ sued.example>", [("rolf.meier@sued.example", "")]),
        ("pete(his account)@silly.test(his host)", [("pete@silly.test", "his account his host")]),
        ("a(b(c@d.example))@e.example (f)", [("a@e.example", "b(c@d.example) f")]),
        ('"karl huber"@post.example', [('"karl huber"@post.example', "")]),
        ('"x@bank.example"@evil.example', [('"x@bank.example"@evil.example', "")]),
        ("anna@kontor.example <anna@kontor.example>", [("anna@kontor.example", "anna@kontor.example")]),
        ('"ceo@bank.example" <x@evil.example>', [("x@evil.example", "ceo@bank.example")]),
        ("taro..y.@post.example", [("taro..y.@post.example", "")]),
        ("root@[192.0.2.1]", [("root@[192.0.2.1]", "")]),
        ("Lind, Mara <mara.lind@kund.example>", [("mara.lind@kund.example", "Lind, Mara")]),
        ("Mara Lind, PhD <mara.lind@kund.example>", [("mara.lind@kund.example", "Mara Lind, PhD")]),
        (
            "Lind, Mara <m@k.example>, Ode, Ola <o@k.example>",
            [("m@k.example", "Lind, Mara"), ("o@k.example", "Ode, Ola")],
        ),
        ("Group: Lind, Mara <m@k.example>, o@k.example;", [("m@k.example", "Lind, Mara"), ("o@k.example", "")]),
        ("root, anna@kontor.example", [("root", ""), ("anna@kontor.example", "")]),
    ],
)
def test_clear_addresses(header: str, expected: list[tuple[str, str]]) -> None:
    """Comments, white space around dots and the @, and names with commas make no other address."""
    found, notes = read(header)
    assert ([(one.address, one.name) for one in found], notes) == (expected, set())


def test_two_authors_fields() -> None:
    """Of two From fields nobody knows which one is shown; a quote that the first leaves open does not swallow the second."""
    message = parse(b'From: "x <a@b.example>\nFrom: c@d.example\n\nx')
    assert [one.address for one in message.from_] == ["a@b.example", "c@d.example"]
    assert [(one.place, one.what) for one in message.problems] == [("header from", "author-unclear")]


def test_more_addresses_than_are_read() -> None:
    """None is left out without a word."""
    header = ", ".join(f"p{number}@post.example" for number in range(5_001))
    message = parse(f"To: {header}\n\nx".encode())
    assert len(message.to) == 5_000
    assert [(one.place, one.what) for one in message.problems] == [("header to", "too-many-addresses")]


@given(HEADERS)
@example("<x@evil.example\xa0=?utf-8?q?ceo=40bank.example?=")
@example("x@evil.example.\xa0=?utf-8?q?ceo=40bank.example?=")
@example("x@evil.example<>.=?utf-8?q?ceo=40bank.example?=")
@example("<(<x@evil.example)")
def test_domains_stand_in_the_header(header: str) -> None:
    """Whatever the header is, no domain comes from anywhere else; no address holds a control character or a second @."""
    for one in read(header)[0]:
        local, _, domain = one.address.rpartition("@")
        # A bracket that another one swallows opens no comment.
        assert any(literal(domain) in text for text in (literal(header), squeezed(header))) or "@" not in one.address
        assert "@" not in local or '"' in local
        assert not set(map(chr, range(32))) & set(one.address)


@pytest.mark.parametrize(
    "header",
    [
        "=?utf-8?q?ceo=40bank.example?=(of the bank)x@evil.example",
        "=?utf-8?q?ceo=40bank.example?=\xa0x@evil.example",
        "Karl(c)x@evil.example",
    ],
)
def test_word_that_touches_an_address(header: str) -> None:
    """Some readers take it for a part of the address."""
    assert read(header)[1] == {"author-unclear"}


# The same each time: ten thousands of others were tried, and readers disagree on what is in no mail, as brackets within brackets.
@settings(derandomize=True, max_examples=500)
@given(HEADERS)
def test_witnesses(header: str) -> None:
    """Where one of two other readers sees another address than the one that is told, or several, a problem is noted."""
    found, notes = read(header)
    if notes or len(found) != 1:
        return
    mail = fast_mail_parser.parse_email(f"From: {header}\n\nx")
    own = found[0].address.lower()
    for witness in ([mail.from_.address] if mail.from_ else []), [one for _, one in getaddresses([header])]:
        others = {one for one in map(_comparable, witness) if "@" in one[1:]}
        assert others <= {_comparable(own)}, (others, own)


def _comparable(address: str) -> str:
    """Without the domain's last dot, comments and white space, which some readers keep."""
    plain = address
    while (shorter := re.sub(r"\([^()]*\)", "", plain)) != plain:
        plain = shorter
    return "".join(plain.split()).lower().rstrip(".").strip("()")


REPORT = """From: MAILER-DAEMON@mx.example
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; {recipient}
Action: failed
--b--
"""


@pytest.mark.parametrize(
    ("recipient", "address", "clear"),
    [
        ("ida@nordhof.example", "ida@nordhof.example", True),
        ("<ida@NORDHOF.example>", "ida@nordhof.example", True),
        ("=?utf-8?q?ceo=40bank.example?=@nordhof.example", "=?utf-8?q?ceo=40bank.example?=@nordhof.example", False),
        ("ceo@bank.example@nordhof.example", "", False),
        ("ida@nordhof.example ceo@bank.example", "", False),
    ],
)
def test_reported_recipients(recipient: str, address: str, clear: bool) -> None:
    """A report names whom it literally names."""
    message = parse(REPORT.format(recipient=recipient).encode())
    assert message.report is not None
    assert [one.address for one in message.report.recipients] == [address]
    assert [(one.place, one.what) for one in message.problems] == ([] if clear else [("part 1", "author-unclear")])
