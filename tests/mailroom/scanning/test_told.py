"""Operators are told what happened: whichever call of AWS fails, and whatever the definitions find at the next try."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import pytest

from mailroom.errors import RetryableError
from mailroom.events import EventPublisher
from mailroom.scanning.clamd import Clamd
from mailroom.scanning.events import RawObject
from mailroom.scanning.intake import Intake, Outcome
from mailroom.scanning.plans import DELIVERED_BEFORE, HELD_BEFORE
from mailroom.scanning.verdicts import Action, Policy
from tests.mailroom.clamav import MARKER, SIGNATURE, RunningClamd, running_clamd
from tests.mailroom.scanning.conftest import REGION, Quarantine
from tests.mailroom.scanning.failures import Calls
from tests.mailroom.scanning.hiding import HARMLESS, archive, encoded, mixed
from tests.mailroom.scanning.test_delivery import encrypted

LATER = b"HARMLESS-MARKER-THAT-A-LATER-SET-KNOWS-51b0"
LATER_SIGNATURE = "Mailroom.Test.Later.UNOFFICIAL"
LOCKED = encoded(encrypted(archive(b"secret")), "secret.zip")
MAIL = {
    "clean": HARMLESS["attachment"],
    "known": mixed(encoded(MARKER, "known.bin")),
    "later": mixed(encoded(LATER, "later.bin")),
    "both": mixed(encoded(MARKER, "known.bin"), encoded(LATER, "later.bin")),
    "locked": mixed(LOCKED),
    "locked and later": mixed(LOCKED, encoded(LATER, "later.bin")),
}
DEAD = Clamd(socket_path="/nonexistent/clamd.sock")
INFECTED = [Policy(infected=action) for action in (Action.STRIP, Action.HOLD, Action.DELETE)]
EVERY = [
    Policy(infected=infected, encrypted=locked)
    for infected, locked in itertools.product((Action.STRIP, Action.HOLD, Action.DELETE), Action)
]
WHEN: tuple[Literal["before", "after"], ...] = ("before", "after")
OUTCOMES = {
    Action.DELIVER: Outcome.DELIVERED,
    Action.STRIP: Outcome.STRIPPED,
    Action.HOLD: Outcome.HELD,
    Action.DELETE: Outcome.DELETED,
}
Try = Callable[[Intake, RawObject], Outcome]


@pytest.fixture(scope="module")
def newer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningClamd]:
    """A clamd with one signature more than the other."""
    yield from newer_clamd(tmp_path_factory.mktemp("newer"))


def newer_clamd(folder: Path) -> Iterator[RunningClamd]:
    """A clamd that also knows `LATER`."""
    with running_clamd(folder) as running:
        running.kill()
        with (running.daemon.definitions / "test.ndb").open("a") as file:
            file.write(f"{LATER_SIGNATURE.removesuffix('.UNOFFICIAL')}:0:*:{LATER.hex()}\n")
        running.start()
        yield running


@dataclass
class Tries:
    """Two tries of one object, each with its own definitions, and what is there in the end."""

    quarantine: Quarantine
    engines: dict[str, Clamd]

    def intake(self, engine: str, calls: Calls, minutes: int = 0) -> Intake:
        """The scanner's work, its calls counted."""
        at = self.quarantine.later(minutes)
        publisher = EventPublisher(events=calls.of(at.emulator.client("events", REGION)))
        return replace(
            at.intake,
            engine=self.engines[engine],
            s3=calls.of(at.s3),
            sns=calls.of(at.intake.sns),
            publish=publisher.publish,
        )

    def run(self, kind: str, first: tuple[Try, str], second: tuple[Try, str], calls: Calls) -> bool:
        """Try until nothing is left to do; False where the first try made fewer calls than it was to fail at."""
        item = self.quarantine.put(MAIL[kind])
        try:
            outcome = first[0](self.intake(first[1], calls), item)
        except RetryableError:
            outcome = None
        if not calls.failed:
            return False
        calls.fails_at = 0
        # As the queue does it: a worker that broke off may look like one that is still at it.
        for minutes in (6, 12, 18):
            if outcome is None or outcome is Outcome.HELD:
                try:
                    outcome = second[0](self.intake(second[1], calls, minutes), item)
                except RetryableError:
                    outcome = None
        assert outcome is not None
        self.check(item, outcome, calls, second[1])
        return True

    def check(self, item: RawObject, outcome: Outcome, calls: Calls, engine: str) -> None:
        """Bucket, record, alerts and events say the same."""
        record, delivered, told = self.consistent(item, calls)
        action = Action(record["action"])
        assert outcome in {Outcome.GONE, OUTCOMES[action]}
        if action is not Action.HOLD and not any(one["verdict"] == "error" for one in told):
            assert not events(calls)
        if delivered is not None:
            self.check_delivered(delivered, told, outcome, engine)
        assert len(told) <= 4

    def consistent(self, item: RawObject, calls: Calls) -> tuple[dict[str, Any], bytes | None, list[dict[str, Any]]]:
        """What is recorded is what lies in the bucket and was told last; the record, what was delivered and all that was told."""
        record = self.quarantine.record(item)
        delivered = self.quarantine.clean(item) if self.quarantine.keys(f"clean/{item.message_id}") else None
        waits = self.quarantine.versions(item) == [item.version]
        told = [json.loads(json.loads(one["Message"])["default"]) for one in calls.named("publish")]
        action = Action(record["action"])
        assert record["told"]
        assert (delivered is not None, waits) == {
            Action.DELIVER: (True, False),
            Action.STRIP: (True, False),
            Action.HOLD: (False, True),
            Action.DELETE: (False, False),
        }[action]
        if action is Action.HOLD:
            assert events(calls)[-1] == "MessageHeld"
        if told:
            assert told[-1]["action"] == action.value
        for part in record["parts"]:
            if part["verdict"] not in {"clean", "error"}:
                assert part["signature"] in {one["signature"] for one in told}
        return record, delivered, told

    def check_delivered(self, delivered: bytes, told: list[dict[str, Any]], outcome: Outcome, engine: str) -> None:
        """What lies there was told to be there, and what was told to be removed does not lie there."""
        for one in told:
            if one["verdict"] != "error":
                assert one["action"] in {"deliver", "strip"}
            if one["action"] == "strip":
                assert {SIGNATURE: MARKER, LATER_SIGNATURE: LATER}.get(one["signature"], b"\0") not in delivered
        if any(one["verdict"] == "error" for one in told):
            assert told[-1]["verdict"] != "error"
        markers = {SIGNATURE: MARKER} | ({LATER_SIGNATURE: LATER} if engine == "newer" else {})
        if engine != "none" and outcome is not Outcome.GONE:
            for signature in (name for name, marker in markers.items() if _holds(delivered, marker)):
                assert (signature, "deliver", DELIVERED_BEFORE) in {
                    (one["signature"], one["action"], one["reason"]) for one in told
                }


