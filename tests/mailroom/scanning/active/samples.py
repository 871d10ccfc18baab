"""Files with active content, and files like them without; all of them harmless."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from typing import Final

from mailroom.scanning.active.risks import Risk

__all__ = ["ACTIVE", "PASSIVE", "PE", "compound", "onenote", "package", "pdf"]

_FREE: Final = 0xFFFFFFFF
_END: Final = 0xFFFFFFFE


def compound(*streams: tuple[str, bytes], root: bytes = b"\0" * 16) -> bytes:
    """A compound file with these streams, each in sectors of its own. Source: MS-CFB."""
    contents = [
        content + b"\0" * (max(4096, -(-len(content) // 512) * 512) - len(content)) for _name, content in streams
    ]
    directory = [_entry("Root Entry", 5, _END, 0, root)]
    fat = [0xFFFFFFFD]
    directory_sectors = -(-(len(streams) + 1) // 4)
    fat += [*range(2, directory_sectors + 1), _END]
    for (name, _content), content in zip(streams, contents, strict=True):
        start, count = len(fat), len(content) // 512
        directory.append(_entry(name, 2, start, len(content)))
        fat += [*range(start + 1, start + count), _END]
    directory += [b"\0" * 128] * (directory_sectors * 4 - len(directory))
    fat += [_FREE] * (128 - len(fat))
    header = bytes.fromhex("d0cf11e0a1b11ae1") + b"\0" * 16 + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + b"\0" * 6
    header += struct.pack("<IIIIIIIII", 0, 1, 1, 0, 4096, _END, 0, _END, 0)
    header += struct.pack("<109I", 0, *[_FREE] * 108)
    return header + struct.pack("<128I", *fat) + b"".join(directory) + b"".join(contents)


def _entry(name: str, kind: int, start: int, size: int, class_id: bytes = b"\0" * 16) -> bytes:
    written = name.encode("utf-16-le") + b"\0\0"
    head = written.ljust(64, b"\0") + struct.pack(
        "<HBBIII", len(written), kind, 1, _FREE, 1 if kind == 5 else _FREE, _FREE
    )
    head = head[:76] + struct.pack("<I", 1 if kind == 5 else _FREE)
    return head + class_id + b"\0" * 20 + struct.pack("<IQ", start, size)


def package(**members: bytes) -> bytes:
    """An office package; two underscores in a name stand for a slash, one for a dot."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "/").replace("_", "."), content)
    return out.getvalue()


def onenote(*files: bytes) -> bytes:
    """A section with these files in it. Source: MS-ONESTORE 2.6.13."""
    out = bytes.fromhex("e4525c7b8cd8a74daeb15378d02996d3") + b"\0" * 1008
    for file in files:
        out += bytes.fromhex("e716e3bd65261145a4c48d4d0b7a9eac") + struct.pack("<QI8x", len(file), 0) + file
    return out


def pdf(objects: bytes, *streams: bytes, said: bytes = b"/Filter /FlateDecode") -> bytes:
    """A document of these objects, and of these in compressed streams."""
    out = b"%PDF-1.7\n" + objects
    for number, content in enumerate(streams, start=50):
        packed = zlib.compress(content)
        out += b"\n%d 0 obj << /Type /ObjStm %s >>\nstream\n%s\nendstream\nendobj" % (number, said, packed)
    return out + b"\ntrailer << /Root 1 0 R >>\n%%EOF\n"


PE: Final = b"MZ" + struct.pack("<HH", 144, 3) + b"\0" * 54 + struct.pack("<I", 64) + b"PE\0\0" + b"\0" * 200
_MSI: Final = bytes.fromhex("84100c0000000000c000000000000046")
_TYPES: Final = (
    b'<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    b'<Override PartName="/%s" ContentType="%s"/></Types>'
)
_MACRO_SHEET: Final = b"\x85\0\x0e\0\0\0\0\0\0\x01\x06\0Macro1" + b"\x0a\0\0\0"
_PLAIN_SHEET: Final = b"\x85\0\x0e\0\0\0\0\0\0\0\x06\0Sheet1" + b"\x0a\0\0\0"

