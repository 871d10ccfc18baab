"""An operator lets one held message go: what is delivered by it, what is not, and what is kept and told of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, cast

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from email_stack.operations.quarantine import Quarantine as Listing
from mailroom.errors import PermanentError, RetryableError
from mailroom.events.form import schema_of
from mailroom.events.inbound import MessageDiscarded, MessageHeld, MessageReleased
from mailroom.scanning.events import RawObject, raw_objects, rescan_message
from mailroom.scanning.handler import process_batch
from mailroom.scanning.intake import Intake, Outcome
from mailroom.scanning.release import Release, released
from mailroom.scanning.verdicts import Action, PartVerdict, Policy, ScanResult, Verdict
from tests.mailroom.clamav import MARKER
from tests.mailroom.scanning.conftest import REGION, Quarantine
from tests.mailroom.scanning.test_hold import DEAD, received
from tests.mailroom.scanning.test_intake import CLEAN, INFECTED

NOW = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
OPERATOR = "arn:aws:sts::111111111111:assumed-role/Operators/jane"
ENCRYPTED = b"Subject: contract\r\nContent-Type: message/partial; id=x; number=1; total=2\r\n\r\nhalf of it\r\n"
OVER_LIMIT = (
    b"Subject: plans\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    b"UmFyIRoHAQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\r\n"
)


@dataclass
class Office:
    """The tenant's quarantine, those who hear its events, and the operator's commands."""

    quarantine: Quarantine
    heard: list[MessageDiscarded | MessageHeld | MessageReleased] = field(default_factory=list)

    @property
    def intake(self) -> Intake:
        """The scanner's work; others hear of it."""
        return replace(self.quarantine.intake, publish=self.heard.append)

    def held(self, raw: bytes, *, without_clamd: bool = False) -> RawObject:
        """A message that was held."""
        item = self.quarantine.put(raw)
        intake = replace(self.intake, engine=DEAD) if without_clamd else self.intake
        assert (intake.hold if without_clamd else intake.take)(item) is Outcome.HELD
        self.heard.clear()
        self.quarantine.alerts()
        return item

    def asked(self, item: RawObject, reason: str = "the sender called") -> RawObject:
        """The request that the command line puts in the queue, as the scanner reads it."""
        sqs = self.quarantine.emulator.client("sqs", REGION)
        queue = sqs.create_queue(QueueName=f"arrivals-{self.quarantine.bucket}")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        told = {"QueueConfigurations": [{"QueueArn": arn, "Events": ["s3:ObjectCreated:Put"]}]}
        s3 = self.quarantine.s3
        s3.put_bucket_notification_configuration(Bucket=self.quarantine.bucket, NotificationConfiguration=told)
        sqs.purge_queue(QueueUrl=queue)
        listing = Listing(bucket=self.quarantine.bucket, s3=s3, sqs=sqs)
        (message,) = [one for one in listing.messages() if one.item == item]
        listing.release(message, by=OPERATOR, reason=reason, at=NOW)
        (sent,) = sqs.receive_message(QueueUrl=queue, AttributeNames=["All"])["Messages"]
        (request,) = raw_objects(sent["Body"], sender=sent["Attributes"]["SenderId"])
        return request


@pytest.fixture
def office(quarantine: Quarantine) -> Office:
    """By default policy."""
    return Office(quarantine)


@pytest.mark.parametrize(
    ("raw", "verdict", "policy"),
    [
        (ENCRYPTED, "encrypted", Policy()),
        (OVER_LIMIT, "over-limit", Policy()),
        (CLEAN, "clean", Policy(clean=Action.HOLD)),
    ],
    ids=["encrypted", "over-limit", "clean"],
)
def test_released_message_is_delivered_as_it_came(office: Office, raw: bytes, verdict: str, policy: Policy) -> None:
    """Scanned anew, whole, gone from quarantine; who asked and why stands beside the verdict."""
    office.quarantine.policy = policy
    item = office.held(raw)
    assert office.intake.take(office.asked(item)) is Outcome.RELEASED
    assert office.quarantine.clean(item) == raw
    assert office.quarantine.versions(item) == []
    record = office.quarantine.record(item)
    assert (record["verdict"], record["action"], record["told"]) == (verdict, "deliver", True)
    assert record["release"].pop("sender")
    assert record["release"] == {
        "by": OPERATOR,
        "reason": "the sender called",
        "at": "2026-11-28T12:00:00+00:00",
        "verdict": verdict,
        "applied": True,
    }


