"""S/MIME: signed and compressed content is opened, enveloped content counts as encrypted. Pure.

Source: RFC 5652 (CMS), RFC 8551 (S/MIME), RFC 3274 (compressed data), RFC 5083 (authenticated and enveloped).
"""

from __future__ import annotations

import binascii
import re
import zlib
from collections.abc import Iterator
from typing import Any, Final

from asn1crypto import cms, core  # type: ignore[import-untyped]

from mailroom.scanning.containers.results import FaultError, Member, Room
from mailroom.scanning.containers.streams import inflated

__all__ = ["ENCRYPTED_SMIME", "cms_members"]

ENCRYPTED_SMIME: Final = "Encrypted.Mail.Smime"
_PEM: Final = re.compile(rb"-----BEGIN (?:PKCS7|CMS|PKCS #7 SIGNED DATA)-----([^-]*+)-----END")
_ENCRYPTED: Final = frozenset(
    {"enveloped_data", "signed_and_enveloped_data", "encrypted_data", "authenticated_enveloped_data"}
)
_HAS_CONTENT: Final = frozenset({"signed_data", "compressed_data", "authenticated_data", "digested_data"})


def cms_members(data: bytes, room: Room) -> Iterator[Member]:
    """The content; nothing for a detached signature.

    Raises:
        FaultError: the content is encrypted, unreadable, or bigger than the room.
    """
    armored = _PEM.findall(data)
    broken = 0
    ders = [binascii.a2b_base64(text) for text in armored] or [data]
    for der in ders:
        try:
            info = cms.ContentInfo.load(der)
            kind = info["content_type"].native
            if kind in _ENCRYPTED:
                raise FaultError(ENCRYPTED_SMIME)
            if kind == "data":
                room.one_more()
                yield Member("", room.joined(iter([_octets(info["content"])])), is_message=True)
            elif kind in _HAS_CONTENT:
                yield from _content(info, kind, room)
            else:
                broken += 1
        except (ValueError, TypeError, KeyError, AttributeError, IndexError, zlib.error, RecursionError):
            broken += 1
    if broken:
        raise FaultError("Container.Cms.Broken")


def _content(info: Any, kind: str, room: Room) -> Iterator[Member]:
    inner = info["content"]["encap_content_info"]
    content = inner["content"]
    if content is None or isinstance(content, core.Void):
        return
    data = _octets(content)
    if kind == "compressed_data":
        data = room.joined(piece for piece, _end in inflated(zlib.decompressobj(), data))
    room.one_more()
    yield Member("", room.joined(iter([data])), is_message=True)


def _octets(content: Any) -> bytes:
    """The bytes of an OCTET STRING, also of one in pieces."""
    if isinstance(content, core.ParsableOctetString | core.OctetString):
        return bytes(content)
    native = content.native
    return native if isinstance(native, bytes) else bytes(content.contents)
