"""Where an answer ends and what it quotes begins. Pure.

Errs on the side of showing too much: where it is not certain that everything behind a place is quoted, nothing is split off.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ["split_quoted"]

_MOST_LINES: Final = 100_000
_ATTRIBUTION_LINES: Final = 4
_LINES_BELOW: Final = 12
"""A signature, or what a mailing list writes under each message, is no longer."""
_MOST_CHARACTERS: Final = 400

_QUOTED_LINE: Final = re.compile(r"[ \t]{0,3}+>")
_ESCAPED_FROM: Final = re.compile(r">From ")
"""Mailboxes in one file write a line that begins with "From " so: it is quoted where its neighbours are."""
_WROTE: Final = re.compile(
    r"\b(?:wrote|writes|(?:schrieb|schreef|skrev)(?:\s.{0,160}+)?|a\s++écrit|escribió|escribi[óo]|ha\s++scritto|scrisse|escreveu|napisał(?:\(a\))?|"
    r"het\s++volgende\s++geschreven)\Z",
    re.IGNORECASE | re.DOTALL,
)
"""What stands in front of the colon that ends an attribution."""
_SCHRIEB: Final = re.compile(r"[^\n]{2,120}\bschrieb\s++am\b[^\n]{3,81}+(?<=:)\Z", re.IGNORECASE)
_ATTRIBUTION_BEGINS: Final = re.compile(r"^(?:On|Am|Le|El|Il|Op|Em|Den|Dnia|W dniu)\s", re.IGNORECASE)
_DATE: Final = re.compile(r"\d{4}|\d{1,2}[./-]\d{1,2}")
_TIME: Final = re.compile(r"\d{1,2}[:.h]\d{2}")
_ADDRESS: Final = re.compile(r"[^\s<>]@[^\s<>]")
_DIVIDER: Final = re.compile(
    r"[ \t]*+[-_]{2,}+[ \t]*+"
    r"(?:Original Message|Original Appointment|Ursprüngliche Nachricht|Originalnachricht|Message d['\u2019]origine|"
    r"Mensaje original|Messaggio originale|Oorspronkelijk bericht|Mensagem original|Reply message|Antwort|"
    r"Исходное сообщение|原始邮件|原始郵件|邮件原件|元のメッセージ)"
    r"[ \t]*+[-_]{2,}+[ \t]*+\Z",
    re.IGNORECASE,
)
_FORWARDED: Final = re.compile(
    r"[ \t]*+(?:[-_]{2,}+[ \t]*+"
    r"(?:Forwarded message|Weitergeleitete Nachricht|Message transf[ée]r[ée]|Mensaje reenviado|Messaggio inoltrato|"
    r"Doorgestuurd bericht|Mensagem encaminhada|Пересылаемое сообщение|转发的邮件|转发邮件信息|転送メッセージ)"
    r"[ \t]*+[-_]{2,}+"
    r"|Begin forwarded message:|Anfang der weitergeleiteten Nachricht:|Début du message transféré\s?:)[ \t]*+\Z",
    re.IGNORECASE,
)
_FORWARDED_SUBJECT: Final = re.compile(r"\s*+(?:fwd?|wg|tr|rv|enc|doorst|vb|vl|pd)\s*+[:\uff1a]", re.IGNORECASE)
_AUTHOR: Final = ["from", "von", "de", "da", "van", "från", "fra", "od", "от", "发件人", "寄件者", "差出人"]
_WHEN: Final = (
    *[
        "sent",
        "gesendet",
        "envoyé",
        "enviado",
        "inviato",
        "verzonden",
        "date",
        "datum",
        "fecha",
        "data",
        "дата",
        "отправлено",
    ],
    *["发送时间", "日期", "寄件日期", "送信日時", "日時"],
    "enviado el",
)
_WHOM: Final = ["to", "an", "à", "para", "a", "aan", "cc", "кому", "копия", "收件人", "收件者", "抄送", "宛先"]
_WHAT: Final = [
    "subject",
    "betreff",
    "objet",
    "asunto",
    "oggetto",
    "onderwerp",
    "assunto",
    "тема",
    "主题",
    "主旨",
    "件名",
]
_FIELD: Final = re.compile(
    rf"[ \t]*+\*?(?P<name>{'|'.join([*_AUTHOR, *_WHEN, *_WHOM, *_WHAT])})[ \t\xa0]*+[:\uff1a]\*?[ \t\xa0]*+\S",
    re.IGNORECASE,
)
_RULE: Final = re.compile(r"[ \t]*+[-_]{10,}+[ \t]*+\Z")
_BELOW: Final = re.compile(r"(?:-- ?|_{20,}+)\Z")


def split_quoted(text: str, subject: str = "") -> tuple[str, str]:
    """What was written, and what is quoted of earlier messages behind it; together they are `text`.

    Nothing is split off when the answers stand between quoted lines, or above nothing, and of forwarded messages.

    Args:
        text: of a message; lines end in LF.
        subject: of the message, which may say that it forwards another.
    """
    if text.count("\n") > _MOST_LINES:
        return text, ""
    lines = text.split("\n")
    beginning = _beginning(lines, forwards=_FORWARDED_SUBJECT.match(subject) is not None)
    if beginning is None or not any(line.strip() for line in lines[:beginning]):
        return text, ""
    while beginning and not lines[beginning - 1].strip():
        beginning -= 1
    at = sum(len(line) + 1 for line in lines[:beginning])
    return text[:at], text[at:]


def _beginning(lines: list[str], *, forwards: bool) -> int | None:
    """Number of the first line that belongs to the quotation; None without one."""
    tail = _quoted_tail(lines)
    for number, line in enumerate(lines):
        if not line.strip():
            continue
        if _FORWARDED.match(_unquoted(line)):
            return None
        if _DIVIDER.match(line) or _is_header_block(lines, number):
            if forwards:
                return None
            return number - 1 if number and _RULE.match(lines[number - 1]) else number
        end, whole = _attribution(lines, number)
        if end is not None and (
            tail <= _next_line(lines, end) < len(lines) or (whole and not _quoted_from(lines, end))
        ):
            return number
        if _QUOTED_LINE.match(line) and not _ESCAPED_FROM.match(line):
            return _with_attribution(lines, number) if number >= tail else None
    return None


def _attribution(lines: list[str], number: int) -> tuple[int | None, bool]:
    """Number of the line behind an attribution that begins here, and whether it says when and who; None when none does."""
    if len(lines[number]) > _MOST_CHARACTERS:
        return None, False
    if _SCHRIEB.match(lines[number].strip()):
        return number + 1, False
    if not _ATTRIBUTION_BEGINS.match(lines[number].strip()):
        return None, False
    said = ""
    for end in range(number, min(number + _ATTRIBUTION_LINES, len(lines))):
        if not lines[end].strip() or len(lines[end]) > _MOST_CHARACTERS:
            return None, False
        said = f"{said} {lines[end].strip()}".strip()
        if said.endswith(":") and _WROTE.search(said[:-1].rstrip()):
            date, time, address = (bool(pattern.search(said)) for pattern in (_DATE, _TIME, _ADDRESS))
            return (end + 1 if date or time or address else None), date and time and address
    return None, False


def _quoted_from(lines: list[str], start: int) -> bool:
    following = _next_line(lines, start)
    return following == len(lines) or _QUOTED_LINE.match(lines[following]) is not None


def _with_attribution(lines: list[str], number: int) -> int:
    """Where the quotation begins of which this is the first quoted line: at what says above it, in any language, who wrote when."""
    last = number - 1
    while last >= 0 and number - last <= 2 and not lines[last].strip():
        last -= 1
    if last < 0 or not lines[last].rstrip().endswith((":", "\uff1a")):
        return number
    first = last
    while first and lines[first - 1].strip() and last - first < _ATTRIBUTION_LINES:
        first -= 1
    for start in (last, first) if last - first < _ATTRIBUTION_LINES else (last,):
        said = " ".join(line.strip() for line in lines[start : last + 1])
        when = bool(_DATE.search(said)) + bool(_TIME.search(said))
        if len(said) <= _MOST_CHARACTERS and (when == 2 or (when and _ADDRESS.search(said))):
            return start
    return number


def _quoted_tail(lines: list[str]) -> int:
    """Number of the line from which on all that say anything are quoted; so many as there are lines when the last one is not.

    A signature below, or what a mailing list writes there, does not count.
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
    """How many lines there are above a signature or a list's footer, where quoted ones end right above it."""
    first = max(len(lines) - _LINES_BELOW, 0)
    below = next((number for number in range(first, len(lines)) if _BELOW.match(lines[number])), len(lines))
    if any(_QUOTED_LINE.match(line) for line in lines[below:]):
        return len(lines)
    return below


def _next_line(lines: list[str], start: int) -> int:
    """Number of the first line from `start` on that says anything."""
    return next((number for number in range(start, len(lines)) if lines[number].strip()), len(lines))


def _unquoted(line: str) -> str:
    return line.removeprefix(">")


def _is_header_block(lines: list[str], number: int) -> bool:
    """Whether the header lines begin here that Outlook puts above what it quotes: three in a row, the first one From.

    One of them is the subject, or the author has an address: timetables have a "From" and a "To", too.
    """
    first = _FIELD.match(lines[number])
    if first is None or first["name"].lower() not in _AUTHOR:
        return False
    fields = 0
    of_mail = _ADDRESS.search(lines[number]) is not None
    for line in lines[number : number + 12]:
        if not line.strip():
            if fields >= 3:
                break
            continue
        if field := _FIELD.match(line):
            fields += 1
            of_mail = of_mail or field["name"].lower() in _WHAT
        elif fields < 3 and not line.startswith((" ", "\t")) and "@" not in line:
            return False
    return fields >= 3 and of_mail