def test_others_hear_of_it_and_not_why(office: Office) -> None:
    """One event by the published schema, without a word of the operator's; operators are told of what was found once more."""
    item = office.held(ENCRYPTED)
    office.intake.take(office.asked(item, reason="Mrs Jones needs it"))
    (event,) = office.heard
    assert isinstance(event, MessageReleased)
    jsonschema.validate(event.detail, schema_of(MessageReleased), format_checker=jsonschema.FormatChecker())
    assert (event.tenant, event.delivery, event.verdict) == ("acme", item.message_id, "encrypted")
    assert "Jones" not in json.dumps(event.detail)
    assert OPERATOR not in json.dumps(event.detail)
    (alert,) = office.quarantine.alerts()
    facts = json.loads(alert["Message"])
    assert (facts["action"], facts["reason"]) == ("deliver", "released by an operator")


def test_policy_that_would_delete_or_strip_does_not(office: Office) -> None:
    """Whoever lets a message go means all of it."""
    for action in (Action.DELETE, Action.STRIP, Action.DELIVER):
        office.quarantine.policy = Policy()
        item = office.held(ENCRYPTED)
        office.quarantine.policy = Policy(encrypted=action)
        assert office.intake.take(office.asked(item)) is Outcome.RELEASED
        assert office.quarantine.clean(item) == ENCRYPTED


@pytest.mark.parametrize(
    ("action", "outcome"),
    [(Action.HOLD, Outcome.HELD), (Action.STRIP, Outcome.STRIPPED), (Action.DELETE, Outcome.DELETED)],
)
def test_malware_is_not_let_go(office: Office, action: Action, outcome: Outcome) -> None:
    """Whatever it was held for, and whatever is asked: the policy decides; that a release was asked for is kept."""
    item = office.quarantine.put(INFECTED)
    broken = replace(office.intake, engine=DEAD)
    assert broken.hold(item) is Outcome.HELD
    office.heard.clear()
    office.quarantine.policy = Policy(infected=action)
    assert office.intake.take(office.asked(item)) is outcome
    assert all(MARKER not in office.quarantine.clean(item) for _ in office.quarantine.keys(f"clean/{item.message_id}"))
    assert not any(isinstance(one, MessageReleased) for one in office.heard)
    record = office.quarantine.record(item)
    assert (record["verdict"], record["release"]["applied"]) == ("infected", False)


def test_what_is_worse_than_it_was_is_held_again(office: Office) -> None:
    """A release is for what was known then: new definitions found more in it meanwhile."""
    office.quarantine.policy = Policy(clean=Action.HOLD)
    item = office.held(CLEAN)
    asked = office.asked(item)
    worse = replace(asked, key=office.quarantine.put(ENCRYPTED).key)
    worse = replace(worse, version=office.quarantine.versions(worse)[0])
    assert office.intake.take(worse) is Outcome.HELD
    assert office.quarantine.keys("clean/") == []
    assert office.quarantine.record(worse)["release"]["applied"] is False


