"""A request without approval by the scanner is refused or held at once, and operators get one alert."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from emulator import Emulator
from mailroom.errors import RetryableError
from mailroom.notifications import StoredObject
from mailroom.outbox import Outbox, OutboxState, Outgoing, OutgoingFile
from mailroom.scanning.clamd import Clamd
from mailroom.scanning.events import RawObject
from mailroom.scanning.intake import Intake, Outcome
from mailroom.scanning.release import Release
from mailroom.scanning.scan import AnswerCache
from mailroom.scanning.tags import Recipient
from mailroom.scanning.verdicts import Action, Policy, Verdict
from tests.mailroom.clamav import MARKER, RunningClamd, running_clamd
from tests.mailroom.outbox.conftest import NOW
from tests.mailroom.outbox.test_sending import RECEIPT, Ses, sending, state
from tests.mailroom.scanning.failures import Calls
from tests.mailroom.scanning.hiding import archive
from tests.mailroom.scanning.test_delivery import encrypted
from tests.mailroom.store.conftest import REGION, Store


def with_file(data: bytes, name: str = "order.bin") -> Outgoing:
    """A message with this file."""
    file = OutgoingFile(filename=name, content_type="application/octet-stream", data=data)
    return replace(RECEIPT, attachments=(file,))


INFECTED = with_file(MARKER)
LOCKED = with_file(encrypted(archive(b"secret")), "order.zip")


def release_of(verdict: Verdict) -> Release:
    """An operator's word."""
    return Release(by="arn:aws:iam::111111111111:user/jane", reason="the customer called", at=NOW, verdict=verdict)


def later(minutes: int) -> Callable[[], datetime]:
    """A clock that stands."""
    return lambda: NOW + timedelta(minutes=minutes)


@pytest.fixture(scope="module")
def clamd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningClamd]:
    """A clamd that scans."""
    with running_clamd(tmp_path_factory.mktemp("clamd")) as running:
        yield running


@dataclass
class Way:
    """The way of outgoing mail: outbox, scanner, function."""

    store: Store
    outbox: Outbox
    intake: Intake
    ses: Ses
    emulator: Emulator
    alerts_queue: str

    def scan(self, policy: Policy, *, rescan: str = "", intake: Intake | None = None) -> list[Outcome]:
        """Let the scanner take everything that waits in quarantine."""
        recipient = Recipient(tenant="acme", policy=policy, topic_arn=self.intake.recipient_of("").topic_arn, mail=True)
        scanner = replace(intake or self.intake, recipient_of=lambda _: recipient)
        return [scanner.take(replace(item, rescan=rescan)) for item in self.waiting()]

    def let_go(self, policy: Policy, verdict: Verdict, *, rescan: str) -> list[Outcome]:
        """Let the scanner take everything that waits, as an operator has it who knows of this verdict."""
        recipient = Recipient(tenant="acme", policy=policy, topic_arn=self.intake.recipient_of("").topic_arn, mail=True)
        scanner = replace(self.intake, recipient_of=lambda _: recipient)
        return [scanner.take(replace(one, rescan=rescan, release=release_of(verdict))) for one in self.waiting()]

    def waiting(self) -> list[RawObject]:
        """Messages in quarantine."""
        listed = self.store.client("s3").list_object_versions(Bucket=self.store.bucket, Prefix="raw/out/")
        return [RawObject(self.store.bucket, one["Key"], one["VersionId"]) for one in listed.get("Versions", [])]

    def deliveries(self) -> list[StoredObject]:
        """Every version that ever was delivered to the function, the oldest first."""
        listed = self.store.client("s3").list_object_versions(Bucket=self.store.bucket, Prefix="clean/out/")
        return [StoredObject(self.store.bucket, v["Key"], v["VersionId"]) for v in reversed(listed.get("Versions", []))]

    def send(self) -> None:
        """Let the function take what was delivered, as the queue hands it over: all of it, again and again."""
        for item in self.deliveries():
            sending(self.store, self.ses).take(item)

    def alerts(self) -> list[dict[str, Any]]:
        """Alerts to operators since the last call."""
        sqs = self.emulator.client("sqs", REGION)
        found = []
        while messages := sqs.receive_message(QueueUrl=self.alerts_queue, MaxNumberOfMessages=10).get("Messages", []):
            for message in messages:
                sqs.delete_message(QueueUrl=self.alerts_queue, ReceiptHandle=message["ReceiptHandle"])
                found.append(json.loads(json.loads(message["Body"])["Message"]))
        return found


