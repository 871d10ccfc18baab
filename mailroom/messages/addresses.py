"""Addresses of a header, as the world writes them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from mailroom.messages.model import Address
from mailroom.messages.words import ENCODED_WORD, Note, decoded_words

__all__ = ["MOST_ADDRESSES", "addresses"]

MOST_ADDRESSES: Final = 5000
"""How many of one header are read."""

# Encoded words first, so that a comma or a bracket in one, where none may be, divides nothing.
_ENCODED: Final = rf"(?P<encoded>{ENCODED_WORD})"
# One that nothing closes reaches to the end, so that nobody looks for its end again from each escaped quote in it.
_QUOTED: Final = r'"[^"\\]*+(?:\\.?+[^"\\]*+)*(?:(?P<quoted>")|(?P<open>\Z))'
_OTHERS: Final = r'(?P<angle><[^<>]*+>?)|(?P<mark>[,;:(])|(?P<space>\s++)|(?P<word>[^\s"<>,;:(=]++|.)'
_TOKEN: Final = re.compile(f"{_ENCODED}|{_QUOTED}|{_OTHERS}", re.DOTALL)
_TOKEN_BEHIND_OPEN_QUOTE: Final = re.compile(f"{_ENCODED}|{_OTHERS}", re.DOTALL)
_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)
_ROUTE: Final = re.compile(r"\A@[^:]*+:")
_WHITE: Final = re.compile(r"\s++")


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str


@dataclass(slots=True)
class _Mailbox:
    """What stands between two commas."""

    tokens: list[_Token] = field(default_factory=list)
    has_address: bool = False

    def add(self, kind: str, text: str) -> None:
        self.tokens.append(_Token(kind, text))
        self.has_address = self.has_address or kind == "angle" or "@" in text

    def read(self, group: str, note: Note) -> Address | None:
        """The address; None where there is nothing."""
        angles = [token.text.strip("<>") for token in self.tokens if token.kind == "angle"]
        comments = [token.text for token in self.tokens if token.kind == "comment"]
        if angles:
            # The last one: what stands in an earlier one is part of the name that the sender wants seen.
            address = _spec(decoded_words(angles[-1], note))
            name = _words(self.tokens, note) or _plain(" ".join(comments), note)
            return Address(address, name, group) if address or name else None
        lumps = _joined(list(self._lumps()))
        spec = next((number for number, lump in enumerate(lumps) if any("@" in token.text for token in lump)), None)
        if spec is None and len(lumps) == 1 and lumps[0][0].kind == "word":
            spec = 0
        if spec is None:
            name = _words(self.tokens, note)
            return Address("", name, group) if name else None
        address = _spec(decoded_words("".join(token.text for token in lumps[spec]), note))
        others = [
            token for number, lump in enumerate(lumps) if number != spec for token in (*lump, _Token("space", " "))
        ]
        name = _words(others, note) or _plain(" ".join(comments), note)
        return Address(address, name, group) if address or name else None

    def _lumps(self) -> Iterator[list[_Token]]:
        """Tokens without white space between them."""
        lump: list[_Token] = []
        for token in self.tokens:
            if token.kind in {"space", "comment"}:
                if lump:
                    yield lump
                lump = []
            else:
                lump.append(token)
        if lump:
            yield lump


def addresses(header: str, note: Note) -> tuple[Address, ...]:
    """The mailboxes of a From, To, Cc or Reply-To header, those of groups too; never raises. Takes linear time.

    Args:
        header: its value, unfolded, encoded words as they are.
        note: told of each problem.

    Source: RFC 5322 3.4 and 4.4.
    """
    found: list[Address] = []
    group = ""
    box = _Mailbox()
    token = _TOKEN
    at = 0
    while at < len(header) and len(found) < MOST_ADDRESSES:
        match = token.match(header, at)
        if match is None:  # pragma: no cover - the last alternative takes anything
            break
        kind, text, at = match.lastgroup or "word", match[0], match.end()
        if kind == "open":
            # It is a character like others, and so is each quote behind it: those are escaped, and nothing closes them either.
            kind, text, at = "word", '"', match.start() + 1
            token = _TOKEN_BEHIND_OPEN_QUOTE
        if kind != "mark":
            box.add(kind, text)
        elif text == "(":
            comment, at = _comment(header, at)
            box.add("comment", comment)
        elif text == ":" and not group and not box.has_address:
            group = _words(box.tokens, note)
            box = _Mailbox()
        elif text == ":":
            box.add("word", text)
        else:
            found += filter(None, [box.read(group, note)])
            box = _Mailbox()
            group = "" if text == ";" else group
    found += filter(None, [box.read(group, note)])
    return tuple(found[:MOST_ADDRESSES])


def _joined(lumps: list[list[_Token]]) -> list[list[_Token]]:
    """The lumps, those around an @ that stands alone made one."""
    out: list[list[_Token]] = []
    for lump in lumps:
        if out and (lump[0].text.startswith("@") or out[-1][-1].text.endswith("@")):
            out[-1] += lump
        else:
            out.append(list(lump))
    return out


def _words(tokens: list[_Token], note: Note) -> str:
    """The display name that the tokens make."""
    texts = [
        _ESCAPED.sub(r"\1", token.text[1:-1]) if token.kind == "quoted" else token.text
        for token in tokens
        if token.kind in {"word", "quoted", "encoded", "space"}
    ]
    return _plain("".join(texts), note)


def _comment(header: str, start: int) -> tuple[str, int]:
    """What stands up to the bracket that closes the one before `start`, and where it goes on; without one, to the end."""
    depth, at = 1, start
    while at < len(header):
        one = header[at]
        if one == "\\":
            at += 1
        elif one == "(":
            depth += 1
        elif one == ")":
            depth -= 1
            if not depth:
                return _ESCAPED.sub(r"\1", header[start:at]), at + 1
        at += 1
    return header[start:], len(header)


def _spec(text: str) -> str:
    """An addr-spec without white space and route, its domain in lower case."""
    if not text.strip().startswith('"'):
        text = _WHITE.sub("", text)
    text = _ROUTE.sub("", text.strip())
    local, at, domain = text.rpartition("@")
    return f"{local}{at}{domain.strip('.').lower()}" if at else text


def _plain(text: str, note: Note) -> str:
    """A name on one line, its words decoded."""
    return _WHITE.sub(" ", decoded_words(text, note)).strip()
