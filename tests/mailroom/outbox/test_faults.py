"""The outbox's last step, with a fault at each call: nothing that is known is lost, and nothing stays in between."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import jsonschema
import pytest
from botocore.exceptions import ReadTimeoutError

from mailroom import MessageInDoubt, MessageRefused, MessageSent, schema_of
from mailroom.errors import MailroomError, RetryableError
from mailroom.layout import ACTION_DELETE, ACTION_HOLD, ACTION_MARK, APPROVED_PREFIX, OUTBOX_TAG, OUTGOING_PREFIX
from mailroom.messages import Address
from mailroom.notifications import StoredObject
from mailroom.outbox import Outbox, OutboxState, Outgoing
from mailroom.outbox.ends import Told
from mailroom.outbox.sending import Sending
from mailroom.store import Table
from mailroom.store.objects import put_unless_there
from mailroom.store.states import move_on, settle_request
from mailroom.store.suppression import recipients_of
from tests.mailroom.memory_s3 import MemoryBucket
from tests.mailroom.store.memory import MemoryTable, failure

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
WRITES = {"put_item", "update_item", "transact_write_items"}


class Crash(BaseException):
    """The process ends: no line after it runs."""


@dataclass
class Ses:
    """SES, as far as the outbox asks it."""

    sent: list[Mapping[str, Any]] = field(default_factory=list)
    fails: Callable[[bool], None] = lambda _taken: None

    def get_account(self) -> dict[str, Any]:
        """GetAccount."""
        return {"SendQuota": {"Max24HourSend": 50_000.0, "MaxSendRate": 14.0, "SentLast24Hours": 0.0}}

    def send_email(self, **request: Any) -> dict[str, str]:
        """SendEmail."""
        self.fails(False)
        self.sent.append(request)
        self.fails(True)
        return {"MessageId": f"0107-{len(self.sent)}"}


@dataclass
class World:
    """One message in an outbox whose last step is about to be made."""

    ses: Any = field(default_factory=Ses)
    client: Any = field(default_factory=MemoryTable)
    s3: Any = field(default_factory=MemoryBucket)
    now: datetime = NOW
    id: str = ""
    heard: list[Told] = field(default_factory=list)
    deaf: int = 0

    def __post_init__(self) -> None:
        self.table = Table(client=self.client, name="messages")
        self.outbox = Outbox(table=self.table, s3=self.s3, bucket="mail", clock=lambda: self.now)
        outgoing = Outgoing(
            sender=Address("support@post.acme.example"),
            to=(Address("anna@example.net"),),
            subject="Hello",
            text="It is on its way.",
        )
        self.id = self.outbox.send(outgoing, key="order-17").id
        self.approve()

    def approve(self, *, changed: bytes = b"", action: str = "") -> None:
        """The scanner's approval."""
        raw = self.s3.objects[OUTGOING_PREFIX + self.id].body
        metadata = {ACTION_MARK: action} if action else {}
        put = self.s3.put_object(Key=APPROVED_PREFIX + self.id, Body=raw + changed, Metadata=metadata)
        self.approved = StoredObject("mail", APPROVED_PREFIX + self.id, put["VersionId"])

    def receive(self, times: int = 5) -> None:
        """The queue brings the message, until it is done, three minutes apart; nothing fails afterwards."""
        for _ in range(times):
            sending = Sending(
                s3=self.s3,
                ses=self.ses,
                dynamodb=self.client,
                clock=lambda: self.now,
                tenant="acme",
                table="messages",
                configuration_set="acme",
                region="eu-central-1",
                retention=None,
                join_by=frozenset(),
                put_back=lambda _again, _seconds: None,
                publish=self.hear,
                pause=lambda _seconds: None,
            )
            try:
                sending.take(self.approved)
            except (MailroomError, Crash):
                self.now += timedelta(seconds=180)
            else:
                break
        self.client.hook = None

    def hear(self, event: Told) -> None:
        """The event bus, which takes nothing at first where it is `deaf`."""
        if self.deaf:
            self.deaf -= 1
            raise RetryableError("event bus default: refused")
        self.heard.append(event)

    @property
    def state(self) -> OutboxState:
        """The message's state."""
        found = self.outbox.progress(self.id)
        assert found is not None
        return found.state

    @property
    def is_filed(self) -> bool:
        """Whether it is in a thread, with its recipients."""
        filed = any(key[0].startswith("THREAD#") for key in self.client.items)
        return filed and recipients_of(self.table, "0107-1") == ("anna@example.net",)


