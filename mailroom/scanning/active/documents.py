"""Macros of office documents, and files in OneNote sections. Pure.

A modern office document is an archive, whose files are scanned one by one: one of them shows the macros.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

__all__ = ["ONENOTE", "embedded_files", "has_macros", "is_onenote", "onenote_files"]

_COMPOUND: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_PROJECT: Final = re.compile(b"\0".join(b"_VBA_PROJECT"[n : n + 1] for n in range(12)) + b"\0", re.IGNORECASE)
"""Name of the stream of each macro project, in the directory of a compound file. Source: MS-OVBA 2.2.1."""
_MACRO_SHEET: Final = re.compile(rb"\x85\0.\0....[\0-\x02][\x01\x06]", re.DOTALL)
"""A sheet of Excel 4 macros, or a module. Source: MS-XLS 2.4.28."""
_WORKBOOK: Final = re.compile(rb"(?:W\0o\0r\0k\0)?[Bb]\0o\0o\0k\0\0\0")
_PACKAGE: Final = re.compile(
    rb"vnd\.ms-office\.vbaproject|intlmacrosheet|macrosheet\+xml|ms-excel\.macrosheet|vnd\.ms-word\.vbaData",
    re.IGNORECASE,
)
"""Types of parts with macros. Source: MS-OFFMACRO2; ECMA-376 part 2, 10.1."""
_TYPES: Final = re.compile(rb"<(?:[A-Za-z_][\w.-]{0,40}+:)?Types[\s>]")
_RELATIONS: Final = re.compile(rb"<(?:[A-Za-z_][\w.-]{0,40}+:)?Relationships[\s>]")
_TEMPLATE: Final = re.compile(rb"relationships/attachedTemplate\b")
_EXTERNAL: Final = re.compile(rb"""TargetMode\s{0,40}+=\s{0,40}+["']External""", re.IGNORECASE)
_FLAT: Final = re.compile(
    rb"<(?:ooo:module|script:module)[\s>]|macrosPresent\s{0,40}+=\s{0,40}+[\"']yes|editdata\.mso|pkg:contentType\s{0,40}+="
    rb"\s{0,40}+[\"']application/vnd\.ms-office\.vbaProject",
    re.IGNORECASE,
)
_HEAD: Final = 2000
_MOST_TEXT: Final = 64_000_000
_XML: Final = re.compile(rb"[\s\xef\xbb\xbf\xff\xfe]*+<")

ONENOTE: Final = bytes.fromhex("e4525c7b8cd8a74daeb15378d02996d3")
"""Source: MS-ONESTORE 2.3.1."""
_FILE_DATA: Final = bytes.fromhex("e716e3bd65261145a4c48d4d0b7a9eac")
"""Source: MS-ONESTORE 2.6.13."""
_IMAGES: Final = (
    b"\x89PNG\r\n", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\0", b"MM\0*", b"\x01\0\0\0", b"\xd7\xcd\xc6\x9a", b"RIFF",
)  # fmt: skip
_MOST_FILES: Final = 10_000


def has_macros(data: bytes) -> bool:
    """Whether the bytes are an office document with macros, or its part with the macros."""
    if data.startswith(_COMPOUND):
        return _PROJECT.search(data) is not None or (
            _WORKBOOK.search(data) is not None and _MACRO_SHEET.search(data) is not None
        )
    if data.startswith(b"ActiveMime"):
        return True
    if not _XML.match(data[:_HEAD].translate(None, b"\0")):
        return False
    text = data[:_MOST_TEXT].translate(None, b"\0")
    head = text[:_HEAD]
    if _TYPES.search(head) and _PACKAGE.search(text):
        return True
    if _RELATIONS.search(head) and _TEMPLATE.search(text) and _EXTERNAL.search(text):
        return True
    return _FLAT.search(text) is not None


def is_onenote(data: bytes) -> bool:
    """Whether the bytes are a OneNote section."""
    return data.startswith(ONENOTE)


def onenote_files(data: bytes) -> Iterator[bytes]:
    """Files in a section other than pictures."""
    return (content for content in embedded_files(data) if not content.startswith(_IMAGES))


def embedded_files(data: bytes) -> Iterator[bytes]:
    """All files in a section, by position; a cut file up to its end.

    A file within another one comes twice, as long as all files together have at most four times the section's size.
    """
    left = 4 * len(data)
    at = data.find(_FILE_DATA)
    number = 0
    while at >= 0 and number < _MOST_FILES and left > 0:
        number += 1
        size = int.from_bytes(data[at + 16 : at + 24], "little")
        content = data[at + 36 : at + 36 + min(size, left)]
        left -= len(content)
        if content:
            yield content
        at = data.find(_FILE_DATA, at + 36)