@pytest.fixture
def way(emulator: Emulator, store: Store, outbox: Outbox, clamd: RunningClamd) -> Way:
    """From an empty outbox to SES."""
    sns, sqs = emulator.client("sns", REGION), emulator.client("sqs", REGION)
    topic = sns.create_topic(Name=store.bucket)["TopicArn"]
    queue = sqs.create_queue(QueueName=store.bucket)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    intake = Intake(
        s3=store.client("s3"),
        sns=sns,
        engine=clamd.client,
        recipient_of=lambda _: Recipient(tenant="acme", policy=Policy(), topic_arn=topic, mail=True),
        clock=lambda: NOW,
        cache=AnswerCache(),
    )
    return Way(store, outbox, intake, Ses(), emulator, queue)


@pytest.mark.parametrize(
    ("message", "policy"),
    [
        (INFECTED, Policy(infected=Action.DELETE)),
        (INFECTED, Policy(infected=Action.STRIP)),
        (LOCKED, Policy(encrypted=Action.DELETE)),
        (LOCKED, Policy(encrypted=Action.STRIP)),
        (with_file(b"Rar!\x1a\x07\x01\x00" + bytes(64), "order.rar"), Policy(over_limit=Action.DELETE)),
    ],
    ids=["infected-delete", "infected-strip", "encrypted-delete", "encrypted-strip", "over-limit-delete"],
)
def test_not_let_out_is_refused(way: Way, message: Outgoing, policy: Policy) -> None:
    """Deleted or stripped by the tenant's policy: refused, nothing is sent, and asking again tells operators nothing new."""
    begun = way.outbox.send(message, key="order-17")
    assert way.scan(policy) in ([Outcome.DELETED], [Outcome.STRIPPED])
    first = way.alerts()
    assert len(first) >= 1
    # Before the function knows, and after.
    assert way.outbox.send(message, key="order-17").state is OutboxState.QUEUED
    assert len(way.scan(policy)) == 1
    assert way.waiting() == []
    way.send()
    assert state(way.outbox, begun.id) == (OutboxState.REFUSED, "", "scan")
    known = way.outbox.progress(begun.id)
    assert known is not None
    verdict = next(word for word in ("infected", "encrypted", "over-limit") if f" {word}" in known.explanation)
    assert known.explanation.startswith(f"attachment 1: {verdict}, ")
    assert known.explanation.endswith(f"; scanning.{verdict.replace('-', '_')} delivers no such file")
    assert way.outbox.send(message, key="order-17").state is OutboxState.REFUSED
    assert way.waiting() == []
    assert way.alerts() == []
    way.send()
    assert way.ses.asked == []
    waited = way.outbox.wait(begun.id, seconds=60)
    assert waited is not None
    assert waited.state is OutboxState.REFUSED


def test_asked_again_when_nothing_brings_it(way: Way) -> None:
    """The queue lost what S3 told of the scanned message: asked for by its key again, S3 tells anew, and it is sent once."""
    begun = way.outbox.send(RECEIPT, key="k")
    assert way.scan(Policy()) == [Outcome.DELIVERED]
    (lost,) = way.deliveries()
    assert way.outbox.send(RECEIPT, key="k").state is OutboxState.QUEUED
    assert way.scan(Policy()) == [Outcome.DELIVERED]
    (brought,) = [item for item in way.deliveries() if item != lost]
    assert sending(way.store, way.ses).take(brought) is not None
    assert state(way.outbox, begun.id)[0] is OutboxState.SENT
    way.send()
    assert len(way.ses.asked) == 1
    assert (way.waiting(), way.alerts()) == ([], [])


def test_notice_has_no_content(way: Way) -> None:
    """What was deleted does not lie under clean/ in another form."""
    begun = way.outbox.send(INFECTED, key="k")
    way.scan(Policy(infected=Action.DELETE))
    head = way.store.client("s3").head_object(Bucket=way.store.bucket, Key=f"clean/out/{begun.id}")
    assert (head["ContentLength"], head["Metadata"]["action"], head["Metadata"]["verdict"]) == (0, "delete", "infected")


def test_held_and_let_out(way: Way) -> None:
    """Held: whoever waits is told so at once; rescanned by another policy it is sent, once."""
    begun = way.outbox.send(LOCKED, key="k")
    assert way.scan(Policy()) == [Outcome.HELD]
    way.send()
    assert state(way.outbox, begun.id)[0] is OutboxState.HELD
    waited = way.outbox.wait(begun.id, seconds=60)
    assert waited is not None
    assert waited.state is OutboxState.HELD
    assert way.outbox.send(LOCKED, key="k").state is OutboxState.HELD
    assert len(way.waiting()) == 1
    assert [one["action"] for one in way.alerts()] == ["hold"]
    assert way.scan(Policy(encrypted=Action.DELIVER), rescan="r1") == [Outcome.DELIVERED]
    way.send()
    assert state(way.outbox, begun.id)[0] is OutboxState.SENT
    way.send()
    assert len(way.ses.asked) == 1
    assert way.outbox.send(LOCKED, key="k").state is OutboxState.SENT


