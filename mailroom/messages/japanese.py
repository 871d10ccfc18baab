"""ISO-2022-JP and EUC-JP with Windows's additional characters, which are common in mail and which Python's codecs lack. Pure.

Both have the characters of Shift_JIS, so each pair of bytes is converted into Shift_JIS and decoded by Windows's code page.

Source: JIS X 0208, annex 1 (shifted representation); WHATWG Encoding Standard, "ISO-2022-JP decoder" and "EUC-JP decoder".
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ["decoded_euc_jp", "decoded_iso_2022_jp"]

_ESCAPE: Final = re.compile(rb"\x1b(\$@|\$B|\(B|\(J|\(I|\$\(D)")
_ROMAN: Final = {0x5C: "\u00a5", 0x7E: "\u203e"}
_EUC: Final = re.compile(
    rb"[\x00-\x7f]++|(?:[\xa1-\xfe][\xa1-\xfe])+|(?:\x8e[\xa1-\xdf])+|(?:\x8f[\xa1-\xfe][\xa1-\xfe])+|.", re.DOTALL
)
_BAD: Final = "\ufffd"


def decoded_iso_2022_jp(data: bytes) -> str:
    """The text; U+FFFD for what is none."""
    pieces = _ESCAPE.split(data)
    out = [_in_ascii(pieces[0])]
    for escape, piece in zip(pieces[1::2], pieces[2::2], strict=True):
        if escape in {b"$@", b"$B"}:
            out.append(_pairs(piece))
        elif escape == b"$(D":
            out.append(_supplement(piece))
        elif escape == b"(I":
            out.append(
                bytes(octet | 0x80 if 0x21 <= octet <= 0x5F else octet for octet in piece).decode("cp932", "replace")
            )
        else:
            text = _in_ascii(piece)
            out.append(text.translate(_ROMAN) if escape == b"(J" else text)
    return "".join(out)


def decoded_euc_jp(data: bytes) -> str:
    """The text; U+FFFD for what is none."""
    out = []
    for match in _EUC.finditer(data):
        run = match[0]
        if run[0] < 0x80:
            out.append(run.decode("ascii"))
        elif len(run) == 1:
            out.append(_BAD)
        elif run[0] == 0x8E:
            out.append(run[1::2].decode("cp932", "replace"))
        elif run[0] == 0x8F:
            out.append(run.decode("euc_jp", "replace"))
        else:
            out.append(_pairs(bytes(octet & 0x7F for octet in run)))
    return "".join(out)


def _in_ascii(data: bytes) -> str:
    return data.decode("ascii", "replace").replace("\x1b", _BAD)


def _pairs(data: bytes) -> str:
    """Text of two octets a character; line ends stand for themselves."""
    shifted = bytearray()
    at = 0
    while at < len(data):
        first = data[at]
        second = data[at + 1] if at + 1 < len(data) else 0
        if not 0x21 <= first <= 0x7E:
            shifted.append(first if first < 0x80 else 0xFF)
            at += 1
        elif not 0x21 <= second <= 0x7E:
            shifted.append(0xFF)
            at += 1
        else:
            shifted += _shifted(first, second)
            at += 2
    return shifted.decode("cp932", "replace")


def _shifted(first: int, second: int) -> bytes:
    """The pair as Shift_JIS writes it."""
    row = ((first - 0x21) >> 1) + 0x81
    if row > 0x9F:
        row += 0x40
    in_odd_row = second + (0x1F if second <= 0x5F else 0x20)
    return bytes((row, in_odd_row if first % 2 else second + 0x7E))


def _supplement(data: bytes) -> str:
    """Text of JIS X 0212, by way of EUC-JP."""
    pairs = (bytes((0x8F, data[at] | 0x80, data[at + 1] | 0x80)) for at in range(0, len(data) - 1, 2))
    return b"".join(pairs).decode("euc_jp", "replace")
