"""Operators and others are told what came of a release: whichever call of AWS fails, and whatever is found at the next try."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial

import pytest

from mailroom.errors import RetryableError
from mailroom.scanning.events import RawObject
from mailroom.scanning.intake import Intake, Outcome
from mailroom.scanning.plans import DELIVERED_BEFORE
from mailroom.scanning.release import RELEASED, Release
from mailroom.scanning.verdicts import Action, Policy, Verdict
from tests.mailroom.clamav import MARKER, RunningClamd
from tests.mailroom.scanning.conftest import NOW, Quarantine
from tests.mailroom.scanning.failures import Calls
from tests.mailroom.scanning.hiding import encoded
from tests.mailroom.scanning.test_told import (
    INFECTED,
    MAIL,
    OUTCOMES,
    ScannedOnce,
    Step,
    Tries,
    events,
    every_failure,
    newer_clamd,
    tries_on,
)

HOLD_ALL = Policy(clean=Action.HOLD, infected=Action.HOLD)
TAKE, HOLD = (Intake.take, "older"), (Intake.hold, "none")


@pytest.fixture(scope="module")
def newer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningClamd]:
    """A clamd with one signature more than the other."""
    yield from newer_clamd(tmp_path_factory.mktemp("newer"))


@pytest.fixture(scope="module")
def scanned() -> ScannedOnce:
    """Of the file's tests in memory."""
    return ScannedOnce()


@dataclass(frozen=True, kw_only=True)
class Case:
    """What is held, how, and what tries its release.

    Args:
        kind: of mail.
        first: the try of which a call fails.
        then: the ones after it.
        policy: the tenant's by then.
        held_by: the try that held it. Default: it was scanned, and held by the policy of then.
        duplicate: whether its arrival is brought once more between the tries. Default: it is not.
    """

    kind: str
    first: Step
    then: Step
    policy: Policy
    held_by: Step = TAKE
    duplicate: bool = False


@dataclass
class Releases:
    """A message that is held, the release of it, and the tries of that."""

    tries: Tries

    def run(self, case: Case, calls: Calls) -> bool:
        """Try until nothing is left to do; False where the first try of the release made fewer calls than it was to fail at."""
        quarantine = self.tries.quarantine
        quarantine.policy = HOLD_ALL
        item = quarantine.put(MAIL[case.kind])
        fails_at, calls.fails_at = calls.fails_at, 0
        assert case.held_by[0](self.tries.intake(case.held_by[1], calls), item) is Outcome.HELD
        quarantine.policy = case.policy
        before = quarantine.record(item)["verdict"]
        release = Release(by="arn:aws:iam::111111111111:user/jane", reason="called", at=NOW, verdict=Verdict(before))
        asked = replace(item, rescan="r1", release=release)
        calls.fails_at = calls.number + fails_at
        outcome = self.once(case.first, asked, calls, 30)
        if not calls.failed:
            return False
        calls.fails_at = 0
        if case.duplicate and outcome is None:
            self.once(TAKE, item, calls, 45)
        for minutes in (60, 75, 90):
            if outcome is None or outcome is Outcome.HELD:
                outcome = self.once(case.then, asked, calls, minutes)
        assert outcome is not None
        self.check(case.kind, item, outcome, calls, before)
        return True

    def once(self, step: Step, item: RawObject, calls: Calls, minutes: int) -> Outcome | None:
        """One try; None where it is to be tried again."""
        try:
            return step[0](self.tries.intake(step[1], calls, minutes), item)
        except RetryableError:
            return None

    def check(self, kind: str, item: RawObject, outcome: Outcome, calls: Calls, before: str) -> None:
        """What was let go lies there whole, on record and told; what was not is where the policy wants it."""
        record, delivered, told = self.tries.consistent(item, calls)
        applied = "release" in record and record["release"]["applied"]
        assert outcome in {
            Outcome.GONE,
            Outcome.RELEASED if record["reason"] == RELEASED else OUTCOMES[record["action"]],
        }
        assert ("MessageReleased" in events(calls)) == applied
        assert any(one["reason"] == RELEASED for one in told) == applied
        if applied:
            assert delivered == MAIL[kind]
            reasons = {one["reason"] for one in told if one["verdict"] == "infected"}
            assert reasons <= {DELIVERED_BEFORE}
            assert record["reason"] == (DELIVERED_BEFORE if reasons else RELEASED)
        elif delivered is not None:
            assert encoded(MARKER, "known.bin") not in delivered
        if kind == "known" and before == "infected":
            assert (record["verdict"], applied) == ("infected", False)
        assert len(told) <= 6


