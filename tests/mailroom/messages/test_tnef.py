"""The files in a winmail.dat, whole, cut and made up."""

from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import strategies as st

from mailroom.messages import Origin, parse
from mailroom.messages.tnef import tnef_files


def attribute(level: int, identifier: int, value: bytes) -> bytes:
    """One attribute with its checksum. MS-OXTNEF 2.1.3."""
    return struct.pack("<BII", level, identifier, len(value)) + value + struct.pack("<H", sum(value) & 0xFFFF)


def properties(*found: tuple[int, int, bytes]) -> bytes:
    """MAPI properties of one value each. MS-OXTNEF 2.1.3.4."""
    out = struct.pack("<I", len(found))
    for kind, name, value in found:
        out += struct.pack("<HHII", kind, name, 1, len(value)) + value + b"\0" * (-len(value) % 4)
    return out


def stream(*attributes: bytes) -> bytes:
    """A TNEF stream."""
    return struct.pack("<IH", 0x223E9F78, 1) + b"".join(attributes)


LONG = properties(
    (0x001F, 0x3707, "Größe.txt\0".encode("utf-16-le")), (0x001E, 0x370E, b"text/plain\0"), (0x001E, 0x3712, b"<c@x>\0")
)
WHOLE = stream(
    attribute(1, 0x00069007, struct.pack("<II", 1252, 0)),
    attribute(2, 0x00069002, b"\0" * 14),
    attribute(2, 0x00018010, b"SHORT.TXT\0"),
    attribute(2, 0x0006800F, b"first"),
    attribute(2, 0x00069002, b"\0" * 14),
    attribute(2, 0x00018010, b"GR\xd6SSE~1.TXT\0"),
    attribute(2, 0x0006800F, b"second"),
    attribute(2, 0x00069005, LONG),
)


def test_files_are_opened() -> None:
    """Short and long names, types and content ids; in their order."""
    files, whole = tnef_files(WHOLE)
    assert whole
    assert [(one.filename, one.content_type, one.content_id, one.data) for one in files] == [
        ("SHORT.TXT", "", "", b"first"),
        ("Größe.txt", "text/plain", "c@x", b"second"),
    ]


def test_they_are_attachments() -> None:
    """Beside the winmail.dat itself, which stays listed."""
    raw = b"Content-Type: application/ms-tnef; name=winmail.dat\r\n\r\n" + WHOLE
    found = [(one.path, one.filename, one.origin) for one in parse(raw).attachments]
    assert found == [
        ("", "winmail.dat", Origin.MIME),
        (":1", "SHORT.TXT", Origin.TNEF),
        (":2", "Größe.txt", Origin.TNEF),
    ]


def test_cut_stream_gives_what_it_holds() -> None:
    """And says that it is broken, wherever it is cut."""
    for end in range(6, len(WHOLE) - 2):
        files, whole = tnef_files(WHOLE[:end])
        assert len(files) <= 2
        assert not whole or end in _ENDS
    (problem,) = parse(b"Content-Type: application/ms-tnef\r\n\r\n" + WHOLE[:-40]).problems
    assert problem.what == "tnef-broken"


def _ends() -> set[int]:
    """Ends of attributes: a stream that ends there is valid."""
    at, ends = 6, {6}
    while at < len(WHOLE):
        at += 9 + struct.unpack_from("<I", WHOLE, at + 5)[0] + 2
        ends |= {at - 2, at - 1, at}
    return ends


_ENDS = _ends()


@given(st.binary(max_size=300), st.integers(0, len(WHOLE)), st.integers(0, len(WHOLE)))
def test_anything_is_read(noise: bytes, start: int, end: int) -> None:
    """Never an error, and never more than there is."""
    for data in (noise, WHOLE[:6] + noise, WHOLE[:start] + noise + WHOLE[end:]):
        files, _whole = tnef_files(data)
        assert sum(len(one.data) for one in files) <= len(data)


PDF = b"%PDF-1.4\n1 0 obj << /Type /Catalog >> endobj\ntrailer << /Root 1 0 R >>\n%%EOF\n"
INTERFACE = bytes.fromhex("0703020000000000c000000000000046")


def test_binary_property_is_the_whole_file() -> None:
    """Only an object has the octets of an interface in front. MS-OXCDATA 2.11.1."""
    begin = attribute(2, 0x00069002, b"\0" * 14)
    name = (0x001E, 0x3707, b"lieferschein-4711.pdf\0")
    for kind, content in ((0x0102, PDF), (0x000D, INTERFACE + PDF)):
        (file,), whole = tnef_files(stream(begin, attribute(2, 0x00069005, properties(name, (kind, 0x3701, content)))))
        assert (file.filename, file.data, whole) == ("lieferschein-4711.pdf", PDF, True)
    assert len(PDF) == 77


def test_message_within_is_opened() -> None:
    """Attach method 5: the property is the message, whatever prose stands in its place, before it or behind."""
    begin = attribute(2, 0x00069002, b"\0" * 14)
    inner = stream(begin, attribute(2, 0x00018010, b"zaun.pdf\0"), attribute(2, 0x0006800F, PDF))
    method = struct.pack("<IHHI", 2, 0x0003, 0x3705, 5)
    message = attribute(2, 0x00069005, method + properties((0x000D, 0x3701, INTERFACE + inner))[4:])
    prose = attribute(2, 0x0006800F, b"This attachment is a MAPI 1.0 embedded message.")
    title = attribute(2, 0x00018010, b"Zaunplan\0")
    for attributes in ((title, prose, message), (title, message, prose)):
        raw = b"Content-Type: application/ms-tnef; name=winmail.dat\r\n\r\n" + stream(begin, *attributes)
        found = [(one.path, one.filename, bytes(one.data)) for one in parse(raw).attachments[1:]]
        assert found == [(":1", "Zaunplan", inner), (":1.1", "zaun.pdf", PDF)]
