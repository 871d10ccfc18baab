"""The tracking function on a table of the emulator."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import jsonschema
import pytest

from mailroom import MessageTracked, schema_of
from mailroom.errors import RetryableError
from mailroom.functions.tracking_notes import Notes
from mailroom.outbox.model import OutboxState, Progress
from mailroom.outbox.requests import Request, begin_request, move_on, request_of
from mailroom.registry import Entry
from mailroom.store import Table
from mailroom.store.suppression import record_recipients
from mailroom.tracking import SendingEventKind
from mailroom.turns import send_all_again
from tests.mailroom.store.conftest import Store, everything
from tests.mailroom.tracking.test_lines import SES_ID, SETS, line


def batch(*lines: str, receives: int = 1, group: str = "set") -> dict[str, Any]:
    """As Lambda hands it over."""
    attributes = {"ApproximateReceiveCount": str(receives), **({"MessageGroupId": group} if group else {})}
    return {
        "Records": [
            {"messageId": str(number), "body": one, "attributes": attributes} for number, one in enumerate(lines)
        ]
    }


def nobody_hears(_event: MessageTracked) -> None:
    """Whom most tests tell."""


def notes(
    store: Store,
    days: int | None = None,
    plain: bool = False,
    minutes: float = 0,
    publish: Callable[[MessageTracked], None] = nobody_hears,
) -> Notes:
    """Of a cell with one tenant, whose configuration set is "set"; so long after the events."""
    entry = Entry(tenant="acme", stack="stack", table=store.table, retention_days=days, plain_addresses=plain)
    now = datetime(2026, 11, 23, 10, 0, tzinfo=UTC) + timedelta(minutes=minutes)
    return Notes(
        entry_of={"set": entry}.get,
        table_of=lambda _set, name: Table(client=store.client("dynamodb"), name=name),
        send_again=lambda _records: (),
        sets_arn=SETS,
        publish=publish,
        max_receives=5,
        clock=lambda: now,
    )


def worked(store: Store, *lines: str, **settings: Any) -> list[str]:
    """Work on the lines; returns the numbers of those to bring again."""
    answer = notes(store, **settings).process_batch(batch(*lines))
    return [one["itemIdentifier"] for one in answer["batchItemFailures"]]


def test_events_are_there_in_their_order(store: Store) -> None:
    """However they come, and however often."""
    lines = [
        line("Click", at="2026-11-23T10:02:00.000Z", link="https://example.org/?a=|b"),
        line("Open", at="2026-11-23T10:01:00.000Z", bot="true"),
        line("Delivery", at="2026-11-23T10:00:00.000Z"),
    ]
    assert worked(store, *lines, lines[0], lines[2]) == []
    found = everything(store.reader.sending_events, SES_ID, limit=2)
    assert [(one.kind, one.link, one.bot) for one in found] == [
        (SendingEventKind.DELIVERY, "", False),
        (SendingEventKind.OPEN, "", True),
        (SendingEventKind.CLICK, "https://example.org/?a=|b", False),
    ]
    assert found[0].at == datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
    assert everything(store.reader.sending_events, "another-id") == []


def test_events_of_one_moment(store: Store) -> None:
    """Two links at once are two clicks; one message's events are not another's."""
    other = SES_ID.replace("7f3e", "0000")
    lines = [line("Click", link=f"https://example.org/{name}") for name in "ab"] + [line("Click", message=other)]
    assert worked(store, *lines) == []
    assert len(everything(store.reader.sending_events, SES_ID)) == 2
    assert len(everything(store.reader.sending_events, other)) == 1


def test_events_of_one_millisecond(store: Store) -> None:
    """Each is kept apart by its id: a person's open and a program's, three recipients' deliveries; the same one twice is one."""
    opens = [line("Open", event="a-1"), line("Open", bot="true", event="a-2")]
    deliveries = [line("Delivery", event=f"b-{number}") for number in range(3)]
    assert worked(store, *opens, *deliveries, *opens, deliveries[1]) == []
    found = everything(store.reader.sending_events, SES_ID, limit=2)
    assert [(one.kind, one.bot) for one in found] == [
        *[(SendingEventKind.DELIVERY, False)] * 3,
        (SendingEventKind.OPEN, False),
        (SendingEventKind.OPEN, True),
    ]


