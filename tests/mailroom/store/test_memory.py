"""The table in memory is the emulator's: what the store writes to one, it writes to the other."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any

from emulator import Emulator
from mailroom.store import MessageWriter, Objects, Table
from mailroom.store.retention import begin_pass, take_pages
from tests.mailroom.memory_s3 import MemoryBucket
from tests.mailroom.store.conftest import START, arrival, mail, new_store
from tests.mailroom.store.memory import MemoryTable, octets

RAWS = [
    mail("a"),
    mail("b", "a", minute=1),
    mail("x", minute=2),
    mail("y", "x", minute=3),
    mail("z", "b", "y", minute=4),
    mail("a", body="another", minute=5),
]


def test_same_items(emulator: Emulator) -> None:
    """Conversations that are joined, copies, and a pass: item by item the same."""
    store = new_store(emulator, retention=timedelta(days=30))
    memory: Any = MemoryTable()
    bucket: Any = MemoryBucket()
    table = Table(client=memory, name="messages")
    for number, raw in enumerate([*RAWS, RAWS[0], RAWS[4]]):
        store.now = START + timedelta(days=1, hours=number)
        came = arrival(raw, ses_id=str(number))
        store.writer().file(came)
        MessageWriter(
            table=table,
            objects=Objects(client=bucket, bucket="b"),
            retention=store.retention,
            clock=lambda: store.now,
        ).file(came)
    for one in (table, store.writer().table):
        take_pages(one, begin_pass(one, None, store.now), lambda: store.now, lambda _: None)
    ours, _ = table.scan()
    theirs = store.items()
    assert sorted(ours, key=lambda item: (item["pk"], item["sk"])) == sorted(
        theirs, key=lambda item: (item["pk"], item["sk"])
    )


def test_sizes() -> None:
    """Names and values count, as the developer guide's examples do."""
    assert octets({"pk": {"S": "ab"}, "sk": {"S": "é"}, "n": {"N": "12"}, "l": {"L": [{"S": "x"}]}}) == 4 + 4 + 3 + 6
    assert math.ceil(octets({"pk": {"S": "x" * 1100}, "sk": {"S": ""}}) / 1024) == 2
