"""Costs of a million messages: measured usage by one message, times its price. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from email_stack.costs.prices import Price, memory_gb
from email_stack.costs.store import Usage, measured

__all__ = [
    "REQUEST_SECONDS",
    "Row",
    "addressed",
    "dollars",
    "events",
    "messages",
    "named",
    "scanning",
    "sending",
    "turn",
]

REQUEST_SECONDS: Final = 0.015
"""Assumed time of a function for a request to DynamoDB or S3."""
_MILLION: Final = 1e6


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table.

    Args:
        what: its name.
        each: usage by one message, in words.
        takes: the same, by price.
        times: number of messages. Default: a million.
    """

    what: str
    each: str
    takes: Mapping[Price, float] = field(default_factory=dict)
    times: float = _MILLION

    @property
    def dollars(self) -> float:
        """Cost in dollars."""
        exact = sum(price.of(number) for price, number in self.takes.items()) * self.times
        return round(exact, 9)  # without errors of binary fractions


def dollars(rows: Sequence[Row]) -> float:
    """Cost of all rows: the sum of the shown figures, so that readers can check it."""
    return sum(float(f"{row.dollars + 1e-9:.2f}") for row in rows)


def scanning(scanner: Mapping[str, Any], sorter: Mapping[str, Any]) -> list[Row]:
    """Rows of one scanned message of 280 kB, and of a month besides; the arguments are the functions' properties."""
    memory, disk = memory_gb(scanner), scanner["EphemeralStorage"]["Size"] / 1024 - 0.5
    small = memory_gb(sorter)
    shown = f"{memory:.2f} GB"
    return [
        Row(
            "Lambda: scan 22 ms, four requests to S3 about 130 ms",
            f"0.15 s x {shown}",
            {Price.X86_SECOND: 0.15 * memory},
        ),
        Row(
            "Lambda: sorted under its tenant's name, by itself",
            f"0.03 s x {small:g} GB",
            {Price.ARM_SECOND: 0.03 * small},
        ),
        Row(
            "Lambda: requests, /tmp",
            f"2 requests; 0.15 s x {disk:.1f} GB",
            {Price.INVOCATION: 2, Price.TMP_SECOND: 0.15 * disk},
        ),
        Row("S3: `raw/` (by SES), verdict, `clean/`", "3 writes, 1 read", {Price.S3_WRITE: 3, Price.S3_READ: 1}),
        Row("SQS: sent, received, deleted, each twice", "6 requests", {Price.SQS_REQUEST: 6}),
        Row("cold starts", f"1,000 a month of 25 s x {shown}", {Price.X86_SECOND: 25 * memory}, 1000),
        Row(
            "clamd started for newer definitions",
            f"5 sandboxes a day, 20 s x {shown}",
            {Price.X86_SECOND: 20 * memory},
            5 * 30,
        ),
    ]


def named(sorter: Mapping[str, Any]) -> list[Row]:
    """Rows of SES's notification of one received message, which mostly ends in the sorter; the argument as for `scanning`."""
    small = memory_gb(sorter)
    return [
        Row("SNS: published by SES", "1 publish", {Price.SNS_PUBLISH: 1}),
        Row("SQS: sent, received, deleted", "3 requests", {Price.SQS_REQUEST: 3}),
        Row(
            "Lambda: read in the sorter, by itself",
            f"1 request; 0.01 s x {small:g} GB",
            {Price.INVOCATION: 1, Price.ARM_SECOND: 0.01 * small},
        ),
    ]


def addressed(scanner: Mapping[str, Any], structurer: Mapping[str, Any]) -> list[Row]:
    """Further rows of one message to several recipients; the arguments are the functions' properties."""
    memory, filing = memory_gb(scanner), memory_gb(structurer)
    return [
        Row(
            "Lambda: recipients written by the scanner, two requests to S3",
            f"1 request; 0.06 s x {memory:.2f} GB",
            {Price.INVOCATION: 1, Price.X86_SECOND: 0.06 * memory},
        ),
        Row("S3: the recipients", "1 write, 1 read", {Price.S3_WRITE: 1, Price.S3_READ: 1}),
        Row(
            "Lambda: added to the delivery, 17 requests of 15 ms, at the second look",
            f"2 requests; 0.28 s x {filing:g} GB",
            {Price.INVOCATION: 2, Price.ARM_SECOND: 0.28 * filing},
        ),
        Row("S3: recipients and message, at both looks", "4 reads", {Price.S3_READ: 4}),
        Row("DynamoDB: recipients, two places, what is told", "4 writes", {Price.TABLE_WRITE: 4}),
        Row("DynamoDB: what is there already", "12 reads", {Price.TABLE_READ: 12}),
        Row("SQS: sent, received, deleted, twice; one try", "8 requests", {Price.SQS_REQUEST: 8}),
        Row("EventBridge: what others hear", "1 event", {Price.EVENT: 1}),
    ]