def test_scan_that_fails_again_is_let_go_at_the_last_try(office: Office) -> None:
    """Held because it could not be scanned, and cannot be now: five tries, then delivered with that verdict."""
    item = office.held(CLEAN, without_clamd=True)
    asked = office.asked(item)
    broken = replace(office.intake, engine=DEAD)
    with pytest.raises(RetryableError):
        broken.take(asked)
    assert office.quarantine.keys("clean/") == []
    assert broken.hold(asked) is Outcome.RELEASED
    assert office.quarantine.clean(item) == CLEAN
    assert office.quarantine.versions(item) == []
    record = office.quarantine.record(item)
    assert (record["verdict"], record["action"], record["release"]["applied"]) == ("error", "deliver", True)
    metadata = office.quarantine.s3.head_object(Bucket=office.quarantine.bucket, Key=f"clean/{item.message_id}")
    assert metadata["Metadata"]["verdict"] == "error"
    (event,) = office.heard
    assert (event.TYPE, event.verdict) == ("MessageReleased", "error")
    assert broken.hold(asked) is Outcome.GONE


@pytest.mark.parametrize("raw", [ENCRYPTED, INFECTED], ids=["encrypted", "infected"])
def test_scan_that_fails_lets_nothing_else_go(office: Office, raw: bytes) -> None:
    """A release of what was scanned is none of what was not; malware that was found once stays found."""
    office.quarantine.policy = Policy(infected=Action.HOLD)
    item = office.held(raw)
    asked = office.asked(item)
    assert replace(office.intake, engine=DEAD).hold(asked) is Outcome.HELD
    assert office.quarantine.keys("clean/") == []
    if raw is INFECTED:
        assert asked.release is not None
        error = replace(asked, rescan="r2", release=replace(asked.release, verdict=Verdict.ERROR))
        assert replace(office.intake, engine=DEAD).hold(error) is Outcome.HELD
        assert office.quarantine.record(item)["verdict"] == "infected"
        assert office.quarantine.keys("clean/") == []


def test_first_scan_that_fails_is_held_whatever_is_asked(office: Office) -> None:
    """Nobody can release what has no verdict: a request that somebody made up is held like any other."""
    item = office.quarantine.put(CLEAN)
    release = Release(by=OPERATOR, reason="x", at=NOW, verdict=Verdict.ERROR)
    made_up = replace(item, rescan="r1", release=release)
    assert replace(office.intake, engine=DEAD).hold(made_up) is Outcome.HELD
    assert office.quarantine.keys("clean/") == []


def test_deleted_message_is_not_let_go(office: Office) -> None:
    """It was deleted after it was asked for."""
    item = office.held(ENCRYPTED)
    asked = office.asked(item)
    office.quarantine.s3.delete_object(Bucket=item.bucket, Key=item.key)
    assert office.intake.take(asked) is Outcome.GONE
    assert (office.quarantine.keys("clean/"), office.heard) == ([], [])


def test_asked_twice_is_delivered_once(office: Office) -> None:
    """Also the same request twice, as a queue may have it."""
    item = office.held(ENCRYPTED)
    first, second = office.asked(item), office.asked(item)
    assert office.intake.take(first) is Outcome.RELEASED
    assert office.intake.take(first) is Outcome.GONE
    assert office.intake.take(second) is Outcome.GONE
    assert len(office.heard) == 1


@pytest.mark.parametrize("step", ["announce", "deliver", "delete"])
def test_every_step_can_be_the_last(office: Office, step: str) -> None:
    """What was begun is found again and ended: recorded, told and delivered."""
    item = office.held(ENCRYPTED)
    asked = office.asked(item)

    def fail(*_arguments: Any, **_named: Any) -> None:
        raise RetryableError(step)

    class Failing:
        """A client whose call of that step fails."""

        def __init__(self, s3: Any) -> None:
            self.s3 = s3

        def __getattr__(self, name: str) -> Callable[..., Any]:
            def call(**arguments: Any) -> Any:
                delivers = name == "put_object" and arguments["Key"].startswith("clean/")
                if (step == "deliver" and delivers) or (step == "delete" and name == "delete_object"):
                    fail()
                return getattr(self.s3, name)(**arguments)

            return call if name != "get_paginator" else self.s3.get_paginator

    broken = replace(office.intake, publish=fail) if step == "announce" else office.intake
    with pytest.raises(RetryableError):
        replace(broken, s3=cast(Any, Failing(broken.s3))).take(asked)
    later = replace(office.intake, clock=lambda: office.quarantine.later(11).now)
    assert later.take(asked) is Outcome.RELEASED
    assert office.quarantine.clean(item) == ENCRYPTED
    assert office.quarantine.versions(item) == []
    assert [one.TYPE for one in office.heard] == ["MessageReleased"]
    assert office.quarantine.record(item)["release"]["applied"] is True


