"""Decodes bytes to text as browsers do, with any label. Pure."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Final

import webencodings

from mailroom.messages.japanese import decoded_euc_jp, decoded_iso_2022_jp

__all__ = ["decoded", "decoded_header", "decoded_html"]

_CODECS: Final = {
    "big5": "big5hkscs",
    "euc-kr": "cp949",
    "gbk": "gb18030",
    "iso-8859-8-i": "iso-8859-8",
    "macintosh": "mac-roman",
    "shift_jis": "cp932",
    "windows-874": "cp874",
    "x-mac-cyrillic": "mac-cyrillic",
    "x-user-defined": "latin-1",
}
"""Python's codecs by the standard's names; other codecs have the same name in both."""

_OF_MAIL: Final = {
    "cp949": "cp949",
    "hz-gb-2312": "hz",
    "iso-2022-kr": "iso2022_kr",
    "unicode-1-1-utf-7": "utf-7",
    "utf-7": "utf-7",
    "utf7": "utf-7",
    "utf8mb4": "utf-8",
    "cp-850": "cp850",
    "cp437": "cp437",
    "cp850": "cp850",
    "ibm437": "cp437",
    "ibm850": "cp850",
}
"""Labels that mail has and browsers refuse."""

_ASCII: Final = frozenset({"us-ascii", "ascii", "ansi_x3.4-1968"})
"""Labels of windows-1252 that promise fewer characters."""

_OFTEN_WRONG: Final = frozenset({"windows-1252", "utf-8"})
_OWN: Final[dict[str, Callable[[bytes], str]]] = {"iso-2022-jp": decoded_iso_2022_jp, "euc-jp": decoded_euc_jp}
_BAD: Final = "\ufffd"
_DIFFERENT: Final = {
    # Characters that Python's codecs decode otherwise than browsers.
    "koi8-u": str.maketrans("\u255d\u256c", "\u045e\u040e"),
    "cp932": str.maketrans("\uf8f0\uf8f1\uf8f2\uf8f3", _BAD * 4),
}
_SEVERAL: Final = re.compile(rb"(?:[\xc3-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3})")
_META: Final = re.compile(rb"<meta(?=[\s/])([^>]*+)", re.IGNORECASE)
_ATTRIBUTE: Final = re.compile(
    rb"(?P<name>[^\s\"'>/=]++)(?:\s{0,40}+=\s{0,40}+(?:\"(?P<double>[^\"]*+)\"|'(?P<single>[^']*+)'|(?P<bare>[^\s\"'>]++)))?"
)
_CONTENT_CHARSET: Final = re.compile(rb"charset\s{0,40}+=\s{0,40}+[\"']?\s{0,40}+([^\s;\"']{1,60}+)", re.IGNORECASE)
_WITHIN_ASCII: Final = bytes(range(0x80))
_WORDS_BEYOND_ASCII: Final = re.compile(rb"[\xa3\xb3\xb8\xbf-\xff]{3,}+")
"""Of three letters and more, in either Cyrillic charset; all ASCII stands between them."""
_COMMON_LETTERS: Final = (
    *(
        (codec, letters.encode(codec))
        for codec in ("koi8-u", "windows-1251")
        for letters in ("оеаинтсрвл", "ОЕАИНТСРВЛ")
    ),
    ("", "αοιετσνηυρ".encode("windows-1253")),
    ("", "יהולאתרבםמ".encode("windows-1255")),
)
"""Those of Greek and Hebrew stand where they may be taken for Cyrillic ones."""
_FEWEST_LETTERS: Final = 20
_MOST_COUNTED: Final = 100_000
_MOSTLY: Final = 0.7
_LEAST_SHARE: Final = 0.45
_MOST_HEAD: Final = 16_384
"""Bytes searched for `meta`: browsers search 1,024, but mail programs put styles in front."""
_MOST_LABEL: Final = 60


def decoded(data: bytes, label: str = "") -> tuple[str, str]:
    """The text, and the problem: "charset-unknown", "charset-wrong", or "" when the label is right, or missing.

    Without a label, and with the labels UTF-8, ASCII and Latin 1, which are often wrong: bytes that are (mostly) valid UTF-8 are
    UTF-8, bytes with the commonest Cyrillic letters are KOI8-U or windows-1251, and others are windows-1252. With other labels each
    invalid sequence becomes U+FFFD. A byte order mark is dropped.

    Args:
        data: any.
        label: the sender's, in any form.

    Source: WHATWG Encoding Standard, "Names and labels"; RFC 2152 for UTF-7.
    """
    plain = label.strip().strip("\"'").strip().lower()
    codec = _codec(plain)
    if codec is None or codec in _OFTEN_WRONG:
        text, meant = _utf8_or_windows_1252(data)
        if codec is None:
            return text, "charset-unknown" if plain else ""
        right = data.isascii() or (meant == codec and plain not in _ASCII)
        return text, "" if right else "charset-wrong"
    if codec.startswith("utf-16") and data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        codec = "utf-16"  # the mark overrides the label
    text = _OWN[codec](data) if codec in _OWN else _by(codec, data)
    text = text.removeprefix("\ufeff").translate(_DIFFERENT.get(codec, {}))
    if codec == "utf-7":
        # It can encode surrogates, which no other charset can, and which cannot be encoded again.
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text, "charset-wrong" if _BAD in text and codec != "utf-7" else ""


def decoded_html(data: bytes, label: str = "") -> tuple[str, str]:
    """The text of HTML, and the problem as in `decoded`.

    Without a label, or with a wrong one of ASCII, bytes other than UTF-8 get the charset of the HTML's own `meta`, as in browsers.

    Args:
        data: any.
        label: as for `decoded`.

    Source: HTML standard, "Prescan a byte stream to determine its encoding"; of UTF-8 without a label, mail has more than the web.
    """
    plain = label.strip().strip("\"'").strip().lower()
    if data.isascii() and b"\x1b" not in data:
        return decoded(data, label)
    if (not plain or plain in _ASCII) and not _is_utf8(data) and (own := _meta_label(data)):
        text, problem = decoded(data, own)
        return text, problem or ("charset-wrong" if plain else "")
    return decoded(data, label)


def _is_utf8(data: bytes) -> bool:
    if data.isascii():
        return False  # it may be a charset that uses ASCII bytes, such as ISO-2022-JP
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _meta_label(data: bytes) -> str:
    """The charset that the first `meta` with one names, outside of comments; "" where none names one that browsers know."""
    head = data[:_MOST_HEAD].replace(b"\0", b"")
    kept: list[bytes] = []
    for number, piece in enumerate(head.split(b"<!--")):
        kept.append(piece.partition(b"-->")[2] if number else piece)
    for tag in _META.findall(b"".join(kept)):
        found = {match["name"].lower(): _value(match) for match in _ATTRIBUTE.finditer(tag)}
        name = found.get(b"charset", b"")
        if not name and found.get(b"http-equiv", b"").strip().lower() == b"content-type":
            content = _CONTENT_CHARSET.search(found.get(b"content", b""))
            name = content[1] if content else b""
        known = webencodings.lookup(name.decode("latin-1"))
        if known is not None and known.name not in {"replacement", "utf-16be", "utf-16le", "x-user-defined"}:
            return str(known.name)
    return ""


def _value(match: re.Match[bytes]) -> bytes:
    return match["double"] or match["single"] or match["bare"] or b""


def decoded_header(data: bytes) -> str:
    """Text of a header with possible non-ASCII bytes: UTF-8, or else windows-1252. Source: RFC 6532."""
    return _utf8_or_windows_1252(data)[0]


@lru_cache(maxsize=100)
def _codec(label: str) -> str | None:
    """Python's codec for a label; None for an unknown one."""
    if label in _OF_MAIL:
        return _OF_MAIL[label]
    if not label or len(label) > _MOST_LABEL:
        return None
    known = webencodings.lookup(label)
    if known is None or known.name == "replacement":
        return None
    name: str = known.name
    return _CODECS.get(name, name)


