"""Answers and forwarded mail in every language of the table, as programs of people write them."""

# ruff: noqa: RUF001 - letters of these languages look like Latin ones

from __future__ import annotations

from typing import Final

import pytest

from mailroom.messages.languages import LANGUAGES, Language
from mailroom.messages.quotes import split_quoted

BLOCKS: Final = {
    "en": "From: {who}\nSent: Monday, November 2, 2026 9:00 AM\nTo: {whom}\nSubject: Regal",
    "de": "Von: {who}\nGesendet: Montag, 2. November 2026 09:00\nAn: {whom}\nBetreff: Regal",
    "fr": "De : {who}\nEnvoyé : lundi 2 novembre 2026 09:00\nÀ : {whom}\nObjet : Regal",
    "es": "De: {who}\nEnviado el: lunes, 2 de noviembre de 2026 9:00\nPara: {whom}\nAsunto: Regal",
    "it": "Da: {who}\nInviato: lunedì 2 novembre 2026 09:00\nA: {whom}\nOggetto: Regal",
    "pt": "De: {who}\nEnviada em: segunda-feira, 2 de novembro de 2026 09:00\nPara: {whom}\nAssunto: Regal",
    "nl": "Van: {who}\nVerzonden: maandag 2 november 2026 09:00\nAan: {whom}\nOnderwerp: Regal",
    "da": "Fra: {who}\nSendt: 2. november 2026 09:00\nTil: {whom}\nEmne: Regal",
    "nb": "Fra: {who}\nSendt: mandag 2. november 2026 09:00\nTil: {whom}\nKopi: {whom}\nEmne: Regal",
    "sv": "Från: {who}\nSkickat: den 2 november 2026 09:00\nTill: {whom}\nÄmne: Regal",
    "fi": "Lähettäjä: {who}\nLähetetty: maanantai 2. marraskuuta 2026 9.00\nVastaanottaja: {whom}\nAihe: Regal",
    "pl": "Od: {who}\nWysłano: poniedziałek, 2 listopada 2026 09:00\nDo: {whom}\nTemat: Regal",
    "cs": "Od: {who}\nOdesláno: pondělí 2. listopadu 2026 9:00\nKomu: {whom}\nPředmět: Regal",
    "sk": "Od: {who}\nOdoslané: pondelok 2. novembra 2026 9:00\nKomu: {whom}\nPredmet: Regal",
    "sl": "Od: {who}\nPoslano: ponedeljek, 02. november 2026 09:00\nZa: {whom}\nZadeva: Regal",
    "hr": "Od: {who}\nPoslano: 2. studenog 2026. 9:00\nPrima: {whom}\nPredmet: Regal",
    "hu": "Feladó: {who}\nElküldve: 2026. november 2., hétfő 9:00\nCímzett: {whom}\nTárgy: Regal",
    "ro": "De la: {who}\nTrimis: luni, 2 noiembrie 2026 09:00\nCătre: {whom}\nSubiect: Regal",
    "bg": "От: {who}\nИзпратено: понеделник, 2 ноември 2026 г. 9:00\nДо: {whom}\nОтносно: Regal",
    "el": "Από: {who}\nΣτάλθηκε: Δευτέρα, 2 Νοεμβρίου 2026 9:00\nΠρος: {whom}\nΘέμα: Regal",
    "et": "Saatja: {who}\nSaadetud: esmaspäev, 2. november 2026 09:00\nAdressaat: {whom}\nTeema: Regal",
    "lv": "No: {who}\nNosūtīts: pirmdiena, 2026. gada 2. novembris 09:00\nKam: {whom}\nTēma: Regal",
    "lt": "Nuo: {who}\nIšsiųsta: 2026 m. lapkričio 2 d., pirmadienis 09:00\nKam: {whom}\nTema: Regal",
    "mt": "Minn: {who}\nMibgħut: it-Tnejn, 2 ta' Novembru 2026 09:00\nLil: {whom}\nSuġġett: Regal",
    "ga": "Ó: {who}\nSeolta: Dé Luain 2 Samhain 2026 09:00\nChuig: {whom}\nÁbhar: Regal",
    "tr": "Kimden: {who}\nGönderildi: 2 Kasım 2026 Pazartesi 09:00\nKime: {whom}\nKonu: Regal",
    "ru": "От: {who}\nОтправлено: 2 ноября 2026 г. 9:00\nКому: {whom}\nТема: Regal",
    "ko": "보낸 사람: {who}\n보낸 날짜: 2026년 11월 2일 월요일 오전 9:00\n받는 사람: {whom}\n제목: Regal",
    "zh-Hans": "发件人: {who}\n发送时间: 2026年11月2日 9:00\n收件人: {whom}\n主题: Regal",
    "zh-Hant": "寄件者\uff1a{who}\n寄件日期\uff1a2026年11月2日 上午 09:00\n收件者\uff1a{whom}\n主旨\uff1aRegal",
    "ja": "差出人: {who}\n送信日時: 2026年11月2日 9:00\n宛先: {whom}\n件名: Regal",
}
"""The lines of Outlook."""

