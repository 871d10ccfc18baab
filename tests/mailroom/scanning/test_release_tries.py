"""A release between other tries of the same message: what earlier and later ones know, decide and deliver."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, cast

import pytest

from mailroom.errors import RetryableError
from mailroom.events.inbound import MessageHeld, MessageReleased
from mailroom.scanning.intake import Intake, Outcome
from mailroom.scanning.plans import DELIVERED_BEFORE, OUTDATED
from mailroom.scanning.records import VerdictRecord
from mailroom.scanning.release import RELEASED, Release
from mailroom.scanning.verdicts import Action, Policy, Verdict
from tests.mailroom.scanning.conftest import Quarantine
from tests.mailroom.scanning.failures import Calls
from tests.mailroom.scanning.sessions import OwnSession
from tests.mailroom.scanning.test_hold import DEAD
from tests.mailroom.scanning.test_intake import CLEAN, INFECTED
from tests.mailroom.scanning.test_release import ENCRYPTED, NOW, OPERATOR, Office

ERROR_RELEASE = Release(by=OPERATOR, reason="x", at=NOW, verdict=Verdict.ERROR)


@pytest.fixture
def office(quarantine: Quarantine) -> Office:
    """By default policy."""
    return Office(quarantine)


def facts(office: Office) -> list[dict[str, Any]]:
    """Alerts to operators since the last call."""
    return [json.loads(alert["Message"]) for alert in office.quarantine.alerts()]


def later(office: Office) -> Intake:
    """The scanner's work when nobody else is at it any more."""
    return replace(office.intake, clock=lambda: office.quarantine.later(11).now)


def test_what_has_no_verdict_is_not_let_go(office: Office) -> None:
    """A request that somebody made up, of a message that the scanner never saw: its policy decides, scanned or not."""
    for raw, engine in ((ENCRYPTED, office.intake.engine), (CLEAN, DEAD)):
        item = office.quarantine.put(raw)
        made_up = replace(item, rescan="r1", release=ERROR_RELEASE)
        work = replace(office.intake, engine=engine)
        assert (work.hold if engine is DEAD else work.take)(made_up) is Outcome.HELD
        assert office.quarantine.record(item)["release"]["applied"] is False
    assert office.quarantine.keys("clean/") == []


def test_a_request_is_decided_once(office: Office) -> None:
    """The queue may bring it again: what it did not let go at first, it never does."""
    item = office.held(ENCRYPTED)
    asked = replace(item, rescan="r1", release=ERROR_RELEASE)
    broken = replace(office.intake, engine=DEAD)
    for _ in range(3):
        assert broken.hold(asked) is Outcome.HELD
    assert office.intake.take(asked) is Outcome.HELD
    assert office.quarantine.keys("clean/") == []
    assert not any(isinstance(one, MessageReleased) for one in office.heard)


def test_malware_that_was_found_meanwhile(office: Office) -> None:
    """Asked for as encrypted; another scan found malware before, which this one does not: nothing is let go."""
    item = office.held(ENCRYPTED)
    asked = office.asked(item)
    key = f"verdicts/{item.message_id}/{item.version}.json"
    record = office.quarantine.record(item)
    record["parts"][0] |= {"verdict": "infected", "signature": "Later"}
    document = json.dumps({**record, "verdict": "infected", "rescan": "r0"})
    office.quarantine.s3.put_object(Bucket=item.bucket, Key=key, Body=document)
    assert office.intake.take(asked) is Outcome.HELD
    assert office.intake.take(asked) is Outcome.HELD
    assert office.quarantine.keys("clean/") == []
    assert office.quarantine.record(item)["release"]["applied"] is False