ACTIVE: Final[dict[str, tuple[bytes, Risk]]] = {
    "PE": (PE, Risk.PROGRAMS),
    "DOS program": (b"MZ" + struct.pack("<HHH", 100, 1, 0) + b"\0" * 40, Risk.PROGRAMS),
    "ELF": (b"\x7fELF\x02\x01\x01" + b"\0" * 60, Risk.PROGRAMS),
    "Mach-O": (b"\xcf\xfa\xed\xfe\x07\0\0\x01" + b"\0" * 60, Risk.PROGRAMS),
    "Mach-O for several processors": (b"\xca\xfe\xba\xbe\0\0\0\x02" + b"\0" * 60, Risk.PROGRAMS),
    "class of Java": (b"\xca\xfe\xba\xbe\0\0\0\x41" + b"\0" * 60, Risk.PROGRAMS),
    "dex": (b"dex\n035\0" + b"\0" * 60, Risk.PROGRAMS),
    "LNK": (b"L\0\0\0\x01\x14\x02\0\0\0\0\0\xc0\0\0\0\0\0\0F" + b"\0" * 60, Risk.PROGRAMS),
    "MSI": (compound(("a", b"table"), root=_MSI), Risk.PROGRAMS),
    "CHM": (b"ITSF\x03\0\0\0" + b"\0" * 60, Risk.PROGRAMS),
    "Access": (b"\0\x01\0\0Standard Jet DB\0" + b"\0" * 60, Risk.PROGRAMS),
    "DMG": (b"\0" * 600 + b"koly" + b"\0" * 508, Risk.PROGRAMS),
    "shell script": (b"#!/bin/sh\necho hello\n", Risk.PROGRAMS),
    "shell script in UTF-8 with a mark": (b"\xef\xbb\xbf#! /usr/bin/env python3\nprint()\n", Risk.PROGRAMS),
    "batch file": (b"\r\n@ECHO OFF\r\nset x=1\r\n", Risk.PROGRAMS),
    "batch file behind a comment": (b"rem hello\r\n@echo off\r\n", Risk.PROGRAMS),
    "encoded VBScript": (b"#@~^eAAAAA==Dim x", Risk.PROGRAMS),
    "HTA": (b"<html><head><HTA:APPLICATION id=x></head><body></body></html>", Risk.PROGRAMS),
    "script of Windows": (b"<?xml version='1.0'?>\n<!-- a -->\n<package><job id='a'></job></package>", Risk.PROGRAMS),
    "registry file in UTF-16": ("\ufeffWindows Registry Editor Version 5.00\r\n".encode("utf-16-le"), Risk.PROGRAMS),
    "internet shortcut": (b"[InternetShortcut]\r\nURL=file://a.example/x\r\n", Risk.PROGRAMS),
    "console of Windows": (b'<?xml version="1.0"?><MMC_ConsoleFile ConsoleVersion="3.0">', Risk.PROGRAMS),
    "JNLP": (b'<?xml version="1.0"?><jnlp spec="1.0+">', Risk.PROGRAMS),
    "VBA in an old document": (compound(("WordDocument", b"text"), ("_VBA_PROJECT", b"\xcc\x61")), Risk.MACROS),
    "VBA in other case": (compound(("Workbook", _PLAIN_SHEET), ("_vba_project", b"\xcc\x61")), Risk.MACROS),
    "Excel 4 macros": (compound(("Workbook", _MACRO_SHEET)), Risk.MACROS),
    "VBA, by its type": (
        _TYPES % (b"word/x.bin", b"application/vnd.ms-office.vbaProject"), Risk.MACROS,
    ),
    "Excel 4 macros, by their type": (
        _TYPES % (b"xl/a.xml", b"application/vnd.ms-excel.macrosheet+xml"), Risk.MACROS,
    ),
    "template from elsewhere": (
        b'<Relationships xmlns="x"><Relationship Id="a" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/'
        b'attachedTemplate" Target="https://a.example/t.dotm" TargetMode="External"/></Relationships>', Risk.MACROS,
    ),
    "types in UTF-16": (
        (_TYPES % (b"a", b"application/vnd.ms-office.vbaProject")).decode().encode("utf-16"), Risk.MACROS,
    ),
    "Basic of OpenDocument": (b'<?xml version="1.0"?><script:module xmlns:script="x" script:name="M">', Risk.MACROS),
    "Word 2003": (b'<?xml version="1.0"?><w:wordDocument w:macrosPresent="yes">', Risk.MACROS),
    "ActiveMime": (b"ActiveMime\0\0\x01\xf0" + b"\0" * 60, Risk.MACROS),
    "page with script": (b"<!DOCTYPE html><html><script>a()</script></html>", Risk.WEB_SCRIPTS),
    "page with a handler": (b"<html><body onload = 'a()'></body></html>", Risk.WEB_SCRIPTS),
    "page with an address of script": (b"<html><a href='java&#10;script&colon;a()'>x</a></html>", Risk.WEB_SCRIPTS),
    "page with a page in an address": (b"<html><a href=\"data:text/html;base64,PHNj\">x</a></html>", Risk.WEB_SCRIPTS),
    "page in UTF-16": ("\ufeff<html><script>a()</script>".encode("utf-16-be"), Risk.WEB_SCRIPTS),
    "page in UTF-32": ("<html><script>a()</script>".encode("utf-32-le"), Risk.WEB_SCRIPTS),
    "page in ISO-2022-JP": (b"<html><scr\x1b(Bipt>a()</script>", Risk.WEB_SCRIPTS),
    "page with a frame": (b"<html><iframe src='//a.example'></iframe>", Risk.WEB_SCRIPTS),
    "page behind comments": (b"\n<!-- a --><!-- b -->\n<html><SCRIPT\nsrc=//a.example></SCRIPT>", Risk.WEB_SCRIPTS),
    "script in SVG": (b'<?xml version="1.0"?><svg xmlns="x"><script>a()</script></svg>', Risk.WEB_SCRIPTS),
    "script in SVG with a prefix": (b'<s:svg xmlns:s="x"><s:script>a()</s:script></s:svg>', Risk.WEB_SCRIPTS),
    "script in a title of SVG": (b"<svg xmlns='x'><title><script>a()</script></title></svg>", Risk.WEB_SCRIPTS),
    "handler in SVG": (b"<svg xmlns='x'><animate onbegin='a()'/></svg>", Risk.WEB_SCRIPTS),
    "file in OneNote": (onenote(b"\x89PNG\r\n\x1a\n", b"a file"), Risk.ONENOTE_FILES),
    "launch": (pdf(b"1 0 obj << /OpenAction << /S /Launch /F (a) >> >> endobj"), Risk.PDF_ACTIONS),
    "launch in hexadecimal": (pdf(b"1 0 obj << /OpenAction << /S /L#61unc#68 /F (a) >> >> endobj"), Risk.PDF_ACTIONS),
    "script": (pdf(b"1 0 obj << /OpenAction << /S/JavaScript/JS(a) >> >> endobj"), Risk.PDF_ACTIONS),
    "script in compressed objects": (pdf(b"1 0 obj << >> endobj", b"10 0 << /S /JavaScript /JS (a) >>"), Risk.PDF_ACTIONS),
    "objects that nobody here inflates": (
        pdf(b"1 0 obj << >> endobj", b"10 0 << >>", said=b"/Filter /LZWDecode"), Risk.PDF_ACTIONS,
    ),
    "PDF behind other octets": (b"x" * 900 + pdf(b"1 0 obj << /S /Launch >> endobj"), Risk.PDF_ACTIONS),
}  # fmt: skip
"""What is found in each by its content, whatever its name."""

