"""Each parser by itself: what a sender writes by the standard is read back, and anything else raises nothing."""

from __future__ import annotations

import base64
import html
import itertools
import quopri
import unicodedata
from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailroom.messages import Address, parse
from mailroom.messages.addresses import addresses
from mailroom.messages.charsets import decoded, decoded_header
from mailroom.messages.dates import read_date
from mailroom.messages.parameters import parameterized
from mailroom.messages.plain import text_of_html
from mailroom.messages.words import decoded_words

# Without what headers cannot hold: control characters and halves of characters.
PRINTED = st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), max_size=60)
WORDS = PRINTED.map(lambda text: " ".join(text.split())).filter(bool)
ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
CHARSETS = {
    "utf-8": "utf-8",
    "iso-8859-2": "iso-8859-2",
    "iso-8859-5": "iso-8859-5",
    "iso-8859-7": "iso-8859-7",
    "windows-1251": "windows-1251",
    "koi8-r": "koi8-r",
    "gb18030": "gb18030",
    "gbk": "gbk",
    "big5": "big5hkscs",
    "shift_jis": "shift_jis",
    "euc-jp": "euc-jp",
    "iso-2022-jp": "iso-2022-jp",
    "ks_c_5601-1987": "euc-kr",
    "utf-7": "utf-7",
}
LETTERS = "aZ 09éčŁЖяλΩ日本語中文字简体繁體한국ｱイ、。€"


def pieces(octets: bytes, cuts: list[int]) -> list[bytes]:
    """The octets in pieces of at most 40, which encoded words hold; cut anywhere, also within a character."""
    positions = sorted({*(cut % (len(octets) + 1) for cut in cuts), *range(0, len(octets), 40), len(octets)})
    return [octets[start:end] for start, end in itertools.pairwise(positions) if start < end]


def encoded_word(octets: bytes, *, q: bool) -> str:
    """One word of RFC 2047."""
    if q:
        return f"=?utf-8?Q?{''.join(f'={octet:02X}' for octet in octets)}?="
    return f"=?utf-8?B?{base64.b64encode(octets).decode()}?="


@given(WORDS, st.lists(st.integers(0, 300), max_size=4), st.lists(st.booleans(), min_size=20, max_size=20))
def test_encoded_words(text: str, cuts: list[int], kinds: list[bool]) -> None:
    """RFC 2047, each word in either encoding, wherever it was cut."""
    found = pieces(text.encode(), cuts)
    header = " ".join(encoded_word(piece, q=kinds[number % 20]) for number, piece in enumerate(found))
    notes: list[str] = []
    assert (decoded_words(header, notes.append), notes) == (text, [])


@given(WORDS, st.integers(1, 40))
def test_parameters(text: str, size: int) -> None:
    """RFC 2231, in pieces of any size, in any order."""
    written = quote(text, safe="")
    cut = [written[start : start + size] for start in range(0, len(written), size)]
    cut[0] = f"utf-8''{cut[0]}"
    marked = [f"filename*{number}*={one}" for number, one in enumerate(cut)]
    notes: list[str] = []
    found = parameterized("; ".join(["Attachment", *reversed(marked)]), notes.append)
    assert (found.value, found.parameters["filename"], notes) == ("attachment", text, [])


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=60))
def test_quoted_parameters(text: str) -> None:
    """RFC 2045, with what must be escaped, escaped; a text that looks like an encoded word is one."""
    if "=?" in text or text != text.strip():
        return
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    found = parameterized(f'text/plain; name="{escaped}"; charset=x', list[str]().append)
    # Windows' names have backslashes that nobody escaped: one before another character stays.
    assert found.parameters["charset"] == "x"
    assert found.parameters.get("name", "").replace("\\", "") == text.replace("\\", "")


@given(WORDS, st.from_regex(r"[a-z0-9]+(\.[a-z0-9+]+)*@[a-z]{1,10}\.example", fullmatch=True), st.integers(1, 4))
def test_addresses(name: str, address: str, count: int) -> None:
    """RFC 5322, the name as quoted string and as encoded words; so many as there are."""
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    word = " ".join(encoded_word(piece, q=False) for piece in pieces(name.encode(), []))
    for written in (f'"{escaped}" <{address}>', f"{word} <{address}>"):
        if "=?" in escaped and written.startswith('"'):
            continue
        notes: list[str] = []
        found = addresses(", ".join([written] * count), notes.append)
        assert [one.address for one in found] == [address] * count
        assert {unicodedata.normalize("NFC", one.name) for one in found} == {unicodedata.normalize("NFC", name)}


@given(st.integers(0, 4_102_444_800), ZONES)
def test_dates(seconds: int, zone: timezone) -> None:
    """RFC 5322, in any zone, to the second."""
    written = datetime.fromtimestamp(seconds, zone)
    found = read_date(format_datetime(written))
    assert found == written
    assert read_date(written.isoformat()) == written
    assert read_date(f"{written.astimezone(UTC):%d %b %Y %H:%M:%S} GMT (a comment)") == written


