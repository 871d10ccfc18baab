"""Names of files that run code when they are opened. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Final
from urllib.parse import unquote

from mailroom.messages.words import decoded_words, ignore_problem
from mailroom.scanning.active.risks import Risk

__all__ = ["BLOCKED", "GMAIL", "OUTLOOK", "names_within", "risk_of_name", "risk_of_type"]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


GMAIL: Final = _words(
    """
    ade adp apk appx appxbundle bat cab chm cmd com cpl diagcab diagcfg diagpkg dll dmg ex ex_ exe hta img ins iso
    isp jar jnlp js jse lib lnk mde mjs msc msi msix msixbundle msp mst nsh pif ps1 scr sct shb sys vb vbe vbs vhd
    vxd wsc wsf wsh xll
    """
)
"""Source: Gmail Help, "File types blocked in Gmail"."""

OUTLOOK: Final = _words(
    """
    ade adp app appcontent-ms application appref-ms appx asp aspx asx bas bat bgi cab cdxml cer chm cmd cnt com cpl
    crt csh der diagcab exe fxp gadget grp hlp hpj hta htc img inf ins iso isp its jar jnlp js jse ksh library-ms
    lnk mad maf mag mam maq mar mas mat mau mav maw mcf mda mdb mde mdt mdw mdz msc msh msh1 msh1xml msh2 msh2xml
    mshxml msi msp mst msu ops osd pcd pif pl plg prf prg printerexport ps1 ps1xml ps2 ps2xml psc1 psc2 psd1 psdm1
    pssc pst py pyc pyo pyw pyz pyzw reg scf scr sct search-ms settingcontent-ms shb shs theme tmp udl url vb vbe
    vbp vbs vhd vhdx vsmacros vsw webpnp website ws wsb wsc wsf wsh xbap xll xnk
    """
)
"""Source: Microsoft Support, "Blocked attachments in Outlook"; Exchange, "Set-OwaMailboxPolicy", BlockedFileTypes. Without .mht and
.mhtml, which only the latter has: they are messages, and are parsed as such."""

_OTHERS: Final = _words(
    """
    appimage bash class command desktop dylib elf ipa pkg rb run sh so terminal workflow xpi zsh
    """
)
"""Programs and scripts of Unix, macOS and browsers, which neither list has."""

BLOCKED: Final = GMAIL | OUTLOOK | _OTHERS
"""Extensions of programs and scripts, and of files that start them."""

_WITH_MACROS: Final = _words(
    """
    docm dotm xlsm xltm xlam xla pptm potm ppam ppsm sldm
    """
)
_OF_DOMAINS: Final = frozenset({"app", "com", "pl", "py"})
"""Extensions that are also top-level domains: the name of an attached message is its subject, which may end in a domain."""
_TYPES: Final = _words(
    """
    application/hta application/java-archive application/javascript application/vnd.microsoft.portable-executable
    application/x-bat application/x-csh application/x-dosexec application/x-elf application/x-executable
    application/x-javascript application/x-mach-binary application/x-ms-installer application/x-ms-shortcut
    application/x-msdos-program application/x-msdownload application/x-msi application/x-perl
    application/x-powershell application/x-python application/x-sh application/x-sharedlib
    application/x-shellscript text/ecmascript text/javascript text/vbscript text/x-python text/x-sh
    text/x-shellscript
    """
)
"""Types of which clients save a nameless file with a program's extension."""

_NAMED: Final = re.compile(
    r'(?:file)?name(?:\*[0-9*]{0,8}+)?\s{0,40}+=\s{0,40}+(?:"(?P<quoted>[^"]*+)"?|(?P<plain>[^;"]*+))', re.IGNORECASE
)
_VERSION: Final = re.compile(r";[0-9]{1,5}+\Z")
_CHARSET: Final = re.compile(r"[A-Za-z0-9_.-]{0,40}+'[A-Za-z-]{0,20}+'")
_CLASS_ID: Final = re.compile(r"\{[0-9A-Fa-f-]{36}\}\Z")
_FOLDERS: Final = re.compile(r"[/\\]")
_ENDS: Final = re.compile(r"[\x00\r\n:]")
_MOST: Final = 1000
"""Characters at the end of a name that are read."""


def risk_of_name(name: str, *, of_message: bool = False) -> Risk | None:
    """Risk of opening a file of that name; None for most names.

    Args:
        name: in any form: with marks that turn its direction, spaces and dots behind it, and a path in front.
        of_message: whether the file is a message, whose name may be its subject. Default: no.
    """
    for extension in _extensions(name):
        if _CLASS_ID.match(extension) or (extension in BLOCKED and not (of_message and extension in _OF_DOMAINS)):
            return Risk.PROGRAMS
        if extension in _WITH_MACROS:
            return Risk.MACROS
    return None


def risk_of_type(content_type: str) -> Risk | None:
    """Risk of opening a file without an extension, by the sender's type."""
    return Risk.PROGRAMS if content_type in _TYPES else None


def names_within(header: str) -> Iterator[str]:
    """All names that clients may read from a Content-Type or Content-Disposition, in all forms of a parameter."""
    pieces: list[str] = []
    for found in _NAMED.finditer(header):
        written = found["quoted"] if found["quoted"] is not None else found["plain"]
        name = unquote(_CHARSET.sub("", written, count=1))
        yield name
        yield decoded_words(written, ignore_problem)
        pieces.append(name)
    if len(pieces) > 1:
        yield "".join(pieces)


def _extensions(name: str) -> Iterator[str]:
    """Extensions of the saved file: of the whole name, and of the text before a possible end that some readers see."""
    text = unicodedata.normalize("NFKC", name[-_MOST:])
    for one in {text, _ENDS.split(text, maxsplit=1)[0], *([unquote(text)] if "%" in text else ())}:
        plain = "".join(character for character in one if unicodedata.category(character) not in {"Cf", "Cc", "Cn"})
        last = _VERSION.sub("", _FOLDERS.split(plain)[-1]).rstrip(". \t\"'")
        if "." in last:
            yield last.rpartition(".")[2].strip().lower()
