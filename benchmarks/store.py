"""What one message costs in the store: requests, units and dollars a million, by the project's own code on a DynamoDB in memory.

The table counts exact sizes of items; prices are those of docs/cost.md. Each request is assumed to take 15 ms of the function's
time. Writes docs/benchmarks/store.md and email_stack/costs/measured.json, from which `make costs` makes docs/cost.md.

    make bench                       this and the others
    python -m benchmarks.store
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from unittest import mock

from email_stack.costs.prices import Price
from email_stack.costs.store import MEASURED, Usage
from email_stack.costs.usage import REQUEST_SECONDS
from email_stack.synthesis.toolchain import PROJECT_ROOT
from mailroom.functions.tracking_notes import Notes
from mailroom.ingest.ingest import Ingest
from mailroom.messages import Address
from mailroom.notifications import StoredObject
from mailroom.outbox import Outbox, Outgoing
from mailroom.outbox.sending import Sending
from mailroom.registry import Entry
from mailroom.store import Table
from tests.mailroom.memory_s3 import MemoryBucket
from tests.mailroom.store.conftest import START, mail
from tests.mailroom.store.memory import MemoryTable

BATCH: Final = 10
"""Events of one invocation, where they come close together."""
TEXT: Final = (
    "Dear all,\r\n\r\n"
    + "we have received your order and will ship it on Thursday as agreed. " * 12
    + "\r\n\r\nKind regards\r\nAnna Beispiel\r\n"
)
ALTERNATIVE: Final = (
    f"--b\r\nContent-Type: text/plain\r\n\r\n{TEXT}\r\n--b\r\nContent-Type: text/html\r\n\r\n"
    f"<html><body><p style=margin:0>{TEXT}</p></body></html>\r\n--b--"
)
NOW: Final = datetime(2026, 11, 23, 9, 1, tzinfo=UTC)
SETS_ARN: Final = "arn:aws:ses:us-east-1:111122223333:configuration-set/"
INGEST_GB: Final = 1.0
NOTING_GB: Final = 0.25
READING_SECONDS: Final = 0.002


@dataclass(frozen=True, slots=True)
class Case:
    """A message, those that are there before it, and the recipient in SES's line, which costs a read of settings."""

    raw: bytes
    before: tuple[bytes, ...] = ()
    recipient: str = ""


def typed(kind: str) -> str:
    """Header of a multipart message."""
    return f"MIME-Version: 1.0\r\nContent-Type: multipart/{kind}; boundary=b\r\n"


def with_files(number: int) -> bytes:
    """A message with so many files."""
    data = base64.b64encode(b"%PDF" + bytes(30_000)).decode()
    files = "".join(
        f"--b\r\nContent-Type: application/pdf; name=f{one}.pdf\r\n"
        f"Content-Disposition: attachment; filename=f{one}.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n{data}\r\n"
        for one in range(number)
    )
    return mail("c", extra=typed("mixed"), body=f"--b\r\nContent-Type: text/plain\r\n\r\n{TEXT}\r\n{files}--b--")


CASES: Final[Mapping[str, Case]] = {
    "plain, begins a thread": Case(mail("a", body=TEXT)),
    "plain, answer": Case(mail("b", "a", body=TEXT), (mail("a", body=TEXT),)),
    "plain, answer a minute later, recipient known": Case(
        mail("b", "a", minute=1, body=TEXT), (mail("a", body=TEXT),), recipient="support@post.acme.example"
    ),
    "text and HTML, 4 unknown references": Case(
        mail("f", "a", "b", "c", "d", "e", extra=typed("alternative"), body=ALTERNATIVE), (mail("a", body=TEXT),)
    ),
    "newsletter, 40 kB HTML": Case(mail("n", extra="Content-Type: text/html\r\n", body="<p>" + "word " * 8000)),
    "one attachment": Case(with_files(1)),
    "three attachments": Case(with_files(3)),
    "first mail of a thread of others, 30 references": Case(mail("a", *[f"r{one}" for one in range(30)])),
}


def main() -> None:
    """Measure, print, and write both files."""
    found = measured()
    MEASURED.write_text(json.dumps({name: asdict(one) for name, one in found.items()}, indent=2) + "\n", "utf-8")
    report = _report(found)
    print(report)
    (PROJECT_ROOT / "docs" / "benchmarks" / "store.md").write_text(report, encoding="utf-8")


