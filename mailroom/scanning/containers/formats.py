"""The table of container formats: their marks and their openers. Pure.

The engine opens formats that are not in the table: PDF, old Office documents, RTF, ARJ, EGG, SWF and self-extracting programs.
`openers` opens the formats in the table, and the engine does too if it can; a file without an opener is never clean.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import Final

from mailroom.scanning.active.documents import ONENOTE
from mailroom.scanning.containers.compound import holds_files
from mailroom.scanning.containers.embedded import holds_objects
from mailroom.scanning.containers.pgp import begins_message

__all__ = ["FORMATS", "Format", "Opener", "recognised"]


class Opener(Enum):
    """Opener of a format."""

    ZIP = "zip"
    """`zips`: every local header and every directory entry."""
    STREAM = "stream"
    """`streams`: Python's own decompressors, stream by stream."""
    LIBARCHIVE = "libarchive"
    CMS = "cms"
    PGP = "pgp"
    TNEF = "tnef"
    MBOX = "mbox"
    BROTLI = "brotli"
    OLE = "ole"
    """`compound`: files in old Office documents, Outlook's messages and installers."""
    RTF = "rtf"
    ONENOTE = "onenote"
    NONE = "none"


_PARTLY: Final = frozenset({Opener.OLE, Opener.RTF, Opener.ONENOTE})
"""Openers of embedded files only; the engine scans the rest of these formats."""


@dataclass(frozen=True, slots=True)
class Format:
    """A container format.

    Args:
        name: in verdicts, behind "Container.".
        opener: its opener.
        magic: bytes and their places, of which any is enough; a negative place counts from the end.
        reader: libarchive's name of the format; "raw" of a stream.
        coding: libarchive's name of the filter; "" for none.
    """

    name: str
    opener: Opener
    magic: tuple[tuple[int, bytes], ...] = ()
    reader: str = ""
    coding: str = ""

    @property
    def opened_whole(self) -> bool:
        """Whether all of its content is extracted."""
        return self.opener not in _PARTLY


_NONE: Final = Opener.NONE
_ARCHIVE: Final = Opener.LIBARCHIVE

