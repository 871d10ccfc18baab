"""Header fields with parameters: Content-Type and Content-Disposition, in all forms that real mail has. Pure."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote_to_bytes

from mailroom.messages.charsets import decoded
from mailroom.messages.words import Note, decoded_words

__all__ = ["Field", "parameterized"]

_VALUE: Final = re.compile(r"\s*+([^\s;,()]*+)")
# A value in quotes, or up to the next semicolon; a missing semicolon or second quote is accepted.
_PARAMETER: Final = re.compile(
    r"(?<=[;\s])(?P<name>[A-Za-z0-9_.-]++)(?P<star>\*[0-9*]{0,8}+)?\s{0,40}+=\s{0,40}+"
    r'(?:"(?P<quoted>[^"\\]*+(?:\\.[^"\\]*+)*)"|(?P<plain>[^;]*+))',
    re.DOTALL,
)
_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)
_MOST_BEHIND: Final = 1000
"""Characters behind a bare quote that may belong to the same value."""
_SECTION: Final = re.compile(r"\*(?:(?P<number>\d{1,3}+)(?P<encoded>\*)?)?")


@dataclass(frozen=True, slots=True)
class Field:
    """The value before the parameters, in lower case, and the parameters by their names in lower case."""

    value: str
    parameters: dict[str, str]


@dataclass(frozen=True, slots=True)
class _Piece:
    number: int
    encoded: bool
    text: str


def parameterized(header: str, note: Note) -> Field:
    """Value and parameters of a header; never raises.

    If a parameter has several forms, the extended one with its charset counts, then the one in pieces, then the plain one; of equal
    forms, the first.

    Args:
        header: its value, unfolded.
        note: called with each problem.

    Source: RFC 2045 5.1; RFC 2183; RFC 2231.
    """
    match = _VALUE.match(header)
    value = match[1].lower() if match else ""
    parameters: dict[str, str] = {}
    extended: dict[str, list[_Piece]] = {}
    rest = header[match.end() if match else 0 :]
    for found in _PARAMETER.finditer(f";{rest}" if rest[:1] not in {";", " ", "\t"} else rest):
        name, star, quoted, plain = found.groups()
        name = name.lower()
        if quoted is None:
            text = _without_comment(plain).strip().strip('"')
        else:
            text = _without_escapes(quoted)
            if behind := _behind_bare_quote(found):
                note("parameter-broken")
                text += behind
        section = _SECTION.fullmatch(star) if star else None
        if section is None:
            parameters.setdefault(name, text)
        elif section["number"] is None:
            extended.setdefault(name, []).append(_Piece(-1, encoded=True, text=text))
        else:
            piece = _Piece(int(section["number"]), encoded=section["encoded"] is not None, text=text)
            extended.setdefault(name, []).append(piece)
    for name, text in parameters.items():
        if "=?" in text:
            parameters[name] = decoded_words(text, note)
    for name, pieces in extended.items():
        parameters[name] = _joined(pieces, note)
    return Field(value, parameters)


def _behind_bare_quote(found: re.Match[str]) -> str:
    """The rest of a value with an unescaped quote in it: another character follows that quote, and a quote ends the value."""
    header, at = found.string, found.end()
    if at >= len(header) or header[at] == ";" or header[at].isspace():
        return ""
    end = header.find(";", at, at + _MOST_BEHIND)
    rest = header[at : end if end >= 0 else at + _MOST_BEHIND].rstrip()
    return f'"{rest[:-1]}' if rest.endswith('"') else ""


def _without_escapes(quoted: str) -> str:
    """Text in quotes. Backslashes of a Windows path are no escapes: senders write it that way."""
    if "\\" not in quoted:
        return quoted
    return _ESCAPED.sub(lambda found: found[1] if found[1] in '"\\' else found[0], quoted)


def _without_comment(text: str) -> str:
    """The value without a comment at its end, behind white space."""
    if "(" not in text:
        return text
    written = text.rstrip()
    opening = written.rfind("(")
    if opening < 1 or written.find(")", opening) != len(written) - 1 or not written[opening - 1].isspace():
        return text
    return written[:opening]


def _joined(pieces: list[_Piece], note: Note) -> str:
    """The value of the pieces, in the order of their numbers."""
    whole = [piece for piece in pieces if piece.number < 0]
    first: dict[int, _Piece] = {}
    for piece in whole[:1] or pieces:
        first.setdefault(piece.number, piece)
    ordered = [first[number] for number in sorted(first)]
    if not whole and [piece.number for piece in ordered] != list(range(len(ordered))):
        note("parameter-broken")
    charset = ""
    if ordered[0].encoded:
        parts = ordered[0].text.split("'", 2)
        if len(parts) == 3:
            charset, _language, text = parts
            ordered[0] = _Piece(ordered[0].number, encoded=True, text=text)
        else:
            note("parameter-broken")
            if "=?" in ordered[0].text:
                # Not the form of RFC 2231: read like a piece without the star.
                ordered = [_Piece(piece.number, encoded=False, text=piece.text) for piece in ordered]
    if not any(piece.encoded for piece in ordered):
        return decoded_words("".join(piece.text for piece in ordered), note)
    # Neighbours are decoded together, since some senders cut within an escape.
    runs = itertools.groupby(ordered, key=lambda piece: piece.encoded)
    written = [
        (encoded, "".join(piece.text for piece in run).encode("utf-8", "surrogateescape")) for encoded, run in runs
    ]
    data = b"".join(unquote_to_bytes(run) if encoded else run for encoded, run in written)
    value, problem = decoded(data, charset)
    if problem:
        note(problem)
    return value