WROTE: Final = {
    "en": ["On 2 Nov 2026, at 09:00, {who} wrote:", "{who} writes:"],
    "de": ["Am Mo., 2. Nov. 2026 um 09:00 Uhr schrieb {who}:", "{who} schrieb am 02.11.2026 um 09:00:"],
    "fr": ["Le lun. 2 nov. 2026 à 09:00, {who} a écrit\xa0:", "{who} a écrit le 02/11/2026 09:00 :"],
    "es": ["El lun, 2 nov 2026 a las 9:00, {who} escribió:", "El 2 nov 2026, a las 9:00, {who} escribió:"],
    "it": ["Il giorno lun 2 nov 2026 alle ore 09:00 {who} ha scritto:", "Il 02/11/2026 09:00, {who} ha scritto:"],
    "pt": [
        "Em seg., 2 de nov. de 2026 às 09:00, {who} escreveu:",
        "No dia 02/11/2026, às 09:00, {who} escreveu:",
        "{who} escreveu (segunda, 2/11/2026 à(s) 09:00):",
    ],
    "nl": ["Op ma 2 nov 2026 om 09:00 schreef {who}:", "Op 2 nov 2026, om 09:00 heeft {who} het volgende geschreven:"],
    "da": ["Den man. 2. nov. 2026 kl. 09.00 skrev {who}:", "Den 2. nov. 2026 kl. 09.00 skrev {who}:"],
    "nb": ["man. 2. nov. 2026 kl. 09:00 skrev {who}:", "2. nov. 2026 kl. 09:00 skrev {who}:"],
    "sv": ["Den mån 2 nov. 2026 kl 09:00 skrev {who}:", "2 nov. 2026 kl. 09:00 skrev {who}:"],
    "fi": ["ma 2. marrask. 2026 klo 9.00 {who} kirjoitti:", "{who} kirjoitti 2.11.2026 kello 9.00:"],
    "pl": [
        "pon., 2 lis 2026 o 09:00 {who} napisał(a):",
        "Wiadomość napisana przez {who} w dniu 2 lis 2026, o godz. 09:00:",
    ],
    "cs": ["po 2. 11. 2026 v 9:00 odesílatel {who} napsal:", "Dne 02. 11. 26 v 9:00 {who} napsal(a):"],
    "sk": ["po 2. 11. 2026 o 9:00 {who} napísal(a):"],
    "sl": ["V pon., 2. nov. 2026 ob 09:00 je oseba {who} napisala:"],
    "hr": ["pon, 2. stu 2026. u 09:00 {who} je napisao/la:"],
    "hu": ["{who} ezt írta (időpont: 2026. nov. 2., H, 9:00):"],
    "ro": ["În lun., 2 nov. 2026 la 09:00, {who} a scris:"],
    "bg": ["На пн, 2.11.2026 г. в 9:00 {who} написа:"],
    "el": ["Στις Δευ 2 Νοε 2026 στις 9:00 π.μ., ο χρήστης {who} έγραψε:"],
    "et": ["Kuupäev E, 2. november 2026 kell 09:00 kirjutas {who}:"],
    "lv": ["pirmd., 2026. g. 2. nov., plkst. 09:00 — lietotājs {who} rakstīja:"],
    "lt": ["2026-11-02, pr, 09:00 {who} rašė:"],
    "ga": ["Ar Luan 2 Samh 2026 ag 09:00, scríobh {who}:"],
    "tr": ["{who}, 2 Kas 2026 Pzt, 09:00 tarihinde şunu yazdı:"],
    "ru": ["2 нояб. 2026 г., в 09:00, {who} написал(а):"],
    "ko": ["2026년 11월 2일 (월) 오전 9:00, {who}님이 작성:"],
    "zh-Hans": ["{who} 于2026年11月2日周一 09:00写道\uff1a"],
    "zh-Hant": ["{who} 於 2026年11月2日 週一 上午9:00寫道\uff1a"],
    "ja": ["2026年11月2日(月) 9:00 {who}:"],
}
"""The line of Gmail, then that of Apple Mail and others."""