def messages(structurer: Mapping[str, Any]) -> list[Row]:
    """Rows of one stored message with one attachment, as measured; the argument has the ingest function's properties."""
    memory, one = memory_gb(structurer), measured()["one attachment"]
    requests = one.requests + one.stored + one.opened + one.events
    return [
        Row(
            f"DynamoDB: {one.written:g} items of which each is below 1 kB, and the thread in the index",
            f"{one.written + one.indexed:g} writes",
            {Price.TABLE_WRITE: one.written + one.indexed},
        ),
        Row("DynamoDB: stored items and the thread", f"{one.read:g} reads", {Price.TABLE_READ: one.read}),
        Row("S3: one attachment", f"{one.stored:g} write, {one.opened:g} read", _objects(one)),
        Row(
            f"Lambda: read 2 ms, {requests:g} requests of 15 ms",
            f"{one.seconds:.2f} s x {memory:g} GB",
            {Price.ARM_SECOND: one.seconds * memory},
        ),
        Row(
            "Lambda, SQS, EventBridge: requests, event",
            f"{one.invocations:g}, {one.sqs:g}, {one.events:g}",
            {Price.INVOCATION: one.invocations, Price.SQS_REQUEST: one.sqs, Price.EVENT: one.events},
        ),
    ]


def sending() -> list[Row]:
    """Rows of one sent message, besides its scan and its storing, as measured."""
    whole, filed = measured()["outgoing: asked, sent and filed"], measured()["plain, begins a thread"]
    # Sent mail has no event of its storing, and no recall.
    written = whole.written + whole.indexed - (filed.written + filed.indexed - 1)
    read = whole.read - (filed.read - 1)
    return [
        Row("S3: `raw/out/`", "1 write", {Price.S3_WRITE: 1}),
        Row(
            "DynamoDB: the request and its states, also in the index, the pace, the recipients",
            f"{written:g} writes",
            {Price.TABLE_WRITE: written},
        ),
        Row("DynamoDB: its state", f"{read:g} reads", {Price.TABLE_READ: read}),
        Row("EventBridge: the published event", "1 event", {Price.EVENT: 1}),
    ]


def events(tracker: Mapping[str, Any]) -> list[Row]:
    """Rows of one event of a sent message; the argument has the tracking function's properties."""
    memory = memory_gb(tracker)
    return [
        Row("SQS: sent, received, deleted", "3 requests", {Price.SQS_REQUEST: 3}),
        Row(
            "Lambda: one write about 20 ms",
            f"1 request; 0.02 s x {memory:g} GB",
            {Price.INVOCATION: 1, Price.ARM_SECOND: 0.02 * memory},
        ),
        Row("DynamoDB", "1 write", {Price.TABLE_WRITE: 1}),
        Row("EventBridge: the published event", "1 event", {Price.EVENT: 1}),
    ]


def turn(tracker: Mapping[str, Any]) -> list[Row]:
    """Further rows of an event that waits for its tenant's turn."""
    memory = memory_gb(tracker)
    return [
        Row("SQS: sent again, received, deleted", "3 requests", {Price.SQS_REQUEST: 3}),
        Row(
            "Lambda: sent again about 10 ms",
            f"1 request; 0.01 s x {memory:g} GB",
            {Price.INVOCATION: 1, Price.ARM_SECOND: 0.01 * memory},
        ),
    ]


def _objects(one: Usage) -> dict[Price, float]:
    return {Price.S3_WRITE: one.stored, Price.S3_READ: one.opened}
