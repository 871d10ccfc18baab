"""Delivered mail that malware is found in later: S3 and SNS of the emulator, an older clamd and a newer one."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from mailroom.errors import RetryableError
from mailroom.messages import parse
from mailroom.scanning.clamd import Clamd, Submitted
from mailroom.scanning.events import RawObject, look_message
from mailroom.scanning.handler import process_batch
from mailroom.scanning.intake import Outcome
from mailroom.scanning.passes import BAD_FOR, MOST_SECONDS
from mailroom.scanning.recall import NOTICE, Seen
from mailroom.scanning.verdicts import Action, Policy
from tests.mailroom.clamav import MARKER, SIGNATURE, RunningClamd, running_clamd
from tests.mailroom.scanning.cells import NEWER, OLDER, Cell, Judge, Nobody
from tests.mailroom.scanning.conftest import REGION, Quarantine
from tests.mailroom.scanning.failures import Calls
from tests.mailroom.scanning.hiding import HARMLESS, HIDDEN, PAYLOAD, encoded, mixed

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def older(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Judge]:
    """An engine that finds nothing in what the newer one finds something in."""
    with running_clamd(tmp_path_factory.mktemp("older"), "Mailroom.Test.Other:0:*:" + "ee" * 20 + "\n") as running:
        yield Judge(running.client, OLDER)


@pytest.fixture
def cell(quarantine: Quarantine, clamd: RunningClamd, older: Judge) -> Cell:
    """An empty one."""
    name = f"recall-{next(_numbers)}"
    quarantine.s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    return Cell(quarantine, name, older, Judge(clamd.client, NEWER))


def actions(cell: Cell) -> list[str]:
    """Actions in alerts to operators, in order."""
    return [json.loads(alert["Message"])["action"] for alert in cell.quarantine.alerts()]


def has_marker(raw: bytes) -> bool:
    """Whether somebody who opens its attachments finds the marker."""
    return any(MARKER in bytes(one.data) for one in parse(raw).attachments)


def metadata(cell: Cell, item: RawObject) -> dict[str, str]:
    """Metadata of the object under `clean/`."""
    said: dict[str, str] = cell.quarantine.s3.head_object(Bucket=item.bucket, Key=f"clean/{item.message_id}")[
        "Metadata"
    ]
    return said


def test_newer_signatures_reach_delivered_mail(cell: Cell) -> None:
    """First the notice; then what the policy leaves of the message; operators are told of both."""
    item = cell.deliver(HIDDEN["attachment"])
    assert has_marker(cell.quarantine.clean(item))
    cell.later()
    assert cell.passes().run() == 1
    assert cell.quarantine.clean(item) == NOTICE
    assert metadata(cell, item)["recalled"] == parse(HIDDEN["attachment"]).digest
    assert cell.counted == ["Recalled"]
    assert actions(cell) == ["recall"]
    assert cell.settle(item) == [Outcome.STRIPPED]
    left = cell.quarantine.clean(item)
    assert b"removed-attachment.txt" in left
    assert not has_marker(left)
    assert metadata(cell, item)["recalled"] == parse(HIDDEN["attachment"]).digest
    assert actions(cell) == ["strip"]
    assert cell.back(item) == []


def test_alert_names_what_was_found(cell: Cell) -> None:
    """And nothing of the message's content."""
    item = cell.deliver(HIDDEN["attachment"])
    cell.later()
    cell.passes().run()
    (alert,) = cell.quarantine.alerts()
    assert alert["Subject"] == f"recalled mail to acme: {SIGNATURE}"
    facts = json.loads(alert["Message"])
    assert (facts["tenant"], facts["message_id"], facts["signature"]) == ("acme", item.message_id, SIGNATURE)
    assert "invoice" not in alert["Message"]


def test_harmless_mail_is_left_alone(cell: Cell) -> None:
    """To the byte and to the version; with the same set, it is not read once more."""
    item = cell.deliver(HARMLESS["attachment"])
    before = cell.quarantine.s3.head_object(Bucket=item.bucket, Key=f"clean/{item.message_id}")
    cell.later()
    assert [cell.passes().run() for _ in range(2)] == [0, 0]
    after = cell.quarantine.s3.head_object(Bucket=item.bucket, Key=f"clean/{item.message_id}")
    assert after["VersionId"] == before["VersionId"]
    assert len([one for one in cell.calls.named("get_object") if one["Key"].startswith("clean/")]) == 1
    assert actions(cell) == []


def test_what_the_newest_set_judged_is_not_read(cell: Cell) -> None:
    """Its own verdict stands."""
    item = cell.quarantine.put(HARMLESS["attachment"])
    cell.intake(cell.newer).take(item)
    cell.later()
    assert cell.passes(recalls=replace(cell.recalls, engine=Nobody())).run() == 0