@pytest.mark.parametrize(
    "policy", [Policy(), Policy(encrypted=Action.DELETE), Policy(encrypted=Action.STRIP)], ids=repr
)
@pytest.mark.parametrize("knows", [True, False], ids=["held", "queued"])
def test_held_and_let_go_by_an_operator(way: Way, policy: Policy, knows: bool) -> None:
    """Sent whole, once, whatever the policy says by then, and whether or not the function knew that it was held."""
    begun = way.outbox.send(LOCKED, key="k")
    assert way.scan(Policy()) == [Outcome.HELD]
    if knows:
        way.send()
        assert state(way.outbox, begun.id)[0] is OutboxState.HELD
    assert way.let_go(policy, Verdict.ENCRYPTED, rescan="r1") == [Outcome.RELEASED]
    way.send()
    way.send()
    assert state(way.outbox, begun.id)[0] is OutboxState.SENT
    assert len(way.ses.asked) == 1
    assert [(one["verdict"], one["action"]) for one in way.alerts()] == [
        ("encrypted", "hold"),
        ("encrypted", "deliver"),
    ]
    assert way.outbox.send(LOCKED, key="k").state is OutboxState.SENT
    assert way.waiting() == []


def test_let_go_after_it_was_refused(way: Way) -> None:
    """It is there twice, and deleted once: the request is refused, which stands; operators hear that the other is deleted, too."""
    begun = way.outbox.send(LOCKED, key="k")
    (item,) = way.waiting()
    s3 = way.store.client("s3")
    raw = s3.get_object(Bucket=item.bucket, Key=item.key)["Body"].read()
    s3.put_object(Bucket=item.bucket, Key=item.key, Body=raw)
    assert way.scan(Policy()) == [Outcome.HELD, Outcome.HELD]
    first, second = way.waiting()
    recipient = replace(way.intake.recipient_of(""), policy=Policy(encrypted=Action.DELETE))
    deleting = replace(way.intake, recipient_of=lambda _: recipient)
    assert deleting.take(replace(first, rescan="r1")) is Outcome.DELETED
    way.send()
    assert state(way.outbox, begun.id)[0] is OutboxState.REFUSED
    way.alerts()
    assert way.let_go(Policy(), Verdict.ENCRYPTED, rescan="r2") == [Outcome.DELETED]
    assert [(one["message_id"], one["action"]) for one in way.alerts()] == [(second.message_id, "delete")]
    way.send()
    assert way.ses.asked == []


def test_let_go_unscanned(way: Way) -> None:
    """Held because no scan succeeds, and sent because an operator says so; a try that breaks off sends nothing twice."""
    begun = way.outbox.send(RECEIPT, key="k")
    broken = replace(way.intake, engine=Clamd(socket_path="/nonexistent/clamd.sock"))
    (item,) = way.waiting()
    assert broken.hold(item) is Outcome.HELD
    way.send()
    assert state(way.outbox, begun.id)[0] is OutboxState.HELD
    asked = replace(item, rescan="r1", release=release_of(Verdict.ERROR))
    for number in itertools.count(1):
        calls = Calls(fails_at=number)
        counted = replace(broken, s3=calls.of(way.intake.s3), sns=calls.of(way.intake.sns), clock=later(11 * number))
        try:
            outcome = counted.hold(asked)
        except RetryableError:
            way.send()
            continue
        break
    assert outcome in {Outcome.RELEASED, Outcome.GONE}
    assert number > 5
    way.send()
    assert state(way.outbox, begun.id)[0] is OutboxState.SENT
    assert len(way.ses.asked) == 1
    assert (way.waiting(), way.alerts()[-1]["action"]) == ([], "deliver")


def test_malware_is_not_sent_whatever_is_asked(way: Way) -> None:
    """Held for malware: a release changes nothing of it."""
    begun = way.outbox.send(INFECTED, key="k")
    assert way.scan(Policy(infected=Action.HOLD)) == [Outcome.HELD]
    assert way.let_go(Policy(infected=Action.HOLD), Verdict.ERROR, rescan="r1") == [Outcome.HELD]
    way.send()
    assert state(way.outbox, begun.id)[0] is OutboxState.HELD
    assert way.ses.asked == []


@pytest.mark.parametrize(
    "policy", [Policy(encrypted=Action.DELETE), Policy(encrypted=Action.STRIP)], ids=["delete", "strip"]
)
def test_held_and_then_refused(way: Way, policy: Policy) -> None:
    """An operator decides against it."""
    begun = way.outbox.send(LOCKED, key="k")
    way.scan(Policy())
    way.send()
    way.scan(policy, rescan="r1")
    way.send()
    assert state(way.outbox, begun.id) == (OutboxState.REFUSED, "", "scan")
    assert way.ses.asked == []


