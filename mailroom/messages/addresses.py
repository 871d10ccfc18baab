"""Addresses of a header, in all forms that real mail has. Pure.

An address is a literal text of the header: no encoded word is ever decoded into one. An ambiguous address is noted as
`author-unclear`; a header without any address gives a name without an address.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from mailroom.messages.model import Address
from mailroom.messages.specs import SIMPLE_SPEC, UNCLEAR, comment_at, read_spec
from mailroom.messages.words import ENCODED_WORD, Note, decoded_words

__all__ = ["MOST_ADDRESSES", "addresses"]

MOST_ADDRESSES: Final = 5000
"""Addresses of one header that are read."""

_USUAL: Final = re.compile(
    rf'(?P<bare>{SIMPLE_SPEC})|(?:"(?P<quoted>[^"\\<>@]*+)"[ \t]*+|(?P<name>[^"<>,;:(@]*+))<(?P<spec>{SIMPLE_SPEC})>'
)
"""Headers of one address, and a name without doubt: most of them."""
# Encoded words first, so that a comma or a bracket in one, where none may be, divides nothing.
_ENCODED: Final = rf"(?P<encoded>{ENCODED_WORD})"
# An unclosed one reaches to the end, so that its end is not searched again from each escaped quote in it.
_QUOTED: Final = r'"[^"\\]*+(?:\\.?+[^"\\]*+)*(?:(?P<quoted>")|(?P<open>\Z))'
# White space without the control characters that Python counts among it: those are characters of a word.
_SPACE: Final = r"[ \t\r\n\xa0\u1680\u2000-\u200a\u202f\u205f\u3000]"
_OTHERS: Final = rf'(?P<angle><[^<>]*+>?)|(?P<mark>[,;:(])|(?P<space>{_SPACE}++)|(?P<word>[^\s"<>,;:(=]++|.)'
_TOKEN: Final = re.compile(f"{_ENCODED}|{_QUOTED}|{_OTHERS}", re.DOTALL)
_TOKEN_BEHIND_OPEN_QUOTE: Final = re.compile(f"{_ENCODED}|{_OTHERS}", re.DOTALL)
_NOTHING: Final = re.compile(r"[ \t\r\n\xa0\u1680\u2000-\u200a\u202f\u205f\u3000,;]*+")
"""Commas with nothing between them, of which a header may be made."""
_MOST_OF_NAME: Final = 5
"""Commas within one name without quotes."""
_DOUBTFUL: Final = re.compile('[<"]')
"""Signs of doubt: with two brackets, or a quote that is not closed, readers choose different addresses."""
_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)
_WHITE: Final = re.compile(r"[\s\x00-\x1f\x7f-\x9f]++")


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str

    @property
    def says_address(self) -> bool:
        """Whether it has an @ that divides an address; an @ within quotes or an encoded word does not."""
        return self.kind == "word" and "@" in self.text


@dataclass(slots=True)
class _Mailbox:
    """The tokens between two commas."""

    tokens: list[_Token] = field(default_factory=list)
    has_address: bool = False

    def add(self, kind: str, text: str) -> None:
        self.tokens.append(_Token(kind, text))
        self.has_address = self.has_address or kind == "angle" or "@" in text

    @property
    def is_words(self) -> bool:
        """Whether it is part of a name, and nothing else."""
        return not self.has_address and any(token.kind in {"word", "encoded", "quoted"} for token in self.tokens)

    @property
    def is_named(self) -> bool:
        """Whether a name stands in front of an address in angle brackets."""
        kinds = [token.kind for token in self.tokens if token.kind not in {"space", "comment"}]
        return "angle" in kinds[1:]

    def read(self, group: str, note: Note) -> Address | None:
        """The address; None for an empty text."""
        angles = [token.text.strip("<>") for token in self.tokens if token.kind == "angle"]
        angles = [text for text in angles if text.strip()]
        if angles:
            return self._in_brackets(angles, group, note)
        lumps = self._lumps(note)
        found = [number for number, lump in enumerate(lumps) if any(token.says_address for token in lump)]
        if not found and len(lumps) == 1 and lumps[0][0].kind == "word":
            found = [0]
        if not found:
            name = _words(self.tokens, note)
            if "@" in name:
                note(UNCLEAR)
            return Address("", name, group) if name else None
        if len(lumps) > 1 or any(token.kind == "angle" for token in self.tokens):
            note(UNCLEAR)  # two of them, or words beside one, which some readers take for a part of it
        text = "".join(token.text for token in lumps[found[0]])
        others = [
            token for number, lump in enumerate(lumps) if number != found[0] for token in (*lump, _Token("space", " "))
        ]
        return self._address(text, others, group, note)

    def _in_brackets(self, angles: list[str], group: str, note: Note) -> Address | None:
        """The address in the last brackets: text in earlier ones belongs to the display name."""
        address = read_spec(angles[-1])[0]
        lumps = self._lumps()
        bare = ["".join(token.text for token in lump) for lump in lumps if any(token.says_address for token in lump)]
        doubtful = sum(len(_DOUBTFUL.findall(token.text)) for token in self.tokens if token.kind in {"angle", "word"})
        if doubtful > 1 or (bare and (len(lumps) > 1 or not address or read_spec(bare[0])[0] != address)):
            note(UNCLEAR)
        return self._address(angles[-1], self.tokens, group, note)

    def _address(self, text: str, named: list[_Token], group: str, note: Note) -> Address | None:
        address, clear = read_spec(text)
        if not clear:
            note(UNCLEAR)
        comments = " ".join(token.text for token in self.tokens if token.kind == "comment")
        name = _words(named, note) or _plain(comments, note)
        if not address:
            # The text is still shown, undecoded.
            name = " ".join(filter(None, [name, _WHITE.sub(" ", text).strip()]))
        return Address(address, name, group) if address or name else None

    def _lumps(self, note: Note | None = None) -> list[list[_Token]]:
        """Tokens that belong together: without white space between them, or only around an @ or a dot. RFC 5322 4.4."""
        apart = list(self._apart())
        joined = [lump for part in apart for lump in _joined(part, dots=True)]
        if len(joined) <= 1:
            return joined
        # A dot at the end of a name is no dot of the address behind it.
        others = [lump for part in apart for lump in _joined(part, dots=False)]
        if note is not None and len(others) != len(joined):
            note(UNCLEAR)
        return others

    def _apart(self) -> Iterator[list[list[_Token]]]:
        """Parts between brackets, of which no two make one address, as tokens without white space between them."""
        part: list[list[_Token]] = []
        lump: list[_Token] = []
        for token in [*self.tokens, _Token("angle", "")]:
            if token.kind in {"space", "comment", "angle"}:
                part += [lump] if lump else []
                lump = []
            else:
                lump.append(token)
            if token.kind == "angle":
                yield part
                part = []


def addresses(header: str, note: Note) -> tuple[Address, ...]:
    """The mailboxes of a From, To, Cc or Reply-To header, those of groups too; never raises. Takes linear time.

    A name that a comma divides, without quotes around it, is one name of the address behind it.

    Args:
        header: its value, unfolded, encoded words as they are.
        note: called with each problem: `author-unclear` for an ambiguous address, `too-many-addresses` where some are left out.

    Source: RFC 5322 3.4 and 4.4; RFC 2047 5 (3).
    """
    if usual := _USUAL.fullmatch(header):
        bare, quoted, name, spec = usual.groups()
        return (Address(read_spec(bare or spec)[0], _plain(quoted or name or "", note)),)
    return _by_tokens(header, note)


def _by_tokens(header: str, note: Note) -> tuple[Address, ...]:
    """As above, for any header."""
    found: list[Address] = []
    group = ""
    box = _Mailbox()
    parts: list[_Mailbox] = []
    token = _TOKEN
    at = 0
    while at < len(header) and len(found) < MOST_ADDRESSES:
        match = token.match(header, at)
        if match is None:  # pragma: no cover - the last alternative takes anything
            break
        kind, text, at = match.lastgroup or "word", match[0], match.end()
        if kind == "open":
            # It is an ordinary character, and so is each quote behind it: those are escaped, and not closed either.
            kind, text, at = "word", '"', match.start() + 1
            token = _TOKEN_BEHIND_OPEN_QUOTE
        if kind != "mark":
            box.add(kind, text)
        elif text == "(":
            comment, at = _comment(header, at, note)
            box.add("comment", comment)
        elif text == ":" and not group and not box.has_address:
            found += _read(parts, group, note)
            parts = []
            group = _words(box.tokens, note)
            box = _Mailbox()
        elif text == ":":
            box.add("word", text)
        else:
            parts.append(box)
            box = _Mailbox()
            if text == ";" or not parts[-1].is_words or len(parts) > _MOST_OF_NAME:
                found += _read(parts, group, note)
                parts = []
            group = "" if text == ";" else group
            at = at if parts else _behind_nothing(header, at, group)
    found += _read([*parts, box], group, note)
    if len(found) > MOST_ADDRESSES or header[at:].strip(" ,;\t\r\n"):
        note("too-many-addresses")
    return tuple(found[:MOST_ADDRESSES])


def _behind_nothing(header: str, start: int, group: str) -> int:
    """Where the header goes on behind boxes without anything in them; what ends a group is not passed by."""
    run = _NOTHING.match(header, start)
    end = run.end() if run is not None else start
    if group and (ends_group := header.find(";", start, end)) >= 0:
        end = ends_group
    last = max(header.rfind(",", start, end), header.rfind(";", start, end))
    return last + 1 if last >= 0 else start


def _comment(header: str, start: int, note: Note) -> tuple[str, int]:
    """Text of the comment whose bracket is before `start`, and the position behind it."""
    comment, at, closed = comment_at(header, start)
    if not closed or "\\" in header[start:at]:
        note(UNCLEAR)  # not every reader knows escapes
    return comment, at


def _read(parts: list[_Mailbox], group: str, note: Note) -> list[Address]:
    """The addresses of parts between commas; one address, if all parts but the last belong to its name."""
    last = parts[-1] if parts else _Mailbox()
    if len(parts) > 1 and last.is_named:
        whole = _Mailbox()
        for part in parts:
            if whole.tokens:
                whole.add("word", ",")
            for token in part.tokens:
                whole.add(token.kind, token.text)
        parts = [whole]
    return [address for part in parts if (address := part.read(group, note)) is not None]


def _joined(lumps: list[list[_Token]], *, dots: bool) -> list[list[_Token]]:
    """The lumps, joined around an @ and around dots: around any dot, or only behind an @."""
    out: list[list[_Token]] = []
    domain = False
    for lump in lumps:
        marks = "@." if dots or domain else "@"
        if out and (lump[0].text[0] in marks or out[-1][-1].text[-1] in marks):
            out[-1] += lump
        else:
            out.append(list(lump))
            domain = False
        domain = domain or any(token.says_address for token in lump)
    return out


def _words(tokens: list[_Token], note: Note) -> str:
    """The display name that the tokens make."""
    texts = [
        _ESCAPED.sub(r"\1", token.text[1:-1]) if token.kind == "quoted" else token.text
        for token in tokens
        if token.kind in {"word", "quoted", "encoded", "space"}
    ]
    return _plain("".join(texts), note)


def _plain(text: str, note: Note) -> str:
    """A name on one line, its words decoded."""
    return _WHITE.sub(" ", decoded_words(text, note)).strip()
