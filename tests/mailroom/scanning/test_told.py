"""Operators are told what happened: whichever call of AWS fails, and whatever the definitions find at the next try.

Thousands of tries have a bucket, a topic and a bus in memory, and each clamd scans a message once. With the emulator, every try
scans anew; its calls are the same.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import pytest

from mailroom.errors import RetryableError
from mailroom.events import EventPublisher
from mailroom.scanning.clamd import Clamd
from mailroom.scanning.events import RawObject
from mailroom.scanning.intake import Intake, Outcome
from mailroom.scanning.plans import DELIVERED_BEFORE, HELD_BEFORE
from mailroom.scanning.scan import scan_message
from mailroom.scanning.verdicts import Action, Policy, ScanResult
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
Step = tuple[Try, str]


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


@dataclass(frozen=True)
class ScannedOnce:
    """Results of scans: one for each message and clamd."""

    results: dict[tuple[bytes, str], ScanResult] = field(default_factory=dict)

    def scan(self, raw: bytes, engine: Clamd, *rest: Any) -> ScanResult:
        """In the place of `scan_message`."""
        known = (raw, engine.socket_path)
        if known not in self.results:
            self.results[known] = scan_message(raw, engine, *rest)
        return self.results[known]


@dataclass
class Tries:
    """Two tries of one object, each with its own definitions, and what is there in the end."""

    quarantine: Quarantine
    engines: dict[str, Clamd]
    scanned: ScannedOnce | None = None

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

    def run(self, kind: str, first: Step, second: Step, calls: Calls) -> bool:
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


def tries_on(quarantine: Quarantine, newer: RunningClamd, scanned: ScannedOnce | None = None) -> Tries:
    """With all engines; without `scanned`, every try scans."""
    return Tries(quarantine, {"older": quarantine.clamd.client, "newer": newer.client, "none": DEAD}, scanned)


@pytest.fixture(scope="module")
def scanned() -> ScannedOnce:
    """Of the file's tests in memory."""
    return ScannedOnce()


@pytest.fixture
def tries(quarantine_in_memory: Quarantine, newer: RunningClamd, scanned: ScannedOnce) -> Tries:
    """On an empty bucket in memory."""
    return tries_on(quarantine_in_memory, newer, scanned)


@pytest.fixture
def emulated(quarantine: Quarantine, newer: RunningClamd) -> Tries:
    """On an empty bucket of the emulator."""
    return tries_on(quarantine, newer)


def every_failure(tries: Tries, run: Callable[[Calls], bool]) -> list[list[str]]:
    """Fail at each call in turn, before and after it took effect; the calls that took effect, by the ones that failed."""
    done: list[list[str]] = []
    with pytest.MonkeyPatch.context() as patch:
        if tries.scanned is not None:
            patch.setattr("mailroom.scanning.intake.scan_message", tries.scanned.scan)
        for number, when in ((number, when) for number in itertools.count(1) for when in WHEN):
            calls = Calls(fails_at=number, when=when)
            if not run(calls):
                break
            done.append([name for name, _arguments in calls.done])
    return done


def sweep(tries: Tries, kind: str, policy: Policy, first: Step, second: Step) -> list[list[str]]:
    """Every failure of the first of two tries."""
    tries.quarantine.policy = policy
    return every_failure(tries, partial(tries.run, kind, first, second))


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
    assert len(sweep(tries, kind, policy, (Intake.take, engines[0]), (Intake.take, engines[1]))) >= 2 * 3


@pytest.mark.parametrize("policy", EVERY, ids=lambda policy: f"{policy.infected.value}-{policy.encrypted.value}")
@pytest.mark.parametrize("engines", [("older", "newer"), ("newer", "older")], ids="-".join)
def test_locked_archive_beside_what_a_later_set_knows(tries: Tries, policy: Policy, engines: tuple[str, str]) -> None:
    """Encrypted and then infected, and back, by every policy."""
    first, second = (Intake.take, engines[0]), (Intake.take, engines[1])
    assert len(sweep(tries, "locked and later", policy, first, second)) >= 2 * 4


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
def test_scanner_that_stops_or_comes_back(tries: Tries, kind: str, policy: Policy, first: Step, second: Step) -> None:
    """The engine is gone at the second try, at both, or at the first: what was done and told by then stands."""
    assert len(sweep(tries, kind, policy, first, second)) >= 2 * 3