def _utf8_or_windows_1252(data: bytes) -> tuple[str, str]:
    try:
        return data.decode("utf-8").removeprefix("\ufeff"), "utf-8"
    except UnicodeDecodeError:
        # Damaged or cut UTF-8 is still UTF-8: in another charset, characters of several octets that are valid are rare.
        text = data.decode("utf-8", "replace")
        if text.count(_BAD) <= len(_SEVERAL.findall(data)):
            return text.removeprefix("\ufeff"), "utf-8 with faults"
        if codec := _cyrillic(data):
            return _by(codec, data), codec
        return _by("windows-1252", data), "windows-1252"


def _cyrillic(data: bytes) -> str:
    """The Cyrillic charset of the words; "" for none.

    Western words have single letters beyond ASCII, Cyrillic words have only such letters. The ten commonest letters tell the
    charset: they are two thirds of any Russian, Ukrainian or Bulgarian text, and two fifths of it in the wrong charset.
    """
    data = data[:_MOST_COUNTED]
    beyond = data.translate(None, _WITHIN_ASCII)
    if len(beyond) < _FEWEST_LETTERS:
        return ""
    in_words = sum(map(len, _WORDS_BEYOND_ASCII.findall(data)))
    if in_words < _MOSTLY * len(beyond):
        return ""
    count, codec = max((sum(map(beyond.count, letters)), codec) for codec, letters in _COMMON_LETTERS)
    return codec if count >= _LEAST_SHARE * len(beyond) else ""


def _by(codec: str, data: bytes) -> str:
    try:
        return data.decode(codec)
    except (UnicodeDecodeError, ValueError):
        return data.decode(codec, _ERRORS)


def _as_browsers_do(error: UnicodeError) -> tuple[str, int]:
    """Replacement of bytes that Python's codec lacks: control characters for those of Windows' code pages between 80 and 9F, the
    euro sign for GBK's 80, U+FFFD for all others."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    octet = error.object[error.start]
    if 0x80 <= octet <= 0x9F and error.encoding in {"charmap", "cp874"}:
        return chr(octet), error.start + 1
    if octet == 0x80 and error.encoding == "gb18030":
        return "\u20ac", error.start + 1
    return _BAD, max(error.end, error.start + 1)


_ERRORS: Final = "mailroom.as-browsers-do"
codecs.register_error(_ERRORS, _as_browsers_do)