def measured() -> dict[str, Usage]:
    """Each message of the table, and what it takes."""
    return {
        **{name: filed(case) for name, case in CASES.items()},
        "outgoing: asked, sent and filed": sent(),
        "waiting for it, 2 s": waited(),
        "its Send, Delivery, open, 3 clicks": tracked(),
    }


def filed(case: Case) -> Usage:
    """One message, as the function takes it from its queue."""
    table, bucket = MemoryTable(), MemoryBucket(clock=lambda: NOW)
    told: list[Any] = []
    dynamodb, s3 = _clients(table, bucket)
    work = Ingest(
        s3=s3,
        dynamodb=dynamodb,
        publish=told.append,
        tenant="acme",
        table="messages",
        retention=None,
        join_by=frozenset(),
        clock=lambda: NOW,
    )
    for number, one in enumerate((*case.before, case.raw)):
        put = bucket.put_object(Key=f"clean/{number}", Body=_by_ses(one, number, case.recipient))
        table.reset()
        bucket.calls.clear()
        told.clear()
        work.take(StoredObject("mail", f"clean/{number}", put["VersionId"]))
    return _usage(table, bucket, sqs=3, events=len(told), invocations=1)


def _by_ses(raw: bytes, number: int, recipient: str) -> bytes:
    """The message with SES's line in front, received now: it is stored promptly."""
    whom = f" for {recipient}" if recipient else ""
    received = (
        f"Received: by inbound-smtp.amazonaws.com with SMTP id {number}{whom}; {NOW:%a, %d %b %Y %H:%M:%S +0000}\r\n"
    )
    return received.encode() + raw


def sent() -> Usage:
    """A message that is asked for, and that the function sends and files; scan and SES are not in it."""
    table, bucket, outbox, name = _asked()
    asked = _usage(table, bucket, sqs=0, events=0, invocations=0)
    composed = bucket.objects[f"raw/out/{name}"]
    scanned = bucket.put_object(Key=f"clean/out/{name}", Body=composed.body or b"", Metadata=composed.metadata)
    table.reset()
    bucket.calls.clear()
    dynamodb, s3 = _clients(table, bucket)
    ses: Any = Ses()
    told: list[Any] = []
    Sending(
        s3=s3,
        ses=ses,
        dynamodb=dynamodb,
        clock=lambda: NOW,
        tenant="acme",
        table="messages",
        configuration_set="acme",
        region="us-east-1",
        retention=None,
        join_by=frozenset(),
        put_back=lambda _again, _seconds: None,
        publish=told.append,
    ).take(StoredObject("mail", f"clean/out/{name}", scanned["VersionId"]))
    assert outbox.progress(name) is not None
    # Quota and sending are requests to SES.
    done = _usage(table, bucket, sqs=3, events=len(told), invocations=1, others=2)
    return Usage(**{field: getattr(asked, field) + value for field, value in asdict(done).items()})


def waited() -> Usage:
    """An application that waits two seconds for it."""
    table, bucket, outbox, name = _asked()
    table.reset()
    bucket.calls.clear()
    with mock.patch("mailroom.outbox.outbox.time", Seconds()):
        outbox.wait(name, seconds=2)
    return _usage(table, bucket, sqs=0, events=0, invocations=0)


def tracked() -> Usage:
    """What becomes of it: six events, each one of a batch of events of the same tenant; what others hear of them is not in it."""
    table, bucket = MemoryTable(), MemoryBucket()
    dynamodb, _s3 = _clients(table, bucket)
    again: list[Any] = []

    def send_again(records: Sequence[Any]) -> frozenset[str]:
        again.extend(records)
        return frozenset()

    notes = Notes(
        entry_of=lambda _set: Entry(tenant="acme", stack="stack", table="messages"),
        table_of=lambda _set, name: Table(client=dynamodb, name=name),
        send_again=send_again,
        sets_arn=SETS_ARN,
        publish=lambda _event: None,
        max_receives=5,
        clock=lambda: NOW,
    )
    kinds = ("Send", "Delivery", "Open", "Click", "Click", "Click")
    lines = [_line(kind, number) for number, kind in enumerate(kinds)]
    # Nobody's events wait: the queue hands them out as they come.
    times = {"SentTimestamp": "1795426860000", "ApproximateFirstReceiveTimestamp": "1795426860050"}
    records = [{"messageId": str(number), "body": line, "attributes": times} for number, line in enumerate(lines)]
    answer = notes.process_batch({"Records": records})
    assert answer == {"batchItemFailures": []}
    passes = 2 if again else 1
    # Each is sent by itself by EventBridge, and received, deleted and sent again in a batch.
    requests = len(lines) * (1 + (2 * passes + (passes - 1)) / BATCH)
    invocations = len(lines) * passes / BATCH
    usage = _usage(table, bucket, sqs=requests, events=0, invocations=invocations)
    return replace(usage, seconds=sum(table.calls.values()) * 0.02 * NOTING_GB)


