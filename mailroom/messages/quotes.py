"""Divides an answer from the message that it quotes. Pure.

In doubt it shows too much: unless all text behind a place is certainly quoted, no text is split off.
"""

from __future__ import annotations

import re
from typing import Final

from mailroom.messages.phrases import (
    FieldKind,
    begins_attribution,
    field_of,
    forwarding_languages,
    is_divider,
    is_forwarded_line,
    says_between_dashes_who_wrote,
    says_who_wrote,
)

__all__ = ["split_quoted"]

_MOST_LINES: Final = 100_000
_ATTRIBUTION_LINES: Final = 4
_LINES_BELOW: Final = 12
"""Most lines of a signature, or of a mailing list's footer."""
_MOST_CHARACTERS: Final = 400

_QUOTED_LINE: Final = re.compile(r"[ \t]{0,3}+>")
_ESCAPED_FROM: Final = re.compile(r">From ")
"""The mbox format's escape of a line that begins with "From ": it counts as quoted if its neighbours do."""
_DATE: Final = re.compile(r"\d{4}|\d{1,2}[./-] ?\d{1,2}")
_TIME: Final = re.compile(r"\d{1,2}[:.h]\d{2}")
_ADDRESS: Final = re.compile(r"[^\s<>]@[^\s<>]")
_RULE: Final = re.compile(r"[ \t]*+[-_]{10,}+[ \t]*+\Z")
_BELOW: Final = re.compile(r"(?:-- ?|_{20,}+)\Z")


def split_quoted(text: str, subject: str = "", *, typed: frozenset[str] = frozenset()) -> tuple[str, str]:
    """The author's own text, and the quotation of earlier messages behind it; together they are `text`.

    The quotation is "" where answers stand between quoted lines, where the author wrote no own text, and for forwarded messages.

    Args:
        text: of a message; lines end in LF.
        subject: of the message, which may mark it as forwarded.
        typed: lines of the text that look quoted, and certainly are not. Default: none.
    """
    if not _may_begin(text) or text.count("\n") > _MOST_LINES:
        return text, ""
    lines = text.split("\n")
    seen = ["." if line in typed else line for line in lines] if typed else lines
    beginning = _beginning(seen, forwarding_languages(subject))
    if beginning is None or not any(line.strip() for line in lines[:beginning]):
        return text, ""
    while beginning and not lines[beginning - 1].strip():
        beginning -= 1
    at = sum(len(line) + 1 for line in lines[:beginning])
    return text[:at], text[at:]


def _may_begin(text: str) -> bool:
    """Whether a text has a mark that all quoted lines and all attributions have. Most lines have none."""
    return ":" in text or ">" in text or any(one in text and one * 2 in text for one in "-_=") or "\uff1a" in text


def _beginning(lines: list[str], forwards: frozenset[str] | None) -> int | None:
    """Number of the first line that belongs to the quotation; None without one.

    Args:
        lines: of the message.
        forwards: languages in which its subject marks it as forwarded; None without such a mark.
    """
    tail = _quoted_tail(lines)
    for number, line in enumerate(lines):
        if not _may_begin(line):
            continue
        if is_forwarded_line(_unquoted(line)):
            return None
        if (divides := is_divider(line)) or _is_header_block(lines, number):
            if forwards is not None and (divides or _is_forwarded_in(forwards, line)):
                return None
            return number - 1 if number and _RULE.match(lines[number - 1]) else number
        start, whole = _attribution(lines, number)
        if start is not None and (
            tail <= _next_line(lines, number + 1) < len(lines) or (whole and not _quoted_from(lines, number + 1))
        ):
            return start
        if _QUOTED_LINE.match(line) and not _ESCAPED_FROM.match(line):
            return _with_attribution(lines, number) if number >= tail else None
    return None


def _is_forwarded_in(languages: frozenset[str], author: str) -> bool:
    """Whether the subject's mark means a forward in the language of this author line: a word can mean an answer elsewhere."""
    field = field_of(author)
    return (
        not languages
        or len(languages) == 1
        or field is None
        or not field.languages
        or bool(languages & field.languages)
    )