@pytest.mark.parametrize(("action", "outcome"), [(Action.HOLD, Outcome.HELD), (Action.DELETE, Outcome.DELETED)])
def test_policy_decides_what_is_left(cell: Cell, action: Action, outcome: Outcome) -> None:
    """Where it is held or deleted, the notice stays, however often it is looked at."""
    cell.quarantine.policy = Policy(infected=action)
    item = cell.deliver(HIDDEN["attachment"])
    cell.later()
    assert cell.passes().run() == 1
    assert cell.settle(item) == [outcome]
    assert len(cell.back(item)) == (1 if action is Action.HOLD else 0)
    for newest in ("c" * 16, "d" * 16):
        judge = replace(cell.newer, judging=newest)
        assert cell.passes(newest, replace(cell.recalls, engine=judge)).run() == 0
    assert cell.recalls.look(item.bucket, item.message_id) is Seen.GONE
    assert cell.quarantine.clean(item) == NOTICE
    assert actions(cell) == ["recall", action.value]


def test_known_digest_recalls_without_reading_mail(cell: Cell) -> None:
    """What is found in one tenant's mail goes from all others' that have the same file, in the same run, unread."""
    carriers = [
        cell.deliver(mixed(encoded(PAYLOAD, "a.bin"))),
        cell.deliver(mixed(encoded(b"harmless"), encoded(PAYLOAD, "b.bin"))),
    ]
    others = [cell.deliver(HARMLESS["attachment"]), cell.deliver(mixed(encoded(b"else")))]
    cell.later()
    arrived = cell.quarantine.put(mixed(encoded(PAYLOAD, "c.bin")))
    assert cell.intake(cell.newer).take(arrived) is Outcome.STRIPPED
    cell.calls.done.clear()
    passes = cell.passes("", replace(cell.recalls, engine=Nobody()))
    assert passes.run() == 2
    assert [one["Key"] for one in cell.calls.named("get_object") if not one["Key"].startswith("recall/")] == []
    for item in carriers:
        assert cell.quarantine.clean(item) == NOTICE
    for item in others:
        assert cell.quarantine.clean(item) != NOTICE
    assert passes.run() == 0
    for item in carriers:
        assert cell.settle(item) == [Outcome.STRIPPED]
    assert passes.run() == 0


def test_bad_digest_is_forgotten(cell: Cell) -> None:
    """Once every delivery was compared with it, and every sandbox has the set that finds it."""
    cell.intake(cell.newer).take(cell.quarantine.put(HIDDEN["attachment"]))
    passes = cell.passes("")
    passes.run()
    assert len(cell.ledger.bad()) == 1
    cell.later(BAD_FOR + 1)
    passes.run()
    assert cell.ledger.bad() == {}


def test_false_alarm_brings_the_message_back(cell: Cell) -> None:
    """What was known to be bad, and is not by now, is delivered as it came, and not recalled once more."""
    item = cell.deliver(HIDDEN["attachment"])
    cell.later()
    cell.intake(cell.newer).take(cell.quarantine.put(HIDDEN["attachment"]))
    passes = cell.passes("")
    assert passes.run() == 1
    cell.later()
    mended = replace(cell.older, judging="c" * 16)
    assert cell.settle(item, mended) == [Outcome.DELIVERED]
    assert cell.quarantine.clean(item) == HIDDEN["attachment"]
    assert passes.run() == 0
    assert cell.quarantine.clean(item) == HIDDEN["attachment"]


def test_what_was_found_before_the_raw_version_went(cell: Cell) -> None:
    """A newer set between delivery and the end of the work: what lies under `clean/` is recalled like any."""
    item = cell.quarantine.put(HIDDEN["attachment"])
    ending = Calls(fails_at=3, when="after")
    stopped = replace(cell.intake(cell.older), s3=ending.of(cell.quarantine.s3))
    with pytest.raises(RetryableError):
        stopped.take(item)
    assert ending.done[-1][0] == "put_object"
    cell.later(700)
    assert cell.intake(cell.newer).take(item) is Outcome.DELIVERED
    assert cell.quarantine.clean(item) == HIDDEN["attachment"]
    assert cell.passes().run() == 1
    assert cell.settle(item) == [Outcome.STRIPPED]


def test_one_command_scans_what_was_delivered(cell: Cell) -> None:
    """By the queue, as any work; also what no ledger knows."""
    item = cell.quarantine.put(HIDDEN["attachment"])
    replace(cell.intake(cell.older), ledger=None).take(item)
    body = look_message(item.bucket, item.message_id)
    for seen in (["Recalled"], ["Recalled"]):
        answer = process_batch(
            {"Records": [{"messageId": "m1", "body": body}]},
            cell.intake(cell.newer),
            max_receives=5,
            recalls=cell.recalls,
        )
        assert answer == {"batchItemFailures": []}
        assert cell.counted == seen
    assert cell.quarantine.clean(item) == NOTICE


