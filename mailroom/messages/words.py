"""Encoded words of headers, well-formed and not. Pure."""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable
from typing import Final

from mailroom.messages.charsets import decoded
from mailroom.messages.decoders import lenient_base64

__all__ = ["ENCODED_WORD", "Note", "decoded_words", "ignore_problem"]

Note = Callable[[str], None]
"""Called with a problem's word."""

ENCODED_WORD: Final = r"=\?[^?\s]{1,80}+\?[bBqQ]\?[^?]*+(?:\?(?![ \t]?=)[^?]*+){0,3}\?[ \t]?="
"""One word. Some senders leave question marks as they are; three of them, so that the search stays linear."""

_WORD: Final = re.compile(
    r"=\?(?P<charset>[^?\s*]{1,80}+)(?:\*[^?\s]{0,80}+)?\?(?P<how>[bBqQ])\?"
    r"(?P<text>[^?]*+(?:\?(?![ \t]?=)[^?]*+){0,3})\?[ \t]?="
)
_BETWEEN: Final = " \t\r\n"
_BASE64: Final = re.compile(rb"[A-Za-z0-9+/=]*+")


def ignore_problem(_problem: str) -> None:
    """A `Note` for callers that need no problems."""


def decoded_words(text: str, note: Note) -> str:
    """`text` with decoded words, at any place; other text stays.

    White space between two words is dropped. Bytes of neighbours in one charset are joined before they are decoded: some senders
    divide a character between two words.

    Args:
        text: a header's value, unfolded.
        note: called with each problem.

    Source: RFC 2047; RFC 2231 5 for the language.
    """
    if "=?" not in text:
        return text
    out: list[str] = []
    run: list[tuple[str, bytearray]] = []
    at = 0
    for match in _WORD.finditer(text):
        between = text[at : match.start()]
        if run and between.strip(_BETWEEN):
            out.append(_text_of(run, note))
            run = []
        if not run:
            out.append(between)
        data = _octets(match["how"], match["text"], note)
        if run and run[-1][0] == match["charset"].lower():
            run[-1][1].extend(data)
        else:
            run.append((match["charset"].lower(), bytearray(data)))
        at = match.end()
    out.append(_text_of(run, note))
    rest = text[at:]
    if "=?" in rest and "?=" in rest:
        note("encoded-word-broken")
    return "".join((*out, rest))


def _text_of(run: list[tuple[str, bytearray]], note: Note) -> str:
    texts = []
    for charset, data in run:
        text, problem = decoded(bytes(data), charset)
        if problem:
            note(problem)
        texts.append(text)
    return "".join(texts)


def _octets(how: str, text: str, note: Note) -> bytes:
    raw = text.encode("utf-8", "surrogateescape")
    if how in "qQ":
        return binascii.a2b_qp(raw.replace(b"=\n", b"=3D\n"), header=True)
    letters = raw.rstrip(b"=").translate(None, b" \t")
    if len(letters) % 4 == 1 or not _BASE64.fullmatch(letters):
        note("encoded-word-broken")
    return lenient_base64(raw)