def test_notice_that_comes_after_the_message(way: Way) -> None:
    """The queue keeps no order: what was sent stays sent."""
    begun = way.outbox.send(LOCKED, key="k")
    way.scan(Policy())
    way.scan(Policy(encrypted=Action.DELIVER), rescan="r1")
    notice, message = way.deliveries()
    for item in (message, notice, message):
        sending(way.store, way.ses).take(item)
    assert state(way.outbox, begun.id)[0] is OutboxState.SENT
    assert len(way.ses.asked) == 1


def test_held_because_no_scan_succeeds(way: Way) -> None:
    """After the last try it is held, and sent once the scanner works again."""
    begun = way.outbox.send(RECEIPT, key="k")
    broken = replace(way.intake, engine=Clamd(socket_path="/nonexistent/clamd.sock"))
    (item,) = way.waiting()
    assert broken.hold(item) is Outcome.HELD
    way.send()
    assert state(way.outbox, begun.id)[0] is OutboxState.HELD
    assert way.scan(Policy(), rescan="r1") == [Outcome.DELIVERED]
    way.send()
    assert state(way.outbox, begun.id)[0] is OutboxState.SENT


def test_asked_again_while_no_scan_succeeds(way: Way) -> None:
    """The same message was delivered before: it is neither held nor told."""
    begun = way.outbox.send(RECEIPT, key="k")
    assert way.scan(Policy()) == [Outcome.DELIVERED]
    way.outbox.send(RECEIPT, key="k")
    broken = replace(way.intake, engine=Clamd(socket_path="/nonexistent/clamd.sock"))
    (item,) = way.waiting()
    assert broken.hold(item) is Outcome.DELIVERED
    assert (way.waiting(), way.alerts()) == ([], [])
    way.send()
    assert state(way.outbox, begun.id)[0] is OutboxState.SENT
    assert len(way.ses.asked) == 1


def test_delivered_and_not_told_when_the_scanner_stops(way: Way) -> None:
    """It lies under clean/, the raw version could not be deleted, and no scan succeeds from then on: it was delivered."""
    begun = way.outbox.send(RECEIPT, key="k")
    (item,) = way.waiting()
    for number in itertools.count(1):
        calls = Calls(fails_at=number)
        counted = replace(way.intake, s3=calls.of(way.intake.s3))
        with pytest.raises(RetryableError):
            counted.take(item)
        if way.deliveries():
            break
    broken = replace(way.intake, engine=Clamd(socket_path="/nonexistent/clamd.sock"), clock=later(12))
    assert broken.hold(item) is Outcome.DELIVERED
    assert (way.waiting(), way.alerts()) == ([], [])
    way.send()
    assert state(way.outbox, begun.id)[0] is OutboxState.SENT


@pytest.mark.parametrize("action", [Action.DELETE, Action.HOLD], ids=str)
@pytest.mark.parametrize("when", ["before", "after"])
def test_scanner_that_fails_at_any_call(way: Way, action: Action, when: Any) -> None:
    """Whichever fails, the request ends where it should, and operators are told."""
    policy = Policy(infected=action)
    for number in range(1, 20):
        begun = way.outbox.send(INFECTED, key=f"k{number}")
        calls = Calls(fails_at=number, when=when)
        counted = replace(way.intake, s3=calls.of(way.intake.s3), sns=calls.of(way.intake.sns))
        try:
            way.scan(policy, intake=counted)
        except RetryableError:
            later = replace(way.intake, clock=lambda: NOW + timedelta(minutes=12))
            way.scan(policy, intake=later)
        way.send()
        expected = OutboxState.REFUSED if action is Action.DELETE else OutboxState.HELD
        assert state(way.outbox, begun.id)[0] is expected
        assert {one["action"] for one in way.alerts()} == {action.value}
        for item in way.waiting():
            way.store.client("s3").delete_object(Bucket=item.bucket, Key=item.key, VersionId=item.version)
        if not calls.failed:
            assert number > 5
            return
    raise AssertionError


def test_a_marked_message_of_any_bucket(way: Way) -> None:
    """Where a bucket says nothing of being an inbox, the outbox's own mark is enough; other files there get no notice."""
    policy = Policy(infected=Action.DELETE)
    recipient = replace(way.intake.recipient_of(""), policy=policy, mail=False)
    scanner = replace(way.intake, recipient_of=lambda _: recipient)
    begun = way.outbox.send(INFECTED, key="k")
    put = way.store.client("s3").put_object(Bucket=way.store.bucket, Key="raw/out/file.bin", Body=MARKER)
    assert put["VersionId"]
    for item in way.waiting():
        scanner.take(item)
    assert [item.key for item in way.deliveries()] == [f"clean/out/{begun.id}"]
