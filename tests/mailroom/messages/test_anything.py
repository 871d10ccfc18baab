"""Any octets are read, without an error and in linear time. Only scanned content is opened."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailroom.messages import Attachment, Origin, parse
from mailroom.messages.mime import MAX_PARTS
from mailroom.messages.parse import MAX_NESTED
from tests.mailroom.messages.checks import check_message, check_scanned
from tests.mailroom.messages.corpus import CASES, Case
from tests.mailroom.scanning.hiding import HIDDEN

LINES = [
    b"From: a@b.example",
    b"Subject: =?utf-8?q?=C3?= =?utf-8?q?=A9?=",
    b"Subject: =?koi8-r?b?8NLJ18XU",
    b"Content-Type: multipart/mixed; boundary=x",
    b'Content-Type: multipart/alternative; boundary="x "',
    b"Content-Type: message/rfc822",
    b"Content-Type: text/html; charset=iso-2022-jp",
    b"Content-Type: application/ms-tnef; name*0*=utf-8''w%; name*1=in.dat",
    b"Content-Type: multipart/report; report-type=delivery-status; boundary=y",
    b"Content-Type: message/delivery-status",
    b"Content-Transfer-Encoding: base64",
    b"Content-Transfer-Encoding: quoted-printable",
    b"Content-Transfer-Encoding: x-uuencode",
    b'Content-Disposition: attachment; filename="a b',
    b"References: <a@b> <c@d",
    b"To: (((, <x@y, :;",
    b"Date: Mon, 99 Foo 2026",
    b"--x",
    b"--x--",
    b"--y",
    b"",
    b" folded",
    b"begin 644 a.bin",
    b"#0V%T",
    b"`",
    b"end",
    b"QUJD=REVG",
    b"=C3=A9=",
    b"> quoted",
    b"On Mon, 23 Nov 2026, a@b.example wrote:",
    b"\x1b$B\xff\x00\x80",
    b"<blockquote><script>&amp;<!--",
    b"x\x9f\x3e\x22" + b"\x00" * 9,
]
ANYTHING = st.one_of(
    st.binary(max_size=2000),
    st.lists(st.one_of(st.sampled_from(LINES), st.binary(max_size=40)), max_size=60).flatmap(
        lambda lines: st.sampled_from([b"\r\n", b"\n", b"\r"]).map(lambda end: end.join(lines))
    ),
)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(ANYTHING)
def test_never_raises(raw: bytes) -> None:
    """A message comes out, and holds together."""
    check_message(raw)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(ANYTHING)
def test_nothing_is_opened_that_was_not_scanned(raw: bytes) -> None:
    """Every attachment is within some piece that the scanner looked at."""
    check_scanned(raw)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_corpus_was_scanned(case: Case) -> None:
    """The same for mail that somebody could send."""
    check_scanned(case.raw)


@pytest.mark.parametrize("name", HIDDEN)
def test_hidden_was_scanned(name: str) -> None:
    """The same for mail that hides something."""
    check_scanned(HIDDEN[name])


def nested(depth: int) -> bytes:
    """So many messages within each other."""
    return b"Content-Type: message/rfc822\r\n\r\n" * depth + b"Subject: innermost\r\n\r\nend"


def test_depth_ends() -> None:
    """What is nested deeper than anybody nests is kept, not opened."""
    message, depth = parse(nested(500)), 0
    while message.nested:
        message, depth = message.nested[0].message, depth + 1
    assert depth == MAX_NESTED
    assert message.problems[0].what == "too-deep"
    assert len(message.attachments) == 1


def test_parts_end() -> None:
    """Of more parts than anybody sends, the rest is one attachment: nothing is lost."""
    parts = b"".join(b"--x\r\n\r\npart %d\r\n" % number for number in range(3000))
    message = parse(b"Content-Type: multipart/mixed; boundary=x\r\n\r\n" + parts + b"--x--\r\n")
    assert "too-many-parts" in {problem.what for problem in message.problems}
    (rest,) = message.attachments
    assert b"part 2999" in bytes(rest.data)
    assert len(message.text.split("\n")) <= MAX_PARTS + 1


HOSTILE: dict[str, Callable[[int], bytes]] = {
    "blank lines": lambda size: b"\n" * size,
    "almost delimiters": lambda size: b'Content-Type: multipart/mixed; boundary="-"\n\n' + b"\n--- x" * (size // 6),
    "delimiters": lambda size: b'Content-Type: multipart/mixed; boundary="-"\n\n' + b"---\n" * (size // 4),
    "fields": lambda size: b"a:b\n" * (size // 4),
    "encoded words": lambda size: b"Subject: " + b"=?a?q?" * (size // 6),
    "addresses": lambda size: b"From: " + b'(<"@,:;' * (size // 7),
    "parameters": lambda size: b"Content-Type: a/b" + b'; x="\\"' * (size // 7),
    "tags": lambda size: b"Content-Type: text/html\n\n" + b"<script <!-- <p" * (size // 15),
    "files in text": lambda size: b"\n\n" + b"begin 644 a\n" * (size // 12),
    "folding": lambda size: b"Subject:" + b"\n " * (size // 2),
    "quotations": lambda size: b"\n\n" + b"On 2026 wrote:\n>\n" * (size // 17),
    "messages": lambda size: b"Content-Type: message/rfc822\n\n" * (size // 30),
    "multiparts": lambda size: b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (number, number) for number in range(size // 50)
    ),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_work_is_linear(kind: str) -> None:
    """Twice the size is about twice the work, counted in calls, for mail that is built to make it more."""
    small, big = (_calls(HOSTILE[kind](size)) for size in (20_000, 80_000))
    assert big <= 6 * small + 2000


def _calls(raw: bytes) -> int:
    """Number of calls to read it, because times depend on the machine."""
    calls = 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event in {"call", "c_call"}

    sys.setprofile(count)
    try:
        parse(raw)
    finally:
        sys.setprofile(None)
    return calls


def test_origins_are_told() -> None:
    """A file in the text is an attachment of its own, and no longer text."""
    (attachment,) = parse(b"Subject: x\n\nsee:\nbegin 644 cat.txt\n#0V%T\n`\nend\nbye\n").attachments
    assert (attachment.origin, attachment.filename, bytes(attachment.data)) == (Origin.UUENCODE, "cat.txt", b"Cat")


@pytest.mark.parametrize(
    ("filename", "safe"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\x\\report.pdf", "report.pdf"),
        ("a\x00b\u202egnp.exe", "a_b_gnp.exe"),
        ("..", "attachment-2"),
        ("", "attachment-2"),
        ("x" * 300 + ".pdf", "x" * 196 + ".pdf"),
    ],
)
def test_names_to_save_under(filename: str, safe: str) -> None:
    """One component of a path, without what hides its end."""
    attachment = Attachment(path="2", filename=filename, content_type="a/b", sha256="", size=0)
    assert attachment.safe_filename == safe
