"""Files within documents: packages, objects, attachments of Outlook's messages, sections of OneNote, installers."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Final

from tests.mailroom.scanning.active.samples import compound, onenote
from tests.mailroom.scanning.containers.forms import Form, run

__all__ = ["EMBEDDED", "packaged"]


def packaged(name: str, content: bytes) -> bytes:
    """A package, as Windows' packager writes it. Source: MS-OLEDS 2.3.6."""
    path = f"C:\\a\\{name}".encode() + b"\0"
    native = b"\x02\0" + name.encode() + b"\0" + path + struct.pack("<HHI", 0, 3, len(path)) + path
    native += struct.pack("<I", len(content)) + content
    return struct.pack("<I", len(native)) + native


def _contents(folder: Path, names: list[str]) -> list[tuple[str, bytes]]:
    return [(name, (folder / name).read_bytes()) for name in names]


def _packages(folder: Path, names: list[str]) -> bytes:
    files = _contents(folder, names)
    return compound(
        ("WordDocument", b"text"), *(("\x01Ole10Native", packaged(name, content)) for name, content in files)
    )


def _message(folder: Path, names: list[str]) -> bytes:
    return compound(
        ("__properties_version1.0", b"\0" * 32),
        *(("__substg1.0_37010102", content) for _name, content in _contents(folder, names)),
    )


def _objects(folder: Path, names: list[str]) -> bytes:
    out = b"{\\rtf1\\ansi text\\par "
    for name, content in _contents(folder, names):
        native = packaged(name, content)[4:]
        head = struct.pack("<III", 0x501, 2, 8) + b"Package\0" + struct.pack("<III", 0, 0, len(native))
        digits = (head + native).hex()
        lines = "\r\n".join(digits[at : at + 64] for at in range(0, len(digits), 64))
        out += b"{\\object\\objemb{\\*\\objclass Package}{\\*\\objdata " + lines.encode() + b"}}"
    return out + b"}"


def _section(folder: Path, names: list[str]) -> bytes:
    return onenote(*(content for _name, content in _contents(folder, names)))


def _installer(folder: Path, names: list[str]) -> bytes:
    files = "".join(
        f'<Component Id="c{n}" Guid="*"><File Id="f{n}" Source="{name}"/></Component>' for n, name in enumerate(names)
    )
    features = "".join(f'<ComponentRef Id="c{n}"/>' for n in range(len(names)))
    (folder / "a.wxs").write_text(
        '<?xml version="1.0"?><Wix xmlns="http://schemas.microsoft.com/wix/2006/wi"><Product Name="a" Id="*" Version="1.0.0" '
        'Language="1033" Manufacturer="a" UpgradeCode="12345678-1234-1234-1234-123456789012"><Package Compressed="yes"/>'
        '<Media Id="1" Cabinet="a.cab" EmbedCab="yes"/><Directory Id="TARGETDIR" Name="SourceDir"><Directory Id="D" Name="a">'
        f'{files}</Directory></Directory><Feature Id="F" Level="1">{features}</Feature></Product></Wix>'
    )
    run(folder, "wixl", "-o", "out.msi", "a.wxs")
    return (folder / "out.msi").read_bytes()


def _image(folder: Path, names: list[str]) -> bytes:
    content = b"".join(content for _name, content in _contents(folder, names))
    return b"\0" * 512 + content + b"koly\0\0\0\x04" + b"\0" * 504


def _help(folder: Path, names: list[str]) -> bytes:
    content = b"".join(content for _name, content in _contents(folder, names))
    return b"ITSF\x03\0\0\0\x60\0\0\0\x01\0\0\0" + b"\0" * 80 + content


EMBEDDED: Final[dict[str, Form]] = {
    "packages in an old Office document": _packages,
    "attachments of an Outlook message (.msg)": _message,
    "objects in RTF": _objects,
    "OneNote section": _section,
    "MSI (wixl)": _installer,
    "DMG": _image,
    "CHM": _help,
}
