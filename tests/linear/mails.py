"""Mails and their parts, grown by structure, for whoever reads or makes them."""

from __future__ import annotations

import io
import itertools
import struct
import time
import zipfile
import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

from mailroom.messages import decoders, parse
from mailroom.messages.html import safe_html
from mailroom.messages.model import Address, Message
from mailroom.messages.plain import text_of_html
from mailroom.messages.quotes import split_quoted
from mailroom.messages.rtf import decompressed, read_rtf
from mailroom.messages.smime import signed_content
from mailroom.messages.tnef import tnef_files
from mailroom.outbox.compose import compose
from mailroom.outbox.model import Outgoing
from mailroom.scanning.zips import zip_fault
from tests.linear.measure import growth, undisturbed

__all__ = ["GROWN", "grows", "overlapping"]

_SECONDS_AN_OCTET: Final = 2e-6
"""Four times what the slowest of them takes that is no square."""

_SIGNED: Final = bytes.fromhex("308006092a864886f70d010702a080308002010131003080060130a080")
"""Where the content of a signature begins. RFC 5652 5.1."""
_RTF: Final = (
    *(b"{", b"}", b"{}", b"\\", b"\\'e4", b"\\u8364?", b"\\f1", b"\\par", b"a\r"),
    *(b"{\\*\\htmltag1 <b>}", b"{\\*", b"\\bin1 a"),
)
_MIXED: Final = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
_FIELDS: Final = (
    *("From", "To", "Cc", "Reply-To", "Sender", "Subject", "Date", "Message-ID", "In-Reply-To", "References"),
    *(
        "Content-Type",
        "Content-Disposition",
        "Content-Transfer-Encoding",
        "Authentication-Results",
        "Received",
        "Auto-Submitted",
    ),
)
_UNITS: Final = (
    *(
        "a",
        " ",
        "\t",
        '"',
        '\\"',
        "\\",
        "(",
        ")",
        "()",
        "( ",
        "<",
        ">",
        "<a",
        "@",
        "a@",
        "a@b, ",
        ": ",
        "; ",
        "; a=",
        ",",
        "=",
    ),
    *(
        "=?",
        "=?a?q?b?= ",
        "=?utf-8?b?w6k=?=\r\n ",
        "?",
        "?=",
        "%41",
        "*0*=",
        ";a*1*=%41",
        ' "a',
        "\r\n ",
        "\xe9",
        "id ",
        "for ",
    ),
    *(" <a@b>", "by inbound-smtp.eu-central-1.amazonaws.com id a ", "spf=pass;", "re: ", "1 "),
)
_HTML: Final = (
    *(
        "a",
        " ",
        "&nbsp;",
        "&amp;",
        "&",
        "&#",
        "1",
        "&#65;",
        "<",
        ">",
        "<p>",
        "</p>",
        "<br>",
        "<b",
        "<div> ",
        "<span> </span>",
    ),
    *(
        "<blockquote>",
        "</blockquote>",
        "<blockquote>a</blockquote>",
        "<!--",
        "<!---->",
        "<script>",
        "</script>",
        "<title>a</title>",
    ),
    *("<td>a</td>", "\xa0\n", "\ue000", "\ue001", "&gt;<br>", "<p style='color:red'>", "<img alt='>'>", "<!x>", "</ "),
)
_NESTED: Final = (
    ("", "<div>", ""),
    ("", "<b title=#><p>", ""),
    ("", "<b title=#>", "<p>"),
    ("", "<font title=#><li>", ""),
    ("<table>", "<b title=#><tr><td></b></td></tr>", ""),
    ("<table>", "<tr><b title=#>", "<td>"),
    ("", "<p><i title=#>", "<table></table>"),
    ("", "<a href=#>", "<h1>"),
    ("<ul>", "<li><b title=#>a</ul>", "<ul><li>"),
    ("<q><div>", "<span>", "</q>"),
    ("<svg>", "<b title=#>", "<svg><p>"),
    ("", "<li><ul>", "<li></li>"),
    ("", "<template>", "</div>"),
    ("", "<p title='", "'>"),
    ("", "<p a", "="),
    ("", "<!--", "-->"),
)
"""Ways to nest badly: in front, repeated, and repeated behind it; # stands for a number that differs each time."""
_TEXT: Final = (
    *(
        "a",
        " ",
        "\n",
        "> ",
        ">\n",
        "> a\n",
        "\n\n",
        "On 2026 a@b wrote:\n",
        "On 1.2.26 wrote  ",
        "schrieb  ",
        "am schrieb am ",
    ),
    *(
        "From: a@b\n",
        "From: a\nTo: b\n",
        "---",
        "-- \n",
        "_" * 10,
        "----- ",
        "Am 1.1.2026\n",
        ">From \n",
        "a:\n",
        "On a\n\n",
        "\t",
    ),
)
_OCTETS: Final = (
    *(
        b"Q",
        b"QUJD",
        b"QUJD\n",
        b"=",
        b"==",
        b"= ",
        b"=\n",
        b"= \n",
        b"=4",
        b"=41",
        b" ",
        b">",
        b"\n",
        b"QQ==\n",
        b"QQ==",
        b"a=b\n",
    ),
    *(
        b"begin 644 a\n",
        b"#0V%T\n",
        b"`\n",
        b"end\n",
        b"begin-base64 644 a\n",
        b"\n====",
        b"=ybegin line=1 name=a\n",
        b"=yend\n",
        b"\r\n",
    ),
)


