"""Cyrillic text under no label, or under one of ASCII."""

# ruff: noqa: RUF001 - letters of these languages look like Latin ones

from __future__ import annotations

import pytest

from mailroom.messages import parse
from mailroom.messages.charsets import decoded

CYRILLIC = [
    "Здравствуйте, посылка не пришла, прошу проверить.",
    "Добрый день! Высылаю счёт за октябрь, оплатите его до пятницы, пожалуйста.",
    "ВНИМАНИЕ! ОПЛАТИТЕ СЧЁТ ДО ПЯТНИЦЫ",
    "Доброго дня, посилка не прийшла, перевірте, будь ласка, номер замовлення",
    "Здравейте, пратката не е пристигнала, моля проверете. Order 4711, best regards, Ivan",
]
OTHERS = [
    ("MÜSSEN GRÖSSER SEIN ÄÖÜ ÄÖÜ ÄÖÜ ÄÖÜ ÄÖÜ ÄÖÜ ÄÖÜ ÄÖÜ", "windows-1252"),
    ("L'été dernier à Évreux, l'élève créée a été déçue par la naïveté préférée; ç'eût été à côté.", "windows-1252"),
    ("Καλημέρα σας, το πακέτο δεν έφτασε, παρακαλώ ελέγξτε την αποστολή μου", "iso-8859-7"),
    ("שלום, החבילה לא הגיעה, אנא בדקו את המשלוח שלי תודה רבה לכם", "windows-1255"),
    ("مرحبا لم يصل الطرد يرجى التحقق من الشحنة الخاصة بي شكرا لكم", "windows-1256"),
    ("สวัสดีครับ พัสดุยังไม่มาถึง กรุณาตรวจสอบการจัดส่งของผม", "tis-620"),
    ("您好，包裹没有收到，请查询一下我的订单，谢谢您的帮助", "gbk"),
    ("안녕하세요 소포가 도착하지 않았습니다 확인해 주세요", "euc-kr"),
    ("荷物が届きません。確認をお願いします。よろしく", "euc-jp"),
    ("Zażółć gęślą jaźń, proszę o sprawdzenie przesyłki, łódź, źródło, późną nocą", "iso-8859-2"),
]


@pytest.mark.parametrize("text", CYRILLIC)
@pytest.mark.parametrize("codec", ["koi8-u", "windows-1251"])
@pytest.mark.parametrize("label", ["us-ascii", "iso-8859-1", "", "utf-8", "x-unknown"])
def test_words_say_the_charset(text: str, codec: str, label: str) -> None:
    """Whatever the label says of those that are mostly wrong."""
    assert decoded(text.encode(codec), label)[0] == text


@pytest.mark.parametrize(("text", "codec"), OTHERS, ids=[codec for _text, codec in OTHERS])
def test_no_other_script_is_taken_for_it(text: str, codec: str) -> None:
    """They are windows-1252 under that label, as in browsers."""
    octets = text.encode(codec)
    assert decoded(octets, "windows-1252")[0] == decoded(octets, "")[0]
    assert not any("\u0400" <= one <= "\u04ff" for one in decoded(octets)[0])


def test_few_letters_say_nothing() -> None:
    """A word may be anything."""
    assert decoded("Привет".encode("koi8-r"), "us-ascii")[0] == "ðÒÉ×ÅÔ"


def test_message_in_koi8_under_ascii() -> None:
    """Its text and its HTML are read, its subject too, and the wrong label is noted."""
    raw = f"Subject: {CYRILLIC[0]}\nContent-Type: text/plain; charset=us-ascii\n\n{CYRILLIC[1]}".encode("koi8-r")
    message = parse(raw)
    assert (message.subject, message.text) == (CYRILLIC[0], CYRILLIC[1])
    assert [problem.what for problem in message.problems] == ["charset-wrong"]
    html = f"Content-Type: text/html; charset=us-ascii\n\n<p>{CYRILLIC[0]}</p>".encode("koi8-r")
    assert parse(html).text.strip() == CYRILLIC[0]