def events(calls: Calls) -> list[str]:
    """Types of the events that others were told."""
    return [one["DetailType"] for asked in calls.named("put_events") for one in asked["Entries"]]


def _holds(message: bytes, marker: bytes) -> bool:
    return any(encoded(marker, name) in message for name in ("known.bin", "later.bin"))


@pytest.fixture
def tries(quarantine: Quarantine, newer: RunningClamd) -> Tries:
    """On an empty bucket."""
    return Tries(quarantine, {"older": quarantine.clamd.client, "newer": newer.client, "none": DEAD})


def every_failure(tries: Tries, kind: str, first: tuple[Try, str], second: tuple[Try, str]) -> int:
    """Fail at each call in turn, before and after it took effect; how many there were."""
    for number in itertools.count(1):
        for when in WHEN:
            if not tries.run(kind, first, second, Calls(fails_at=number, when=when)):
                return number - 1
    raise AssertionError


@pytest.mark.parametrize("policy", INFECTED, ids=lambda policy: f"infected={policy.infected.value}")
@pytest.mark.parametrize(
    ("kind", "engines"),
    [
        ("later", ("older", "newer")),
        ("later", ("newer", "older")),
        ("both", ("older", "newer")),
        ("both", ("newer", "older")),
        ("known", ("older", "older")),
    ],
    ids=str,
)
def test_definitions_change_between_two_tries(
    tries: Tries, kind: str, policy: Policy, engines: tuple[str, str]
) -> None:
    """Clean and then infected, infected and then clean, more found and less found; each with every call failing."""
    tries.quarantine.policy = policy
    assert every_failure(tries, kind, (Intake.take, engines[0]), (Intake.take, engines[1])) >= 3