PASSIVE: Final[dict[str, bytes]] = {
    "text that begins as programs do": b"MZ is what programs begin with.\n" * 10,
    "text": b"hello\n#!/bin/sh is what scripts begin with; @echo off, too.\n",
    "old document": compound(("WordDocument", b"text")),
    "old workbook": compound(("Workbook", _PLAIN_SHEET)),
    "types of a document": _TYPES % (b"word/document.xml", b"application/vnd.ms-word.document.main+xml"),
    "template of one's own": b'<Relationships><Relationship Type="relationships/attachedTemplate" Target="a"/></Relationships>',
    "page": b"<!DOCTYPE html><html><body class='online'><p>Once = 5; on sale = now; javascript is a language.</p></body></html>",
    "page with a block of data": b'<html><script type="application/ld+json">{"@type": "Order"}</script></html>',
    "SVG": b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><style>a{}</style><path d="M0 0"/></svg>',
    "pictures in OneNote": onenote(b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0"),
    "PDF": pdf(b"1 0 obj << /Type /Catalog >> endobj", b"10 0 << /Title (Launch) >>"),
    "XML": b'<?xml version="1.0"?><invoice><total onaccount="5">1</total></invoice>',
    "picture": b"\x89PNG\r\n\x1a\n" + b"\0" * 60,
}
"""What is found in none of them."""
