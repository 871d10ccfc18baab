"""The words that a reader of the message sees are its text: those of the HTML where the plain part shows nothing."""

from __future__ import annotations

import base64

import pytest

from mailroom.messages import parse

PLAIN = "Content-Type: text/plain; charset=utf-8\n\n"
HTML = "Content-Type: text/html; charset=utf-8\n\n"
FILE = "Content-Type: application/pdf; name=a.pdf\nContent-Disposition: inline; filename=a.pdf\n\n%PDF-1.4\n"


def multipart(kind: str, *parts: str, boundary: str = "b") -> str:
    """A part of parts."""
    inner = "".join(f"--{boundary}\n{part}\n" for part in parts)
    return f'Content-Type: multipart/{kind}; boundary="{boundary}"\n\n{inner}--{boundary}--\n'


@pytest.mark.parametrize(
    "blank",
    [
        "",
        "\n",
        " \n \n",
        "\xa0\n",
        "\u200b\u200c\u2060",
        "\ufeff",
        "\u00ad \t",
        "\u2800\u3164",
        "\u3000\n\u2003",
        "\u200e",
    ],
)
def test_blank_text_hides_nothing(blank: str) -> None:
    """A plain part that shows nothing is none: text, answer and snippet are what the HTML says."""
    words = "The lamp I ordered arrived broken."
    encoded = base64.encodebytes(blank.encode()).decode()
    plain = f"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n\n{encoded}"
    message = parse(multipart("alternative", plain, f"{HTML}<p>{words}</p>").encode())
    assert (message.text, message.reply) == (f"{words}\n", f"{words}\n")
    assert message.html == f"<p>{words}</p>"


def test_one_blank_text_stays() -> None:
    """Where there is no HTML, the text is what was sent."""
    assert parse(multipart("alternative", f"{PLAIN} \n").encode()).text == " \n"


def test_texts_of_one_alternative_are_kept() -> None:
    """Two texts with a file between them are one form, whole."""
    mixed = multipart("mixed", f"{PLAIN}Here is the serial number 4711.", FILE, f"{PLAIN}Second half.", boundary="c")
    message = parse(multipart("alternative", mixed, f"{HTML}<p>Here is 4711.</p><p>Second half.</p>").encode())
    assert message.text == "Here is the serial number 4711.\nSecond half."
    assert message.html == "<p>Here is 4711.</p><p>Second half.</p>"
    assert [one.filename for one in message.attachments] == ["a.pdf"]


def test_footer_of_another_alternative_replaces_nothing() -> None:
    """A text within the form of HTML belongs to that form; the form that is all text is the text."""
    mixed = multipart("mixed", f"{HTML}<p>Am Samstag um drei.</p>", FILE, f"{PLAIN}Von <unterwegs>", boundary="c")
    message = parse(multipart("alternative", f"{PLAIN}Am Samstag um drei.", mixed).encode())
    assert message.text == "Am Samstag um drei."
    assert message.html == "<p>Am Samstag um drei.</p>\n<pre>Von &lt;unterwegs&gt;</pre>"


def test_form_of_both_is_the_text_where_no_other_is() -> None:
    """Without a form that is all text, the words of HTML and text are the text, in their order."""
    mixed = multipart("mixed", f"{HTML}<p>Am Samstag.</p>", f"{PLAIN}Von unterwegs", boundary="c")
    message = parse(multipart("alternative", f"{PLAIN} \n", mixed).encode())
    assert message.text == "Am Samstag.\nVon unterwegs"


def test_alternatives_within_alternatives() -> None:
    """An alternative within one, beside images, has its own text."""
    inner = multipart("alternative", f"{PLAIN}Innen.", f"{HTML}<p>Innen.</p>", boundary="c")
    related = multipart("related", inner, FILE, boundary="d")
    message = parse(multipart("alternative", f"{PLAIN}\n", related).encode())
    assert (message.text, message.html) == ("Innen.", "<p>Innen.</p>")


@pytest.mark.parametrize(
    ("charset", "words"),
    [
        ("windows-1251", "Здравствуйте, посылка не пришла"),
        ("gb2312", "您好\uff0c包裹没有收到"),
        ("shift_jis", "荷物が届きません"),
        ("iso-8859-2", "Příliš žluťoučký kůň"),
        ("koi8-r", "Здравствуйте"),
        ("big5", "您好"),
        ("iso-2022-jp", "荷物が届きません"),
    ],
)
@pytest.mark.parametrize(
    "meta",
    [
        '<meta http-equiv="Content-Type" content="text/html; charset={}">',
        "<META CONTENT='text/html;charset={}' HTTP-EQUIV=content-type />",
        '<meta charset="{}">',
        "<meta charset={}>",
        "<!-- <meta charset=koi8-u> --><meta name=viewport content='charset=koi8-u'><meta charset='{}'/>",
    ],
)
def test_charset_of_meta(meta: str, charset: str, words: str) -> None:
    """Without a charset in the header, what the HTML says of itself counts, as in browsers."""
    page = f"<html><head>{meta.format(charset)}</head><body><p>{words}</p></body></html>"
    message = parse(b"Content-Type: text/html\n\n" + page.encode(charset))
    assert (message.text, message.problems) == (f"{words}\n", ())
    if charset != "iso-2022-jp":
        labelled = parse(b"Content-Type: text/html; charset=us-ascii\n\n" + page.encode(charset))
        assert labelled.text == f"{words}\n"
        assert [one.what for one in labelled.problems] == ["charset-wrong"]


def test_meta_that_does_not_count() -> None:
    """A right label, UTF-8, and charsets that no browser takes from HTML go before it; without any, it is windows-1252."""
    page = '<meta charset="{}"><p>Grüße für 5 €</p>'
    for charset, label, meta in (
        ("utf-8", "", "koi8-r"),
        ("iso-8859-15", "iso-8859-15", "koi8-r"),
        ("windows-1252", "", "utf-7"),
        ("windows-1252", "", "utf-16"),
        ("windows-1252", "", "nobody-knows"),
        ("windows-1252", "", ""),
    ):
        kind = f"text/html; charset={label}" if label else "text/html"
        message = parse(f"Content-Type: {kind}\n\n".encode() + page.format(meta).encode(charset))
        assert message.text == "Grüße für 5 €\n"