@pytest.mark.parametrize("policy", EVERY, ids=lambda policy: f"{policy.infected.value}-{policy.encrypted.value}")
@pytest.mark.parametrize("engines", [("older", "newer"), ("newer", "older")], ids="-".join)
def test_locked_archive_beside_what_a_later_set_knows(tries: Tries, policy: Policy, engines: tuple[str, str]) -> None:
    """Encrypted and then infected, and back, by every policy."""
    tries.quarantine.policy = policy
    assert every_failure(tries, "locked and later", (Intake.take, engines[0]), (Intake.take, engines[1])) >= 4


@pytest.mark.parametrize(
    ("kind", "policy"),
    [
        *(("known", policy) for policy in INFECTED),
        ("clean", Policy()),
        ("clean", Policy(clean=Action.HOLD)),
        ("locked", Policy()),
    ],
    ids=["known-strip", "known-hold", "known-delete", "clean", "clean-hold", "locked-hold"],
)
@pytest.mark.parametrize(
    ("first", "second"),
    [
        ((Intake.take, "older"), (Intake.hold, "none")),
        ((Intake.hold, "none"), (Intake.hold, "none")),
        ((Intake.hold, "none"), (Intake.take, "older")),
    ],
    ids=["take-hold", "hold-hold", "hold-take"],
)
def test_scanner_that_stops_or_comes_back(
    tries: Tries, kind: str, policy: Policy, first: tuple[Try, str], second: tuple[Try, str]
) -> None:
    """The engine is gone at the second try, at both, or at the first: what was done and told by then stands."""
    tries.quarantine.policy = policy
    assert every_failure(tries, kind, first, second) >= 3


@pytest.mark.parametrize("policy", INFECTED, ids=lambda policy: policy.infected.value)
def test_found_after_it_was_delivered(tries: Tries, policy: Policy) -> None:
    """The raw version could not be deleted, and a later set knows what is in it: told as delivered, by every policy."""
    tries.quarantine.policy = policy
    item = tries.quarantine.put(MAIL["later"])
    with pytest.raises(RetryableError):
        tries.intake("older", Calls(fails_at=4)).take(item)
    calls = Calls()
    assert tries.intake("newer", calls, minutes=6).take(item) is Outcome.DELIVERED
    (alert,) = tries.quarantine.alerts()
    facts = json.loads(alert["Message"])
    assert (facts["verdict"], facts["action"], facts["reason"]) == ("infected", "deliver", DELIVERED_BEFORE)
    assert alert["Subject"] == f"infected mail to acme: {LATER_SIGNATURE}"
    record = tries.quarantine.record(item)
    assert (record["verdict"], record["action"], record["reason"]) == ("infected", "deliver", DELIVERED_BEFORE)
    assert tries.quarantine.clean(item) == MAIL["later"]
    assert tries.quarantine.versions(item) == []
    assert not calls.named("put_events")


def test_told_as_held_and_delivered_after_all(tries: Tries) -> None:
    """Held because no scan succeeded; a late duplicate finds nothing: operators hear that it was delivered."""
    item = tries.quarantine.put(MAIL["clean"])
    assert tries.intake("none", Calls()).hold(item) is Outcome.HELD
    assert tries.intake("older", Calls(), minutes=6).take(item) is Outcome.DELIVERED
    first, second = (json.loads(alert["Message"]) for alert in tries.quarantine.alerts())
    assert (first["verdict"], first["action"]) == ("error", "hold")
    assert (second["verdict"], second["action"], second["reason"]) == ("clean", "deliver", HELD_BEFORE)


def test_not_delivered_is_held_where_the_scanner_stops(tries: Tries) -> None:
    """The verdict was clean and the delivery failed to the last: what waits is told as held, not recorded as delivered."""
    item = tries.quarantine.put(MAIL["clean"])
    with pytest.raises(RetryableError):
        tries.intake("older", Calls(fails_at=3)).take(item)
    assert tries.intake("none", Calls(), minutes=30).hold(item) is Outcome.HELD
    assert tries.quarantine.record(item)["action"] == "hold"
    assert [json.loads(one["Message"])["action"] for one in tries.quarantine.alerts()] == ["hold"]
