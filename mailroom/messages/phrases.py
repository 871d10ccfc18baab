"""Recognizes lines that mail programs write, by the words of their languages. Pure; patterns have no words of a language."""

from __future__ import annotations

import re
import unicodedata
from enum import Enum
from typing import Final, NamedTuple

from mailroom.messages.languages import LANGUAGES

__all__ = [
    "FieldKind",
    "begins_attribution",
    "field_of",
    "forwarding_languages",
    "is_divider",
    "is_forwarded_line",
    "says_between_dashes_who_wrote",
    "says_who_wrote",
]

_LONGEST_LABEL: Final = 40
_LONGEST_BEHIND_VERB: Final = 160
_MOST_CHARACTERS: Final = 400
_COLONS: Final = (":", "\uff1a")
_WHITE: Final = re.compile(r"\s++")
_CLOSING: Final = {"[": "]", "(": ")", "{": "}", "<": ">", "\u3010": "\u3011", "\u300c": "\u300d"}
_TAGS: Final = frozenset(
    {"ext", "extern", "externe", "external", "externo", "esterno", "ekstern", "spam", "sec", "secure"}
)
"""Words that gateways put in front of a subject, as clients do with "Re:"."""
_LONGEST_PHRASE: Final = 80
_MOST_TAGS: Final = 8
_COUNT: Final = re.compile(r"(?:\[\d{1,3}+\]|\(\d{1,3}+\)|\^\d{1,3}+)\Z")
_SAYS_MORE: Final = re.compile(r"[^\s<>]@[^\s<>]|\d[.:/h-]?\d")


def _said(text: str) -> str:
    """The words in a form for comparisons: one case, one Unicode form, one kind of blank and apostrophe."""
    if text.isascii():
        return " ".join(text.split()).lower()
    return _WHITE.sub(" ", unicodedata.normalize("NFC", text).replace("\u2019", "'")).strip().casefold()


def _all(*names: str) -> frozenset[str]:
    return frozenset(_said(word) for language in LANGUAGES for name in names for word in getattr(language, name))


def _by_word(name: str) -> dict[str, frozenset[str]]:
    """Words, each with its languages."""
    found: dict[str, set[str]] = {}
    for language in LANGUAGES:
        for word in getattr(language, name):
            found.setdefault(_said(word), set()).add(language.code)
    return {word: frozenset(codes) for word, codes in found.items()}


class FieldKind(Enum):
    """Kind of a line above a quoted message."""

    AUTHOR = "author"
    SENT = "sent"
    TO = "to"
    SUBJECT = "subject"


_FIELDS: Final = {_said(word): kind for kind in reversed(FieldKind) for word in _all(kind.value)}
_AUTHORS: Final = _by_word("author")
_ANSWERS: Final = _all("answers")
_FORWARDS: Final = _by_word("forwards")
_ORIGINAL: Final = _all("original")
_FORWARDED: Final = tuple(sorted(_all("forwarded")))
_BEGINS: Final = tuple(f"{word} " for word in sorted(_all("begins")))
_WROTE: Final = tuple(sorted(_all("wrote")))
_WROTE_NAME: Final = tuple(sorted(_all("wrote_name")))


class Field(NamedTuple):
    """A line above a quoted message."""

    kind: FieldKind
    languages: frozenset[str]
    """Languages with this word for an author; none for other lines."""


def field_of(line: str) -> Field | None:
    """The field of a line, in any language, bold or not; None for other lines, and for a field without a value."""
    colon = line.find(":", 0, _LONGEST_LABEL)
    wide = line.find(_COLONS[1], 0, _LONGEST_LABEL)
    if wide > 0 and not 0 < colon < wide:
        colon = wide
    if colon <= 0 or not line[colon + 1 :].strip(" \t\xa0*"):
        return None
    label = _said(line[:colon].strip(" \t\xa0*"))
    kind = _FIELDS.get(label)
    return Field(kind, _AUTHORS.get(label, frozenset())) if kind is not None else None


def is_divider(line: str) -> bool:
    """Whether the line announces, between dashes, the answered message."""
    inner, before, behind = _between_dashes(line)
    return before and behind and inner in _ORIGINAL


