"""Ways to hide a file in a message such that some mail client shows it."""

from __future__ import annotations

import base64
import binascii
import bz2
import gzip
import io
import lzma
import struct
import tarfile
import zipfile
from typing import Final

from tests.mailroom.clamav import MARKER

__all__ = ["HARMLESS", "HIDDEN", "PAYLOAD", "archive", "encoded", "mixed", "part"]

PAYLOAD: Final = b"first line of the file\n" + b"." * 200 + MARKER + b"." * 200 + b"\nlast line\n"
HEAD: Final = (
    b"From: a@example.net\r\nTo: support@post.acme.example\r\nSubject: invoice\r\nMessage-ID: <1@example.net>\r\n"
)


def part(content: bytes, *headers: str) -> bytes:
    """One MIME part, its content as it is."""
    return "\r\n".join(headers).encode() + b"\r\n\r\n" + content


def mixed(*parts: bytes, boundary: str = "frontier") -> bytes:
    """A message of these parts behind a line of text."""
    line = b"\r\n--" + boundary.encode()
    body = (
        b"".join(line + b"\r\n" + one for one in (part(b"hello", "Content-Type: text/plain"), *parts))
        + line
        + b"--\r\n"
    )
    return HEAD + f'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="{boundary}"\r\n'.encode() + body


def encoded(content: bytes, name: str = "invoice.bin") -> bytes:
    """A part in base64, as everybody sends it."""
    return part(
        base64.encodebytes(content).replace(b"\n", b"\r\n"),
        f'Content-Type: application/octet-stream; name="{name}"',
        "Content-Transfer-Encoding: base64",
        f'Content-Disposition: attachment; filename="{name}"',
    )


def uuencode(content: bytes, name: str = "invoice.bin") -> bytes:
    """A `begin` block."""
    lines = b"".join(binascii.b2a_uu(content[at : at + 45]) for at in range(0, len(content), 45))
    return f"begin 644 {name}\n".encode() + lines + b"`\nend\n"


def yencode(content: bytes) -> bytes:
    """A `=ybegin` block."""
    out = bytearray()
    for octet in content:
        shifted = (octet + 42) & 255
        out += b"=" + bytes([(shifted + 64) & 255]) if shifted in b"\0\n\r=" else bytes([shifted])
    return f"=ybegin line=128 size={len(content)} name=invoice.bin\n".encode() + bytes(out) + b"\n=yend\n"


def quoted(content: bytes) -> bytes:
    """Every octet written by its number, in short lines."""
    numbers = [f"={octet:02X}" for octet in content]
    return "=\r\n".join("".join(numbers[at : at + 20]) for at in range(0, len(numbers), 20)).encode()


def archive(content: bytes, *, method: int = zipfile.ZIP_DEFLATED, name: str = "invoice.bin") -> bytes:
    """A ZIP archive of one entry."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as made:
        made.writestr(name, content)
    return out.getvalue()


def tarball(content: bytes) -> bytes:
    """A tar archive, compressed."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as made:
        entry = tarfile.TarInfo("invoice.bin")
        entry.size = len(content)
        made.addfile(entry, io.BytesIO(content))
    return out.getvalue()


_PLAIN: Final = ("Content-Type: application/octet-stream",)
_BASE64: Final = (*_PLAIN, "Content-Transfer-Encoding: base64")
_TEXT: Final = HEAD + b"\r\n"


def tnef(content: bytes) -> bytes:
    """A winmail.dat with one attachment, as Outlook sends it. Source: MS-OXTNEF 2.1."""

    def attribute(level: int, number: int, data: bytes) -> bytes:
        return struct.pack("<BII", level, number, len(data)) + data + struct.pack("<H", sum(data) & 0xFFFF)

    return (
        struct.pack("<IH", 0x223E9F78, 1)
        + attribute(1, 0x00089006, struct.pack("<I", 0x00010000))
        + attribute(2, 0x00069002, b"\x01\x00" + b"\xff" * 4 + b"\x00" * 8)
        + attribute(2, 0x00018010, b"invoice.bin\0")
        + attribute(2, 0x0006800F, content)
    )


