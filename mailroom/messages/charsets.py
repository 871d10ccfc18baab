"""Octets to text, as browsers do it, whatever the label says. Pure."""

from __future__ import annotations

import codecs
from typing import Final

import webencodings

__all__ = ["decoded", "decoded_header"]

_CODECS: Final = {
    "big5": "big5hkscs",
    "euc-kr": "cp949",
    "gbk": "gb18030",
    "iso-2022-jp": "iso2022_jp_ext",
    "iso-8859-8-i": "iso-8859-8",
    "macintosh": "mac-roman",
    "shift_jis": "cp932",
    "windows-874": "cp874",
    "x-mac-cyrillic": "mac-cyrillic",
    "x-user-defined": "latin-1",
}
"""Python's codecs for what the standard calls by these names; the others have the same name."""

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

_OFTEN_WRONG: Final = frozenset({"windows-1252", "utf-8"})
_C1: Final = {0x81: "\x81", 0x8D: "\x8d", 0x8F: "\x8f", 0x90: "\x90", 0x9D: "\x9d"}
"""Octets that windows-1252 has for itself in the standard, and Python has not."""

_MOST_LABEL: Final = 60


def decoded(octets: bytes, label: str = "") -> tuple[str, str]:
    """The text, and the problem: "charset-unknown", "charset-wrong", or "" when the label is right, or missing.

    Without a label, and with labels that are mostly wrong when they are wrong (UTF-8, ASCII, Latin 1), UTF-8 is what is valid
    UTF-8, and windows-1252 the rest. Elsewhere each invalid sequence becomes U+FFFD. A byte order mark is dropped.

    Args:
        octets: any.
        label: as a sender writes it; may be anything.

    Source: WHATWG Encoding Standard, "Names and labels"; RFC 2152 for UTF-7.
    """
    plain = label.strip().strip("\"'").strip().lower()
    codec = _codec(plain)
    if codec is None or codec in _OFTEN_WRONG:
        text, meant = _utf8_or_windows_1252(octets)
        if codec is None:
            return text, "charset-unknown" if plain else ""
        is_ascii = octets.isascii()
        return text, "" if is_ascii or meant == codec else "charset-wrong"
    if octets.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) and codec.startswith("utf-16"):
        codec = "utf-16"  # what the mark says goes before what the label says
    try:
        return octets.decode(codec).removeprefix("\ufeff"), ""
    except (UnicodeDecodeError, ValueError):
        return octets.decode(codec, "replace").removeprefix("\ufeff"), "charset-wrong"


def decoded_header(octets: bytes) -> str:
    """Text of a header that may hold other octets than ASCII has: UTF-8, or else windows-1252. Source: RFC 6532."""
    return _utf8_or_windows_1252(octets)[0]


def _codec(label: str) -> str | None:
    """Python's codec for a label; None for one that nobody knows."""
    if label in _OF_MAIL:
        return _OF_MAIL[label]
    if not label or len(label) > _MOST_LABEL:
        return None
    known = webencodings.lookup(label)
    if known is None or known.name == "replacement":
        return None
    name: str = known.name
    return _CODECS.get(name, name)


def _utf8_or_windows_1252(octets: bytes) -> tuple[str, str]:
    try:
        return octets.decode("utf-8").removeprefix("\ufeff"), "utf-8"
    except UnicodeDecodeError:
        return _windows_1252(octets), "windows-1252"


def _windows_1252(octets: bytes) -> str:
    try:
        return octets.decode("cp1252")
    except UnicodeDecodeError:
        # Every octet stands for one character, so what Python lacks can be filled in by its place.
        return octets.decode("latin-1").translate(_AS_WINDOWS_1252)


_AS_WINDOWS_1252: Final = {octet: _C1.get(octet) or bytes([octet]).decode("cp1252") for octet in range(0x80, 0xA0)}