@pytest.mark.parametrize(
    ("reference", "text"),
    [
        ("&#" + "1" * 5_000 + ";", "\ufffd"),
        ("&#" + "9" * 200_000, "\ufffd"),
        ("&#" + "0" * 5_000 + "65;", "A"),
        ("&#00000065;B", "AB"),
        ("&#" + "0" * 5_000 + ";", "\ufffd"),
        ("&#x" + "1" * 5_000 + ";", "\ufffd"),
    ],
)
def test_numbers_of_characters_may_be_long(reference: str, text: str) -> None:
    """Python refuses to read numbers of more than 4,300 digits: a character that is none is one sign, as in browsers."""
    assert text_of_html(f"<p>{reference}</p>") == f"{text}\n"


@pytest.mark.parametrize("end", [b"\r\n", b"\n"])
@pytest.mark.parametrize("junk", [b"", b"no field" * 3])
def test_ten_thousand_fields_are_read(end: bytes, junk: bytes) -> None:
    """What is beyond is left out, and the problem says so; the body is read all the same."""
    for count, problems in ((9_999, []), (10_000, ["header-too-long"])):
        lines = [b"X-A: b"] * count + [b"Subject: last", *([junk] if junk else [])]
        message = parse(end.join([*lines, b"To: a@b.example" if junk else b"", b"", b"Hello"]))
        found = [one.what for one in message.problems]
        assert found == (["header-broken"] if junk else []) + (problems or (["header-too-long"] if junk else []))
        assert message.subject == ("" if problems else "last")
        assert message.text.strip() == "Hello"


@pytest.mark.parametrize(("field", "place"), [("Subject", "header subject"), ("X-Anything", "header x-anything")])
def test_long_fields_are_cut(field: str, place: str) -> None:
    """Of a field without addresses 100,000 octets are read, and the problem says so; the others are read as always."""
    whole = parse(f"{field}: {'a' * 99_999}\nTo: a@b.example\n\nx".encode())
    cut = parse(f"{field}: {'a' * 100_000}\nTo: a@b.example\n\nx".encode())
    assert whole.problems == ()
    assert [(one.place, one.what) for one in cut.problems] == [(place, "header-too-long")]
    assert cut.to == whole.to == (Address("a@b.example"),)
    assert len(cut.subject) == (99_999 if field == "Subject" else 0)


def test_long_fields_of_real_mail_are_whole() -> None:
    """5,000 recipients with names, and 50 identifiers of the longest lines that there may be."""
    boxes = ",\r\n ".join(f'"Person Number {number}" <person.{number}@department.example>' for number in range(5_000))
    ids = [f"{number}{'a' * 985}@b.example"[:996] for number in range(100, 150)]
    references = "\r\n ".join(f"<{one}>" for one in ids)
    message = parse(f"To: {boxes}\r\nReferences: {references}\r\nFrom: a@b.example\r\n\r\nx".encode())
    assert message.problems == ()
    assert [one.address for one in message.to] == [f"person.{number}@department.example" for number in range(5_000)]
    assert list(message.references) == ids


@pytest.mark.parametrize("label", CHARSETS)
@given(text=st.text(st.sampled_from(LETTERS), max_size=40))
def test_charsets(label: str, text: str) -> None:
    """What a charset has, comes back; in whichever there is a label for."""
    codec = CHARSETS[label]
    kept = text.encode(codec, "ignore").decode(codec)
    octets = kept.encode(codec)
    assert decoded(octets, label) == (kept, "")


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=200))
def test_words_of_html(text: str) -> None:
    """What is written in HTML, escaped, is what the text says, but for white space."""
    assert text_of_html(f"<p>{html.escape(text)}</p>").split() == text.split()


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=300).filter(lambda text: "begin" not in text))
def test_bodies(text: str) -> None:
    """Quoted-printable and base64, as Python's library writes them."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    for name, octets in (
        ("quoted-printable", quopri.encodestring(lines.encode())),
        ("base64", base64.encodebytes(lines.encode())),
    ):
        raw = f"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: {name}\n\n".encode() + octets
        message = parse(raw)
        assert (message.text, message.problems) == (lines, ())


@given(st.binary(max_size=200), st.text(max_size=20))
def test_anything(octets: bytes, label: str) -> None:
    """No parser raises, whatever it is given."""
    text = octets.decode("latin-1")
    notes: list[str] = []
    for read in (decoded_words, addresses, parameterized):
        read(text, notes.append)
    read_date(text)
    text_of_html(text)
    decoded(octets, label)
    decoded_header(octets)
    known = {"author-unclear", "charset-unknown", "charset-wrong", "encoded-word-broken", "parameter-broken"}
    assert set(notes) <= known
