"""A message whose scan fails is held after the last try, and rescanned on request."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import jsonschema
import pytest

from mailroom.errors import PermanentError, RetryableError
from mailroom.events.form import schema_of
from mailroom.events.inbound import MessageDiscarded, MessageHeld, MessageReleased
from mailroom.scanning.clamd import Clamd
from mailroom.scanning.events import RawObject, raw_objects, rescan_message
from mailroom.scanning.handler import process_batch
from mailroom.scanning.intake import Intake, Outcome
from mailroom.scanning.verdicts import Action, Policy
from tests.mailroom.scanning.conftest import Quarantine
from tests.mailroom.scanning.test_intake import CLEAN, INFECTED, event

Event = MessageHeld | MessageReleased | MessageDiscarded
DEAD = Clamd(socket_path="/nonexistent/clamd.sock")


def received(item: RawObject, times: int) -> dict[str, Any]:
    """A batch of one message that the queue hands out for the `times`-th time."""
    batch = event(item)
    batch["Records"][0]["attributes"] = {"ApproximateReceiveCount": str(times)}
    return batch


def counted(intake: Intake) -> tuple[Intake, dict[str, int]]:
    """The same, and what it counts."""
    counts: dict[str, int] = {}

    def count(name: str, number: int) -> None:
        counts[name] = counts.get(name, 0) + number

    return replace(intake, count=count), counts


def test_scan_that_fails_to_the_last_is_held(quarantine: Quarantine) -> None:
    """Tried again until the last time; then there is a verdict, an alert and a count, and the mail is where it was."""
    item = quarantine.put(CLEAN)
    broken, counts = counted(replace(quarantine.intake, engine=DEAD))
    for times in range(1, 5):
        assert process_batch(received(item, times), broken, max_receives=5)["batchItemFailures"]
    assert (quarantine.keys("verdicts/"), quarantine.alerts()) == ([], [])
    assert process_batch(received(item, 5), broken, max_receives=5) == {"batchItemFailures": []}
    record = quarantine.record(item)
    assert (record["verdict"], record["action"], record["told"]) == ("error", "hold", True)
    (alert,) = quarantine.alerts()
    facts = json.loads(alert["Message"])
    assert (facts["verdict"], facts["signature"], facts["action"]) == ("error", "Scan.Failed", "hold")
    assert facts["envelope"] == {"from": "billing@example.net", "to": "support@post.acme.example"}
    assert (quarantine.keys("clean/"), quarantine.versions(item)) == ([], [item.version])
    assert counts == {"Failures": 4, "Held": 1}
    # The queue may hand it out once more all the same.
    assert process_batch(received(item, 6), broken, max_receives=5) == {"batchItemFailures": []}
    assert quarantine.alerts() == []


def test_others_are_told_of_held_mail(quarantine: Quarantine) -> None:
    """An event by the published schema, once it is recorded; where nobody takes it, the message is not done."""
    item = quarantine.put(INFECTED)
    quarantine.policy = Policy(infected=Action.HOLD)
    told: list[Event] = []

    def refuse(_event: Event) -> None:
        raise RetryableError("event bus default: refused")

    with pytest.raises(RetryableError, match="refused"):
        replace(quarantine.intake, publish=refuse).take(item)
    assert not quarantine.record(item)["told"]
    late = replace(quarantine.intake, publish=told.append, clock=lambda: quarantine.intake.clock() + timedelta(hours=1))
    assert late.take(item) is Outcome.HELD
    (event,) = told
    jsonschema.validate(event.detail, schema_of(MessageHeld), format_checker=jsonschema.FormatChecker())
    assert (event.tenant, event.delivery, event.verdict) == ("acme", item.message_id, "infected")
    assert quarantine.record(item)["told"]


def test_what_cannot_even_be_held_goes_to_the_dead_letters(quarantine: Quarantine) -> None:
    """Where AWS fails as well, the message is not taken for done."""

    item = RawObject("no-such-bucket", "raw/x", "v")
    assert process_batch(received(item, 5), quarantine.intake, max_receives=5)["batchItemFailures"]


def test_message_that_is_gone_is_not_held(quarantine: Quarantine) -> None:
    """Somebody else delivered it meanwhile: nothing to hold, nobody to tell."""
    item = quarantine.put(CLEAN)
    quarantine.intake.take(item)
    assert quarantine.intake.hold(item) is Outcome.GONE
    assert quarantine.alerts() == []


def test_verdict_that_cannot_be_carried_out_is_not_replaced(quarantine: Quarantine) -> None:
    """A message that was to be delivered, and whose delivery fails for good, is never told to be held: dead letters."""
    item = quarantine.put(CLEAN)
    quarantine.s3.put_object(Bucket=quarantine.bucket, Key=f"clean/{item.message_id}", Body=b"another's")
    with pytest.raises(PermanentError, match="not "):
        quarantine.intake.take(item)
    with pytest.raises(PermanentError, match="was to be deliver, which cannot be done"):
        quarantine.intake.hold(item)
    assert quarantine.versions(item) == [item.version]


def test_held_message_scanned_anew(quarantine: Quarantine) -> None:
    """A new request replaces the verdict, and delivers what is clean now."""
    item = quarantine.put(CLEAN)
    replace(quarantine.intake, engine=DEAD).hold(item)
    assert quarantine.intake.take(item) is Outcome.DELIVERED  # a late duplicate of the first event may do it, too
    item = quarantine.put(INFECTED)
    replace(quarantine.intake, engine=DEAD).hold(item)
    quarantine.alerts()
    (asked,) = raw_objects(rescan_message(replace(item, rescan="r1")))
    assert asked == replace(item, rescan="r1")
    assert quarantine.intake.take(asked) is Outcome.STRIPPED
    record = quarantine.record(item)
    assert (record["verdict"], record["action"], record["rescan"]) == ("infected", "strip", "r1")
    assert len(quarantine.alerts()) == 1


def test_held_again(quarantine: Quarantine) -> None:
    """One more request, one more verdict and alert; the same request twice, the same once."""
    item = quarantine.put(CLEAN)
    broken = replace(quarantine.intake, engine=DEAD)
    broken.hold(item)
    assert len(quarantine.alerts()) == 1
    for _ in range(2):
        assert broken.hold(replace(item, rescan="r1")) is Outcome.HELD
        broken.hold(item)
    assert len(quarantine.alerts()) == 1


def test_one_request_at_once(quarantine: Quarantine) -> None:
    """Eight workers with the same request give one verdict and one alert; the others come again, or find it done."""
    item = quarantine.put(INFECTED)
    replace(quarantine.intake, engine=DEAD).hold(item)
    quarantine.alerts()

    def take(_: int) -> Outcome | None:
        try:
            return quarantine.intake.take(replace(item, rescan="r1"))
        except RetryableError:
            return None

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(take, range(8)))
    assert Outcome.STRIPPED in outcomes
    assert len(quarantine.alerts()) == 1
    assert len(quarantine.keys("clean/")) == 1


def test_verdict_that_is_another_one_now(quarantine: Quarantine) -> None:
    """Held for a failure, then brought once more and found infected: the record and the operators learn of it."""
    item = quarantine.put(INFECTED)
    replace(quarantine.intake, engine=DEAD).hold(item)
    quarantine.alerts()
    assert quarantine.intake.take(item) is Outcome.STRIPPED
    assert (quarantine.record(item)["verdict"], len(quarantine.alerts())) == ("infected", 1)


def test_held_for_a_finding_stays_so(quarantine: Quarantine) -> None:
    """A duplicate that cannot be scanned does not make an error of what was found."""
    quarantine.policy = Policy(infected=Action.HOLD)
    item = quarantine.put(INFECTED)
    assert quarantine.intake.take(item) is Outcome.HELD
    assert len(quarantine.alerts()) == 1
    assert replace(quarantine.intake, engine=DEAD).hold(item) is Outcome.HELD
    assert (quarantine.record(item)["verdict"], quarantine.alerts()) == ("infected", [])
