"""Recalling by digest: every delivery of a ledger compared with what is known to be bad, in one run.

The ledger's own code lists and reads the keys; S3 is a list in memory, so that what is measured is ours. Requests are counted.
Writes docs/benchmarks/recall.md.

    make bench                        this and the others
    python -O -m benchmarks.recall
"""

from __future__ import annotations

import hashlib
import os
import platform
import time
from bisect import bisect_right
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from email_stack.synthesis.toolchain import PROJECT_ROOT
from mailroom.scanning.ledger import Bad, Entry, Ledger, short
from mailroom.scanning.passes import hits

DELIVERIES: Final = 200_000
DIGESTS: Final = 5
BAD: Final = 1_000
"""Digests that are known to be bad; a hundredth of them are in one delivery each."""
PAGE: Final = 1_000
TENANTS: Final = 10_000
LIMIT_SECONDS: Final = 600
NOW: Final = datetime(2026, 11, 29, 12, tzinfo=UTC)


class Listed:
    """As much of S3 as lists names, a thousand a request."""

    def __init__(self) -> None:
        self.keys: list[str] = []
        self.requests = 0

    def put_object(self, *, Key: str, **_: Any) -> dict[str, str]:  # noqa: N803 - boto3's names
        """PutObject; keys are sorted afterwards."""
        self.keys.append(Key)
        return {"ETag": ""}

    def get_paginator(self, _name: str) -> Listed:
        """ListObjectsV2."""
        return self

    def paginate(self, *, Prefix: str, StartAfter: str = "", Delimiter: str = "", **_: Any) -> Any:  # noqa: N803
        """Its pages."""
        if Delimiter:
            self.requests += 1
            hours = {f"{Prefix}{key[len(Prefix) :].partition(Delimiter)[0]}/" for key in self.keys}
            yield {"CommonPrefixes": [{"Prefix": hour} for hour in sorted(hours)]}
            return
        at = bisect_right(self.keys, StartAfter)
        while True:
            self.requests += 1
            page = [key for key in self.keys[at : at + PAGE] if key.startswith(Prefix)]
            yield {"Contents": [{"Key": key} for key in page]}
            if len(page) < PAGE:
                return
            at += PAGE


def main() -> None:
    """Measure, print, and write the report."""
    s3 = Listed()
    ledger = Ledger(s3=s3, bucket="definitions", scanner="cell", days=7)  # type: ignore[arg-type]  # as far as it calls it
    wanted = set()
    for number in range(DELIVERIES):
        digests = tuple(short(_digest(f"{number}.{part}")) for part in range(DIGESTS))
        at = NOW - timedelta(seconds=number * 7 * 86_400 // DELIVERIES)
        entry = Entry(
            bucket=f"tenant-{number % TENANTS:05}-inbox",
            id=f"{number:040x}",
            at=int(at.timestamp()),
            judged="a" * 16,
            message=_digest(str(number)),
            digests=digests,
        )
        ledger.note(entry)
        if number % (DELIVERIES * 100 // BAD) == 0:
            wanted.add((entry.id, digests[-1]))
    s3.keys.sort()
    bad = {one: Bad("Some.Signature", int(NOW.timestamp())) for _id, one in wanted}
    bad |= {
        short(_digest(f"bad {number}")): Bad("Some.Signature", int(NOW.timestamp()))
        for number in range(BAD - len(wanted))
    }
    started = time.perf_counter()
    found = {entry.id for entry, _signature in hits(ledger.deliveries(NOW), bad)}
    seconds = time.perf_counter() - started
    assert found == {name for name, _digest in wanted}
    assert seconds < LIMIT_SECONDS
    print(f"{DELIVERIES * DIGESTS:,} digests: {seconds:.1f} s, {s3.requests:,} requests, {len(found)} found")
    _write(seconds, s3.requests, len(found))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _write(seconds: float, requests: int, found: int) -> None:
    machine = f"{os.cpu_count()} cores, Python {platform.python_version()}"
    lines = [
        "# Recall",
        "",
        f"Written by `make bench` on {machine}. The ledger of {DELIVERIES:,} deliveries to {TENANTS:,} tenants within a week, of",
        f"{DIGESTS} digests each, is compared with {BAD:,} digests that are known to be bad, without reading mail.",
        "",
        "| | |",
        "|---|---:|",
        f"| stored digests | {DELIVERIES * DIGESTS:,} |",
        f"| deliveries found, and none beside them | {found} |",
        f"| requests to S3 | {requests:,} |",
        f"| seconds, on one core | {seconds:.1f} |",
        f"| of the ten minutes that it may take | {seconds / LIMIT_SECONDS:.1%} |",
        "",
        "S3 is a list in memory here. Its own time comes on top: a request for a page of a thousand names.",
        "",
    ]
    (PROJECT_ROOT / "docs" / "benchmarks" / "recall.md").write_text("\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