class Seconds:
    """A clock that goes on where somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        """Seconds."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """They pass."""
        self.now += seconds


class Ses:
    """An SES that takes each message."""

    def get_account(self) -> dict[str, Any]:
        """GetAccount."""
        return {"SendQuota": {"Max24HourSend": 50_000.0, "MaxSendRate": 14.0, "SentLast24Hours": 0.0}}

    def send_email(self, **_: Any) -> dict[str, str]:
        """SendEmail."""
        return {"MessageId": "0107-a"}


def _asked() -> tuple[MemoryTable, MemoryBucket, Outbox, str]:
    table, bucket = MemoryTable(), MemoryBucket(clock=lambda: NOW)
    dynamodb, s3 = _clients(table, bucket)
    outbox = Outbox(table=Table(client=dynamodb, name="messages"), s3=s3, bucket="mail", clock=lambda: START)
    outgoing = Outgoing(
        sender=Address("support@post.acme.example"),
        to=(Address("anna@example.net"),),
        subject="Re: Your order",
        text=TEXT,
    )
    return table, bucket, outbox, outbox.send(outgoing, key="order-17").id


def _line(kind: str, number: int) -> str:
    link = "https://example.org/a/long/enough/link" if kind == "Click" else ""
    at = START + timedelta(seconds=number)
    return f"4|{kind}|0107-a|{SETS_ARN}acme|{START.isoformat()}|{at.isoformat()}|false||event-{number}||{link}"


def _clients(table: MemoryTable, bucket: MemoryBucket) -> tuple[Any, Any]:
    return table, bucket


def _usage(
    table: MemoryTable, bucket: MemoryBucket, *, sqs: float, events: float, invocations: float, others: int = 0
) -> Usage:
    requests = sum(table.calls.values())
    works = invocations > 0
    all_of_them = requests + sum(bucket.calls.values()) + others + events
    return Usage(
        requests=requests,
        written=table.written,
        indexed=table.indexed,
        read=table.read,
        stored=bucket.calls["put_object"],
        opened=bucket.calls["get_object"],
        sqs=round(sqs, 9),
        events=events,
        invocations=round(invocations, 9),
        seconds=(READING_SECONDS + all_of_them * REQUEST_SECONDS) * INGEST_GB if works else 0,
    )


def _report(found: Mapping[str, Usage]) -> str:
    lines = [
        "# The store",
        "",
        "Written by `make bench`: what one message takes when the project's own code files it in a DynamoDB in memory that counts",
        "exact sizes of items, and what a million cost by [the list prices](../cost.md). Each request is assumed to take 15 ms of",
        f"the function's time. Events are noted in batches of {BATCH}, none of which had to wait. Scanning, SES and what is kept",
        "are not in it.",
        "",
        "| one message | DynamoDB requests | write + index | read | S3 put/get | SQS | EventBridge | Lambda GB-s | $ a million |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|",
        *(_row(name, one) for name, one in found.items()),
        "",
        f"What others hear of those six events is {Price.EVENT.of(6e6):.2f} more.",
        "",
    ]
    return "\n".join(lines)


def _row(name: str, one: Usage) -> str:
    cells: Sequence[Callable[[], str]] = (
        lambda: name,
        lambda: f"{one.requests:g}",
        lambda: f"{one.written:g} + {one.indexed:g}",
        lambda: f"{one.read:g}",
        lambda: f"{one.stored:g}/{one.opened:g}",
        lambda: f"{one.sqs:g}",
        lambda: f"{one.events:g}",
        lambda: f"{one.seconds:.3f}",
        lambda: f"{one.dollars * 1e6:.2f}",
    )
    return f"| {' | '.join(cell() for cell in cells)} |"


if __name__ == "__main__":
    main()
