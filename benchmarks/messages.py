"""Reading and threading mail, beside the standard library, mail-parser and fast-mail-parser, in one run, as ratios.

The platform reads everything there is in a `Message`, whose fields are all values that `parse` has made, and says which thread each
belongs to; it does so with pybase64, and without, as in Lambda. The others are asked for as much of it as they have: header fields
decoded, bodies, attachments decoded. Then: time for each megabyte as messages grow to 40 MB, ordinary
and hostile ones, and threading of up to 100,000 messages. Writes docs/benchmarks/messages.md.

    make bench                          this and the others
    python -O -m benchmarks.messages
"""

from __future__ import annotations

import base64
import email
import email.policy
import logging
import platform
import random
import statistics
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from unittest.mock import patch

import fast_mail_parser
import mailparser  # type: ignore[import-untyped]

from email_stack.synthesis.toolchain import PROJECT_ROOT
from mailroom.layout import MAX_MESSAGE_OCTETS
from mailroom.messages import base64_library, parse
from mailroom.messages.joining import node_of
from mailroom.threads import ThreadNode, thread_messages
from tests.mailroom.messages.corpus import CASES
from tests.mailroom.messages.test_anything import HOSTILE

ROUNDS: Final = 5
SIZES: Final = (2_500_000, 10_000_000, MAX_MESSAGE_OCTETS)
THREADED: Final = (1_000, 10_000, 100_000)
DATE: Final = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
ALONE: Final = "platform without pybase64"
HEADERS: Final = ("from", "to", "cc", "reply-to", "subject", "date", "message-id", "in-reply-to", "references")


@dataclass(frozen=True, slots=True)
class Read:
    """How one contestant did on one lot of mail."""

    seconds: float
    refused: int


