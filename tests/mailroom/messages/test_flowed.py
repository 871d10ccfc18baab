"""Text of format=flowed is read as its sender wrote it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailroom.messages import Message, parse
from mailroom.messages.flowed import unflowed


def message(body: str, parameters: str = "format=flowed") -> Message:
    """A message of that text."""
    return parse(f"Subject: Messwert\r\nContent-Type: text/plain; charset=utf-8; {parameters}\r\n\r\n{body}".encode())


def test_typed_mark_is_no_quotation() -> None:
    """Thunderbird stuffs a ">" that somebody typed."""
    found = message("Der Wert heute:\r\n\r\n > 100 kWh, und das ist meine Antwort.\r\n")
    assert found.text == "Der Wert heute:\n\n> 100 kWh, und das ist meine Antwort.\n"
    assert (found.reply, found.quoted) == (found.text, "")


def test_typed_mark_beside_a_quotation() -> None:
    """What was typed is the answer, and what is quoted below it is not."""
    found = message("Heute:\r\n\r\n > 100 kWh\r\n\r\nAm 2.11.2026 schrieb Jan:\r\n> Welcher Stand? \r\n> Danke.\r\n")
    assert found.reply == "Heute:\n\n> 100 kWh\n"
    assert found.quoted == "\nAm 2.11.2026 schrieb Jan:\n> Welcher Stand? Danke.\n"


def test_paragraph_is_one_line() -> None:
    """Lines that the program broke are joined, stuffed ones are not; a signature's line stays."""
    found = message(
        "Guten Tag,\r\n\r\ndieser Absatz wird umbrochen, \r\nund gehoert doch zusammen als ein \r\neinziger Absatz.\r\n\r\n"
        "Neuer Absatz.\r\n From hier an gestopft.\r\n   eingerückt um zwei\r\n-- \r\nJörg\r\n"
    )
    assert found.text == (
        "Guten Tag,\n\ndieser Absatz wird umbrochen, und gehoert doch zusammen als ein einziger Absatz.\n\n"
        "Neuer Absatz.\nFrom hier an gestopft.\n  eingerückt um zwei\n-- \nJörg\n"
    )


def test_blank_of_the_program_is_dropped() -> None:
    """DelSp: addresses and Japanese are in one piece."""
    body = "Die Liste: https://nordhof.example/listen/ \r\n2026/regal\r\n注文した荷 \r\n物が届きません。\r\n"
    expected = "Die Liste: https://nordhof.example/listen/2026/regal\n注文した荷物が届きません。\n"
    assert message(body, "format=flowed; delsp=yes").text == expected
    assert message(body, 'Format="Flowed"; DelSp=Yes').text == expected
    assert "listen/ 2026" in message(body).text


def test_other_formats_stay() -> None:
    """Blanks at the ends of lines, and in front of them, are the sender's."""
    body = " a \nb \n > c\n"
    assert message(body, "format=fixed").text == body
    assert parse(b"Content-Type: text/html; format=flowed\r\n\r\n<pre> a </pre>").html == "<pre> a </pre>"


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        ("> a \n> b", "> a b"),
        ("> a \n>> b", "> a \n>> b"),
        (">> a \n>>  b\n>", ">> a  b\n>"),
        ("a \n-- \nb", "a \n-- \nb"),
        ("> -- \n> b", "> -- \n> b"),
        (">From a \nb", ">From a b"),
        ("a \n\nb", "a \nb"),
        ("a \n", "a "),
        ("", ""),
    ],
)
def test_lines(sent: str, read: str) -> None:
    """Of one depth they are joined, and only then."""
    assert unflowed(sent, delete_space=False)[0] == read


@given(st.text(alphabet=" >a-\n", max_size=60), st.booleans())
def test_no_word_is_lost(text: str, delete_space: bool) -> None:
    """Letters stay, in their order; no line more comes of it."""
    read, typed = unflowed(text, delete_space=delete_space)
    assert read.replace(">", "").replace(" ", "").replace("\n", "") == text.replace(">", "").replace(" ", "").replace(
        "\n", ""
    )
    assert read.count("\n") <= text.count("\n")
    assert typed <= set(read.split("\n"))
