"""Where an answer ends and what it quotes begins. Pure.

Errs on the side of showing too much: where it is not certain that everything behind a place is quoted, nothing is split off.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ["split_quoted"]

_MOST_LINES: Final = 100_000
_ATTRIBUTION_LINES: Final = 4
_MOST_CHARACTERS: Final = 400

_QUOTED_LINE: Final = re.compile(r"[ \t]{0,3}>")
_WROTE: Final = re.compile(
    r"\b(?:wrote|writes|(?:schrieb|schreef|skrev)(?:\s.{1,160})?|a\s+écrit|escribió|escribi[óo]|ha\s+scritto|scrisse|escreveu|napisał(?:\(a\))?|"
    r"het\s+volgende\s+geschreven)\s*:?\s*$",
    re.IGNORECASE | re.DOTALL,
)
_SCHRIEB: Final = re.compile(r"^(?P<who>[^\n]{2,120})\bschrieb\s+am\b[^\n]{2,80}:$", re.IGNORECASE)
_ATTRIBUTION_BEGINS: Final = re.compile(r"^(?:On|Am|Le|El|Il|Op|Em|Den|Dnia|W dniu)\s", re.IGNORECASE)
_HAS_TIME_OR_ADDRESS: Final = re.compile(r"\d{4}|\d{1,2}[:.]\d{2}|@|\d{1,2}[./-]\d{1,2}")
_DIVIDER: Final = re.compile(
    r"^[ \t]*[-_]{2,}[ \t]*"
    r"(?:Original Message|Original Appointment|Ursprüngliche Nachricht|Originalnachricht|Message d['\u2019]origine|"
    r"Mensaje original|Messaggio originale|Oorspronkelijk bericht|Mensagem original|Reply message|Antwort)"
    r"[ \t]*[-_]{2,}[ \t]*$",
    re.IGNORECASE,
)
_FORWARDED: Final = re.compile(
    r"^[ \t]*(?:[-_]{2,}[ \t]*"
    r"(?:Forwarded message|Weitergeleitete Nachricht|Message transf[ée]r[ée]|Mensaje reenviado|Messaggio inoltrato)"
    r"[ \t]*[-_]{2,}"
    r"|Begin forwarded message:|Anfang der weitergeleiteten Nachricht:|Début du message transféré\s?:)[ \t]*$",
    re.IGNORECASE,
)
_FIELD: Final = re.compile(
    r"^[ \t]*\*?(?P<name>From|Von|De|Da|Van|Från|Fra|Od|Sent|Gesendet|Envoyé|Enviado(?: el)?|Inviato|Verzonden|Date|Datum|Fecha|"
    r"Data|To|An|À|Para|A|Aan|Cc|Subject|Betreff|Objet|Asunto|Oggetto|Onderwerp|Assunto)[ \t\xa0]*:\*?[ \t\xa0]*\S",
    re.IGNORECASE,
)
_FIRST_FIELDS: Final = frozenset({"from", "von", "de", "da", "van", "från", "fra", "od"})
_RULE: Final = re.compile(r"^[ \t]*[-_]{10,}[ \t]*$")


def split_quoted(text: str) -> tuple[str, str]:
    """What was written, and what is quoted of earlier messages behind it; together they are `text`.

    Nothing is split off when the answers stand between quoted lines, or above nothing, and of forwarded messages.

    Args:
        text: of a message; lines end in LF.
    """
    if text.count("\n") > _MOST_LINES:
        return text, ""
    lines = text.split("\n")
    beginning = _beginning(lines)
    if beginning is None or not any(line.strip() for line in lines[:beginning]):
        return text, ""
    while beginning and not lines[beginning - 1].strip():
        beginning -= 1
    at = sum(len(line) + 1 for line in lines[:beginning])
    return text[:at], text[at:]


def _beginning(lines: list[str]) -> int | None:
    """Number of the first line that belongs to the quotation; None without one."""
    tail = _quoted_tail(lines)
    for number, line in enumerate(lines):
        if not line.strip():
            continue
        if _FORWARDED.match(line):
            return None
        if _DIVIDER.match(line) or _is_header_block(lines, number):
            return number - 1 if number and _RULE.match(lines[number - 1]) else number
        end = _attribution_end(lines, number)
        if end is not None and tail <= _next_line(lines, end) < len(lines):
            return number
        if _QUOTED_LINE.match(line):
            return number if number >= tail else None
    return None


def _attribution_end(lines: list[str], number: int) -> int | None:
    """Number of the line behind an attribution that begins here; None when none does."""
    if len(lines[number]) > _MOST_CHARACTERS:
        return None
    if _SCHRIEB.match(lines[number].strip()):
        return number + 1
    if not _ATTRIBUTION_BEGINS.match(lines[number].strip()):
        return None
    said = ""
    for end in range(number, min(number + _ATTRIBUTION_LINES, len(lines))):
        if not lines[end].strip() or len(lines[end]) > _MOST_CHARACTERS:
            return None
        said = f"{said} {lines[end].strip()}".strip()
        if _WROTE.search(said) and said.endswith(":"):
            return end + 1 if _HAS_TIME_OR_ADDRESS.search(said) else None
    return None


def _quoted_tail(lines: list[str]) -> int:
    """Number of the line from which on all that say anything are quoted; so many as there are lines when the last one is not."""
    tail = len(lines)
    for number in range(len(lines) - 1, -1, -1):
        if _QUOTED_LINE.match(lines[number]):
            tail = number
        elif lines[number].strip():
            break
    return tail


def _next_line(lines: list[str], start: int) -> int:
    """Number of the first line from `start` on that says anything."""
    return next((number for number in range(start, len(lines)) if lines[number].strip()), len(lines))


def _is_header_block(lines: list[str], number: int) -> bool:
    """Whether the header lines begin here that Outlook puts above what it quotes: three in a row, the first one From."""
    first = _FIELD.match(lines[number])
    if first is None or first["name"].lower() not in _FIRST_FIELDS:
        return False
    fields = 0
    for line in lines[number : number + 12]:
        if not line.strip():
            if fields >= 3:
                break
            continue
        if _FIELD.match(line):
            fields += 1
        elif fields < 3 and not line.startswith((" ", "\t")) and "@" not in line:
            return False
    return fields >= 3