def main() -> None:
    """Measure, print, and write the report."""
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)  # mail-parser has much to say
    rng = random.Random(5)
    lots = {
        "text, 3 kB": [_mail(rng, number) for number in range(1_000)],
        "text and HTML, 60 kB": [_mail(rng, number, html=50_000) for number in range(100)],
        "one document, 280 kB": [_mail(rng, number, attached=200_000) for number in range(30)],
        "one file, 10 MB": [_mail(rng, 0, attached=7_000_000)],
        "the tests' corpus": [case.raw for case in CASES],
    }
    rows = {name: (lot, _compared(name, lot)) for name, lot in lots.items()}
    growth = {"one file": [_to_parse(_mail(rng, 0, attached=size * 7 // 10)) for size in SIZES]}
    growth |= {kind: [_to_parse(make(size)) for size in SIZES] for kind, make in HOSTILE.items()}
    for kind, seconds in growth.items():
        print(f"{kind:>20}  " + "  ".join(f"{one:8.3f} s" for one in seconds))
    threading = {count: _to_thread(_links(rng, count)) for count in THREADED}
    print(threading)
    text = _report(rows, growth, threading)
    (PROJECT_ROOT / "docs" / "benchmarks" / "messages.md").write_text(text, encoding="utf-8")


def _compared(name: str, lot: Sequence[bytes]) -> dict[str, Read]:
    """Each contestant on the same mail, taking turns; the median of the rounds."""
    contestants = {**CONTESTANTS, ALONE: _by_platform_alone}
    seconds: dict[str, list[float]] = {contestant: [] for contestant in contestants}
    refused: dict[str, int] = {}
    for _ in range(ROUNDS):
        for contestant, read in contestants.items():
            started = time.process_time()
            refused[contestant] = read(lot)
            seconds[contestant].append(time.process_time() - started)
    found = {one: Read(statistics.median(seconds[one]), refused[one]) for one in contestants}
    print(
        f"{name:>22}  "
        + "  ".join(f"{one} {read.seconds:.3f} s, {read.refused} refused" for one, read in found.items())
    )
    return found


def _by_platform(lot: Sequence[bytes]) -> int:
    messages = {message.digest: message for message in map(parse, lot)}
    thread_messages(node_of(message, digest) for digest, message in messages.items())
    return 0


def _by_platform_alone(lot: Sequence[bytes]) -> int:
    with patch.object(base64_library, "_pybase64", None):
        return _by_platform(lot)


def _one_by_one(read: Callable[[bytes], object]) -> Callable[[Sequence[bytes]], int]:
    """Reads a lot; returns how many messages could not be read."""

    def read_all(lot: Sequence[bytes]) -> int:
        refused = 0
        for raw in lot:
            try:
                read(raw)
            except Exception:  # noqa: BLE001 - each library raises its own, and others
                refused += 1
        return refused

    return read_all


def _by_stdlib(raw: bytes) -> list[object]:
    message = email.message_from_bytes(raw, policy=email.policy.default)
    found: list[object] = [str(message[name]) for name in HEADERS if name in message]
    for part in message.walk():
        if not part.is_multipart():
            found += [part.get_filename(), part.get_content()]
    return found


def _by_mail_parser(raw: bytes) -> list[object]:
    mail = mailparser.parse_from_bytes(raw)
    return [mail.subject, mail.from_, mail.to, mail.date, mail.text_plain, mail.text_html, mail.attachments]


def _by_fast_mail_parser(raw: bytes) -> list[object]:
    mail = fast_mail_parser.parse_email(raw)
    bodies = [attachment.content for attachment in mail.attachments]
    return [mail.subject, mail.from_, mail.to, mail.date, mail.text_plain, mail.text_html, bodies]


CONTESTANTS: Final[Mapping[str, Callable[[Sequence[bytes]], int]]] = {
    "platform": _by_platform,
    "email, policy.default": _one_by_one(_by_stdlib),
    "mail-parser": _one_by_one(_by_mail_parser),
    "fast-mail-parser": _one_by_one(_by_fast_mail_parser),
}


def _mail(rng: random.Random, number: int, *, html: int = 0, attached: int = 0) -> bytes:
    """An answer in a conversation of ten, as clients send it; with so many octets of HTML, or of a file."""
    parts = [
        b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
        + _text(rng, 2_000)
    ]
    if html:
        body = b"".join(b'<p style=3D"color:red">%s</p>\r\n' % _text(rng, 200) for _ in range(html // 230))
        head = b"Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
        parts.append(head + b"<html><body>" + body + b"</body></html>")
    if attached:
        head = (
            b'Content-Type: application/pdf; name="=?utf-8?q?Angebot_f=C3=BCr_M=C3=BCller.pdf?="\r\n'
            b"Content-Transfer-Encoding: base64\r\n"
            b"Content-Disposition: attachment; filename*=utf-8''Angebot%20f%C3%BCr%20M%C3%BCller.pdf\r\n\r\n"
        )
        parts.append(head + base64.encodebytes(rng.randbytes(attached)).replace(b"\n", b"\r\n"))
    first = number - number % 10
    above = (
        f"In-Reply-To: <{number - 1}@example.net>\r\nReferences: <{first}@example.net> <{number - 1}@example.net>\r\n"
    )
    header = (
        f"Received: from mx.example.net by inbound-smtp.eu-central-1.amazonaws.com; {DATE:%a, %d %b %Y %H:%M:%S +0000}\r\n"
        "From: =?utf-8?q?J=C3=B6rg_M=C3=BCller?= <joerg@example.net>\r\nTo: Support <support@post.acme.example>\r\n"
        f"Subject: =?utf-8?b?{base64.b64encode('Re: Zähler und Vertrag'.encode()).decode()}?=\r\n"
        f"Date: {DATE + timedelta(minutes=number):%a, %d %b %Y %H:%M:%S +0000}\r\nMessage-ID: <{number}@example.net>\r\n"
        + (above if number % 10 else "")
        + f"MIME-Version: 1.0\r\nContent-Type: multipart/{'alternative' if html else 'mixed'}; boundary=frontier\r\n\r\n"
    )
    return header.encode() + b"".join(b"--frontier\r\n" + part + b"\r\n" for part in parts) + b"--frontier--\r\n"


def _text(rng: random.Random, octets: int) -> bytes:
    """Quoted-printable lines."""
    words = ("Zähler", "Vertrag", "Strom", "ist", "am", "Montag", "abgelesen", "worden", "und", "bitte")
    line = " ".join(rng.choice(words) for _ in range(8))
    encoded = line.encode().replace(b"\xc3\xa4", b"=C3=A4")
    return (encoded + b"\r\n") * (octets // (len(encoded) + 2) + 1)


def _links(rng: random.Random, count: int) -> list[ThreadNode]:
    """Conversations of about ten messages that name up to twenty before them, in any order."""
    links = []
    for number in range(count):
        first = number - number % 10
        above = tuple(f"{one}@example.net" for one in range(first, number))
        links.append(
            ThreadNode(
                key=str(number),
                message_id=f"{number}@example.net",
                references=above,
                date=DATE + timedelta(minutes=number),
            )
        )
    rng.shuffle(links)
    return links


def _to_parse(raw: bytes) -> float:
    return min(_seconds(lambda: parse(raw)) for _ in range(2))


def _to_thread(links: Sequence[ThreadNode]) -> float:
    return min(_seconds(lambda: thread_messages(links)) for _ in range(3))


def _seconds(run: Callable[[], object]) -> float:
    started = time.process_time()
    run()
    return time.process_time() - started


def _report(
    rows: Mapping[str, tuple[Sequence[bytes], Mapping[str, Read]]],
    growth: Mapping[str, Sequence[float]],
    threading: Mapping[int, float],
) -> str:
    lines = [
        "# Messages",
        "",
        f"Written by `make bench`, Python {platform.python_version()}. Messages in a second of one core's time, and megabytes of",
        "them; in brackets, how many times as long as the platform takes. The platform reads all of [a message](../messages.md)",
        "and makes threads of the lot; the others are asked for header fields, bodies and decoded attachments.",
        "",
        f"| mail | {' | '.join(CONTESTANTS)} |",
        f"|---|{'---:|' * len(CONTESTANTS)}",
    ]
    for name, (lot, found) in rows.items():
        megabytes = sum(map(len, lot)) / 1e6
        ours = found["platform"].seconds
        cells = []
        for contestant in CONTESTANTS:
            read = found[contestant]
            cell = f"{len(lot) / read.seconds:,.0f}/s, {megabytes / read.seconds:,.1f} MB/s"
            cell += "" if contestant == "platform" else f" ({read.seconds / ours:.2f}x)"
            cells.append(cell + (f", raises on {read.refused} of {len(lot)}" if read.refused else ""))
        lines.append(f"| {name} | {' | '.join(cells)} |")
    lines += [
        "",
        "The platform decodes base64 by pybase64 where it is [installed](../installing.md), and by Python elsewhere, as in the",
        "functions in Lambda:",
        "",
        "| mail | with pybase64 | without |",
        "|---|---:|---:|",
    ]
    for name, (lot, found) in rows.items():
        rates = [sum(map(len, lot)) / 1e6 / found[one].seconds for one in ("platform", ALONE)]
        lines.append(f"| {name} | {rates[0]:,.1f} MB/s | {rates[1]:,.1f} MB/s |")
    lines += [
        "",
        "Milliseconds for each megabyte as messages grow, ordinary ones and such as are built to take long. Where the figures of a",
        "line are alike, time is linear.",
        "",
        f"| message | {' | '.join(f'{size / 1e6:g} MB' for size in SIZES)} |",
        f"|---|{'---:|' * len(SIZES)}",
    ]
    for kind, seconds in growth.items():
        cells = [f"{one * 1e9 / size:,.1f}" for one, size in zip(seconds, SIZES, strict=True)]
        lines.append(f"| {kind} | {' | '.join(cells)} |")
    lines += [
        "",
        "Threads of messages of which each names all before it in its conversation, in one go, in any order:",
        "",
        "| messages | seconds | microseconds a message |",
        "|---:|---:|---:|",
        *(f"| {count:,} | {seconds:.3f} | {seconds / count * 1e6:.1f} |" for count, seconds in threading.items()),
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
