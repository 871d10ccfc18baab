"""Targets of fuzzing: all readers of foreign data. A target takes octets, and raises for a fault."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from mailroom.messages.addresses import addresses
from mailroom.messages.charsets import decoded
from mailroom.messages.dates import read_date
from mailroom.messages.flowed import unflowed
from mailroom.messages.html import safe_fragment
from mailroom.messages.identifiers import identifiers_of
from mailroom.messages.joining import plain_subject
from mailroom.messages.parameters import parameterized
from mailroom.messages.plain import text_of_html
from mailroom.messages.quotes import split_quoted
from mailroom.messages.rtf import decompressed, read_rtf
from mailroom.messages.smime import signed_content
from mailroom.messages.tnef import tnef_body, tnef_files
from mailroom.messages.words import decoded_words
from mailroom.threads import message_ids
from tests.mailroom.messages.checks import check_message, check_scanned

__all__ = ["TARGETS"]

_MOST_RTF: Final = 10_000


def _header(octets: bytes) -> None:
    """A value of a header, to each of its readers."""
    text = octets.decode("utf-8", "replace")
    notes: list[str] = []
    for one in addresses(text, notes.append):
        assert one.address or one.name
    parameterized(text, notes.append)
    decoded_words(text, notes.append).encode("utf-8")
    assert len(set(message_ids(text))) == len(message_ids(text))
    identifiers_of(text, notes.append)
    assert plain_subject(plain_subject(text)) == plain_subject(text)
    read_date(text)


def _charset(octets: bytes) -> None:
    """A label in the first line, and text behind it."""
    label, _, text = octets.partition(b"\n")
    decoded(text, label.decode("latin-1"))[0].encode("utf-8")


def _tnef(octets: bytes) -> None:
    files, _whole = tnef_files(octets)
    # Nothing is taken twice, so a small stream never becomes a big message.
    assert sum(len(file.data) for file in files) <= len(octets)
    assert tnef_body(octets, _MOST_RTF).read <= _MOST_RTF


def _rtf(octets: bytes) -> None:
    """Compressed, and as it is."""
    rtf = decompressed(octets, _MOST_RTF)
    assert len(rtf) <= _MOST_RTF
    for one in (rtf, octets):
        body = read_rtf(one)
        assert not (body.text and body.html)


def _smime(octets: bytes) -> None:
    content, _whole = signed_content(octets)
    assert len(content) <= len(octets)


def _text(octets: bytes) -> None:
    text = octets.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")
    reply, quoted = split_quoted(text)
    assert reply + quoted == text
    assert reply.strip() or not quoted
    for delete_space in (False, True):
        unflowed(text, delete_space=delete_space)


def _html(octets: bytes) -> None:
    text = octets.decode("utf-8", "replace")
    text_of_html(text)
    assert "<script" not in safe_fragment(text).lower()


TARGETS: Final[dict[str, Callable[[bytes], None]]] = {
    "message": check_message,
    "scanned": check_scanned,
    "header": _header,
    "charset": _charset,
    "tnef": _tnef,
    "rtf": _rtf,
    "smime": _smime,
    "text": _text,
    "html": _html,
}
"""By their names."""
