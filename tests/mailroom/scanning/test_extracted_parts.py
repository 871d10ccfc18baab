"""Everything in a message, in every reading; from any octets at all."""

from __future__ import annotations

import base64
import itertools
from unittest.mock import patch

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mailroom.messages.decoders import lenient_base64, lenient_quoted_printable, uuencoded, yencoded
from mailroom.messages.mime import MAX_PARTS
from mailroom.scanning import extracted_parts as module
from mailroom.scanning import readings
from mailroom.scanning.extracted_parts import MAX_FIELD_OCTETS, MAX_PIECES, ExtractedPart, extracted_parts
from tests.mailroom.scanning.hiding import encoded, mixed, part, uuencode, yencode
from tests.untraced import unwatched


def test_ordinary_message_is_few_pieces() -> None:
    """The message, its text and its attachment; nothing is scanned twice for its wrapping."""
    found = list(extracted_parts(mixed(encoded(b"\x89PNG harmless", "logo.png"))))
    assert found[0].path == ""
    assert [(piece.path, piece.filename) for piece in found[1:] if ":" not in piece.path] == [
        ("1", ""),
        ("2", "logo.png"),
    ]
    assert len({piece.data for piece in found}) == len(found)


def test_too_many_parts() -> None:
    """A message of endless parts ends in one piece that says so."""
    raw = mixed(*(part(f"{number}".encode(), "Content-Type: text/plain") for number in range(MAX_PIECES + 10)))
    assert limits_of(raw) == {"Limits.Parts"}
    assert limits_of(mixed(*(part(b"x", "Content-Type: text/plain") for _ in range(MAX_PARTS + 10)))) == set()


def test_too_many_pieces() -> None:
    """So does a text of endless encoded files."""
    runs = (base64.b64encode(b"%030d" % number) for number in range(MAX_PIECES + 10))
    found = list(extracted_parts(b"Subject: x\r\n\r\n" + b"\r\n, ".join(runs)))
    assert len(found) == MAX_PIECES + 1
    assert found[-1].unscannable == "Limits.Parts"


