"""Formats that the engine calls clean because it cannot open them: our own signatures find them at any place."""

from __future__ import annotations

import gzip
import io
import zipfile
from typing import Final

import pytest
from msoffcrypto.format.ooxml import OOXMLFile  # type: ignore[import-untyped]

from mailroom.scanning.clamd import Clamd
from mailroom.scanning.scan import scan_message
from mailroom.scanning.verdicts import Verdict
from tests.mailroom.clamav import MARKER
from tests.mailroom.scanning.hiding import archive, encoded, mixed

OLE: Final = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(504)
BOF: Final = bytes.fromhex("0908100000060500") + bytes(12)
"""Beginning of a workbook: [MS-XLS] 2.4.21."""


def packed(name: str, content: bytes, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A ZIP archive of one entry."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as made:
        made.writestr(name, content)
    return out.getvalue()


def document_with_password() -> bytes:
    """An Office document, encrypted as Office does it."""
    plain, out = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(plain, "w") as made:
        types = '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>'
        made.writestr("[Content_Types].xml", types)
        made.writestr("word/document.xml", MARKER)
    OOXMLFile(plain).encrypt("secret", out)
    return out.getvalue()


def word(flags: int) -> bytes:
    """The beginning of a binary Word document: [MS-DOC] 2.5.1; the lowest of these flags is fEncrypted."""
    return OLE + bytes.fromhex("eca5c10000000704000012") + bytes([flags]) + bytes(600)


RAR: Final = b"Rar!\x1a\x07\x01\x00" + bytes(100)
MANIFEST: Final = (
    b'<?xml version="1.0"?><manifest:manifest><manifest:file-entry><manifest:encryption-data/></manifest:file-entry>'
)
SEALED: Final = {
    "document with a password": (document_with_password(), Verdict.ENCRYPTED),
    "document with a password in a zip": (archive(document_with_password(), name="a.docx"), Verdict.ENCRYPTED),
    "document with a password in a zip in gzip": (gzip.compress(archive(document_with_password())), Verdict.ENCRYPTED),
    "old document with a password": (word(0x13), Verdict.ENCRYPTED),
    "old workbook with a password": (OLE + BOF + bytes.fromhex("2f003600") + bytes(600), Verdict.ENCRYPTED),
    "old workbook, to be opened read-only": (
        OLE + BOF + bytes.fromhex("860000002f003600") + bytes(600),
        Verdict.ENCRYPTED,
    ),
    "old presentation with a password": (
        OLE + bytes.fromhex("0000f60f1400000014000000dfc4d1f3") + bytes(600),
        Verdict.ENCRYPTED,
    ),
    "OpenDocument with a password": (packed("META-INF/manifest.xml", MANIFEST), Verdict.ENCRYPTED),
    "RAR": (RAR, Verdict.OVER_LIMIT),
    "RAR in a zip in gzip": (gzip.compress(archive(RAR)), Verdict.OVER_LIMIT),
    "ACE": (bytes(7) + b"**ACE**" + bytes(100), Verdict.OVER_LIMIT),
    "zip with LZMA": (packed("a.txt", MARKER * 30, zipfile.ZIP_LZMA), Verdict.OVER_LIMIT),
    "zip with LZMA in gzip": (gzip.compress(packed("a.txt", MARKER * 30, zipfile.ZIP_LZMA)), Verdict.OVER_LIMIT),
}
OPEN: Final = {
    "old document": word(0x12),
    "old workbook": OLE + BOF + bytes.fromhex("e1000200b004") + bytes(600),
    "old presentation": OLE + bytes.fromhex("0000f60f14000000140000005fc091e3") + bytes(600),
    "document": packed("word/document.xml", b"<document/>"),
    "OpenDocument": packed("META-INF/manifest.xml", b"<manifest:manifest><manifest:file-entry/></manifest:manifest>"),
    "text about all of these": b"A Rar! archive, an EncryptedPackage, <manifest:encryption-data/>, **ACE**\r\n" * 20,
}


@pytest.mark.parametrize("name", SEALED)
def test_sealed_is_not_clean(name: str, engine: Clamd) -> None:
    """At the top and packed into something that the engine opens; by its verdict, so that the tenant's policy decides."""
    octets, verdict = SEALED[name]
    result = scan_message(mixed(encoded(octets, "file.bin")), engine)
    assert result.verdict is verdict
    assert any(part.signature.startswith("Mailroom.Sealed.") and part.filename == "file.bin" for part in result.found)


@pytest.mark.parametrize("name", OPEN)
def test_what_can_be_opened_is_not_sealed(name: str, engine: Clamd) -> None:
    """The same kinds of file without a password, and prose that names them."""
    assert scan_message(mixed(encoded(OPEN[name], "file.bin")), engine).verdict is Verdict.CLEAN