@pytest.mark.parametrize("body", ['{"delivered": 1}', '{"delivered": {"bucket": "b"}}', '{"delivered": {"id": ""}}'])
def test_request_that_names_nothing(cell: Cell, body: str) -> None:
    """It is not done, and ends with the dead letters."""
    answer = process_batch(
        {"Records": [{"messageId": "m1", "body": body}]}, cell.intake(cell.newer), max_receives=5, recalls=cell.recalls
    )
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m1"}]}


def test_sent_mail_is_not_recalled(cell: Cell) -> None:
    """It left."""
    cell.quarantine.s3.put_object(Bucket=cell.quarantine.bucket, Key="clean/out/x", Body=HIDDEN["attachment"])
    assert cell.recalls.look(cell.quarantine.bucket, "out/x") is Seen.GONE


def test_newest_first_and_a_minute_a_run(cell: Cell) -> None:
    """The next run goes on where the last one ended, until all is done."""
    items = []
    for number in range(3):
        items.append(cell.deliver(mixed(encoded(PAYLOAD + b"%d" % number))))
        cell.later(3600)

    class Slow(Judge):
        def submit(self, data: bytes) -> Submitted:
            cell.seconds += MOST_SECONDS
            return super().submit(data)

    passes = cell.passes(recalls=replace(cell.recalls, engine=Slow(cell.newer.client, NEWER)))
    for done in ({2}, {1, 2}, {0, 1, 2}):
        assert passes.run() == 1
        assert {n for n, item in enumerate(items) if cell.quarantine.clean(item) == NOTICE} == done
    assert passes.run() == 0


def test_the_newest_hour_comes_first(cell: Cell) -> None:
    """So that what is read next is scanned next."""
    items = []
    for _ in range(3):
        items.append(cell.deliver(HARMLESS["attachment"]))
        cell.later(3600)
    listed = [entry.id for entry in cell.ledger.deliveries(cell.quarantine.now)]
    assert listed == [item.message_id for item in reversed(items)]
    cell.later(3600 * 24 * 8)
    assert list(cell.ledger.deliveries(cell.quarantine.now)) == []


def test_one_run_at_a_time(cell: Cell) -> None:
    """The second finds that somebody is at it; one that was ended lets go after five minutes."""
    cell.deliver(HIDDEN["attachment"])
    cell.later()
    state, tag = cell.ledger.state()
    now = int(cell.quarantine.now.timestamp())
    assert cell.ledger.write_state(replace(state, until=now + 300), tag)
    assert cell.passes().run() == 0
    cell.later(301)
    assert cell.passes().run() == 1


def test_delivery_that_cannot_be_scanned_keeps_no_other(cell: Cell) -> None:
    """After three runs the scan goes on behind it, and it is counted."""
    broken, item = cell.deliver(HARMLESS["attachment"]), cell.deliver(HIDDEN["attachment"])

    class Broken(Judge):
        def submit(self, data: bytes) -> Submitted:
            if data == HARMLESS["attachment"]:
                return Clamd(socket_path="/nowhere").submit(data)
            return super().submit(data)

    passes = cell.passes(recalls=replace(cell.recalls, engine=Broken(cell.newer.client, NEWER)))
    cell.later()
    assert sum(passes.run() for _ in range(4)) == 1
    assert cell.counted.count("Failures") == 1
    assert cell.ledger.state()[0].left == 1
    assert cell.quarantine.clean(item) == NOTICE
    assert cell.quarantine.clean(broken) == HARMLESS["attachment"]


def _becomes_known(cell: Cell, *, known: bool) -> None:
    """What is found in it is found in a message that arrives, too; or else it is for the newer set to find."""
    cell.later()
    if known:
        cell.intake(cell.newer).take(cell.quarantine.put(HIDDEN["attachment"]))
        cell.quarantine.alerts()


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("when", [pytest.param("before", marks=pytest.mark.thorough), "after"])
def test_run_that_ends_at_any_call(cell: Cell, known: bool, when: Any) -> None:
    """Each call fails once, before or after it took effect: it is recalled once, comes back once, and no alert is missing."""
    for number in itertools.count(1):
        cell.scanner = f"scanner{number}"
        item = cell.deliver(HIDDEN["attachment"])
        _becomes_known(cell, known=known)
        newest = "" if known else NEWER
        cell.calls = Calls(fails_at=number, when=when)
        try:
            cell.passes(newest).run()
        except RetryableError:
            assert cell.calls.failed
        failed, cell.calls = cell.calls.failed, Calls()
        cell.later(301)
        while cell.passes(newest).run():
            pass
        assert cell.quarantine.clean(item) == NOTICE, number
        assert len(cell.back(item)) == 1, number
        told = actions(cell)
        assert set(told) == {"recall"}, number
        assert len(told) == 1 or failed, number
        assert cell.settle(item) == [Outcome.STRIPPED]
        assert not has_marker(cell.quarantine.clean(item))
        assert cell.passes(newest).run() == 0
        cell.quarantine.alerts()
        if not failed:
            break
    assert number > 8