@pytest.mark.parametrize("action", [Action.STRIP, Action.HOLD, Action.DELETE], ids=str)
@pytest.mark.parametrize(
    ("rescan", "release"),
    [("", None), ("r1", None), ("r1", ERROR_RELEASE)],
    ids=["the same", "asked anew", "release"],
)
def test_failed_scan_never_makes_an_error_of_malware(
    office: Office, action: Action, rescan: str, release: Release | None
) -> None:
    """Found, recorded, and then AWS failed: whatever the policy was to do, the verdict stays infected, and is told."""
    office.quarantine.policy = Policy(infected=action)
    item = office.quarantine.put(INFECTED)
    calls = Calls(fails_at=3)
    with pytest.raises(RetryableError):
        replace(office.intake, s3=calls.of(office.quarantine.s3), sns=calls.of(office.intake.sns)).take(item)
    assert office.quarantine.record(item)["verdict"] == "infected"
    office.quarantine.alerts()
    broken = replace(later(office), engine=DEAD)
    outcome = broken.hold(replace(item, rescan=rescan, release=release))
    record = office.quarantine.record(item)
    assert (record["verdict"], record["told"], record["parts"][0]["verdict"]) == ("infected", True, "infected")
    assert office.quarantine.keys("clean/") == []
    assert outcome is (Outcome.DELETED if action is Action.DELETE and not rescan else Outcome.HELD)
    assert {(one["verdict"], one["action"]) for one in facts(office)} == {("infected", record["action"])}


def test_found_after_it_was_let_go(office: Office) -> None:
    """The raw version could not be deleted: what is found by then and was not known is told; who let it go stays on record."""
    late = [(verdict, "deliver", DELIVERED_BEFORE) for verdict in ("infected", "encrypted")]
    for raw, found in ((ENCRYPTED, []), (INFECTED, late)):
        item = office.held(ENCRYPTED)
        asked = office.asked(item)
        broken = replace(office.intake, s3=cast(Any, Fails(office.quarantine.s3, "delete_object", "raw/")))
        with pytest.raises(RetryableError):
            broken.take(asked)
        assert [one["reason"] for one in facts(office)] == [RELEASED]
        engine = Finds(office.intake.engine, raw)
        outcome = replace(later(office), engine=engine).take(item)
        assert outcome is (Outcome.DELIVERED if found else Outcome.RELEASED)
        assert [(one["verdict"], one["action"], one["reason"]) for one in facts(office)] == found
        assert office.quarantine.record(item)["release"]["applied"] is True
        assert office.quarantine.versions(item) == []
        assert [one.TYPE for one in office.heard] == ["MessageReleased"]


class Fails:
    """A client of S3 that fails at one operation, below one prefix."""

    def __init__(self, s3: Any, operation: str, prefix: str) -> None:
        self.s3 = s3
        self.operation = operation
        self.prefix = prefix

    def __getattr__(self, name: str) -> Any:
        def call(*arguments: Any, **named: Any) -> Any:
            if name == self.operation and named["Key"].startswith(self.prefix):
                raise RetryableError(name)
            return getattr(self.s3, name)(*arguments, **named)

        return call


class Finds(OwnSession):
    """An engine with newer definitions: it finds in every file what the other one finds in `instead`."""

    def __init__(self, engine: Any, instead: bytes) -> None:
        self.engine = engine
        self.instead = instead

    def __getattr__(self, name: str) -> Any:
        return getattr(self.engine, name)

    def submit(self, data: bytes) -> Any:
        """Begin to look at the other file."""
        return self.engine.submit(self.instead if self.instead is INFECTED else data)


def test_duplicate_of_the_arrival_beside_a_release(office: Office) -> None:
    """It comes between two tries of the release: held as it was, and then let go."""
    item = office.held(ENCRYPTED)
    asked = office.asked(item)
    broken = replace(office.intake, s3=cast(Any, Fails(office.quarantine.s3, "put_object", "clean/")))
    with pytest.raises(RetryableError):
        broken.take(asked)
    assert office.quarantine.record(item)["release"]["applied"] is True
    assert later(office).take(item) is Outcome.HELD
    assert "release" not in office.quarantine.record(item)
    assert replace(office.intake, clock=lambda: office.quarantine.later(30).now).take(asked) is Outcome.RELEASED
    assert office.quarantine.clean(item) == ENCRYPTED
    assert isinstance(office.heard[-1], MessageReleased)