def _mail(field: str, unit: str) -> Callable[[int], bytes]:
    return lambda size: (
        f"Return-Path: <a@b>\r\nReceived: by inbound-smtp.eu-central-1.amazonaws.com id a; {field}\r\n".encode(
            "latin-1"
        )
        + f"{field}: ".encode()
        + (unit * (size // len(unit))).encode("latin-1")
        + b"\r\n\r\nx"
    )


def _repeated(unit: str, prefix: str = "", suffix: str = "") -> Callable[[int], str]:
    return lambda size: prefix + unit * (size // len(unit)) + suffix


def _nested(prefix: str, unit: str, after: str) -> Callable[[int], str]:
    def made(size: int) -> str:
        count = size // len(unit + after)
        return prefix + "".join(unit.replace("#", str(number)) for number in range(count)) + after * count

    return made


def _safe_html(html: str) -> str:
    return safe_html(Message(html=html), lambda _: "/")


def _repeated_octets(unit: bytes) -> Callable[[int], bytes]:
    return lambda size: unit * (size // len(unit))


def _parts(count: int) -> bytes:
    return _MIXED + b"--b\r\nContent-Type: text/plain\r\n\r\nx\r\n" * count


def _multiparts(count: int) -> bytes:
    return b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (one, one) for one in range(count)
    )


def _zip(count: int) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        for number in range(count):
            made.writestr(str(number), b"x" * 50)
    return out.getvalue()


def overlapping(size: int) -> bytes:
    """Entries that all are the same octets, of half of the archive."""
    data = b"x" * (size // 2)
    crc = zlib.crc32(data)
    head = struct.pack("<4s5H3I2H", b"PK\3\4", 20, 0, 0, 0, 0, crc, len(data), len(data), 1, 0) + b"a"
    entry = (
        struct.pack("<4s6H3I5H2I", b"PK\1\2", 20, 20, 0, 0, 0, 0, crc, len(data), len(data), 1, 0, 0, 0, 0, 0, 0) + b"a"
    )
    count = size // 2 // len(entry)
    return (
        head
        + data
        + entry * count
        + struct.pack(
            "<4s4H2IH", b"PK\5\6", 0, 0, count % 65536, count % 65536, len(entry) * count, len(head) + len(data), 0
        )
    )


def _tnef(attribute: int, value: bytes, count: int) -> bytes:
    one = struct.pack("<BII", 2, attribute, len(value)) + value + b"\0\0"
    begun = struct.pack("<BII", 2, 0x00069002, 0) + b"\0\0"
    return struct.pack("<IH", 0x223E9F78, 1) + begun + one * count


def _lzfu(size: int) -> bytes:
    """References alone, each to the longest that there is."""
    return struct.pack("<II", size, 10**9) + b"LZFu\0\0\0\0" + (b"\xff" + b"\0\x0f" * 8) * (size // 145)


def _rtf(unit: bytes, size: int) -> bytes:
    return b"{\\rtf1\\fromhtml1 " + unit * (size // len(unit))


def _compose(**fields: Any) -> bytes:
    sender = Address(address="a@b.example")
    outgoing = Outgoing(sender=sender, to=(sender,), **fields)
    return compose(outgoing, id="a" * 32, at=datetime(2026, 11, 2, tzinfo=UTC))


def _octets(data: bytes) -> None:
    decoders.lenient_base64(data)
    decoders.is_base64(data)
    decoders.is_quoted_printable(data)
    decoders.lenient_quoted_printable(data)
    for read in (decoders.base64_runs, decoders.uuencoded, decoders.yencoded):
        list(read(data))


def _grown() -> dict[str, tuple[Callable[[Any], object], Callable[[int], Any]]]:
    """The action and its input, by name; of about this size in octets."""
    found: dict[str, tuple[Callable[[Any], object], Callable[[int], Any]]] = {
        "parse: fields": (parse, lambda size: b"a: b\r\n" * (size // 6) + b"\r\n"),
        "parse: broken fields": (parse, lambda size: b"a: b\r\n" + b"a b\r\n" * (size // 5) + b"\r\n"),
        "parse: folded lines": (parse, lambda size: b"To: a\r\n" + b" b\r\n" * (size // 4) + b"\r\n"),
        "parse: parts": (parse, lambda size: _parts(size // 35)),
        "parse: multiparts": (parse, lambda size: _multiparts(size // 50)),
        "parse: messages": (parse, lambda size: b"Content-Type: message/rfc822\r\n\r\n" * (size // 32)),
        "parse: long boundary": (
            parse,
            lambda size: _MIXED.replace(b"=b", b"=" + b"-" * (size // 2)) + b"-" * (size // 2),
        ),
        "parse: long boundary, bare CR": (
            parse,
            lambda size: _MIXED.replace(b"=b", b"=" + b"-" * (size // 2)) + b"\r" + b"-" * size + b"\r",
        ),
        "parse: guessed boundaries": (parse, lambda size: _MIXED + b"--x" + b" \t" * (size // 2) + b"\r\n"),
        "parse: files in text": (parse, lambda size: b"a: b\n\n" + b"begin 644 a\n#0V%T\n`\nend\n" * (size // 25)),
        "parse: reports": (
            parse,
            lambda size: (
                b"Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n"
                b"--b\nContent-Type: message/delivery-status\n\n" + b"Final-Recipient: rfc822; a@b\n\n" * (size // 30)
            ),
        ),
        "zip: entries": (zip_fault, lambda size: _zip(size // 150)),
        "zip: entries that overlap": (zip_fault, overlapping),
        "zip: no archive": (zip_fault, lambda size: b"PK\3\4" * (size // 4)),
        "tnef: attributes": (tnef_files, lambda size: _tnef(0x00018010, b"a\0", size // 13)),
        "tnef: files": (tnef_files, lambda size: _tnef(0x00069002, b"", size // 11)),
        "tnef: properties": (
            tnef_files,
            lambda size: _tnef(0x00069005, struct.pack("<I", 1000) + b"\2\0\1\0aaaa" * 99, size // 800),
        ),
        "rtf: references": (partial(decompressed, most=10**9), _lzfu),
        **{f"rtf: {unit!r}": (read_rtf, partial(_rtf, unit)) for unit in _RTF},
        "smime: pieces": (signed_content, lambda size: _SIGNED + b"\x24\x80" + b"\x04\x01a" * (size // 3)),
        "smime: pieces in pieces": (signed_content, lambda size: _SIGNED + b"\x24\x80" * (size // 2)),
        "smime: skipped": (signed_content, lambda size: _SIGNED[:20] + b"\x31\x80" * (size // 2)),
    }
    for field in _FIELDS:
        found |= {f"parse: {field}: {unit!r}": (parse, _mail(field, unit)) for unit in _UNITS}
    for unit in _HTML:
        found[f"text_of_html: {unit!r}"] = (text_of_html, _repeated(unit))
        found[f"safe_html: {unit!r}"] = (_safe_html, _repeated(unit))
    for nested in _NESTED:
        found[f"safe_html: {' '.join(nested)}"] = (_safe_html, _nested(*nested))
    for prefix, unit in itertools.product(("", "On 2026 a ", "> a\n"), _TEXT):
        found[f"split_quoted: {prefix!r} {unit!r}"] = (split_quoted, _repeated(unit, prefix, "x"))
    found |= {f"decoders: {unit!r}": (_octets, _repeated_octets(unit)) for unit in _OCTETS}
    for letter in ("a", "a ", '"', "\xe9", "=?"):
        found[f"compose: subject {letter!r}"] = (
            lambda text: _compose(subject=text[: len(text) // 10]),
            _repeated(letter),
        )
        found[f"compose: text {letter!r}"] = (lambda text: _compose(text=text, html=text), _repeated(letter))
    found["compose: references"] = (
        lambda ids: _compose(references=ids),
        lambda size: tuple(f"{number}@b.example" for number in range(size // 200)),
    )
    return found


GROWN: Final = _grown()


def grows(name: str, *, size: int = 8_000, largest: int = 512_000) -> float:
    """Growth of the time at four times the size; 0.0 if a first measurement rules out quadratic time."""
    run, made = GROWN[name]
    whole = made(4 * size)
    with undisturbed():
        begun = time.thread_time()
        run(whole)
        taken = time.thread_time() - begun
    if taken < 4 * size * _SECONDS_AN_OCTET:
        return 0.0
    return growth(lambda count: partial(run, made(count)), size, largest=largest)
