"""A message is sent once: whatever fails, whoever asks again, and however often the queue hands it over."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError

from mailroom.errors import PermanentError, RetryableError
from mailroom.layout import APPROVED_PREFIX, OUTGOING_PREFIX
from mailroom.messages import Address
from mailroom.notifications import StoredObject
from mailroom.outbox import Outbox, OutboxState, Outgoing, OutgoingFile, answering
from mailroom.outbox.again import Again
from mailroom.outbox.sending import Sending
from mailroom.store.sending_events import record_sending_event
from mailroom.store.suppression import recipients_of
from mailroom.tracking import SendingEvent, SendingEventKind
from tests.mailroom.outbox.conftest import NOW
from tests.mailroom.store.conftest import REGION, Store, everything, mail

SUPPORT = Address("support@post.acme.example", "Acme")
RECEIPT = Outgoing(
    sender=SUPPORT,
    to=(Address("anna@example.net"),),
    subject="Receipt",
    text="Thank you.\n",
    attachments=(OutgoingFile(filename="receipt.pdf", content_type="application/pdf", data=b"%PDF"),),
)


class Ses:
    """Answers as SES does, or fails as told, and remembers what it was asked."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.quota = {"MaxSendRate": 1000.0, "Max24HourSend": -1.0, "SentLast24Hours": 0.0}
        self.asked: list[dict[str, Any]] = []

    def send_email(self, **arguments: Any) -> dict[str, str]:
        """As the client's method."""
        self.asked.append(arguments)
        if self.failures:
            raise self.failures.pop(0)
        return {"MessageId": f"0107-{len(self.asked)}"}

    def get_account(self) -> dict[str, Any]:
        """As the client's method."""
        return {"SendQuota": self.quota}