@pytest.mark.parametrize("header", [b"Subject: x", b"Content-Transfer-Encoding: x-uuencode"])
def test_encoded_file_that_is_all_zeros(header: bytes) -> None:
    """40 MB of lines that each stand for 63 octets would be more than a gigabyte: what is much longer than the text is held."""
    raw = header + b"\r\n\r\nbegin 644 x\r\n" + b"_\r\n" * 100_000
    assert limits_of(raw) == {"Limits.Encoded"}
    assert max(len(piece.data) for piece in extracted_parts(raw)) <= len(raw) + 1_000_000
    assert limits_of(raw[: len(raw) // 10]) == set()


@pytest.mark.parametrize("name", ["Content-Type", "Content-Disposition", "Content-Transfer-Encoding", "Content-ID"])
@pytest.mark.parametrize("unit", [b'; a="', b"text/plain; ", b"x"])
def test_field_that_says_what_a_part_is_ends(name: str, unit: bytes) -> None:
    """One of more octets than anybody writes is over the limit, of the message and of a part."""
    field = name.encode() + b": " + unit * (MAX_FIELD_OCTETS // len(unit) + 10)
    assert limits_of(field + b"\r\n\r\nx") == {"Limits.Header"}
    assert limits_of(mixed(field + b"\r\n\r\nx")) == {"Limits.Header"}
    assert limits_of(field[: MAX_FIELD_OCTETS // 2] + b"\r\n\r\nx") == set()


def test_header_ends() -> None:
    """So is a header that is longer than the reader reads."""
    fields = b"".join(b"X-Field-%d: %s\r\n" % (number, b"value" * 10) for number in range(20_000))
    assert limits_of(fields + b"\r\nx") == {"Limits.Header"}
    assert limits_of(fields[:500_000] + b"\r\n\r\nx") == set()
    assert limits_of(b"X-Field: value\r\n" * 9_999 + b"\r\nx") == set()
    assert limits_of(b"X-Field: value\r\n" * 10_001 + b"\r\nx") == {"Limits.Header"}


def test_late_is_over_the_limit() -> None:
    """Once it is late nothing more is read, and the last piece says so, wherever that was."""
    raw = mixed(*(encoded(b"file %d" % number) for number in range(20)))
    whole = list(extracted_parts(raw))
    for allowed in range(len(whole)):
        asked = itertools.count()
        found = list(extracted_parts(raw, lambda: next(asked) >= allowed))  # noqa: B023 - asked at once
        assert found[-1].unscannable == "Limits.Time"
        assert found[:-1] == whole[: len(found) - 1]


@pytest.mark.parametrize("taken", [1, 2, 3])
def test_late_behind_some_pieces(taken: int) -> None:
    """Also where later pieces are extracted, which the engine has not seen."""
    is_late = False
    pieces = extracted_parts(mixed(encoded(b"first"), encoded(b"second")), late=lambda: is_late)
    before = list(itertools.islice(pieces, taken))
    assert not any(piece.unscannable for piece in before)
    is_late = True
    assert [piece.unscannable for piece in pieces] == ["Limits.Time"]


def limits_of(raw: bytes) -> set[str]:
    """Limits that the message is over."""
    return {piece.unscannable for piece in extracted_parts(raw) if piece.unscannable}


def test_too_deep() -> None:
    """Messages within messages end in a piece that says so."""
    raw = mixed()
    for _ in range(20):
        raw = mixed(part(base64.encodebytes(raw), "Content-Type: message/rfc822", "Content-Transfer-Encoding: base64"))
    assert any(piece.unscannable.startswith("Limits.") for piece in extracted_parts(raw))


def test_nested_beyond_reason() -> None:
    """Multiparts a thousand deep are no crash: what cannot be read is sealed, or was read."""
    lines = b"".join(f'Content-Type: multipart/mixed; boundary="b{n}"\r\n\r\n--b{n}\r\n'.encode() for n in range(1500))
    found = list(extracted_parts(b"MIME-Version: 1.0\r\n" + lines + b"Content-Type: text/plain\r\n\r\nx"))
    assert found[0].data
    assert any(piece.unscannable for piece in found)


PARTS = b"Content-Type: multipart/mixed; boundary=b\n\n--b\n"
UNITS = [
    *(
        b" ",
        b"A",
        b"=",
        b"= ",
        b"=\n",
        b"a=\n",
        b">",
        b"\r",
        b"name=",
        b"content-",
        b"a:b\n",
        b"\n ",
        b"--b\n",
        b"AAAA\n",
        b"AAAA!\n",
    ),
    *(b"begin 644 x\n", b"begin-base64 644 x\n", b"=ybegin name=\n", b"Content-Type : x\n", PARTS),
]


@pytest.mark.slow
@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("start", [b"", b"begin 644 ", PARTS])
def test_much_of_the_same(unit: bytes, start: bytes) -> None:
    """300 kB of anything costs about what 300 kB of mail do: no reading goes over the same octets again and again."""
    few = start + unit * 300
    assert next(extracted_parts(few)).data == few
    assert list(extracted_parts(few))
    raw = start + unit * (300_000 // len(unit))
    with unwatched():
        assert next(extracted_parts(raw)).data == raw
        assert sum(len(piece.data) for piece in extracted_parts(raw)) < 20 * len(raw)


@given(st.binary(max_size=2000))
def test_any_octets(raw: bytes) -> None:
    """The message itself comes first, whatever it is, and nothing is raised."""
    found = list(extracted_parts(raw))
    assert all(isinstance(piece, ExtractedPart) for piece in found)
    assert not raw or found[0].data == raw


@given(st.lists(st.sampled_from([
    b"Content-Type: multipart/mixed; boundary=b\n", b"Content-Type: message/rfc822\n", b"\n", b"--b\n", b"--b--\n",
    b"Content-Transfer-Encoding: base64\n", b"Content-Transfer-Encoding: quoted-printable\n", b"begin 644 x\n", b"=ybegin name=x\n",
    b"#86)C\n", b"end\n", b"YWJj\n", b"=41=\n", b"Content-Disposition: attachment; filename*=utf-8''%ff\n", b"\xff\xfe\n", b"\r",
]), max_size=40))  # fmt: skip
def test_any_order_of_what_mail_is_made_of(lines: list[bytes]) -> None:
    """Nonsense that looks like mail is read without an error."""
    assert list(extracted_parts(b"".join(lines))) or not lines


@given(st.binary(max_size=500), st.integers(1, 100))
def test_base64_is_undone(data: bytes, width: int) -> None:
    """However the lines are cut, with noise between them."""
    text = base64.b64encode(data)
    cut = b" \r\n!".join(text[at : at + width] for at in range(0, len(text), width))
    assert lenient_base64(cut) == data


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_bodies_behind_each_other(first: bytes, second: bytes) -> None:
    """What follows padding is decoded as well."""
    both = lenient_base64(base64.b64encode(first) + b"\n" + base64.b64encode(second))
    assert both == first + second or not base64.b64encode(first).endswith(b"=")


@given(st.binary(min_size=1, max_size=500))
def test_uuencoding_is_undone(data: bytes) -> None:
    """A block anywhere in a text, line by line."""
    (found,) = uuencoded(b"text before\n" + uuencode(data, "a b.bin") + b"text behind\n")
    assert (found.name, found.data, found.whole) == ("a b.bin", data, True)


def test_blocks_behind_each_other() -> None:
    """Each block is its own file, though the one before was never ended."""
    unended = uuencode(b"first").removesuffix(b"`\nend\n")
    found = [(one.name, one.data, one.whole) for one in uuencoded(unended + uuencode(b"second"))]
    assert found == [("invoice.bin", b"first", False), ("invoice.bin", b"second", True)]


@given(st.binary(min_size=1, max_size=500))
def test_yenc_is_undone(data: bytes) -> None:
    """A block with its escapes."""
    assert list(yencoded(yencode(data))) == [("invoice.bin", data)]


@given(st.binary(max_size=300))
def test_quoted_printable_is_undone(data: bytes) -> None:
    """Every octet by its number."""
    assert lenient_quoted_printable("".join(f"={octet:02X}" for octet in data).encode()) == data


def _in_lines(octets: int, width: int, line_end: bytes) -> bytes:
    text = base64.b64encode(bytes(number % 251 for number in range(octets)))
    return line_end.join(text[at : at + width] for at in range(0, len(text), width))


BODIES = st.builds(
    _in_lines,
    st.sampled_from([30, 757, 758, 759, 1800]),
    st.sampled_from([4, 5, 60, 76, 100, 998]),
    st.sampled_from([b"\r\n", b"\n", b"\r"]),
)
AROUND = st.sampled_from(
    [b"", b"\r\n", b"\n\n", b"text\r\n", b"=", b"-", b" ", b"begin 644 x\n", b"=ybegin name=x\n", b"=41=\n"]
)
FIRST_LINES = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
BASE64 = b"--b\r\nContent-Transfer-Encoding: base64\r\n"


@unwatched()
@given(
    st.lists(
        st.tuples(st.sampled_from([b"\r\n", b"\n", b""]), AROUND, BODIES, AROUND, st.booleans()), min_size=1, max_size=3
    )
)
@example([(b"\r\n", b"", _in_lines(759, 5, b"\r\n"), b"", False)])
@example([(b"", b"", _in_lines(1800, 76, b"\r\n"), b"", False)])
@example([(b"\r\n", b"begin 644 x\n", _in_lines(1800, 60, b"\n"), b"", True)])
def test_bodies_of_base64_need_no_second_search(bodies: list[tuple[bytes, bytes, bytes, bytes, bool]]) -> None:
    """The same pieces come where all of the text is searched, and where no body counts as one of equal lines."""
    written = (
        BASE64 + empty + above + body + below + (body if twice else b"") for empty, above, body, below, twice in bodies
    )
    raw = FIRST_LINES + b"\r\n".join(written) + b"\r\n--b--\r\n"
    found = list(extracted_parts(raw))
    with patch.object(module, "without_blocks", lambda raw, _blocks: raw):
        assert list(extracted_parts(raw)) == found
    with patch.object(readings, "usual_letters_of", lambda *_arguments: None):
        assert list(extracted_parts(raw)) == found


@pytest.mark.parametrize(
    ("above", "below", "is_left_out"),
    [
        (b"X: y\r\n\r\n", b"\r\n--b--", True),
        (b"X: y\n\n", b"", True),
        (b"X: y\r\r", b"\r\rtext", True),
        (b"X: y\r\n", b"\r\n--b--", False),
        (b"", b"\r\n--b--", False),
        (b"X: y\n\n", b"\ntext", False),
        (b"X: y\n\n", b"text", False),
    ],
)
def test_body_is_left_out_where_its_text_ends(above: bytes, below: bytes, is_left_out: bool) -> None:
    """Below an empty line, and above another one, a delimiter or the end."""
    raw = above + b"QUJD\r\n" * 300 + below
    block = (len(above), len(raw) - len(below))
    assert readings.without_blocks(raw, [block]) == (above + below if is_left_out else raw)
    assert readings.without_blocks(raw, [block, (block[0] + 6, block[1])]) == (above + below if is_left_out else raw)