def test_others_hear_what_the_table_keeps(store: Store) -> None:
    """One event each by its schema: tenant, message, kind, time, link, whether a program did it; and nothing else."""
    heard: list[MessageTracked] = []
    lines = [
        line("Send", outbox="ab" * 20),
        line("Delivery"),
        line("BouncePermanent", subtype="NoEmail"),
        line("Complaint", bot="abuse"),
        line("Open", bot="true", event="a-1"),
        line("Click", at="2026-11-23T10:02:00.123Z", link="https://example.org/?a=|b"),
    ]
    # Whom a bounce is about may be known later; others hear of it at once.
    assert worked(store, *lines, publish=heard.append) == ["2", "3"]
    for one in heard:
        jsonschema.validate(one.detail, schema_of(MessageTracked), format_checker=jsonschema.FormatChecker())
    assert [one.kind for one in heard] == ["Send", "Delivery", "Bounce", "Complaint", "Open", "Click"]
    assert (heard[0].outbox, heard[2].subtype, heard[3].feedback) == ("ab" * 20, "NoEmail", "abuse")
    assert (heard[4].bot, heard[4].event) == (True, "a-1")
    assert heard[5].detail == {
        "version": "1",
        "tenant": "acme",
        "delivery": SES_ID,
        "kind": "Click",
        "at": "2026-11-23T10:02:00.123000Z",
        "outbox": "",
        "link": "https://example.org/?a=|b",
        "bot": False,
        "subtype": "",
        "feedback": "",
        "event": "",
    }


def test_event_that_nobody_hears_is_brought_again(store: Store) -> None:
    """It is noted once, and told when the bus takes it."""
    heard: list[MessageTracked] = []

    def refuse(_event: MessageTracked) -> None:
        raise RetryableError("event bus default: refused")

    assert worked(store, line("Open"), publish=refuse) == ["0"]
    assert worked(store, line("Open"), publish=heard.append) == []
    assert len(everything(store.reader.sending_events, SES_ID)) == len(heard) == 1


def test_send_event_takes_a_message_out_of_doubt(store: Store) -> None:
    """The tag that the outbox gave it names the request; an event of any other message changes none."""
    table, request = store.writer().table, "ab" * 20
    at = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
    begun = Request(
        progress=Progress(id=request, state=OutboxState.QUEUED, at=at), asked=at, fingerprint="f", sha256="s"
    )
    begin_request(table, begun)
    for before, after in pairwise((OutboxState.QUEUED, OutboxState.SENDING, OutboxState.IN_DOUBT)):
        assert move_on(table, request, before, after, at)
    assert worked(store, line("Send"), line("Open", outbox=request), line("Send", outbox="cd" * 20)) == []
    found = request_of(table, request)
    assert found is not None
    assert found.progress.state is OutboxState.IN_DOUBT
    assert worked(store, line("Send", outbox=request)) == []
    found = request_of(table, request)
    assert found is not None
    assert (found.progress.state, found.progress.ses_id) == (OutboxState.SENT, SES_ID)


@pytest.mark.parametrize("minutes", [184 / 60, 361 / 60, 15])
def test_bounce_that_comes_long_before_its_recipients(store: Store, minutes: float) -> None:
    """It waits for as long as the outbox may take to write them down."""
    bounce = line("BouncePermanent", outbox="ab" * 20, event="a-1")
    assert worked(store, bounce, minutes=minutes - 0.1) == ["0"]
    record_recipients(store.writer().table, SES_ID, digest="d" * 64, recipients=("anna@example.net",), expires=None)
    assert worked(store, bounce, minutes=minutes) == []
    assert store.reader.suppression("anna@example.net") is not None