def break_at(
    world: World, number: int, moment: str, error: Callable[[str, Mapping[str, Any]], BaseException | None]
) -> list[str]:
    """Have one call fail, counted from 1, before or after its effect; returns the names of those that did."""
    hit: list[str] = []
    calls = [0]

    def hook(name: str, request: Mapping[str, Any], when: str) -> None:
        calls[0] += when == "before"
        if calls[0] == number and when == moment and not hit:
            raised = error(name, request)
            if raised is not None:
                hit.append(name)
                raise raised

    world.client.hook = hook
    return hit


def conflict(name: str, request: Mapping[str, Any]) -> BaseException | None:
    """Another transaction is under way."""
    if name == "transact_write_items":
        reasons = ["TransactionConflict", *["None"] * (len(request["TransactItems"]) - 1)]
        return failure("TransactionCanceledException", "TransactWriteItems", reasons)
    if name in {"put_item", "update_item"}:
        return failure("TransactionConflictException", name)
    return None


def outage(name: str, _request: Mapping[str, Any]) -> BaseException:
    """DynamoDB fails, or its answer is lost."""
    return failure("InternalServerError", name)


def crash(_name: str, _request: Mapping[str, Any]) -> BaseException:
    """The process ends."""
    return Crash()


@pytest.mark.parametrize(("error", "moment"), [(conflict, "before"), (outage, "before"), (outage, "after")])
def test_one_fault_at_each_call(error: Any, moment: str) -> None:
    """It is sent once, filed, and its recipients are known."""
    seen = 0
    for number in range(1, 40):
        world = World()
        hit = break_at(world, number, moment, error)
        world.receive()
        seen += bool(hit)
        assert (len(world.ses.sent), world.state, world.is_filed) == (1, OutboxState.SENT, True), (number, hit)
    assert seen > 4


@pytest.mark.parametrize("moment", ["before", "after"])
def test_crash_at_each_call(moment: str) -> None:
    """It is sent, or in doubt until SES's own event says that it was; then it is filed when the queue or an operator brings it."""
    states = set()
    for number in range(1, 40):
        world = World()
        break_at(world, number, moment, crash)
        world.receive()
        states.add(world.state)
        assert len(world.ses.sent) <= 1
        if world.state is OutboxState.IN_DOUBT and world.ses.sent:
            (tag,) = world.ses.sent[0]["EmailTags"]
            assert tag == {"Name": OUTBOX_TAG, "Value": world.id}
            assert settle_request(world.table, tag["Value"], "0107-1", world.now)
            world.receive(1)
        if world.ses.sent:
            assert (world.state, world.is_filed) == (OutboxState.SENT, True), number
        else:
            assert world.state is OutboxState.IN_DOUBT, number
    assert states == {OutboxState.SENT, OutboxState.IN_DOUBT}


def test_event_comes_while_the_queue_brings_it() -> None:
    """SES's event takes a message out of doubt between two tries: the next one files it."""
    world = World()

    def fails(taken: bool) -> None:
        if taken:
            raise ReadTimeoutError(endpoint_url="ses")

    world.ses.fails = fails
    world.receive(1)
    assert world.state is OutboxState.SENDING
    assert settle_request(world.table, world.id, "0107-1", world.now)
    assert not settle_request(world.table, world.id, "0107-1", world.now)
    world.receive(1)
    assert (world.state, world.is_filed, len(world.ses.sent)) == (OutboxState.SENT, True, 1)
    assert not settle_request(world.table, "0" * 40, "0107-1", world.now)


def test_event_comes_before_the_answer_is_noted() -> None:
    """Both say the same."""
    world = World()

    def fails(taken: bool) -> None:
        if taken:
            assert settle_request(world.table, world.id, "0107-1", world.now)

    world.ses.fails = fails
    world.receive()
    assert (world.state, world.is_filed) == (OutboxState.SENT, True)


def test_longer_outage_after_the_answer() -> None:
    """SES's answer is kept for as long as the invocation may last."""
    world = World()
    left = [8]

    def hook(name: str, _request: Mapping[str, Any], when: str) -> None:
        if world.ses.sent and name in WRITES and when == "before" and left[0]:
            left[0] -= 1
            raise failure("InternalServerError", name)

    world.client.hook = hook
    world.receive(1)
    assert (world.state, world.is_filed) == (OutboxState.SENT, True)


REFUSALS: dict[str, Callable[[World], None]] = {
    "the scanner changed it": lambda world: world.approve(changed=b"x"),
    "the scanner deleted it": lambda world: world.approve(action=ACTION_DELETE),
    "it is gone": lambda world: world.s3.delete_object(Key=world.approved.key, VersionId=world.approved.version),
    "SES refuses it": lambda world: setattr(world.ses, "fails", _refused),
}


