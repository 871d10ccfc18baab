"""Headers that are not as they should be: what their sender wrote is read all the same, and nothing of it is lost."""

from __future__ import annotations

import pytest

from mailroom.messages import Message, parse
from mailroom.messages.joining import node_of
from mailroom.threads import message_ids, thread_messages

LONG_ID = "AM0PR05MB6834D2C88EE7DD0B43CC6B35E8A0A.AM0PR05MB6834@kund.example"


def read(text: str) -> Message:
    """The message of these lines."""
    return parse(text.replace("\n", "\r\n").encode())


def whats(message: Message) -> list[tuple[str, str]]:
    """Its problems."""
    return [(one.place, one.what) for one in message.problems]


PDF = "JVBERi0xLjQKMSAwIG9iaiA8PCAvVHlwZSAvQ2F0YWxvZyA+PiBlbmRvYmoKdHJhaWxlciA8PCAv\nUm9vdCAxIDAgUiA+PgolJUVPRgo="


@pytest.mark.parametrize("ending", ["\n--richtig--\n", "\n", ""])
@pytest.mark.parametrize("preamble", ["", "Teile folgen.\n"])
def test_wrong_boundary_with_one_part(preamble: str, ending: str) -> None:
    """The boundary is the one in front of the only part, in the first line of the body or below words."""
    message = read(
        'Content-Type: multipart/mixed; boundary="falsch"\n\n'
        f"{preamble}--richtig\nContent-Type: application/pdf; name=rechnung.pdf\n"
        f"Content-Transfer-Encoding: base64\n\n{PDF}{ending}"
    )
    assert [(one.filename, one.size) for one in message.attachments] == [("rechnung.pdf", 77)]
    assert ("message", "boundary-missing") in whats(message)


WORDS = "Druck seit 04:10 unter 2 bar.\nBitte jemanden schicken.\n"


@pytest.mark.parametrize(
    ("between", "words"),
    [
        ("", WORDS),
        (" \n", WORDS),
        ("\t \n", WORDS),
        ("", WORDS + "Grund: unbekannt\n"),
        ("", WORDS + "\nDie Wache\n"),
        (" \n", WORDS + "\nDie Wache: am Tor\n"),
    ],
)
def test_header_without_end(between: str, words: str) -> None:
    """What no empty line divides from the header begins where no field is, and is the text."""
    message = read(f"From: waechter@anlage.example\nSubject: Pumpe 3 steht\n{between}{words}")
    assert (message.subject, message.text) == ("Pumpe 3 steht", words)
    assert whats(message) == [("message", "header-broken")]


def test_fields_behind_a_line_that_is_none() -> None:
    """Where fields follow and an empty line closes them, it is one broken line of a header."""
    message = read("From: a@b.example\nkein Feld\nSubject: Dahinter\n\nText\n")
    assert (message.subject, message.text) == ("Dahinter", "Text\n")
    assert whats(message) == [("message", "header-broken")]


@pytest.mark.parametrize("blanks", ["        \n", "\t\n", " \n\n", "\n", "\n\n"])
@pytest.mark.parametrize("first", ["Delivered-To: post@verein.example\n", "X-Origin: export\n", ""])
def test_blank_lines_in_front(blanks: str, first: str) -> None:
    """Lines that show nothing, in front of what begins like a message, are no end of its header."""
    header = f"{blanks}{first}From: Jonas Weber <jonas@kontor.example>\nSubject: Aus dem Archiv\n\nAlte Mail.\n"
    message = read(header)
    assert (message.subject, message.text) == ("Aus dem Archiv", "Alte Mail.\n")
    nested = read(f"Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: message/rfc822\n\n{header}--b--\n")
    assert [(one.message.subject, one.message.text) for one in nested.nested] == [("Aus dem Archiv", "Alte Mail.")]


def test_text_behind_an_empty_first_line() -> None:
    """What begins with an empty line and goes on with no field of a message is text."""
    assert read("\nHinweis: nur Text\n").text == "Hinweis: nur Text\n"


