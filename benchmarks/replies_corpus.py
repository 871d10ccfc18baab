"""Answers above what they quote, in each language: what programs write above a quotation, by the phrases that readers know.

The lines are those of `tests/mailroom/messages/test_languages.py`, and more that other readers look for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from mailroom.messages.languages import LANGUAGES
from tests.mailroom.messages.corpus import CASES
from tests.mailroom.messages.test_languages import BLOCKS, WHO, WHOM, WROTE

__all__ = ["Answer", "answers", "written_mail"]

REPLY: Final = "That suits me.\n\nIda"
QUOTED: Final = ("Friday at eight?", "", "Olaf")
MORE: Final = {
    "en": [
        "On Monday, November 2, 2026, {who} wrote:",
        "On Mon, Nov 2, 2026 at 9:00 AM {who} wrote:",
        "On Nov 2, 2026, at 9:00 AM, {who} sent:",
        "---- Olaf Lund wrote ----",
    ],
    "de": ["Am 02.11.26 um 09:00 schrieb {who}:", "Am Montag, 2. November 2026, 09:00:00 CET schrieb {who}:"],
    "fr": ["Le 02/11/2026 à 09:00, {who} a écrit :", "Le lundi 2 novembre 2026 à 09:00:00 UTC+1, {who} a écrit :"],
    "es": [
        "El 02/11/2026 a las 9:00, {who} escribió:",
        "El lunes, 2 de noviembre de 2026, 09:00:00 CET, {who} escribió:",
    ],
    "it": [
        "Il 2 novembre 2026 09:00:00 CET, {who} ha scritto:",
        "Il giorno 2 nov 2026, alle ore 09:00, {who} ha scritto:",
    ],
    "pt": ["Em 02/11/2026 09:00, {who} escreveu:"],
    "nl": ["Op 02-11-2026 om 09:00 schreef {who}:", "Op 2 november 2026 09:00, {who} schreef:"],
    "da": ["Den 02.11.2026 kl. 09.00 skrev {who}:", "tir. 3. nov. 2026 kl. 09.00 skrev {who}:"],
    "nb": ["På 2. nov. 2026, kl. 09:00, skrev {who}:", "Den 02.11.2026 09:00, skrev {who}:"],
    "sv": ["Den 2026-11-02 kl. 09:00, skrev {who}:", "mån 2 nov. 2026 kl. 09:00 skrev {who}:"],
    "pl": [
        "W dniu 2.11.2026 o 09:00, {who} pisze:",
        "W dniu 2 listopada 2026 09:00 użytkownik {who} napisał:",
        "Dnia 2 listopada 2026 09:00 {who} napisał(a):",
        "Dnia 2 listopada 2026 09:00 {who} nadesłał:",
    ],
    "cs": ["Dne po 2. 11. 2026 9:00 uživatel {who} napsal:"],
    "ko": ["2026년 11월 2일 (월) 오전 9:00, {who}님이 작성하였습니다:", "2026. 11. 2. 오전 9:00, {who} 작성:"],
    "zh-Hans": ["2026年11月2日 09:00\uff0c{who} 写道\uff1a"],
    "ja": ["2026年11月2日(月) 9:00 {who}:", "2026/11/02 9:00、{who}のメール:"],
    "vi": ["Vào Th 2, 2 thg 11, 2026 vào lúc 09:00 {who} đã viết:", "Vào 2 thg 11, 2026, lúc 09:00, {who} đã viết:"],
}
"""Lines that mail-parser-reply and talon look for, and those of other releases of the same programs."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A text, and what of it its author wrote.

    Args:
        language: its code, of `mailroom.messages.languages`, or "mail".
        form: how it is quoted.
        text: of the message.
        reply: what is to be found.
    """

    language: str
    form: str
    text: str
    reply: str


def answers() -> Iterator[Answer]:
    """Each form in each language that has it."""
    marked = "\n".join(f"> {line}".rstrip() for line in QUOTED)
    plain = "\n".join(QUOTED)
    for code in dict.fromkeys((*BLOCKS, *MORE)):
        for line in (*WROTE.get(code, ()), *MORE.get(code, ())):
            said = line.format(who=WHO)
            for form, above in (("line", said), ("folded line", said.replace(" <", "\n<", 1))):
                if form == "line" or above != said:
                    yield Answer(code, form, f"{REPLY}\n\n{above}\n{marked}\n", REPLY)
        if code in BLOCKS:
            block = BLOCKS[code].format(who=WHO, whom=WHOM)
            bold = "\n".join(f"*{line.replace(': ', ':* ', 1)}" if ": " in line else line for line in block.split("\n"))
            for form, above in (
                ("block", block),
                ("block below a rule", f"{'_' * 32}\n{block}"),
                ("block in bold", bold),
            ):
                yield Answer(code, form, f"{REPLY}\n\n{above}\n\n{plain}\n", REPLY)
    for language in LANGUAGES:
        for phrase in language.original:
            above = f"-----{phrase.capitalize()}-----\n{BLOCKS[language.code].format(who=WHO, whom=WHOM)}"
            yield Answer(language.code, "original message", f"{REPLY}\n\n{above}\n\n{plain}\n", REPLY)


def written_mail() -> Iterator[Answer]:
    """The messages of `tests/corpus/quotes`: answers between quoted lines, prose and forwarded mail among them."""
    from mailroom.messages import parse  # noqa: PLC0415 - only the page needs it

    for case in CASES:
        if case.file.parent.name == "quotes" and "reply" in case.expected:
            yield Answer("mail", case.file.stem, parse(case.raw).text, case.expected["reply"])