WHO: Final = "Olaf Lund <olaf@post.example>"
WHOM: Final = "Ida Holm <ida@nordhof.example>"
LATIN: Final = ("da", "nb", "sv", "fi", "nl", "pl", "cs", "it", "es", "pt", "fr", "de", "en")


def block(code: str) -> str:
    """Outlook's block above a message."""
    return BLOCKS[code].format(who=WHO, whom=WHOM) + "\n\nFriday at eight?\n"


def test_every_language_has_inputs() -> None:
    """None stands in the table only."""
    codes = {language.code for language in LANGUAGES}
    assert len(codes) == len(LANGUAGES)
    assert codes == set(BLOCKS)
    assert {language.code for language in LANGUAGES if language.wrote} - set(WROTE) == {"mt"}


@pytest.mark.parametrize("code", BLOCKS)
@pytest.mark.parametrize("rule", ["________________________________\n", "", "*"])
def test_lines_of_outlook(code: str, rule: str) -> None:
    """The answer stands above them: below a rule, without one, and in bold."""
    quoted = block(code)
    if rule == "*":
        quoted = "\n".join(f"*{line.replace(': ', ':* ', 1)}" if ": " in line else line for line in quoted.split("\n"))
    else:
        quoted = rule + quoted
    assert split_quoted(f"That suits me.\n\n{quoted}", "Re: Regal")[0] == "That suits me.\n"


@pytest.mark.parametrize("code", BLOCKS)
def test_labels_stand_for_mail_only(code: str) -> None:
    """The same words do not make a quotation of a timetable: without a subject and an address."""
    lines = BLOCKS[code].format(who="Berlin", whom="Hamburg").split("\n")[:-1]
    text = "My train:\n\n" + "\n".join(lines) + "\n\nSee you\n"
    assert split_quoted(text) == (text, "")


@pytest.mark.parametrize(("code", "line"), [(code, line) for code, lines in WROTE.items() for line in lines])
def test_line_that_says_who_wrote(code: str, line: str) -> None:
    """It belongs to the quotation right below it, whole and folded in front of the address."""
    for attribution in (line.format(who=WHO), line.format(who=WHO).replace(" <", "\n<")):
        for between in ("\n", "\n\n"):
            text = f"That suits me.\n\nIda\n\n{attribution}{between}> Friday at eight?\n> Olaf\n"
            reply, quoted = split_quoted(text, "Re: Regal")
            if attribution.startswith(WHO.replace(" <", "\n<")):
                assert reply in {"That suits me.\n\nIda\n", "That suits me.\n\nIda\n\nOlaf Lund\n"}
            else:
                assert reply == "That suits me.\n\nIda\n", code
            assert reply + quoted == text


@pytest.mark.parametrize("code", [code for code in LATIN if code in WROTE])
def test_message_below_without_marks(code: str) -> None:
    """What says who, when and at which address wrote needs no marks below it."""
    for line in WROTE[code]:
        if "2" in line:
            text = f"That suits me.\n\n{line.format(who=WHO)}\n\nFriday at eight?\n"
            assert split_quoted(text, "Re: Regal")[0] == "That suits me.\n"


@pytest.mark.parametrize("language", LANGUAGES, ids=lambda language: language.code)
def test_marks_of_forwarding(language: Language) -> None:
    """Forwarded mail is whole, whatever stands in front of the mark; an answer to it is an answer."""
    text = f"Please see to it.\n\n{block(language.code)}"
    for mark in (*language.forwards, "FW"):
        for tag in ("", "[EXTERN] ", "[EXT][SPAM] ", "EXTERNAL: ", "{Spam?} ", "*** SPAM *** ", "\u3010外部\u3011"):
            for colon in (": ", " : ", "\uff1a"):
                assert split_quoted(text, f"{tag}{mark.upper()}{colon}Regal") == (text, ""), (tag, mark)
    for mark in (*language.answers, "Re", "RE[2]", "[EXTERN] RE"):
        assert split_quoted(text, f"{mark}: FW: Regal")[0] == "Please see to it.\n", mark