FORMATS: Final = (
    Format("Gzip", Opener.STREAM, ((0, b"\x1f\x8b"),)),
    Format("Bzip2", Opener.STREAM, ((0, b"BZh"),)),
    Format("Xz", Opener.STREAM, ((0, b"\xfd7zXZ\0"),)),
    Format("Lzma", Opener.STREAM),
    Format("Brotli", Opener.BROTLI),
    Format("Lz4", _ARCHIVE, ((0, b"\x04\x22\x4d\x18"), (0, b"\x02\x21\x4c\x18")), "raw", "lz4"),
    Format("Zstandard", _ARCHIVE, ((0, b"\x28\xb5\x2f\xfd"),), "raw", "zstd"),
    Format("Lzip", _ARCHIVE, ((0, b"LZIP"),), "raw", "lzip"),
    Format("Compress", _ARCHIVE, ((0, b"\x1f\x9d"),), "raw", "compress"),
    Format("Rpm", _ARCHIVE, ((0, b"\xed\xab\xee\xdb"),), "cpio", "rpm"),
    Format("Tar", _ARCHIVE, ((257, b"ustar"),), "tar"),
    Format("Cpio", _ARCHIVE, ((0, b"070701"), (0, b"070702"), (0, b"070707"), (0, b"\xc7\x71"), (0, b"\x71\xc7")), "cpio"),
    Format("Ar", _ARCHIVE, ((0, b"!<arch>\n"),), "ar"),
    Format("Xar", _ARCHIVE, ((0, b"xar!"),), "xar"),
    Format("Cab", _ARCHIVE, ((0, b"MSCF"),), "cab"),
    Format("SevenZip", _ARCHIVE, ((0, b"7z\xbc\xaf\x27\x1c"),), "7zip"),
    Format("Lha", _ARCHIVE, reader="lha"),
    Format("Iso9660", _ARCHIVE, ((32769, b"CD001"),), "iso9660"),
    Format("Tnef", Opener.TNEF, ((0, b"\x78\x9f\x3e\x22"),)),
    Format("Warc", _ARCHIVE, ((0, b"WARC/"),), "warc"),
    Format("Udf", _NONE, tuple((32769 + 2048 * n, b"NSR0") for n in range(8))),
    Format("Wim", _NONE, ((0, b"MSWIM\0\0\0"), (0, b"WLPWM\0\0\0"))),
    Format("Vhd", _NONE, ((0, b"conectix"), (-512, b"conectix"))),
    Format("Vhdx", _NONE, ((0, b"vhdxfile"),)),
    Format("Vmdk", _NONE, ((0, b"KDMV"), (0, b"COWD"), (0, b"# Disk DescriptorFile"))),
    Format("Qcow", _NONE, ((0, b"QFI\xfb"),)),
    Format("Vdi", _NONE, ((64, b"\x7f\x10\xda\xbe"),)),
    Format("Squashfs", _NONE, ((0, b"hsqs"), (0, b"sqsh"))),
    Format("Cramfs", _NONE, ((0, b"\x45\x3d\xcd\x28"), (0, b"\x28\xcd\x3d\x45"))),
    Format("DiskImage", _NONE, (
        (54, b"FAT1"), (82, b"FAT32"), (3, b"NTFS    "), (3, b"EXFAT   "), (512, b"EFI PART"), (32, b"NXSB"),
        (1024, b"H+\0"), (1024, b"HX\0"), (0, b"XFSB"), (65600, b"_BHRfS_M"),
    )),
    Format("Extfs", _NONE),
    Format("StuffIt", _NONE, ((0, b"SIT!"), (0, b"SITD"), (0, b"StuffIt (c)"), (0, b"StuffIt!"))),
    Format("Zoo", _NONE, ((20, b"\xdc\xa7\xc4\xfd"),)),
    Format("Alz", _NONE, ((0, b"ALZ\x01"),)),
    Format("Lrzip", _NONE, ((0, b"LRZI"),)),
    Format("Rzip", _NONE, ((0, b"RZIP"),)),
    Format("Lzop", _NONE, ((0, b"\x89LZO\0\r\n\x1a\n"),)),
    Format("Zpaq", _NONE, ((0, b"7kSt"), (0, b"zPQ"))),
    Format("Pack", _NONE, ((0, b"\x1f\x1e"), (0, b"\x1f\xa0"))),
    Format("Lzfse", _NONE, ((0, b"bvx2"), (0, b"bvx-"), (0, b"bvx1"), (0, b"bvxn"))),
    Format("AppleArchive", _NONE, ((0, b"AA01"), (0, b"YAA1"), (0, b"pbz"), (0, b"AEA1"))),
    Format("OldRar", _NONE, ((0, b"RE~^"),)),
    Format("Dmg", _NONE, ((-512, b"koly"), (0, b"encrcdsa"), (-8, b"cdsaencr"))),
    Format("Chm", _NONE, ((0, b"ITSF"), (0, b"ITOLITLS"))),
    Format("OneNote", Opener.ONENOTE, ((0, ONENOTE),)),
    Format("Snappy", _NONE, ((0, b"\xff\x06\0\0sNaPpY"),)),
)  # fmt: skip
"""Sources: each format's specification; libarchive's archive_read_support_*; the lists of file signatures of `file` and 7-Zip."""

_BY_NAME: Final = {one.name: one for one in FORMATS}
_ZIP: Final = Format("Zip", Opener.ZIP)
_CMS: Final = Format("Cms", Opener.CMS)
_PGP: Final = Format("OpenPgp", Opener.PGP)
_MBOX: Final = Format("Mbox", Opener.MBOX)
_OLE: Final = Format("Ole", Opener.OLE)
_RTF: Final = Format("Rtf", Opener.RTF)
_SKIPPABLE: Final = re.compile(rb"[\x50-\x5f]\x2a\x4d\x18")
_CMS_DER: Final = re.compile(
    rb"\x30(?:\x80|[\x00-\x7f]|\x81.|\x82..|\x83...|\x84....)\x06"
    rb"(?:\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07|\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01)",
    re.DOTALL,
)
_CMS_PEM: Final = re.compile(rb"-----BEGIN (?:PKCS7|CMS|PKCS #7 SIGNED DATA)-----")
_PGP_ARMOR: Final = b"-----BEGIN PGP MESSAGE"
_MBOX_LINE: Final = re.compile(rb"\s*+(?:>?From )[^\r\n]{1,998}+\r?\n[!-9;-~]{1,80}+:")
_LHA: Final = re.compile(rb"..-(?:l[hz][0-9a-zA-Z]|pm[0-9s])-", re.DOTALL)
_BROTLI_NAME: Final = re.compile(r"\.(?:t?br|brotli)\Z", re.IGNORECASE)
_ZIP_SIGNATURES: Final = (b"PK\x03\x04", b"PK\x01\x02")
_ARMOR_WITHIN: Final = 100_000