def test_what_cannot_be_done_keeps_nothing_else(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    """It is brought again by itself; the log says what was wrong, and nothing of it."""
    with caplog.at_level(logging.INFO):
        assert worked(store, "anna@example.org", line("Open"), line(of="a set")) == ["0", "2"]
    assert len(everything(store.reader.sending_events, SES_ID)) == 1
    assert f"message {SES_ID}: Open" in caplog.text
    assert "anna" not in caplog.text


def test_events_expire(store: Store) -> None:
    """By the retention of messages, from when they happened; what has expired is not shown."""
    assert worked(store, line("Open"), days=30) == []
    items = store.client("dynamodb").scan(TableName=store.table)["Items"]
    moment = datetime(2026, 11, 23, 10, 0, tzinfo=UTC) + timedelta(days=30)
    assert [item["expires"]["N"] for item in items] == [str(int(moment.timestamp()))]
    assert set(items[0]) == {"pk", "sk", "kind", "at", "expires"}


def sent(store: Store, *recipients: str, ses_id: str = SES_ID) -> None:
    """As the outbox writes it down."""
    record_recipients(store.writer().table, ses_id, digest="d" * 64, recipients=recipients, expires=None)


@pytest.mark.parametrize(
    ("word", "bounced", "complained"), [("BouncePermanent", True, False), ("Complaint", False, True)]
)
def test_recipient_is_suppressed(store: Store, word: str, bounced: bool, complained: bool) -> None:
    """The one that the outbox wrote down, whose address is nowhere but there."""
    sent(store, "Anna@example.net")
    assert worked(store, line(word), line(word)) == []
    found = store.reader.suppression("anna@example.net")
    assert found is not None
    assert (found.bounced is not None, found.complained is not None) == (bounced, complained)
    assert found.address == ""
    items = [item for item in store.items() if item["pk"] == "SUPPRESSED"]
    assert "anna" not in json.dumps(items).lower()


@pytest.mark.parametrize(
    "word", ["BounceTransient", "BounceUndetermined", "Bounce", "Delivery", "Open", "DeliveryDelay"]
)
def test_what_suppresses_nobody(store: Store, word: str) -> None:
    """A full mailbox is none tomorrow."""
    sent(store, "anna@example.net")
    assert worked(store, line(word)) == []
    assert store.reader.suppressions().items == ()


@pytest.mark.parametrize(
    "subtype",
    [
        "EmailValidationSuppressed",
        "OnAccountSuppressionList",
        "OnTenantSuppressionList",
        "Suppressed",
        "UnsubscribedRecipient",
    ],
)
@pytest.mark.parametrize(
    ("word", "kind"), [("BouncePermanent", SendingEventKind.BOUNCE), ("Complaint", SendingEventKind.COMPLAINT)]
)
def test_what_ses_did_not_send(store: Store, word: str, kind: SendingEventKind, subtype: str) -> None:
    """Is no bounce of the address: who put it onto SES's list is not told. The event says why nothing was sent."""
    sent(store, "anna@example.net")
    assert worked(store, line(word, subtype=subtype)) == []
    assert store.reader.suppressions().items == ()
    found = store.reader.sending_events(SES_ID).items
    assert [(one.kind, one.subtype) for one in found] == [(kind, subtype)]


@pytest.mark.parametrize(
    ("feedback", "kept", "suppressed"),
    [
        ("not-spam", "not-spam", False),
        ("Not-Spam", "not-spam", False),
        ("abuse", "abuse", True),
        ("", "", True),
        ("null", "", True),
    ],
)
def test_complaints_that_are_none(store: Store, feedback: str, kept: str, suppressed: bool) -> None:
    """Who takes a message out of the spam folder is not suppressed; the event says what it was."""
    sent(store, "ida@nordhof.example")
    assert worked(store, line("Complaint", bot=feedback)) == []
    assert (store.reader.suppression("ida@nordhof.example") is not None) == suppressed
    found = store.reader.sending_events(SES_ID).items
    assert [(one.kind, one.feedback, one.bot) for one in found] == [(SendingEventKind.COMPLAINT, kept, False)]


@pytest.mark.parametrize("subtype", ["General", "NoEmail", "", "null"])
def test_bounces_of_every_other_kind_count(store: Store, subtype: str) -> None:
    """The recipient's server said so itself."""
    sent(store, "anna@example.net")
    assert worked(store, line("BouncePermanent", subtype=subtype)) == []
    assert store.reader.suppression("anna@example.net") is not None


def test_several_recipients(store: Store) -> None:
    """Nobody knows which one it was: none is put down as what another one is."""
    sent(store, "anna@example.net", "ben@example.net")
    assert worked(store, line("BouncePermanent")) == []
    assert store.reader.suppressions().items == ()
    assert [one.kind for one in store.reader.sending_events(SES_ID).items] == [SendingEventKind.BOUNCE]


def test_event_that_is_faster_than_the_outbox(store: Store) -> None:
    """Is brought again until whom it is about is written down."""
    assert worked(store, line("Complaint"), minutes=1) == ["0"]
    sent(store, "anna@example.net")
    assert worked(store, line("Complaint"), minutes=2.5) == []
    assert store.reader.suppression("anna@example.net") is not None


def test_mail_that_went_around_the_outbox(store: Store) -> None:
    """Nobody wrote down to whom: its events are noted, and after that time that is all, or at once where it is known."""
    assert worked(store, line("Complaint"), minutes=1) == ["0"]
    assert worked(store, line("Complaint"), minutes=19) == []
    assert store.reader.suppressions().items == ()
    assert [one.kind for one in store.reader.sending_events(SES_ID).items] == [SendingEventKind.COMPLAINT]
    assert worked(store, line("Complaint", event="a-1"), minutes=1) == []


def test_set_that_is_no_tenants(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    """Its tenant may be about to be deployed: it is tried again, and dropped at last, since nobody would redrive it."""
    working = notes(store)
    for receives in (1, 2, 3, 4):
        answer = working.process_batch(batch(line(of="other"), receives=receives))
        assert answer == {"batchItemFailures": [{"itemIdentifier": "0"}]}
    with caplog.at_level(logging.INFO):
        assert working.process_batch(batch(line(of="other"), receives=5)) == {"batchItemFailures": []}
    assert "configuration set other: is no tenant's; dropped" in caplog.text
    assert store.items() == []


def test_event_of_a_tenant_is_never_dropped(store: Store) -> None:
    """What fails at the last try ends with the dead letters, where an alarm is."""

    def refused(_set: str, _name: str) -> Table:
        raise RetryableError("table: AccessDeniedException; try again")

    working = replace(notes(store), table_of=refused)
    for receives in (1, 5):
        assert working.process_batch(batch(line(), receives=receives))["batchItemFailures"]


def test_each_tenant_has_its_turn(store: Store) -> None:
    """Events without a group are sent again, once, under their configuration sets' names, and noted then; where SQS takes them."""
    sqs = store.client("sqs")
    url = sqs.create_queue(QueueName=f"turns-{store.table}")["QueueUrl"]
    working = replace(notes(store), send_again=lambda records: send_all_again(sqs, url, records))
    lines = [line(), line("Click", of="other"), "anna@example.org"]
    assert working.process_batch(batch(*lines, group="")) == {"batchItemFailures": [{"itemIdentifier": "2"}]}
    assert store.items() == []
    told = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, MessageSystemAttributeNames=["All"])["Messages"]
    assert sorted((one["Body"], one["Attributes"]["MessageGroupId"]) for one in told) == sorted(
        [(lines[0], "set"), (lines[1], "other")]
    )
    assert working.process_batch(batch(lines[0], group="set")) == {"batchItemFailures": []}
    assert len(store.items()) == 1
    assert "Messages" not in sqs.receive_message(QueueUrl=url)
    sqs.delete_queue(QueueUrl=url)
    later = line("Open", at="2026-11-23T10:09:00.000Z")
    assert working.process_batch(batch(later, group="")) == {"batchItemFailures": []}
    assert len(store.items()) == 2


@pytest.mark.parametrize(("waited", "again"), [(0, 0), (499, 0), (500, 1), (60_000, 1)])
def test_what_did_not_wait_needs_no_turn(store: Store, waited: int, again: int) -> None:
    """Where the queue hands events out as they come, each is noted at once; where they wait, each tenant gets its turn."""
    sent: list[str] = []

    def send_again(records: Sequence[tuple[Mapping[str, Any], str]]) -> list[str]:
        sent.extend(str(record["messageId"]) for record, _group in records)
        return sent

    records = batch(line(), group="")
    for record in records["Records"]:
        record["attributes"] |= {
            "SentTimestamp": "1795426860000",
            "ApproximateFirstReceiveTimestamp": str(1_795_426_860_000 + waited),
        }
    assert replace(notes(store), send_again=send_again).process_batch(records) == {"batchItemFailures": []}
    assert (len(sent), len(store.items())) == (again, 1 - again)


def test_what_sqs_does_not_take_is_noted_at_once(store: Store) -> None:
    """Of a batch, the others go on; nothing is lost, and nothing is done twice."""

    def some(records: Sequence[tuple[Mapping[str, Any], str]]) -> list[str]:
        return [str(records[0][0]["messageId"])]

    lines = [line(at=f"2026-11-23T10:0{minute}:00.000Z") for minute in range(3)]
    working = replace(notes(store), send_again=some)
    assert working.process_batch(batch(*lines, group="")) == {"batchItemFailures": []}
    assert len(store.items()) == 2


def test_table_is_the_sets_own(store: Store) -> None:
    """The session is for the set that SES named, and not for anything that was looked up."""
    asked: list[tuple[str, str]] = []

    def table_of(configuration_set: str, name: str) -> Table:
        asked.append((configuration_set, name))
        return Table(client=store.client("dynamodb"), name=name)

    foreign = Entry(tenant="globex", stack="stack", table=store.table)
    working = replace(notes(store), table_of=table_of, entry_of={"set": foreign, "other": foreign}.get)
    assert working.process_batch(batch(line(), line(of="other"))) == {"batchItemFailures": []}
    assert asked == [("set", store.table), ("other", store.table)]