def _refused(_taken: bool) -> None:
    raise failure("MessageRejected", "SendEmail")


@pytest.mark.parametrize("case", REFUSALS)
@pytest.mark.parametrize(("error", "moment"), [(conflict, "before"), (outage, "before"), (outage, "after")])
def test_refusals_are_kept(case: str, error: Any, moment: str) -> None:
    """Whatever fails once, a refused message is refused."""
    for number in range(1, 12):
        world = World()
        REFUSALS[case](world)
        break_at(world, number, moment, error)
        world.receive()
        assert (world.state, world.ses.sent) == (OutboxState.REFUSED, []), number
        assert {one.TYPE for one in world.heard} == {"MessageRefused"}, number


@pytest.mark.parametrize("case", REFUSALS)
def test_refusal_is_told_once_somebody_hears(case: str) -> None:
    """By its schema, with its reason, without an address; told once where nothing fails, however often the queue brings it."""
    world = World(deaf=2)
    REFUSALS[case](world)
    world.receive()
    world.receive()
    (event,) = world.heard
    assert isinstance(event, MessageRefused)
    jsonschema.validate(event.detail, schema_of(MessageRefused), format_checker=jsonschema.FormatChecker())
    found = world.outbox.progress(world.id)
    assert found is not None
    assert (event.outbox, event.reason, event.explanation) == (world.id, found.reason, found.explanation)
    assert "@" not in event.explanation


def test_sent_message_is_told_once_it_is_filed() -> None:
    """With the names of request, message and thread; where the bus fails, again."""
    world = World(deaf=1)
    world.receive()
    world.receive()
    (event,) = world.heard
    assert isinstance(event, MessageSent)
    jsonschema.validate(event.detail, schema_of(MessageSent), format_checker=jsonschema.FormatChecker())
    found = world.outbox.progress(world.id)
    assert found is not None
    assert (event.outbox, event.delivery, event.message) == (world.id, "0107-1", found.message)
    assert found.message


def test_doubt_is_told_once() -> None:
    """When it is known, and not at each try."""
    world = World(deaf=1)
    world.ses.fails = _lost
    world.receive(times=9)
    (event,) = world.heard
    assert isinstance(event, MessageInDoubt)
    jsonschema.validate(event.detail, schema_of(MessageInDoubt), format_checker=jsonschema.FormatChecker())
    assert (world.state, event.outbox) == (OutboxState.IN_DOUBT, world.id)


def _lost(_taken: bool) -> None:
    raise ReadTimeoutError(endpoint_url="https://ses")


def test_held_whatever_fails() -> None:
    """A notice of the scanner's is kept like a refusal."""
    for number in range(1, 6):
        world = World()
        world.approve(action=ACTION_HOLD)
        break_at(world, number, "before", conflict)
        world.receive()
        assert world.state is OutboxState.HELD


def test_repeated_conflicts_are_no_other_state() -> None:
    """Where others write the request all the time, that is told, and nothing is concluded from it."""
    world = World()
    world.client.hook = _always
    with pytest.raises(RetryableError, match="written by others; try again"):
        settle_sending(world)


def _always(name: str, request: Mapping[str, Any], when: str) -> None:
    raised = conflict(name, request)
    if raised is not None and when == "before":
        raise raised


def settle_sending(world: World) -> None:
    """Take the request one state on."""
    move_on(world.table, world.id, OutboxState.QUEUED, OutboxState.SENDING, world.now)


@pytest.mark.parametrize("code", ["ConditionalRequestConflict", "409"])
def test_object_that_another_writes_now(code: str) -> None:
    """Upon S3's 409 nobody knows that it is there: it is tried again."""
    answers = [failure(code, "PutObject"), failure(code, "PutObject"), None]

    def write() -> None:
        answer = answers.pop(0)
        if answer is not None:
            raise answer

    put_unless_there(write, "mail/attachments/a/1")
    assert answers == []
    with pytest.raises(MailroomError):
        put_unless_there(_never(code), "mail/attachments/a/1")
    put_unless_there(_never("PreconditionFailed"), "mail/attachments/a/1")


def _never(code: str) -> Callable[[], None]:
    def write() -> None:
        raise failure(code, "PutObject")

    return write


def test_fingerprint_of_today() -> None:
    """A repeated request is known for the same message after an update: what is added to messages counts where it is set."""
    outgoing = Outgoing(sender=Address("support@post.acme.example"), to=(Address("anna@example.net"),), text="x")
    assert outgoing.fingerprint == "1b6e18c7712be46d4dda6190d7cdfbbca4b619a66958312ab882e01cb877e64d"
    assert replace(outgoing, html="y").fingerprint != outgoing.fingerprint