@pytest.fixture
def releases(quarantine_in_memory: Quarantine, newer: RunningClamd, scanned: ScannedOnce) -> Releases:
    """On an empty bucket in memory."""
    return Releases(tries_on(quarantine_in_memory, newer, scanned))


@pytest.fixture
def emulated(quarantine: Quarantine, newer: RunningClamd) -> Releases:
    """On an empty bucket of the emulator."""
    return Releases(tries_on(quarantine, newer))


def sweep(releases: Releases, case: Case) -> list[list[str]]:
    """Every failure of the release's first try."""
    return every_failure(releases.tries, partial(releases.run, case))


@pytest.mark.parametrize(
    ("policy", "duplicate"),
    [(HOLD_ALL, False), (HOLD_ALL, True), (Policy(encrypted=Action.STRIP), False)],
    ids=["hold", "hold, beside a duplicate", "strip"],
)
@pytest.mark.parametrize("kind", ["clean", "locked"])
def test_let_go(releases: Releases, kind: str, policy: Policy, duplicate: bool) -> None:
    """Held by its policy; a late duplicate of its arrival may come between two tries."""
    case = Case(kind=kind, first=TAKE, then=TAKE, policy=policy, duplicate=duplicate)
    assert len(sweep(releases, case)) >= 2 * 7


@pytest.mark.parametrize("policy", INFECTED, ids=lambda policy: policy.infected.value)
@pytest.mark.parametrize("engines", [("older", "newer"), ("newer", "older")], ids="-".join)
def test_definitions_change_between_two_tries(releases: Releases, policy: Policy, engines: tuple[str, str]) -> None:
    """More is found in it, or less: told as it is, and what malware was found in before it was let go is not."""
    first, then = ((Intake.take, engine) for engine in engines)
    assert len(sweep(releases, Case(kind="locked and later", first=first, then=then, policy=policy))) >= 2 * 6


@pytest.mark.parametrize("kind", ["clean", "locked", "known"])
@pytest.mark.parametrize(
    "steps", [(HOLD, HOLD), (HOLD, TAKE), (TAKE, HOLD)], ids=["hold-hold", "hold-take", "take-hold"]
)
@pytest.mark.parametrize("held_by", [TAKE, HOLD], ids=["scanned", "unscanned"])
def test_scanner_that_stops_or_comes_back(
    releases: Releases, kind: str, held_by: Step, steps: tuple[Step, ...]
) -> None:
    """The engine is gone at one try or at both: unscanned goes what is held as that alone."""
    case = Case(kind=kind, first=steps[0], then=steps[1], policy=Policy(), held_by=held_by)
    assert len(sweep(releases, case)) >= 2 * 3


@pytest.mark.parametrize(
    "case",
    [
        Case(kind="clean", first=TAKE, then=TAKE, policy=HOLD_ALL, duplicate=True),
        Case(kind="locked and later", first=TAKE, then=(Intake.take, "newer"), policy=INFECTED[0]),
        Case(kind="locked", first=HOLD, then=TAKE, policy=Policy(), held_by=HOLD),
    ],
    ids=["let go, beside a duplicate", "more is found", "the scanner comes back"],
)
def test_same_on_the_emulator(emulated: Releases, releases: Releases, case: Case) -> None:
    """Each kind of release with every call failing: call by call as in memory."""
    assert sweep(emulated, case) == sweep(releases, case)