def hidden(payload: bytes) -> dict[str, bytes]:
    """Messages that hold `payload`, by the way that it is hidden."""
    lines = base64.encodebytes(payload).replace(b"\n", b"\r\n")
    half = len(payload) // 2
    uu = uuencode(payload).replace(b"\n", b"\r\n")
    attached = encoded(payload)
    return {
        "attachment": mixed(attached),
        "the whole body": HEAD + b"Content-Transfer-Encoding: base64\r\n\r\n" + lines,
        "inline": mixed(part(lines, *_BASE64, "Content-Disposition: inline")),
        "as 8bit": mixed(part(payload, *_PLAIN, "Content-Transfer-Encoding: 8bit")),
        "no transfer encoding said": mixed(part(lines, *_PLAIN)),
        "wrong transfer encoding said": mixed(part(lines, *_PLAIN, "Content-Transfer-Encoding: 7bit")),
        "unknown transfer encoding": mixed(part(lines, *_PLAIN, "Content-Transfer-Encoding: x-base64")),
        "transfer encoding in odd case": mixed(part(lines, *_PLAIN, "Content-Transfer-Encoding:  BaSe64 ")),
        "transfer encoding with comment": mixed(part(lines, *_PLAIN, "Content-Transfer-Encoding: (x) base64")),
        "two transfer encodings": mixed(
            part(lines, *_PLAIN, "Content-Transfer-Encoding: 7bit", "Content-Transfer-Encoding: base64")
        ),
        "space before the colon": mixed(part(lines, *_PLAIN, "Content-Transfer-Encoding : base64")),
        "space before the colon of the type": HEAD
        + b"MIME-Version: 1.0\r\nContent-Type : multipart/mixed; boundary=x\r\n\r\n--x\r\n"
        + attached
        + b"\r\n--x--\r\n",
        "quoted-printable": mixed(part(quoted(payload), *_PLAIN, "Content-Transfer-Encoding: quoted-printable")),
        "quoted-printable that is not said": mixed(part(quoted(payload), *_PLAIN)),
        "uuencoded in the text": _TEXT + b"see below\r\n\r\n" + uu,
        "uuencoded with LF": _TEXT.replace(b"\r\n", b"\n") + uuencode(payload),
        "uuencoded without end": _TEXT + uu.removesuffix(b"`\r\nend\r\n"),
        "uuencoded as transfer encoding": mixed(
            part(uuencode(payload), *_PLAIN, "Content-Transfer-Encoding: x-uuencode")
        ),
        "uuencoded in base64": _TEXT + b"begin-base64 644 invoice.bin\r\n" + lines + b"====\r\n",
        "yEnc": _TEXT + yencode(payload),
        "CR alone": mixed(attached).replace(b"\r\n", b"\r"),
        "LF alone": mixed(attached).replace(b"\r\n", b"\n"),
        "base64 in one line": mixed(part(base64.b64encode(payload), *_BASE64)),
        "base64 in short lines": mixed(
            part(b"\r\n".join(base64.b64encode(payload)[at : at + 8] for at in range(0, 800, 8)), *_BASE64)
        ),
        "base64 with noise": mixed(part(lines.replace(b"\r\n", b"!\r\n* "), *_BASE64)),
        "base64 without padding": mixed(part(lines.rstrip().rstrip(b"="), *_BASE64)),
        "two base64 bodies": mixed(
            part(base64.encodebytes(payload[:half]) + base64.encodebytes(payload[half:]), *_BASE64)
        ),
        "two base64 bodies in one line, below a line that is no field": mixed(
            part(
                base64.b64encode(payload[:half]) + base64.b64encode(payload[half:]),
                _BASE64[0],
                "Sub\0ject: x",
                *_BASE64[1:],
            )
        ),
        "behind padding": mixed(part(base64.b64encode(b"x") + b"\r\n" + lines, *_BASE64)),
        "no closing boundary": mixed(attached).rpartition(b"\r\n--")[0],
        "boundary never opened": HEAD
        + b'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="a"\r\n\r\n'
        + lines,
        "another boundary": mixed(attached).replace(b'boundary="frontier"', b'boundary="a"; boundary="frontier"'),
        "no MIME version": mixed(attached).replace(b"MIME-Version: 1.0\r\n", b""),
        "multipart in base64": HEAD
        + b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\nContent-Transfer-Encoding: base64\r\n\r\n--x\r\n"
        + attached
        + b"\r\n--x--\r\n",
        "preamble": mixed().replace(b"\r\n--frontier", b"\r\n" + uu + b"\r\n--frontier", 1),
        "epilogue": mixed() + uu,
        "nested message": mixed(part(mixed(attached), "Content-Type: message/rfc822")),
        "nested message in base64": mixed(
            part(
                base64.encodebytes(mixed(attached)), "Content-Type: message/rfc822", "Content-Transfer-Encoding: base64"
            )
        ),
        "message as a file": mixed(encoded(mixed(attached), "letter.eml")),
        "three messages deep": mixed(
            part(
                mixed(part(mixed(attached, boundary="c"), "Content-Type: message/rfc822"), boundary="b"),
                "Content-Type: message/rfc822",
            )
        ),
        "multipart in a multipart": mixed(
            part(b"--in\r\n" + attached + b"\r\n--in--\r\n", 'Content-Type: multipart/alternative; boundary="in"')
        ),
        "zip": mixed(encoded(archive(payload), "invoice.zip")),
        "zip in a zip": mixed(encoded(archive(archive(payload)), "invoice.zip")),
        "stored zip behind other octets": mixed(
            encoded(b"MZ" * 500 + archive(payload, method=zipfile.ZIP_STORED), "setup.exe")
        ),
        "gzip": mixed(encoded(gzip.compress(payload), "invoice.gz")),
        "bzip2": mixed(encoded(bz2.compress(payload), "invoice.bz2")),
        "xz": mixed(encoded(lzma.compress(payload), "invoice.xz")),
        "TNEF": mixed(encoded(tnef(payload), "winmail.dat")),
        "zip in TNEF": mixed(encoded(tnef(archive(payload)), "winmail.dat")),
        "tar.gz": mixed(encoded(tarball(payload), "invoice.tgz")),
        "name that cannot be read": mixed(attached).replace(
            b'filename="invoice.bin"', b"filename*=x'y'%ff%zz; filename*0*=a"
        ),
        "in HTML": mixed(
            part(
                b'<a href="data:application/zip;base64,' + base64.b64encode(payload) + b'">x</a>',
                "Content-Type: text/html",
            )
        ),
    }


HIDDEN: Final = hidden(PAYLOAD)
HARMLESS: Final = hidden(PAYLOAD.replace(MARKER, b"x" * len(MARKER)))