def refusal(code: str, status: int = 400) -> ClientError:
    """An error as boto3 raises it."""
    return ClientError({"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}, "SendEmail")  # type: ignore[typeddict-item]


def sending(store: Store, ses: Any, now: datetime = NOW, line: list[tuple[Again, int]] | None = None) -> Sending:
    """The function's work on this store."""
    return Sending(
        s3=store.client("s3"),
        ses=ses,
        dynamodb=store.client("dynamodb"),
        clock=lambda: now,
        tenant="acme",
        table=store.table,
        configuration_set="set",
        region=REGION,
        retention=None,
        join_by=frozenset(),
        put_back=lambda again, seconds: (line if line is not None else []).append((again, seconds)),
        chance=lambda: 0.5,
    )


def scanned(store: Store, id: str, change: bytes = b"") -> StoredObject:
    """The message as the scanner delivers it, or with something changed in it."""
    s3 = store.client("s3")
    raw = s3.get_object(Bucket=store.bucket, Key=f"{OUTGOING_PREFIX}{id}")["Body"].read()
    put = s3.put_object(Bucket=store.bucket, Key=f"{APPROVED_PREFIX}{id}", Body=raw + change)
    return StoredObject(store.bucket, f"{APPROVED_PREFIX}{id}", put["VersionId"])


def state(outbox: Outbox, id: str) -> tuple[OutboxState, str, str]:
    """The message's state."""
    found = outbox.progress(id)
    assert found is not None
    return found.state, found.ses_id, found.reason


def test_requests_are_listed(store: Store, outbox: Outbox) -> None:
    """The latest first, page by page, by their state; with the names by which the filed copy and its events are found."""
    ids = []
    for number in range(3):
        asked = replace(outbox, clock=partial(NOW.__add__, timedelta(minutes=number)))
        ids.append(asked.send(RECEIPT, key=f"order-{number}").id)
    sending(store, Ses()).take(scanned(store, ids[0]))
    sending(store, Ses()).take(scanned(store, ids[1], change=b"x"))
    found = everything(outbox.requests, limit=2)
    assert [(one.id, one.state.value) for one in found] == [(ids[2], "queued"), (ids[1], "refused"), (ids[0], "sent")]
    assert [one.asked for one in found] == [NOW + timedelta(minutes=number) for number in (2, 1, 0)]
    for state in OutboxState:
        some = everything(partial(outbox.requests, state=state), limit=1)
        assert some == [one for one in found if one.state is state]
    sent = outbox.progress(ids[0])
    assert sent == found[2]
    message = store.reader.message(found[2].message)
    assert message is not None
    assert [one.ses_id for one in message.deliveries] == [found[2].ses_id]
    # The list of threads, in the same index, has nothing of it.
    assert [one.subject for one in store.reader.threads().items] == ["Receipt"]
    with pytest.raises(ValueError, match="after must be"):
        outbox.requests(after=store.reader.threads(limit=1).next)
    later = replace(outbox, clock=lambda: NOW + timedelta(days=401))
    assert everything(later.requests) == []


def test_message_is_sent_and_is_in_its_thread(store: Store, outbox: Outbox) -> None:
    """As the tenant, with its configuration set; with SES's id, by which answers find it, and what became of it."""
    store.file(mail("question"))
    (digest,) = store.reader.by_message_id("question@example.net")
    question = store.reader.message(digest)
    assert question is not None
    ses = Ses()
    begun = outbox.send(replace(RECEIPT, **answering(question.content)), key="order-17")
    assert begun.state is OutboxState.QUEUED
    filed = sending(store, ses).take(scanned(store, begun.id))
    assert filed is not None
    (asked,) = ses.asked
    assert (asked["FromEmailAddress"], asked["ConfigurationSetName"], asked["TenantName"]) == (
        "support@post.acme.example",
        "set",
        "acme",
    )
    assert state(outbox, begun.id) == (OutboxState.SENT, "0107-1", "")
    assert filed.thread == question.thread
    sent = store.reader.message(filed.digest)
    assert sent is not None
    assert (sent.summary.sent, question.summary.sent) == (True, False)
    assert sent.content.message_id == f"0107-1@{REGION}.amazonses.com"
    assert [one.ses_id for one in sent.deliveries] == ["0107-1"]
    assert store.reader.open_attachment(sent.content, sent.content.attachments[0]).read() == b"%PDF"
    answer = store.file(
        mail("answer").replace(b"Subject:", f"In-Reply-To: <0107-1@{REGION}.amazonses.com>\r\nSubject:".encode())
    )
    assert answer.thread == question.thread


def test_everybody_whom_it_went_to_is_known(store: Store, outbox: Outbox) -> None:
    """To the store, those included whom no recipient sees; and what became of it stands with the message."""
    to, cc, bcc = ((Address(f"{name}@example.net", name),) for name in ("to", "cc", "bcc"))
    begun = outbox.send(replace(RECEIPT, to=to, cc=cc, bcc=bcc), key="k")
    filed = sending(store, Ses()).take(scanned(store, begun.id))
    assert filed is not None
    record_sending_event(store.writer().table, SendingEvent(SendingEventKind.DELIVERY, "0107-1", NOW), None)
    sent = store.reader.message(filed.digest)
    assert sent is not None
    everybody = ("to@example.net", "cc@example.net", "bcc@example.net")
    assert [one.recipients for one in sent.deliveries] == [everybody]
    assert recipients_of(store.writer().table, "0107-1") == everybody
    assert [one.kind for one in sent.sending_events] == [SendingEventKind.DELIVERY]
    assert [one.digest for one in store.reader.by_address("bcc@example.net").items] == [filed.digest]


@pytest.mark.parametrize("tracking", [True, False])
def test_message_that_is_not_tracked(store: Store, outbox: Outbox, tracking: bool) -> None:
    """SES is told with this message alone; the rest is as with any other, also when the message waits for SES."""
    ses, line = Ses(refusal("TooManyRequestsException", 429)), list[tuple[Again, int]]()
    begun = outbox.send(replace(RECEIPT, tracking=tracking), key="k")
    assert sending(store, ses, line=line).take(scanned(store, begun.id)) is None
    ((again, seconds),) = line
    assert sending(store, ses, NOW + timedelta(seconds=seconds), line).take(again.item, again) is not None
    off = {"Tracking": {"OpenTrackingEnabled": "DISABLED", "ClickTrackingEnabled": "DISABLED"}}
    for asked in ses.asked:
        assert asked.get("ConfigurationOverrides") == (None if tracking else off)
        assert (asked["ConfigurationSetName"], asked["TenantName"]) == ("set", "acme")
    with pytest.raises(PermanentError, match="another message"):
        outbox.send(replace(RECEIPT, tracking=not tracking), key="k")


def test_asking_again_sends_nothing_more(store: Store, outbox: Outbox) -> None:
    """By the same key, before and after it was sent; the queue hands the same over again."""
    ses = Ses()
    first = outbox.send(RECEIPT, key="k")
    assert outbox.send(RECEIPT, key="k") == first
    item = scanned(store, first.id)
    for _ in range(3):
        sending(store, ses).take(item)
    assert outbox.send(RECEIPT, key="k").state is OutboxState.SENT
    assert len(ses.asked) == 1
    assert len(store.reader.threads().items) == 1
    assert outbox.send(RECEIPT, key="another").id != first.id


def test_key_names_one_message(outbox: Outbox) -> None:
    """Another message under it is a mistake of the caller's, and so is none."""
    outbox.send(RECEIPT, key="k")
    with pytest.raises(PermanentError, match="'k' was used for another message"):
        outbox.send(replace(RECEIPT, subject="Other"), key="k")
    with pytest.raises(ValueError, match="key must name the message"):
        outbox.send(RECEIPT, key="")


def test_asking_broke_off_before_the_message_was_there(store: Store, outbox: Outbox) -> None:
    """Asking again brings it."""
    begun = outbox.send(RECEIPT, key="k")
    store.client("s3").delete_object(Bucket=store.bucket, Key=f"{OUTGOING_PREFIX}{begun.id}")
    outbox.send(RECEIPT, key="k")
    assert sending(store, Ses()).take(scanned(store, begun.id)) is not None


@pytest.mark.parametrize(
    ("failure", "reason"),
    [
        (refusal("TooManyRequestsException", 429), "quota"),
        (refusal("LimitExceededException"), "quota"),
        (refusal("ThrottlingException"), "quota"),
        (EndpointConnectionError(endpoint_url="https://email"), "unreachable"),
    ],
)
def test_not_sent_yet_is_tried_again(store: Store, outbox: Outbox, failure: Exception, reason: str) -> None:
    """Where SES takes none now, or was not reached: by the queue, as a message of its own that no try counts for."""
    ses, line = Ses(failure), list[tuple[Again, int]]()
    begun = outbox.send(RECEIPT, key="k")
    assert sending(store, ses, line=line).take(scanned(store, begun.id)) is None
    assert state(outbox, begun.id) == (OutboxState.QUEUED, "", reason)
    ((again, seconds),) = line
    later = sending(store, ses, NOW + timedelta(seconds=seconds), line)
    assert later.take(again.item, again) is not None
    assert state(outbox, begun.id) == (OutboxState.SENT, "0107-2", "")
    assert (len(ses.asked), len(line)) == (2, 1)


@pytest.mark.parametrize("code", ["MessageRejected", "AccessDeniedException", "SendingPausedException"])
def test_refused_for_good(store: Store, outbox: Outbox, code: str) -> None:
    """SES says why; it is not asked again, and nothing is in any thread."""
    ses = Ses(refusal(code))
    begun = outbox.send(RECEIPT, key="k")
    item = scanned(store, begun.id)
    assert [sending(store, ses).take(item), sending(store, ses).take(item)] == [None, None]
    assert state(outbox, begun.id) == (OutboxState.REFUSED, "", code)
    assert len(ses.asked) == 1
    assert store.reader.threads().items == ()


@pytest.mark.parametrize("failure", [refusal("InternalFailure", 500), ReadTimeoutError(endpoint_url="https://email")])
def test_in_doubt_is_not_sent_twice(store: Store, outbox: Outbox, failure: Exception) -> None:
    """Nobody knows whether it was sent: for five minutes somebody may be at it, then operators are to look."""
    ses = Ses(failure)
    begun = outbox.send(RECEIPT, key="k")
    item = scanned(store, begun.id)
    with pytest.raises(RetryableError):
        sending(store, ses).take(item)
    with pytest.raises(RetryableError, match="locked by another worker"):
        sending(store, ses, NOW + timedelta(minutes=4)).take(item)
    for _ in range(2):
        with pytest.raises(PermanentError, match="was sent or was not"):
            sending(store, ses, NOW + timedelta(minutes=6)).take(item)
    assert state(outbox, begun.id)[0] is OutboxState.IN_DOUBT
    assert len(ses.asked) == 1


def test_what_the_scanner_changed_is_not_sent(store: Store, outbox: Outbox) -> None:
    """A tenant's own mail goes as it is, or not at all."""
    ses = Ses()
    begun = outbox.send(RECEIPT, key="k")
    assert sending(store, ses).take(scanned(store, begun.id, change=b"notice")) is None
    assert state(outbox, begun.id) == (OutboxState.REFUSED, "", "scan")
    assert ses.asked == []


def test_sent_and_not_recorded_yet(store: Store, outbox: Outbox) -> None:
    """Where it broke off behind SES's answer, the record comes with the next try, and nothing is sent."""
    ses = Ses()
    begun = outbox.send(RECEIPT, key="k")
    item = scanned(store, begun.id)
    broken = replace(sending(store, ses), join_by=None)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        broken.take(item)
    assert state(outbox, begun.id) == (OutboxState.SENT, "0107-1", "")
    assert store.reader.threads().items == ()
    assert sending(store, ses).take(item) is not None
    assert len(ses.asked) == 1
    assert len(store.reader.threads().items) == 1


def test_message_that_nobody_asked_for(store: Store) -> None:
    """An object alone sends nothing."""
    item = StoredObject(store.bucket, f"{APPROVED_PREFIX}forged", "v")
    with pytest.raises(PermanentError, match="is no message of the outbox's"):
        sending(store, Ses()).take(item)


def test_waiting_ends(store: Store, outbox: Outbox) -> None:
    """Once it was sent, or the time is over; of what is not there, at once."""
    begun = outbox.send(RECEIPT, key="k")
    waited = outbox.wait(begun.id, seconds=0)
    assert waited is not None
    assert waited.state is OutboxState.QUEUED
    sending(store, Ses()).take(scanned(store, begun.id))
    done = outbox.wait(begun.id, seconds=60)
    assert done is not None
    assert done.state is OutboxState.SENT
    assert outbox.wait("none") is None
    assert (
        Outbox.of(table=store.table, bucket=store.bucket, session=boto3.Session(region_name=REGION)).bucket
        == store.bucket
    )
