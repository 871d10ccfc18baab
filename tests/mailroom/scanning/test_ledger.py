"""Names of the ledger's objects, whatever a delivery is: written, listed and read as one."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from mailroom.layout import MAX_KEY_BYTES
from mailroom.scanning.ledger import MOST_DIGESTS, Bad, Entry, Ledger, short
from mailroom.scanning.passes import hits

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)


class Keys:
    """An S3 that keeps names alone, in the order of their bytes; all of a list is one page."""

    def __init__(self) -> None:
        self.keys: set[str] = set()

    def put_object(self, *, Key: str, **_: Any) -> dict[str, str]:  # noqa: N803 - boto3's names
        """PutObject."""
        assert len(Key.encode()) <= MAX_KEY_BYTES
        self.keys.add(Key)
        return {"ETag": "x"}

    def delete_object(self, *, Key: str, **_: Any) -> None:  # noqa: N803
        """DeleteObject."""
        self.keys.discard(Key)

    def get_paginator(self, _name: str) -> Keys:
        """ListObjectsV2."""
        return self

    def paginate(self, *, Prefix: str, StartAfter: str = "", Delimiter: str = "", **_: Any) -> list[Any]:  # noqa: N803
        """Its pages."""
        below = [key for key in sorted(self.keys, key=str.encode) if key.startswith(Prefix) and key > StartAfter]
        if not Delimiter:
            return [{"Contents": [{"Key": key} for key in below]}]
        folders = {Prefix + key[len(Prefix) :].partition(Delimiter)[0] + Delimiter for key in below}
        return [{"CommonPrefixes": [{"Prefix": folder} for folder in sorted(folders)]}]


def digest(number: int) -> str:
    """Of a part."""
    return hashlib.sha256(b"%d" % number).hexdigest()


entries = st.builds(
    Entry,
    bucket=st.from_regex(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", fullmatch=True),
    id=st.text(min_size=1, max_size=60),
    at=st.integers(int((NOW - timedelta(days=6)).timestamp()), int(NOW.timestamp())),
    judged=st.from_regex(r"[0-9a-f]{16}", fullmatch=True),
    message=st.integers(0, 9).map(digest),
    digests=st.lists(st.integers(0, 500).map(digest).map(short), min_size=1, max_size=260, unique=True).map(tuple),
)


@given(st.lists(entries, max_size=6, unique_by=lambda entry: (entry.bucket, entry.id, entry.at)))
def test_what_is_noted_is_listed(noted: list[Entry]) -> None:
    """Each once, with all of its digests up to the most; the newest hour first."""
    ledger = Ledger(s3=Keys(), bucket="definitions", scanner="scanner")  # type: ignore[arg-type]  # as far as it calls it
    for entry in [*noted, *noted]:
        ledger.note(entry)
    listed = list(ledger.deliveries(NOW))
    expected = [replace(entry, digests=entry.digests[:MOST_DIGESTS]) for entry in noted]
    by_name = sorted((replace(entry, keys=()) for entry in listed), key=repr)
    assert by_name == sorted(expected, key=repr)
    hours = [entry.at // 3600 for entry in listed]
    assert hours == sorted(hours, reverse=True)
    for number, entry in enumerate(listed):
        assert list(ledger.deliveries(NOW, entry.keys[-1])) == listed[number + 1 :]
    for entry in listed:
        ledger.forget(entry)
    assert list(ledger.deliveries(NOW)) == []


@given(st.lists(entries, max_size=6), st.dictionaries(st.integers(0, 500).map(digest).map(short), st.booleans()))
def test_hits_are_deliveries_from_before_with_a_bad_part(noted: list[Entry], bad: dict[str, bool]) -> None:
    """No other, and none of them is missing."""
    now = int(NOW.timestamp())
    known = {name: Bad("Some.Signature", now if later else 0) for name, later in bad.items()}
    found = [entry for entry, _signature in hits(noted, known)]
    later = {name for name, is_later in bad.items() if is_later}
    assert found == [entry for entry in noted if later & set(entry.digests)]


def test_ids_that_leave_no_room_are_left_out() -> None:
    """None of SES's is so long; the delivery goes on."""
    keys = Keys()
    ledger = Ledger(s3=keys, bucket="definitions", scanner="scanner")  # type: ignore[arg-type]  # as above
    for octets in range(700, 1_000, 7):
        entry = Entry(
            bucket="b" * 63,
            id="x" * octets,
            at=int(NOW.timestamp()),
            judged="a" * 16,
            message=digest(0),
            digests=(short(digest(1)), short(digest(2))),
        )
        ledger.note(entry)
    assert {len(entry.digests) for entry in ledger.deliveries(NOW)} == {2}