_PLACES: Final = tuple(
    (place, tuple(magic for one in FORMATS for at, magic in one.magic if at == place))
    for place in sorted({at for one in FORMATS for at, _magic in one.magic})
)
"""Marks of all formats by place: a file without any needs no search by format."""


def recognised(data: bytes, filename: str = "", content_type: str = "") -> list[Format]:
    """All formats as which readers may open `data`; usually none or one.

    Args:
        data: any bytes.
        filename: the sender's name, for the one format without a signature. Default: none.
        content_type: the sender's type, for the same format. Default: none.
    """
    found = []
    if _has_mark(data):
        found = [one for one in FORMATS if any(_stands(data, place, magic) for place, magic in one.magic)]
    found += [_BY_NAME[name] for name, is_one in _BY_LOOKS if is_one(data) and _BY_NAME[name] not in found]
    if any(signature[-1:] in data and signature in data for signature in _ZIP_SIGNATURES):
        found.append(_ZIP)
    if _CMS_DER.match(data) or _CMS_PEM.search(data, 0, _ARMOR_WITHIN):
        found.append(_CMS)
    if _is_pgp(data):
        found.append(_PGP)
    if _MBOX_LINE.match(data):
        found.append(_MBOX)
    if holds_files(data):
        found.append(_OLE)
    if holds_objects(data):
        found.append(_RTF)
    if _BROTLI_NAME.search(filename) or content_type in {"application/x-brotli", "application/brotli"}:
        found.append(_BY_NAME["Brotli"])
    return found


def _has_mark(data: bytes) -> bool:
    """Whether a mark of any format is in its place."""
    length = len(data)
    for place, magics in _PLACES:
        if data.startswith(magics, place if place >= 0 else max(length + place, 0)) and length + place >= 0:
            return True
    return False


def _stands(data: bytes, place: int, magic: bytes | tuple[bytes, ...]) -> bool:
    at = place if place >= 0 else len(data) + place
    return at >= 0 and data.startswith(magic, at)


def _is_lzma(data: bytes) -> bool:
    """Source: the .lzma file format, LZMA SDK: properties, size of the dictionary, size of the content or -1."""
    if len(data) < 14 or data[0] >= 225 or data[13]:
        return False
    dictionary = int.from_bytes(data[1:5], "little")
    size = int.from_bytes(data[5:13], "little")
    round_one = dictionary & (dictionary - 1) == 0 or (dictionary // 3) & (dictionary // 3 - 1) == 0
    return dictionary >= 4096 and (round_one or dictionary == 0xFFFFFFFF) and (size < 1 << 38 or size == (1 << 64) - 1)


def _is_skippable(data: bytes) -> bool:
    """Whether the data begins with a skippable frame, of LZ4 or Zstandard."""
    return _SKIPPABLE.match(data) is not None


def _is_tar(data: bytes) -> bool:
    """Whether the data begins with an old tar header, without a signature: its checksum must be right."""
    if len(data) < 512 or not data[0]:
        return False
    written = data[148:156].strip(b" \0")
    if not written or len(written) > 7 or written.translate(None, b"01234567"):
        return False
    return sum(data[:148]) + sum(data[156:512]) + 8 * 32 == int(written, 8)


def _is_lha(data: bytes) -> bool:
    return _LHA.match(data) is not None


def _is_extfs(data: bytes) -> bool:
    return data[1080:1082] == b"\x53\xef" and data[:2] != b"MZ" and not any(data[:64])


def _is_partitioned(data: bytes) -> bool:
    """Whether the data is a disk with a table of partitions."""
    if data[510:512] != b"\x55\xaa" or data[:2] == b"MZ":
        return False
    entries = [data[446 + 16 * n : 462 + 16 * n] for n in range(4)]
    return all(entry[0] in {0, 0x80} for entry in entries) and any(entry[4] for entry in entries)


_BY_LOOKS: Final = (
    ("Lzma", _is_lzma),
    ("Lz4", _is_skippable),
    ("Zstandard", _is_skippable),
    ("Tar", _is_tar),
    ("Lha", _is_lha),
    ("Extfs", _is_extfs),
    ("DiskImage", _is_partitioned),
)


def _is_pgp(data: bytes) -> bool:
    """Source: RFC 9580 4.2, 5, 11.3."""
    if data.find(_PGP_ARMOR, 0, _ARMOR_WITHIN) >= 0:
        return True
    return begins_message(data)
