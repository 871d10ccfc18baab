"""The message within an opaque S/MIME signature. Pure.

Source: RFC 8551 3.5.2 (opaque signing); RFC 5652 3, 5.1 and 5.2 (ContentInfo, SignedData); X.690 8.1 (BER).
"""

from __future__ import annotations

from typing import Final

__all__ = ["is_smime", "signed_content"]

_TYPES: Final = frozenset({"application/pkcs7-mime", "application/x-pkcs7-mime"})
_SIGNED: Final = bytes.fromhex("06092a864886f70d010702")
"""id-signedData, with its tag and length."""
_SEQUENCE: Final = 0x30
_SET: Final = 0x31
_INTEGER: Final = 0x02
_IDENTIFIER: Final = 0x06
_FIRST: Final = 0xA0
"""Context tag 0, constructed."""
_OCTETS: Final = 0x04
_OCTETS_IN_PIECES: Final = 0x24
_END: Final = 0x00
_MOST_LENGTH: Final = 8


class _BrokenError(Exception):
    """The structure ends too early, or is invalid."""


def is_smime(content_type: str, filename: str) -> bool:
    """Whether a part is S/MIME, by its type, or by its name where a gateway removed the type. RFC 8551 3.2.1."""
    return content_type in _TYPES or (content_type == "application/octet-stream" and filename.lower().endswith(".p7m"))


def signed_content(data: bytes) -> tuple[bytes, bool]:
    """The signed content, and whether it could be read; b"" for a detached signature, and without signed content.

    The signature itself is not checked. Never raises.
    """
    reader = _Ber(data)
    try:
        reader.enter(_SEQUENCE)
        if not data.startswith(_SIGNED, reader.at):
            return b"", True
        reader.skip(_IDENTIFIER)
        reader.enter(_FIRST)
        reader.enter(_SEQUENCE)
        reader.skip(_INTEGER)
        reader.skip(_SET)
        reader.enter(_SEQUENCE)
        reader.skip(_IDENTIFIER)
        if reader.at >= reader.end or data[reader.at] != _FIRST:
            return b"", True
        reader.enter(_FIRST)
        return reader.content(), True
    except _BrokenError:
        return b"", False


class _Ber:
    """A forward-only position in an encoded structure, whose lengths may be indefinite.

    Args:
        data: the structure.
    """

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0
        self.end = len(data)

    def enter(self, tag: int) -> None:
        """Enter the next element, and stay within its end."""
        found, end = self._header()
        if found != tag:
            raise _BrokenError
        self.end = self.end if end is None else end

    def skip(self, tag: int) -> None:
        """Go behind the next element."""
        found, end = self._header()
        if found != tag:
            raise _BrokenError
        if end is not None:
            self.at = end
            return
        opened = 1
        while opened:
            opened += self._step()

    def _step(self) -> int:
        """Go behind the next element, or into one of indefinite length; returns the change of the depth."""
        tag, end = self._header()
        if end is None:
            return 1
        self.at = end
        return -1 if tag == _END else 0

    def content(self) -> bytes:
        """The next element, an OCTET STRING, whole or in pieces."""
        tag, end = self._header()
        if tag == _OCTETS and end is not None:
            return self.data[self.at : end]
        if tag != _OCTETS_IN_PIECES:
            raise _BrokenError
        pieces: list[bytes] = []
        opened = 1 if end is None else 0
        last = self.end if end is None else end
        while opened or (end is not None and self.at < last):
            tag, behind = self._header()
            if tag == _OCTETS_IN_PIECES:
                opened += behind is None
            elif behind is None or tag not in {_OCTETS, _END} or behind > last:
                raise _BrokenError
            elif tag == _END:
                opened -= 1
            else:
                pieces.append(self.data[self.at : behind])
                self.at = behind
        return b"".join(pieces)

    def _header(self) -> tuple[int, int | None]:
        """Go to the content of the next element; returns its tag and its end, None for an indefinite length."""
        if self.at + 2 > self.end:
            raise _BrokenError
        tag, length = self.data[self.at], self.data[self.at + 1]
        self.at += 2
        if length == 0x80:
            return tag, None
        if length > 0x80:
            count = length & 0x7F
            if count > _MOST_LENGTH or self.at + count > self.end:
                raise _BrokenError
            length = int.from_bytes(self.data[self.at : self.at + count], "big")
            self.at += count
        if self.at + length > self.end:
            raise _BrokenError
        return tag, self.at + length