def is_forwarded_line(line: str) -> bool:
    """Whether the line announces a forwarded message: between dashes, behind dashes, or (Apple Mail) before a colon."""
    inner, before, behind = _between_dashes(line)
    if before and behind:
        return inner.startswith(_FORWARDED)
    return inner in _FORWARDED if before else inner.endswith(_COLONS) and inner[:-1].rstrip() in _FORWARDED


def _between_dashes(line: str) -> tuple[str, bool, bool]:
    """The text between the dashes, and whether there are dashes in front and behind."""
    if len(line) > _MOST_CHARACTERS:
        return "", False, False
    line = line.strip()
    if not line.startswith(("--", "__", "==")) and (len(line) > _LONGEST_PHRASE or not line.endswith(_COLONS)):
        return "", False, False
    inner = line.strip("-_=")
    return _said(inner), line[:2] in {"--", "__", "=="}, line[-2:] in {"--", "__", "=="}


def forwarding_languages(subject: str) -> frozenset[str] | None:
    """The languages whose programs mark forwarded mail like this subject; None for the subject of another message.

    Tags in front do not count. The set is empty for a mark without a language.

    Example: `[EXTERN] WG: Regal` is German. `VS: Regal` is Danish; Finnish programs mark answers so.
    """
    subject = subject.strip()
    for _ in range(_MOST_TAGS):
        if subject.startswith("*"):
            bare = subject.lstrip("*")
            end = bare.find("*")
            subject = bare[end:].strip("* ") if 0 <= end <= _LONGEST_LABEL else bare
        closing = _CLOSING.get(subject[:1])
        if closing is not None:
            end = subject.find(closing, 1)
            if end < 0:
                return None
            within = subject[1:end]
            if _mark(within) in _FORWARDS:
                return _FORWARDS[_mark(within)]
            subject = subject[end + 1 :].lstrip()
            continue
        mark = _mark(subject)
        if mark in _FORWARDS:
            return _FORWARDS[mark]
        if mark not in _TAGS:
            break
        subject = subject[min(at for at in (subject.find(one) for one in _COLONS) if at >= 0) + 1 :].lstrip()
    if _mark(subject) not in _ANSWERS and subject.casefold().rstrip().endswith("(fwd)"):
        return frozenset()
    return None


def _mark(subject: str) -> str:
    """The word in front of the first colon; "" without one."""
    colon = min((at for at in (subject.find(one, 0, _LONGEST_LABEL) for one in _COLONS) if at >= 0), default=0)
    return _said(_COUNT.sub("", subject[:colon].rstrip()))


def says_who_wrote(said: str) -> bool:
    """Whether a line ends like an attribution: with a verb, or with a verb and the author or the time.

    Args:
        said: the line or lines, joined by blanks.
    """
    said = said.rstrip()
    if not said.endswith(_COLONS):
        return False
    words = _said(said[:-1])
    if any(_stands_at(words, verb, len(words) - len(verb)) for verb in _WROTE if words.endswith(verb)):
        return True
    for verb in _WROTE_NAME:
        at = words.rfind(verb)
        behind = words[at + len(verb) :]
        if (
            at >= 0
            and _stands_at(words, verb, at)
            and len(behind) <= _LONGEST_BEHIND_VERB
            and (_SAYS_MORE.search(behind) or len(behind.split()) <= 5)
        ):
            return True
    return False


def says_between_dashes_who_wrote(line: str) -> bool:
    """Whether the line is an attribution of some Android programs: `---- Olaf Lund wrote ----`."""
    inner, before, behind = _between_dashes(line)
    return before and behind and bool(inner) and says_who_wrote(f"{inner}:")


def _stands_at(words: str, verb: str, at: int) -> bool:
    """Whether the verb at this position is a whole word. Languages without blanks between words need none."""
    if not verb[0].isascii() and not verb[0].islower():
        return True
    behind = words[at + len(verb) : at + len(verb) + 1]
    return (not at or not words[at - 1].isalnum() or not words[at - 1].islower()) and not behind.isalnum()


def begins_attribution(line: str) -> bool:
    """Whether a line begins like an attribution with author and time, in a language that has a word for that."""
    return _said(line[:_LONGEST_LABEL]).startswith(_BEGINS)