@pytest.mark.parametrize(
    "case",
    [
        ("both", Policy(infected=Action.STRIP), (Intake.take, "older"), (Intake.take, "newer")),
        ("locked and later", Policy(encrypted=Action.DELIVER), (Intake.take, "newer"), (Intake.take, "older")),
        ("locked and later", Policy(infected=Action.HOLD), (Intake.take, "older"), (Intake.take, "newer")),
        ("known", Policy(infected=Action.DELETE), (Intake.take, "older"), (Intake.hold, "none")),
        ("clean", Policy(), (Intake.hold, "none"), (Intake.take, "older")),
    ],
    ids=["more is found", "less is found", "held", "the scanner stops", "the scanner comes back"],
)
def test_same_on_the_emulator(emulated: Tries, tries: Tries, case: tuple[str, Policy, Step, Step]) -> None:
    """Each kind of change with every call failing: call by call as in memory."""
    assert sweep(emulated, *case) == sweep(tries, *case)


@pytest.mark.parametrize("policy", INFECTED, ids=lambda policy: policy.infected.value)
def test_found_after_it_was_delivered(emulated: Tries, policy: Policy) -> None:
    """The raw version could not be deleted, and a later set knows what is in it: told as delivered, by every policy."""
    emulated.quarantine.policy = policy
    item = emulated.quarantine.put(MAIL["later"])
    with pytest.raises(RetryableError):
        emulated.intake("older", Calls(fails_at=4)).take(item)
    calls = Calls()
    assert emulated.intake("newer", calls, minutes=6).take(item) is Outcome.DELIVERED
    (alert,) = emulated.quarantine.alerts()
    facts = json.loads(alert["Message"])
    assert (facts["verdict"], facts["action"], facts["reason"]) == ("infected", "deliver", DELIVERED_BEFORE)
    assert alert["Subject"] == f"infected mail to acme: {LATER_SIGNATURE}"
    record = emulated.quarantine.record(item)
    assert (record["verdict"], record["action"], record["reason"]) == ("infected", "deliver", DELIVERED_BEFORE)
    assert emulated.quarantine.clean(item) == MAIL["later"]
    assert emulated.quarantine.versions(item) == []
    assert not calls.named("put_events")


def test_told_as_held_and_delivered_after_all(emulated: Tries) -> None:
    """Held because no scan succeeded; a late duplicate finds nothing: operators hear that it was delivered."""
    item = emulated.quarantine.put(MAIL["clean"])
    assert emulated.intake("none", Calls()).hold(item) is Outcome.HELD
    assert emulated.intake("older", Calls(), minutes=6).take(item) is Outcome.DELIVERED
    first, second = (json.loads(alert["Message"]) for alert in emulated.quarantine.alerts())
    assert (first["verdict"], first["action"]) == ("error", "hold")
    assert (second["verdict"], second["action"], second["reason"]) == ("clean", "deliver", HELD_BEFORE)


def test_not_delivered_is_held_where_the_scanner_stops(emulated: Tries) -> None:
    """The verdict was clean and the delivery failed to the last: what waits is told as held, not recorded as delivered."""
    item = emulated.quarantine.put(MAIL["clean"])
    with pytest.raises(RetryableError):
        emulated.intake("older", Calls(fails_at=3)).take(item)
    assert emulated.intake("none", Calls(), minutes=30).hold(item) is Outcome.HELD
    assert emulated.quarantine.record(item)["action"] == "hold"
    assert [json.loads(one["Message"])["action"] for one in emulated.quarantine.alerts()] == ["hold"]
