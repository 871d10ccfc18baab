"""Header fields that every reader understands: ASCII, folded at allowed places, encoded where encoding is allowed. Pure.

Python's own writer encodes long identifiers and loses spaces between encoded words, in versions that are in use.

Source: RFC 5322 (2.2.3, 3.2.4, 3.6.4), RFC 2047 (5), RFC 2231 (3, 4).
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Sequence
from typing import Final
from urllib.parse import quote

__all__ = ["ids_field", "line_of", "mailboxes_field", "parameters_field", "text_field"]

_LINE: Final = 78
_LONGEST_LINE: Final = 998
_WORD_OCTETS: Final = 45
"""60 characters of base64: with its frame, an encoded word is below the 75 characters that it may have."""
_ATOMS: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]++(?: [A-Za-z0-9!#$%&'*+/=?^_`{|}~-]++)*")
_PLAIN_TEXT: Final = re.compile(r"[!-~]++(?: [!-~]++)*")
_PRINTABLE: Final = re.compile(r"[ -~]*+")
_TOKEN: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`{|}~-]++")
_UNSAFE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_ESCAPED: Final = re.compile(r'["\\]')
_SECTION: Final = 60


def line_of(field: str, text: str) -> str:
    """The text, after a check that a field can hold it.

    Raises:
        ValueError: the text has a control character, a line end, or half a character. The error names the field.
    """
    if unsafe := _UNSAFE.search(text):
        what = "half a character" if "\ud800" <= unsafe[0] <= "\udfff" else "an end of a line or a control character"
        raise ValueError(
            f"outgoing: {field}: must be one line of text, got {what}, U+{ord(unsafe[0]):04X}, at character {unsafe.start() + 1}; "
            "leave it out"
        )
    return text


def text_field(name: str, text: str) -> bytes:
    """A field of words, such as Subject. Words that look like encoded ones are encoded."""
    plain = (
        _PLAIN_TEXT.fullmatch(text)
        and "=?" not in text
        and all(len(word) < _LONGEST_LINE - 80 for word in text.split())
    )
    return _folded(name, text.split(" ") if plain else _encoded_words(text))


def mailboxes_field(name: str, boxes: Sequence[tuple[str, str]]) -> bytes:
    """A field of mailboxes: pairs of a name, which may be empty, and an ASCII address."""
    tokens: list[str] = []
    for number, (shown, address) in enumerate(boxes, start=1):
        comma = "," if number < len(boxes) else ""
        tokens += [*_phrase(shown), f"<{address}>{comma}"] if shown else [f"{address}{comma}"]
    return _folded(name, tokens)


def ids_field(name: str, ids: Iterable[str]) -> bytes:
    """A field of message identifiers, given without brackets; they are never encoded."""
    return _folded(name, [f"<{one}>" for one in ids])


def parameters_field(name: str, value: str, parameters: Sequence[tuple[str, str]]) -> bytes:
    """A field of a value and parameters, such as Content-Disposition."""
    tokens = [value]
    for parameter, text in parameters:
        pieces = _parameter(parameter, text)
        tokens[-1] += ";"
        tokens += [f"{piece};" for piece in pieces[:-1]]
        tokens.append(pieces[-1])
    return _folded(name, tokens)


def _folded(name: str, tokens: Sequence[str]) -> bytes:
    """The tokens with spaces between them, and line ends before them where a line would be too long."""
    lines = [f"{name}:"]
    for token in tokens:
        if len(lines[-1]) + 1 + len(token) > _LINE and lines[-1] != f"{name}:":
            lines.append("")
        lines[-1] += f" {token}"
    return ("\r\n".join(lines) + "\r\n").encode("ascii")


def _phrase(name: str) -> list[str]:
    """A name in front of an address: plain, quoted, or encoded."""
    if _ATOMS.fullmatch(name) and "=?" not in name and len(name) < _LONGEST_LINE - 80:
        return name.split(" ")
    quoted = '"' + _ESCAPED.sub(r"\\\g<0>", name) + '"'
    if _PRINTABLE.fullmatch(name) and "=?" not in name and len(quoted) <= _SECTION:
        return [quoted]
    return _encoded_words(name)


def _encoded_words(text: str) -> list[str]:
    """Encoded words that a reader joins without the white space between them; no character is in two of them."""
    words: list[str] = []
    data = b""
    for character in text:
        more = character.encode("utf-8")
        if len(data) + len(more) > _WORD_OCTETS:
            words.append(_encoded_word(data))
            data = b""
        data += more
    return [*words, _encoded_word(data)] if data or words else []


def _encoded_word(data: bytes) -> str:
    return f"=?utf-8?b?{base64.b64encode(data).decode('ascii')}?="


def _parameter(name: str, text: str) -> list[str]:
    """One parameter: a token, a quoted string, or sections by RFC 2231."""
    if _TOKEN.fullmatch(text) and len(text) <= _SECTION:
        return [f"{name}={text}"]
    if _PRINTABLE.fullmatch(text) and "=?" not in text and len(text) <= _SECTION:
        escaped = _ESCAPED.sub(r"\\\g<0>", text)
        return [f'{name}="{escaped}"']
    sections: list[str] = [""]
    for character in text:
        encoded = quote(character, safe="!#$&+-.^_`|~", encoding="utf-8")
        if len(sections[-1]) + len(encoded) > _SECTION:
            sections.append("")
        sections[-1] += encoded
    sections[0] = f"utf-8''{sections[0]}"
    if len(sections) == 1:
        return [f"{name}*={sections[0]}"]
    return [f"{name}*{number}*={section}" for number, section in enumerate(sections)]