def _attribution(lines: list[str], end: int) -> tuple[int | None, bool]:
    """Number of the first line of an attribution that ends here, and whether it has time and author; None without one.

    It begins at the nearest line above that begins like an attribution, or else at a line that completes it. Android's stands
    between dashes.
    """
    if says_between_dashes_who_wrote(lines[end]):
        return end, False
    if not lines[end].rstrip().endswith((":", "\uff1a")):
        return None, False
    said = ""
    enough: tuple[int | None, bool] = (None, False)
    for start in range(end, max(end - _ATTRIBUTION_LINES, -1), -1):
        if not lines[start].strip() or len(lines[start]) > _MOST_CHARACTERS:
            break
        if start < end and lines[start].rstrip().endswith((":", "\uff1a")):
            break  # the end of another attribution
        said = f"{lines[start].strip()} {said}".strip()
        known = [bool(pattern.search(said)) for pattern in (_DATE, _TIME, _ADDRESS)]
        begins = any(known) and begins_attribution(lines[start])
        if (begins or (enough[0] is None and sum(known) >= 2)) and says_who_wrote(said):
            enough = (start, all(known))
            if begins:
                break
    return enough


def _quoted_from(lines: list[str], start: int) -> bool:
    following = _next_line(lines, start)
    return following == len(lines) or _QUOTED_LINE.match(lines[following]) is not None


def _with_attribution(lines: list[str], number: int) -> int:
    """Begin of the quotation with this first quoted line: at the attribution above it, in any language."""
    last = number - 1
    while last >= 0 and number - last <= 2 and not lines[last].strip():
        last -= 1
    if last < 0 or not lines[last].rstrip().endswith((":", "\uff1a")) or len(lines[last]) > _MOST_CHARACTERS:
        return number
    first = last
    while first and lines[first - 1].strip() and last - first < _ATTRIBUTION_LINES:
        first -= 1
    for start in (last, first) if last - first < _ATTRIBUTION_LINES else (last,):
        said = " ".join(line.strip() for line in lines[start : last + 1])
        when = bool(_DATE.search(said)) + bool(_TIME.search(said))
        if len(said) <= _MOST_CHARACTERS and (when == 2 or (when and _ADDRESS.search(said))):
            return start
    return last if says_who_wrote(lines[last]) else number


def _quoted_tail(lines: list[str]) -> int:
    """Number of the line from which on all lines with text are quoted; the number of lines when the last one is not quoted.

    A signature or a mailing list's footer below does not count.
    """
    tail = len(lines)
    for number in range(_without_below(lines) - 1, -1, -1):
        if _ESCAPED_FROM.match(lines[number]) and tail < len(lines):
            continue
        if _QUOTED_LINE.match(lines[number]) and not _ESCAPED_FROM.match(lines[number]):
            tail = number
        elif lines[number].strip():
            break
    return tail


def _without_below(lines: list[str]) -> int:
    """Number of lines above a signature or a list's footer, if quoted lines end right above it."""
    first = max(len(lines) - _LINES_BELOW, 0)
    below = next((number for number in range(first, len(lines)) if _BELOW.match(lines[number])), len(lines))
    if any(_QUOTED_LINE.match(line) for line in lines[below:]):
        return len(lines)
    return below


def _next_line(lines: list[str], start: int) -> int:
    """Number of the first line with text from `start` on."""
    return next((number for number in range(start, len(lines)) if lines[number].strip()), len(lines))


def _unquoted(line: str) -> str:
    return line.removeprefix(">")


def _is_header_block(lines: list[str], number: int) -> bool:
    """Whether Outlook's header lines above a quotation begin here: three in a row, the first one From.

    One of them must be the subject, or the author must have an address: timetables have a "From" and a "To", too.
    """
    first = field_of(lines[number])
    if first is None or not first.languages:
        return False
    fields = 0
    of_mail = _ADDRESS.search(lines[number]) is not None
    for line in lines[number : number + 12]:
        if not line.strip():
            if fields >= 3:
                break
            continue
        if field := field_of(line):
            if fields and fields < 3 and field.languages:
                return False  # a message has one author
            fields += 1
            of_mail = of_mail or field.kind is FieldKind.SUBJECT
        elif fields < 3 and not line.startswith((" ", "\t")) and "@" not in line:
            return False
    return fields >= 3 and of_mail
