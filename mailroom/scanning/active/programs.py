"""Detects programs and scripts by their content. Pure."""

from __future__ import annotations

import re
import struct
from typing import Final

from mailroom.scanning.active.beginnings import behind_declarations

__all__ = ["INSTALLERS", "is_program", "root_class"]

_MAGIC: Final = (
    b"\x7fELF",
    b"\xfe\xed\xfa\xce",
    b"\xfe\xed\xfa\xcf",
    b"\xce\xfa\xed\xfe",
    b"\xcf\xfa\xed\xfe",
    b"\xca\xfe\xba\xbe",  # Mach-O for several processors, and classes of Java
    b"\xca\xfe\xba\xbf",
    b"\xca\xfe\xd0\x0d",
    b"dex\n0",
    b"L\0\0\0\x01\x14\x02\0\0\0\0\0\xc0\0\0\0\0\0\0F",  # LNK: MS-SHLLINK 2.1
    b"ITSF",  # CHM
    b"?_\x03\0",  # HLP
    b"\0\x01\0\0Standard Jet DB",
    b"\0\x01\0\0Standard ACE DB",
    b"#@~^",  # VBScript and JScript, encoded
)
INSTALLERS: Final = tuple(
    bytes.fromhex(f"{first}00000000c000000000000046") for first in ("84100c00", "86100c00", "82100c00")
)
"""Classes of MSI, MSP and MST in the root of their compound file. Source: Windows SDK, Msi.h."""
_COMPOUND: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_DMG_END: Final = b"koly"
_HEAD: Final = 4096
_ANYWHERE: Final = 200_000
_TEXT: Final = re.compile(
    r"#![ \t]{0,20}+/|@echo off\b|windows registry editor version\b|regedit4\s|\[internetshortcut\]"
    r"|\[\{000214a0-0000-0000-c000-000000000046\}\]|\[shell\]\s{1,10}+command=|\[desktop entry\]"
    r"|<(?:jnlp|mmc_consolefile|package|job|scriptlet|component|registration|pcsettings|appinstaller|searchconnectordescription"
    r"|librarydescription|persistedquery)[\s>]",
    re.IGNORECASE,
)
"""Beginnings of scripts and shortcuts, behind blank lines, comments and declarations."""
_HTA: Final = re.compile(rb"<hta:application\b", re.IGNORECASE)


def is_program(data: bytes) -> bool:
    """Whether the bytes are a program, an installer, a shortcut or a script with a mark, independent of the file's name."""
    if data.startswith(_MAGIC) or _is_dos_program(data) or data[-512:-508] == _DMG_END:
        return True
    if data.startswith(_COMPOUND):
        return root_class(data) in INSTALLERS
    if _TEXT.match(behind_declarations(data[:_HEAD], comments=True)):
        return True
    beginning = data[:_ANYWHERE]
    return _HTA.search(beginning.translate(None, b"\0") if b"\0" in beginning else beginning) is not None


def _is_dos_program(data: bytes) -> bool:
    """Whether it is a program of DOS or Windows: text that begins with MZ has other lengths. Source: PE format, "MS-DOS stub"."""
    if data[:2] not in {b"MZ", b"ZM"} or len(data) < 28:
        return False
    last, pages = struct.unpack_from("<HH", data, 2)
    if len(data) >= 64:
        at = int.from_bytes(data[60:64], "little")
        if data[at : at + 2] in {b"PE", b"NE", b"LE", b"LX"}:
            return True
    return int(last) <= 512 and int(pages) > 0


def root_class(data: bytes) -> bytes:
    """The class of a compound file's root, which is the first entry of its directory. Source: MS-CFB 2.2, 2.6.1."""
    if len(data) < 512:
        return b""
    shift = int.from_bytes(data[30:32], "little")
    if shift not in {9, 12}:
        return b""
    at = (int.from_bytes(data[48:52], "little") + 1) << shift
    return data[at + 80 : at + 96]
