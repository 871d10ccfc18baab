"""A message that is to be sent and is deleted before its first scan: its request ends, and only its own."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from mailroom.errors import RetryableError
from mailroom.outbox.model import OutboxState
from mailroom.scanning.events import RawObject
from mailroom.scanning.intake import Outcome
from mailroom.scanning.verdicts import Action, Policy
from tests.mailroom.outbox.conftest import NOW
from tests.mailroom.outbox.test_scanned import INFECTED, Way, clamd, way
from tests.mailroom.outbox.test_sending import RECEIPT, state
from tests.mailroom.scanning.failures import Calls

__all__ = ["clamd", "way"]


def deleted(way: Way, *, marker: bool = False) -> RawObject:
    """The one message in quarantine, which somebody deletes: its version, or the key with a marker over it."""
    (item,) = way.waiting()
    s3 = way.store.client("s3")
    if marker:
        s3.delete_object(Bucket=item.bucket, Key=item.key)
    s3.delete_object(Bucket=item.bucket, Key=item.key, VersionId=item.version)
    return item


@pytest.mark.parametrize("marker", [False, True], ids=["version", "marker as well"])
@pytest.mark.parametrize("step", ["take", "hold"])
def test_request_ends_refused(way: Way, step: str, marker: bool) -> None:
    """Whether its scan or its last try finds nothing: `refused`, reason `gone`; the operators have nothing to look at."""
    begun = way.outbox.send(RECEIPT, key="order-17")
    item = deleted(way, marker=marker)
    assert getattr(way.intake, step)(item) is Outcome.GONE
    way.send()
    assert state(way.outbox, begun.id) == (OutboxState.REFUSED, "", "gone")
    assert way.alerts() == []
    assert way.ses.asked == []
    assert way.outbox.send(RECEIPT, key="order-17").state is OutboxState.REFUSED
    assert way.waiting() == []


def test_request_that_nobody_takes_can_be_asked_for_again(way: Way) -> None:
    """Where the queue lost it too, it stays queued, and the same key brings it."""
    begun = way.outbox.send(RECEIPT, key="order-17")
    deleted(way)
    assert way.outbox.send(RECEIPT, key="order-17").state is OutboxState.QUEUED
    assert way.scan(Policy()) == [Outcome.DELIVERED]
    way.send()
    assert state(way.outbox, begun.id)[0] is OutboxState.SENT


def test_newer_version_decides(way: Way) -> None:
    """The queue's message of the version that is gone refuses nothing that was asked for again."""
    begun = way.outbox.send(RECEIPT, key="order-17")
    gone = deleted(way)
    way.outbox.send(RECEIPT, key="order-17")
    assert way.intake.take(gone) is Outcome.GONE
    assert way.deliveries() == []
    way.scan(Policy())
    way.send()
    assert state(way.outbox, begun.id)[0] is OutboxState.SENT


@pytest.mark.parametrize("action", [Action.DELIVER, Action.STRIP, Action.DELETE])
def test_what_was_scanned_stays_as_it_was_decided(way: Way, action: Action) -> None:
    """The queue brings a message twice: the second time it is gone because the first was done."""
    begun = way.outbox.send(RECEIPT if action is Action.DELIVER else INFECTED, key="order-17")
    (item,) = way.waiting()
    way.scan(Policy() if action is Action.DELIVER else Policy(infected=action))
    before = [(one.key, one.version) for one in way.deliveries()]
    assert way.intake.take(item) is Outcome.GONE
    assert [(one.key, one.version) for one in way.deliveries()] == before
    way.send()
    assert state(way.outbox, begun.id)[0] is (OutboxState.SENT if action is Action.DELIVER else OutboxState.REFUSED)


@pytest.mark.parametrize("key", ["raw/out/file.bin", "raw/1", "raw/out/" + "A" * 40, "raw/out/" + "a" * 41])
def test_other_objects_get_no_notice(way: Way, key: str) -> None:
    """Nobody asked for them to be sent: a notice would end among the dead letters."""
    s3 = way.store.client("s3")
    version = s3.put_object(Bucket=way.store.bucket, Key=key, Body=b"x")["VersionId"]
    s3.delete_object(Bucket=way.store.bucket, Key=key, VersionId=version)
    assert way.intake.take(RawObject(way.store.bucket, key, version)) is Outcome.GONE
    assert way.deliveries() == []


@pytest.mark.parametrize("when", ["before", "after"])
def test_scanner_that_fails_at_any_call(way: Way, when: Any) -> None:
    """Whichever fails, the request ends."""
    for number in range(1, 20):
        begun = way.outbox.send(RECEIPT, key=f"k{number}")
        item = deleted(way)
        calls = Calls(fails_at=number, when=when)
        try:
            replace(way.intake, s3=calls.of(way.intake.s3)).take(item)
        except RetryableError:
            replace(way.intake, clock=lambda: NOW + timedelta(minutes=12)).take(item)
        way.send()
        assert state(way.outbox, begun.id) == (OutboxState.REFUSED, "", "gone")
        if not calls.failed:
            assert number > 3
            return
    raise AssertionError