def test_held_as_an_error_and_clean_by_now(office: Office) -> None:
    """Let go, and the scanner works again: operators, who were told of an error, hear that it was delivered and nothing found."""
    item = office.quarantine.put(CLEAN)
    assert replace(office.intake, engine=DEAD).hold(item) is Outcome.HELD
    assert isinstance(office.heard.pop(), MessageHeld)
    assert office.intake.take(office.asked(item)) is Outcome.RELEASED
    told = [(one["verdict"], one["action"], one["reason"]) for one in facts(office)]
    assert told == [("error", "hold", "the scan failed"), ("clean", "deliver", RELEASED)]


def test_more_than_the_beginning_is_let_go_unscanned(office: Office) -> None:
    """A message that is held reads its envelope alone; one that is let go is delivered to its last byte."""
    raw = CLEAN + b"x" * 76 * 2_000 + b"\r\nlast line\r\n"
    item = office.held(raw, without_clamd=True)
    assert replace(office.intake, engine=DEAD).hold(office.asked(item)) is Outcome.RELEASED
    assert office.quarantine.clean(item) == raw


def test_what_cannot_be_delivered_whole_is_not_let_go(office: Office) -> None:
    """Its key would be too long: it stays held, and nothing else comes of it."""
    item = office.quarantine.put(CLEAN, key="raw/" + "k" * 1_019)
    assert office.intake.take(item) is Outcome.HELD
    asked = replace(item, rescan="r1", release=ERROR_RELEASE)
    assert office.intake.take(asked) is Outcome.HELD
    assert replace(office.intake, engine=DEAD).hold(replace(asked, rescan="r2")) is Outcome.HELD
    assert office.quarantine.keys("clean/") == []


def test_record_with_its_release_is_read_as_it_was_written(office: Office) -> None:
    """Each field; a record of before has no release."""
    item = office.held(ENCRYPTED)
    assert VerdictRecord.from_document(office.quarantine.record(item)).release is None
    asked = office.asked(item)
    office.intake.take(asked)
    document = office.quarantine.record(item)
    record = VerdictRecord.from_document(document)
    assert asked.release is not None
    assert record.release == replace(asked.release, applied=True)
    assert record.document == document


def test_file_that_is_no_mail_is_let_go(office: Office) -> None:
    """Of a bucket that holds files: whole, with what was said of it, in the place of an older one; an outdated one is not."""
    files = replace(office.quarantine, mail=False)
    at = Office(files)
    key = "raw/scans/contract.eml"
    assert at.intake.take(files.put(CLEAN, key=key)) is Outcome.DELIVERED
    item = files.put(ENCRYPTED, key=key)
    assert at.intake.take(item) is Outcome.HELD
    asked = at.asked(item)
    assert at.intake.take(asked) is Outcome.RELEASED
    assert files.clean(item) == ENCRYPTED
    record = files.record(item)
    assert (record["action"], record["release"]["applied"]) == ("deliver", True)
    assert [one.TYPE for one in at.heard] == ["MessageHeld", "MessageReleased"]


def test_outdated_file_is_not_let_go(office: Office) -> None:
    """A newer version was delivered while it was held: that one stays, and the record says that the release was not applied."""
    files = replace(office.quarantine, mail=False)
    at = Office(files)
    key = "raw/scans/contract.eml"
    item = files.put(ENCRYPTED, key=key)
    assert at.intake.take(item) is Outcome.HELD
    asked = at.asked(item)
    assert at.intake.take(files.put(CLEAN, key=key)) is Outcome.DELIVERED
    assert at.intake.take(asked) is Outcome.DELETED
    assert files.clean(item) == CLEAN
    record = files.record(item)
    assert (record["action"], record["release"]["applied"]) == ("delete", False)
    assert [one.TYPE for one in at.heard] == ["MessageHeld"]
    alert = facts(office)[-1]
    assert (alert["action"], alert["reason"]) == ("delete", OUTDATED)
