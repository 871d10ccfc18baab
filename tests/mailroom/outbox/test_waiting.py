"""A message that SES does not take now: how it waits, until when, and what brings it when the queue lost it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailroom.errors import PermanentError
from mailroom.layout import APPROVED_PREFIX, OUTGOING_PREFIX
from mailroom.notifications import StoredObject
from mailroom.outbox import Outbox, OutboxState
from mailroom.outbox.again import Again
from mailroom.outbox.line import Line
from tests.mailroom.outbox.conftest import NOW, outbox_of
from tests.mailroom.outbox.test_sending import RECEIPT, Ses, refusal, scanned, sending, state
from tests.mailroom.store.conftest import Store, store_in_memory

THROTTLED = refusal("TooManyRequestsException", 429)
Waiting = list[tuple[Again, int]]


def asked_at(outbox: Outbox, now: datetime) -> Outbox:
    """The outbox at another time."""
    return replace(outbox, clock=lambda: now)


def test_default_deadline_outlasts_a_days_quota() -> None:
    """SES takes nothing for 30 hours: it is refused then, by a queue message that was there all the time."""
    store = store_in_memory()
    outbox = outbox_of(store)
    ses, line, now = Ses(*[refusal("LimitExceededException")] * 1000), Waiting(), NOW
    begun = outbox.send(RECEIPT, key="k")
    assert sending(store, ses, now, line).take(scanned(store, begun.id)) is None
    while line:
        ((again, seconds),) = line
        assert 1 <= seconds <= 600
        assert state(outbox, begun.id) == (OutboxState.QUEUED, "", "quota")
        line.clear()
        now += timedelta(seconds=seconds)
        assert sending(store, ses, now, line).take(again.item, again) is None
    assert state(outbox, begun.id) == (OutboxState.REFUSED, "", "quota")
    assert now - NOW == timedelta(hours=30)


@pytest.mark.parametrize(("late", "reason"), [(timedelta(minutes=5), "quota"), (timedelta(minutes=15), "deadline")])
def test_deadline_of_the_senders(store: Store, outbox: Outbox, late: timedelta, reason: str) -> None:
    """It is not sent after that, whether it waited for SES or came late from the scanner."""
    ses, line = Ses(refusal("LimitExceededException")), Waiting()
    begun = outbox.send(RECEIPT, key="k", deadline=NOW + timedelta(minutes=10))
    sending(store, ses, NOW + late, line).take(scanned(store, begun.id))
    for again, seconds in line:
        assert seconds <= 300
        sending(store, ses, NOW + timedelta(minutes=10)).take(again.item, again)
    assert state(outbox, begun.id) == (OutboxState.REFUSED, "", reason)


def test_deadline_needs_a_time_zone(outbox: Outbox) -> None:
    """Nobody knows when it is otherwise."""
    with pytest.raises(ValueError, match="deadline must have a time zone"):
        outbox.send(RECEIPT, key="k", deadline=datetime(2026, 11, 24))  # noqa: DTZ001 - that is the mistake


def test_worker_dies_between_queue_and_table(store: Store, outbox: Outbox) -> None:
    """The message is brought twice then, and sent once; no queue message goes on for ever."""
    line = Waiting()
    begun = outbox.send(RECEIPT, key="k")
    item = scanned(store, begun.id)

    def dies(again: Again, seconds: int) -> None:
        line.append((again, seconds))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        replace(sending(store, Ses(THROTTLED)), put_back=dies).take(item)
    later = NOW + timedelta(minutes=3)
    assert sending(store, Ses(THROTTLED), later, line).take(item) is None
    assert len(line) == 2
    ses = Ses()
    for again, _ in line:
        sending(store, ses, later + timedelta(minutes=1), line).take(again.item, again)
    assert state(outbox, begun.id)[0] is OutboxState.SENT
    assert (len(ses.asked), len(line)) == (1, 2)


def test_notification_again_while_it_waits(store: Store, outbox: Outbox) -> None:
    """What S3 tells twice waits once: the second one ends, and so does one that waited less."""
    line = Waiting()
    begun = outbox.send(RECEIPT, key="k")
    item = scanned(store, begun.id)
    sending(store, Ses(THROTTLED), line=line).take(item)
    first, _ = line.pop()
    assert sending(store, Ses(), line=line).take(item) is None
    later = NOW + timedelta(minutes=1)
    sending(store, Ses(THROTTLED), later, line).take(item, first)
    second, _ = line.pop()
    assert (first.turn, second.turn) == (1, 2)
    assert sending(store, Ses(), later, line).take(item, first) is None
    assert line == []
    assert state(outbox, begun.id) == (OutboxState.QUEUED, "", "quota")


def test_late_notice_of_what_was_let_out(store: Store, outbox: Outbox) -> None:
    """That it was held before changes nothing of a message that waits for SES."""
    line = Waiting()
    begun = outbox.send(RECEIPT, key="k")
    s3 = store.client("s3")
    key = f"{APPROVED_PREFIX}{begun.id}"
    notice = s3.put_object(Bucket=store.bucket, Key=key, Body=b"", Metadata={"action": "hold"})["VersionId"]
    sending(store, Ses(THROTTLED), line=line).take(scanned(store, begun.id))
    sending(store, Ses()).take(StoredObject(store.bucket, key, notice))
    assert state(outbox, begun.id) == (OutboxState.QUEUED, "", "quota")
    ((again, seconds),) = line
    assert sending(store, Ses(), NOW + timedelta(seconds=seconds)).take(again.item, again) is not None


def test_message_that_is_gone(store: Store, outbox: Outbox) -> None:
    """What was deleted meanwhile is not queued for ever."""
    begun = outbox.send(RECEIPT, key="k")
    item = scanned(store, begun.id)
    store.client("s3").delete_object(Bucket=store.bucket, Key=item.key, VersionId=item.version)
    assert sending(store, Ses()).take(item) is None
    assert state(outbox, begun.id) == (OutboxState.REFUSED, "", "gone")


def test_repeated_key_while_something_brings_it(store: Store, outbox: Outbox) -> None:
    """Nothing is put into quarantine while a queue message is due, and it is 15 minutes after that nothing came."""
    line = Waiting()
    begun = outbox.send(RECEIPT, key="k")
    sending(store, Ses(THROTTLED), line=line).take(scanned(store, begun.id))
    s3, key = store.client("s3"), f"{OUTGOING_PREFIX}{begun.id}"
    s3.delete_object(Bucket=store.bucket, Key=key)
    due = NOW + timedelta(seconds=line[0][1])
    for after, there in ((15, 0), (16, 1)):
        asked = asked_at(outbox, due + timedelta(minutes=after)).send(RECEIPT, key="k")
        assert (asked.state, asked.reason) == (OutboxState.QUEUED, "quota")
        assert s3.list_objects_v2(Bucket=store.bucket, Prefix=key)["KeyCount"] == there


def test_queue_brings_it_as_a_new_message(store: Store) -> None:
    """After the delay, and with no receive counted yet."""
    sqs = store.client("sqs")
    url = sqs.create_queue(QueueName=f"{store.bucket}-line")["QueueUrl"]
    again = Again(item=StoredObject("b", f"{APPROVED_PREFIX}x", "v"), turn=3, count=2, slot=12.5)
    Line(sqs=sqs, url=url).put_back(again, 2)
    assert "Messages" not in sqs.receive_message(QueueUrl=url)
    asked: dict[str, Any] = {"QueueUrl": url, "WaitTimeSeconds": 10, "AttributeNames": ["All"]}
    (message,) = sqs.receive_message(**asked)["Messages"]
    assert Again.of(message["Body"]) == again
    assert message["Attributes"]["ApproximateReceiveCount"] == "1"


@given(st.text(), st.text(min_size=1), st.integers(1), st.integers(1, 50), st.none() | st.floats(0, 1e12))
def test_body_says_what_it_was_made_of(name: str, version: str, turn: int, count: int, slot: float | None) -> None:
    """Whatever the names are."""
    again = Again(item=StoredObject("b", f"{APPROVED_PREFIX}{name}", version), turn=turn, count=count, slot=slot)
    assert Again.of(again.to_json()) == again


@given(st.text() | st.recursive(st.none() | st.text(), st.lists).map(str))
def test_other_bodies_are_somebody_elses(body: str) -> None:
    """Nothing is raised of them here, such as of S3's notifications."""
    assert Again.of(body) is None


@pytest.mark.parametrize(
    "said",
    [
        '{"send": null}',
        '{"send": {"bucket": "b"}}',
        '{"send": {"bucket": "b", "key": "raw/out/x", "version": "v", "turn": 1, "count": 1, "slot": null}}',
        '{"send": {"bucket": "b", "key": "clean/out/x", "version": "v", "turn": 0, "count": 1, "slot": null}}',
        '{"send": {"bucket": "b", "key": "clean/out/x", "version": "v", "turn": true, "count": 1, "slot": null}}',
        '{"send": {"bucket": "b", "key": "clean/out/x", "version": "v", "turn": 1, "count": -50, "slot": null}}',
        '{"send": {"bucket": "b", "key": "clean/out/x", "version": "v", "turn": 1, "count": 1, "slot": NaN}}',
        '{"send": {"bucket": "b", "key": "clean/out/x", "version": 1, "turn": 1, "count": 1, "slot": null}}',
    ],
)
def test_body_that_is_wrong(said: str) -> None:
    """It is told, and names nothing of it."""
    with pytest.raises(PermanentError, match="queue message: must"):
        Again.of(said)
