"""What a million messages cost: how much of each thing one takes, as it was measured, times its price. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from email_stack.costs.idle import memory_gb
from email_stack.costs.prices import Price

__all__ = ["Row", "dollars", "events", "messages", "scanning", "sending"]

_MILLION: Final = 1e6


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table.

    Args:
        what: it is.
        each: how much of it one message takes, in words.
        takes: the same, by price.
        times: how often that is. Default: a million messages.
    """

    what: str
    each: str
    takes: Mapping[Price, float] = field(default_factory=dict)
    times: float = _MILLION

    @property
    def dollars(self) -> float:
        """What it costs."""
        exact = sum(price.of(number) for price, number in self.takes.items()) * self.times
        return round(exact, 9)  # without what binary fractions add


def dollars(rows: Sequence[Row]) -> float:
    """What they cost together: the sum of what is shown, so that readers can add it up."""
    return sum(float(f"{row.dollars + 1e-9:.2f}") for row in rows)


def scanning(scanner: Mapping[str, Any], sorter: Mapping[str, Any]) -> list[Row]:
    """Of one scanned message of 280 kB, and what a month takes besides; the functions are their properties."""
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


def messages(structurer: Mapping[str, Any]) -> list[Row]:
    """Of one filed message with one attachment; the function that files it is its properties."""
    memory = memory_gb(structurer)
    return [
        Row(
            "DynamoDB: 28 writes in the transaction, 2 in the index, 2 once it was told",
            "32 writes",
            {Price.TABLE_WRITE: 32},
        ),
        Row("DynamoDB: what is there already, whose thread it is", "10 reads", {Price.TABLE_READ: 10}),
        Row("S3: one attachment", "1 write, 1 read", {Price.S3_WRITE: 1, Price.S3_READ: 1}),
        Row(
            "Lambda: read 2 ms, nine requests about 150 ms",
            f"0.15 s x {memory:g} GB",
            {Price.ARM_SECOND: 0.15 * memory},
        ),
        Row(
            "Lambda, SQS, EventBridge: requests, event",
            "1, 3, 1",
            {Price.INVOCATION: 1, Price.SQS_REQUEST: 3, Price.EVENT: 1},
        ),
    ]


def sending() -> list[Row]:
    """Of one message that is sent, besides what scanning and filing take."""
    return [
        Row("S3: `raw/out/`", "1 write", {Price.S3_WRITE: 1}),
        Row(
            "DynamoDB: the request and its four states, also in the index, whom it went to",
            "13 writes",
            {Price.TABLE_WRITE: 13},
        ),
        Row("DynamoDB: how far it is", "4 reads", {Price.TABLE_READ: 4}),
        Row("EventBridge: what others hear", "1 event", {Price.EVENT: 1}),
    ]


def events(tracker: Mapping[str, Any]) -> list[Row]:
    """Of one event of a message that was sent, at most; the function that notes it is its properties."""
    memory = memory_gb(tracker)
    return [
        Row("SQS: sent, received, deleted, each twice", "6 requests", {Price.SQS_REQUEST: 6}),
        Row(
            "Lambda: sent again under its tenant's name about 10 ms, one write about 20 ms",
            f"2 requests; 0.03 s x {memory:g} GB",
            {Price.INVOCATION: 2, Price.ARM_SECOND: 0.03 * memory},
        ),
        Row("DynamoDB", "1 write", {Price.TABLE_WRITE: 1}),
        Row("EventBridge: what others hear", "1 event", {Price.EVENT: 1}),
    ]