@pytest.mark.parametrize("colon", [" :", "  :", "\t:", " \t :"])
def test_blank_before_the_colon_of_from(colon: str) -> None:
    """`From :` is a field, also in the first line, and no line of a mailbox file."""
    message = read(f"From{colon} Jonas Weber <jonas@kontor.example>\nSubject: So\n\nx\n")
    assert [(one.name, one.address) for one in message.from_] == [("Jonas Weber", "jonas@kontor.example")]
    assert read("From jonas@kontor.example Mon Nov 23 09:15:00 2026\nSubject: So\n\nx\n").subject == "So"


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ('filename*="=?utf-8?Q?Protokoll_M=C3=A4rz.pdf?="', "Protokoll März.pdf"),
        ("filename*==?utf-8?B?UHJvdG9rb2xsIE3DpHJ6LnBkZg==?=", "Protokoll März.pdf"),
        ('filename*0*="=?utf-8?Q?Protokoll_?="; filename*1*="=?utf-8?Q?M=C3=A4rz.pdf?="', "Protokoll März.pdf"),
        ("filename*=Protokoll%20M%C3%A4rz.pdf", "Protokoll März.pdf"),
    ],
)
def test_extended_name_that_is_none(written: str, name: str) -> None:
    """A name with a star and no charset is read like one without the star; the problem says so."""
    message = read(f"Content-Type: application/pdf\nContent-Disposition: attachment; {written}\n\nx\n")
    assert [one.filename for one in message.attachments] == [name]
    assert whats(message) == [("message", "parameter-broken")]


@pytest.mark.parametrize("end", ["=0D=0A", "=0A", "=0D", "_=0A_", "=E2=80=A8", "=C2=85", "=0B", "=0C"])
def test_subject_is_one_line(end: str) -> None:
    """A line end within an encoded word is white space: who answers writes no header more."""
    message = read(f"Subject: =?utf-8?Q?Guten_Tag{end}Bcc:_fremd=40anderswo.example?=\n\nx\n")
    assert message.subject == "Guten Tag Bcc: fremd@anderswo.example"


@pytest.mark.parametrize(
    "written",
    [
        "=?utf-8?q?=3CAM0PR05MB6834D2C88EE7DD0B43CC6B35E8A0A=2EAM0PR05?=\n =?utf-8?q?MB6834=40kund=2Eexample=3E?=",
        "=?utf-8?b?PEFNMFBSMDVNQjY4MzREMkM4OEVFN0REMEI0M0NDNkIzNUU4QTBBLkFNMFBSMDVNQjY4?=\n"
        " =?utf-8?b?MzRAa3VuZC5leGFtcGxlPg==?=",
        f"<{LONG_ID}>",
    ],
)
def test_encoded_identifiers(written: str) -> None:
    """Identifiers in encoded words are read, and join the thread."""
    parent = read(f"Message-ID: <{LONG_ID}>\n\nFrage?\n")
    answer = read(f"Message-ID: <x@y.example>\nIn-Reply-To: {written}\nReferences: {written}\n\nAntwort.\n")
    assert (answer.in_reply_to, answer.references) == ((LONG_ID,), (LONG_ID,))
    threads = list(thread_messages([node_of(answer, "answer"), node_of(parent, "parent")]))
    assert len(threads) == 1
    assert read(f"Message-ID: {written}\n\nx\n").message_id == LONG_ID


def test_identifiers_that_look_encoded() -> None:
    """What stands between brackets is an identifier as it is; others beside it are decoded."""
    message = read("References: <=?utf-8?q?a?=@b.example> =?utf-8?q?=3Cc=40d=2Eexample=3E?=\n\nx\n")
    assert message.references == ("=?utf-8?q?a?=@b.example", "c@d.example")


def test_identifiers_with_comments() -> None:
    """Comments and white space within brackets are no part of an identifier; a bracket without white space is."""
    assert message_ids("<1234   @   local(blah)  .machine .example>") == ("1234@local.machine.example",)
    assert message_ids("<a(1)@b.example>") == ("a(1)@b.example",)