def test_queue_message_of_a_release(office: Office) -> None:
    """From the queue to delivery: SQS's own word of who sent it is kept, whatever the message says; counted by its outcome."""
    item = office.held(ENCRYPTED)
    asked = office.asked(item)
    batch = received(item, 1)
    batch["Records"][0]["body"] = rescan_message(asked)
    batch["Records"][0]["attributes"]["SenderId"] = "AROAEXAMPLE:jane"
    counts: list[str] = []
    intake = replace(office.intake, count=lambda name, _number: counts.append(name))
    assert process_batch(batch, intake, max_receives=5) == {"batchItemFailures": []}
    assert office.quarantine.record(item)["release"]["sender"] == "AROAEXAMPLE:jane"
    assert "Released" in counts


RELEASE = {"by": OPERATOR, "reason": "asked for", "at": NOW.isoformat(), "verdict": "encrypted"}
SAID = {"s3": {"bucket": {"name": "b"}, "object": {"key": "raw/m", "versionId": "v"}}, "rescan": "r"}


@pytest.mark.parametrize(
    "changed",
    [
        {"reason": ""},
        {"reason": "  "},
        {"reason": "x" * 201},
        {"reason": "a\nb"},
        {"reason": "\u202egnp"},
        {"reason": 5},
        {"by": ""},
        {"by": "x" * 513},
        {"at": "yesterday"},
        {"at": "2026-11-28T12:00:00"},
        {"verdict": "fine"},
        {"verdict": None},
    ],
    ids=str,
)
def test_release_that_is_none(changed: dict[str, Any]) -> None:
    """Refused as a whole, and nothing of what it says stands in the log."""
    assert len(list(raw_objects(json.dumps({"Records": [SAID], "release": RELEASE})))) == 1
    with pytest.raises(PermanentError, match="queue message: release: ") as caught:
        list(raw_objects(json.dumps({"Records": [SAID], "release": {**RELEASE, **changed}})))
    assert "asked for" not in str(caught.value)


@pytest.mark.parametrize("records", [[SAID, {**SAID, "rescan": "r2"}], [{"s3": SAID["s3"]}]], ids=["two", "no request"])
def test_release_of_one_message_that_was_asked_for(records: list[Any]) -> None:
    """S3's own notifications let nothing go, nor does one request several."""
    with pytest.raises(PermanentError, match="a request about one object"):
        list(raw_objects(json.dumps({"Records": records, "release": RELEASE})))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(release=JSON | st.fixed_dictionaries(dict.fromkeys(RELEASE, JSON)))
def test_any_release_is_one_or_is_refused(release: Any) -> None:
    """Nothing else is raised."""
    try:
        (item,) = raw_objects(json.dumps({"Records": [SAID], "release": release}))
    except PermanentError:
        return
    assert item.release is None or item.release.document == release


VERDICTS = st.sampled_from(Verdict)


@given(found=st.lists(VERDICTS, min_size=1, max_size=4), known=VERDICTS)
def test_only_what_was_known_goes(found: list[Verdict], known: Verdict) -> None:
    """No malware ever, and nothing worse than what the release was given for."""
    order = list(Verdict)
    parts = tuple(
        PartVerdict(path=str(number), filename="", verdict=one, signature="", sha256="", size=0)
        for number, one in enumerate(found)
    )
    result = ScanResult(verdict=max(found, key=order.index), parts=parts, definitions="")
    release = Release(by=OPERATOR, reason="x", at=NOW, verdict=known)
    delivery = released(release, b"raw", result)
    goes = Verdict.INFECTED not in found and max(map(order.index, found)) <= order.index(known)
    assert (delivery is not None) == goes
    assert released(None, b"raw", result) is None