@pytest.mark.parametrize("language", LANGUAGES, ids=lambda language: language.code)
def test_lines_between_dashes(language: Language) -> None:
    """What is above an original message is the answer; a forwarded one is part of what was sent."""
    for phrase in language.original:
        for written in (phrase, phrase.title(), phrase.upper()):
            text = f"That suits me.\n\n-----{written}-----\n{block(language.code)}"
            assert split_quoted(text, "Re: Regal")[0] == "That suits me.\n", written
    for phrase in language.forwarded:
        for line in (f"-------- {phrase.capitalize()} --------", f"---------- {phrase} ---------", f"{phrase}:"):
            text = f"Please see to it.\n\n{line}\n{block(language.code)}"
            assert split_quoted(text, "Regal") == (text, ""), line


def test_one_mark_of_two_meanings() -> None:
    """`VS` marks what Danes forward and what Finns answer: the lines below tell."""
    for code, forwarded in {"da": True, "nb": True, "fi": False}.items():
        text = f"Se venligst.\n\n{block(code)}"
        assert (split_quoted(text, "VS: Regal") == (text, "")) is forwarded


@pytest.mark.parametrize(
    ("subject", "line"),
    [
        ("[olaf@post.example: Regal]", "----- Forwarded message from Olaf Lund <olaf@post.example> -----"),
        ("Regal (fwd)", "------- Forwarded Message"),
        ("Regal", "-------------------- Start of forwarded message --------------------"),
        ("Regal", "----- Forwarded by Olaf Lund/Westhof on 02.11.2026 09:00 -----"),
        ("Regal", "----- Weitergeleitet von Olaf Lund/Westhof am 02.11.2026 09:00 -----"),
        ("Regal", "Begin forwarded message:"),
        ("Regal", "> Begin forwarded message:"),
        ("[Fwd: Regal]", "-----Original Message-----"),
        ("Regal (fwd)", "-----Original Message-----"),
        ("[EXTERN] [Fwd: Regal]", ""),
    ],
)
def test_forwarded_by_programs(subject: str, line: str) -> None:
    """mutt, nmh, Gnus, Notes, Apple Mail, Evolution and Alpine."""
    text = f"Bitte übernehmen.\n\n{line}\n\n{block('en')}"
    assert split_quoted(text, subject) == (text, "")


@pytest.mark.parametrize(
    "text",
    [
        "On 2 Nov 2026 at 10:00 I wrote to olaf@post.example about this:\n\nthe shelf came broken.\n",
        "I forward the forwarded message:\nread it.\n",
        "Am 2.11.2026 um 9:00 schrieb ich das auf:\n\nZwei Regale.\n",
        "Ich schrieb:\nzwei Regale.\n",
    ],
)
def test_prose_is_no_attribution(text: str) -> None:
    """Who tells what they wrote quotes nobody."""
    assert split_quoted(text) == (text, "")


def test_answer_right_above() -> None:
    """A line of the answer that no empty line parts from who wrote stays with it."""
    for line in ("2. nov. 2026 kl. 09:00 skrev {who}:", "Le lun. 2 nov. 2026 à 09:00, {who} a écrit :"):
        text = f"That suits me.\n{line.format(who=WHO)}\n> Friday at eight?\n"
        assert split_quoted(text)[0] == "That suits me.\n"


@pytest.mark.parametrize("line", ["Support <support@firma.example.org> writes:\n\n", "Support der Firma writes:\n"])
def test_line_that_says_only_who(line: str) -> None:
    """The defaults of Emacs and of nmh: neither says when."""
    text = f"Er zeigt 1.234 kWh.\n\nJörg\n\n{line}> Guten Tag,\n>\n> welchen Stand zeigt der Zähler heute?\n"
    assert split_quoted(text, "Re: Ihr Zähler")[0] == "Er zeigt 1.234 kWh.\n\nJörg\n"
