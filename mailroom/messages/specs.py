"""One addr-spec of a header, undecoded. Pure."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

__all__ = ["SIMPLE_SPEC", "UNCLEAR", "comment_at", "read_spec"]

UNCLEAR: Final = "author-unclear"
"""The problem of an ambiguous address."""

SIMPLE_SPEC: Final = r"[A-Za-z0-9!#$%&'*+/^_`{|}~.-]++@[A-Za-z0-9-]++(?:\.[A-Za-z0-9-]++)*"
"""Pattern of the usual form, which is clear."""
_SIMPLE: Final = re.compile(SIMPLE_SPEC)
_ROUTE: Final = re.compile(r"@[^:\"]*+:")
# An unclosed quoted string reaches to the end, so that its end is not searched again from each escaped quote in it.
_PIECE: Final = re.compile(
    r'"[^"\\]*+(?:\\.?+[^"\\]*+)*(?:(?P<quoted>")|(?P<open>\Z))'
    r'|(?P<literal>\[[^\[\]@<>"()\\]*+\])|(?P<mark>[.@])|(?P<space>[ \t\r\n]++)|(?P<comment>\()|(?P<atom>[^ \t\r\n"().@\[]++|.)',
    re.DOTALL,
)
_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)
_NO_ATOM: Final = frozenset('<>,:;\\[]()"')
_NO_HOST: Final = frozenset("!#$%&'*+/=?^`{|}~ ")
_AROUND: Final = " \t\r\n\xa0\u3000"
_INVISIBLE: Final = frozenset({"Cf", "Cs", "Zl", "Zp", "Zs"})


def read_spec(text: str) -> tuple[str, bool]:
    """The address without comments, and white space around its dots and @, its domain in lower case; and whether it is clear.

    "" for a text that is no single address: with a second @, control characters, words side by side, or one half only. A word
    without an @ is an address. Of an address with a route the address counts, and is not clear. Encoded words are taken literally.

    Args:
        text: the text between angle brackets, or words of a header that belong together.

    Source: RFC 5322 3.2.2, 3.4.1 and 4.4; RFC 2047 5 (3).
    """
    text = text.strip(_AROUND)
    if _SIMPLE.fullmatch(text):
        return _lower_domain(text), True
    route = _ROUTE.match(text)
    pieces, clear = _pieces(text[route.end() :] if route else text)
    whole = "".join(piece for _, piece in pieces)
    ats = [number for number, (kind, piece) in enumerate(pieces) if kind == "mark" and piece == "@"]
    if len(ats) > 1 or (not ats and "@" in whole) or any(unicodedata.category(one) == "Cc" for one in whole):
        return "", False
    if not clear:
        return "", False
    if not ats:
        return whole, not route and _is_plain(whole) and all(kind in {"atom", "mark"} for kind, _ in pieces)
    local, domain = pieces[: ats[0]], pieces[ats[0] + 1 :]
    whole_host = "".join(piece for _, piece in domain)
    host = whole_host.strip(".")
    if not local or not host or any(kind == "quoted" for kind, _ in domain):
        return "", False
    plain = "".join(piece for kind, piece in local if kind != "quoted")
    plain_host = "".join(piece for kind, piece in domain if kind != "literal")
    quoted_well = all(kind != "quoted" for kind, _ in local) or _divided(local)
    good = (
        _is_plain(plain)
        and _is_plain(plain_host)
        and _NO_HOST.isdisjoint(plain_host)
        and quoted_well
        and ".." not in whole_host
        and not whole_host.startswith(".")
    )
    name = "".join(piece for _, piece in local)
    return f"{name}@{host.lower()}", good and not route and not _hides(name)


def _pieces(text: str) -> tuple[list[tuple[str, str]], bool]:
    """Words, quoted strings, dots and @ of an addr-spec; and whether the text has nothing else."""
    pieces: list[tuple[str, str]] = []
    at, gap, clear = 0, False, True
    while at < len(text):
        match = _PIECE.match(text, at)
        if match is None:  # pragma: no cover - the last alternative takes anything
            break
        kind, piece, at = match.lastgroup or "atom", match[0], match.end()
        if kind == "comment":
            _, at, closed = comment_at(text, at)
            clear = clear and closed
        if kind in {"comment", "space"}:
            gap = True
            continue
        if kind == "open" or (gap and kind != "mark" and pieces and pieces[-1][0] != "mark"):
            clear = False
        pieces.append((kind, piece.replace("\t", " ") if kind == "quoted" else piece))
        gap = False
    return pieces, clear


def comment_at(text: str, start: int) -> tuple[str, int, bool]:
    """Text of the comment whose bracket is before `start`, the position behind it, and whether it is closed.

    An unclosed comment reaches to the end.
    """
    depth, at = 1, start
    while at < len(text):
        one = text[at]
        if one == "\\":
            at += 1
        elif one == "(":
            depth += 1
        elif one == ")":
            depth -= 1
            if not depth:
                return _ESCAPED.sub(r"\1", text[start:at]), at + 1, True
        at += 1
    return text[start:], len(text), False


def _is_plain(text: str) -> bool:
    """Whether it has no characters that need quotes, are invisible, or form an encoded word."""
    if not _NO_ATOM.isdisjoint(text) or "=?" in text:
        return False
    return not _hides(text)


def _hides(text: str) -> bool:
    return not text.isascii() and any(unicodedata.category(one) in _INVISIBLE for one in text)


def _divided(local: list[tuple[str, str]]) -> bool:
    """Whether words and quoted strings take turns with dots. RFC 5322 4.4, obs-local-part."""
    return all((kind == "mark") == (number % 2 == 1) for number, (kind, _) in enumerate(local)) and len(local) % 2 == 1


def _lower_domain(text: str) -> str:
    local, _, domain = text.rpartition("@")
    return f"{local}@{domain.lower()}"
