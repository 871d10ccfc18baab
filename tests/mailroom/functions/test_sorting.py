"""What S3 tells goes into the scanner's queue under the name of its bucket: none is lost; on queues of the emulator."""

from __future__ import annotations

import itertools
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from emulator import Emulator
from mailroom.functions import sorting
from mailroom.functions.sorting_arrivals import sort
from mailroom.scanning.events import SETUP_NOTIFICATION, RawObject, rescan_message
from mailroom.scanning.release import Release
from mailroom.scanning.verdicts import Verdict
from mailroom.turns import send_all_again
from tests.mailroom.notifications import by_sns, ses_notification

REGION = "eu-central-1"
_numbers = itertools.count(1)


def told(bucket: str, key: str = "raw/1", **more: Any) -> str:
    """S3's notification of one arrival."""
    record = {"s3": {"bucket": {"name": bucket}, "object": {"key": key, "versionId": "v"}}}
    return json.dumps({"Records": [record], **more})


RELEASE = rescan_message(
    RawObject(
        "bucket",
        "raw/1",
        "v",
        "request",
        Release(by="arn", reason="known", at=datetime(2026, 11, 28, tzinfo=UTC), verdict=Verdict.ENCRYPTED),
    )
)
NO_ARRIVALS = [
    "no JSON",
    "[]",
    "{}",
    told("bucket", "clean/1"),
    told("Not A Bucket"),
    told("b" * 64),
    "[" * 100_000,
    RELEASE,
]


@dataclass
class Queues:
    """The queue that S3 tells, and the scanner's."""

    sqs: Any
    arrivals: str
    turns: str

    def arrive(self, *bodies: str) -> dict[str, Any]:
        """The batch as Lambda hands it over."""
        for body in bodies:
            self.sqs.send_message(QueueUrl=self.arrivals, MessageBody=body)
        return {"Records": self.taken(self.arrivals, len(bodies))}

    def taken(self, queue: str, most: int = 10) -> list[dict[str, Any]]:
        """Received messages, in Lambda's form."""
        arn = self.sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        found: list[dict[str, Any]] = []
        while len(found) < most:
            messages = self.sqs.receive_message(
                QueueUrl=queue, MaxNumberOfMessages=most - len(found), MessageSystemAttributeNames=["All"]
            ).get("Messages", [])
            if not messages:
                break
            found += [
                {
                    "messageId": one["MessageId"],
                    "receiptHandle": one["ReceiptHandle"],
                    "body": one["Body"],
                    "attributes": one["Attributes"],
                    "eventSourceARN": arn,
                }
                for one in messages
            ]
        return found

    def sorted(self) -> list[tuple[str, str]]:
        """Group and body of what is in the scanner's queue; it is taken out."""
        found = []
        while messages := self.taken(self.turns):
            for one in messages:
                self.sqs.delete_message(QueueUrl=self.turns, ReceiptHandle=one["receiptHandle"])
                found.append((one["attributes"]["MessageGroupId"], one["body"]))
        return sorted(found)


@pytest.fixture
def queues(emulator: Emulator) -> Queues:
    """Of their own."""
    sqs = emulator.client("sqs", REGION)
    number = next(_numbers)
    arrivals, turns = (
        str(sqs.create_queue(QueueName=f"{name}-{number}")["QueueUrl"])
        for name in ("sorting-arrivals", "sorting-turns")
    )
    return Queues(sqs, arrivals, turns)


@pytest.fixture
def on_event(emulator: Emulator, queues: Queues, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The function, as it is deployed."""
    for name, value in emulator.environment(REGION).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("SCANNER_QUEUE_URL", queues.turns)
    sorting._sqs.cache_clear()
    yield lambda event: sorting.on_event(event, None)
    sorting._sqs.cache_clear()


def failed(event: Mapping[str, Any], answer: Mapping[str, Any]) -> list[str]:
    """Bodies of the messages that the queue brings again."""
    bodies = {one["messageId"]: one["body"] for one in event["Records"]}
    return [bodies[one["itemIdentifier"]] for one in answer["batchItemFailures"]]


def test_each_arrival_goes_on_once_as_it_came(queues: Queues, on_event: Any) -> None:
    """Ten at a time, each under its bucket's name, whosever they are; none is brought again."""
    bodies = [told(f"tenant-{number % 3}", f"raw/{number}") for number in range(10)]
    assert on_event(queues.arrive(*bodies)) == {"batchItemFailures": []}
    assert queues.sorted() == sorted((f"tenant-{number % 3}", body) for number, body in enumerate(bodies))


@pytest.mark.parametrize("bad", NO_ARRIVALS)
def test_one_bad_message_keeps_none_from_its_turn(queues: Queues, on_event: Any, bad: str) -> None:
    """It is brought again, and ends with the dead letters; a release too, whose sender another sender would replace."""
    event = queues.arrive(told("one"), bad, told("two"))
    assert failed(event, on_event(event)) == [bad]
    assert queues.sorted() == [("one", told("one")), ("two", told("two"))]


def test_test_event_of_s3_ends_here(queues: Queues, on_event: Any) -> None:
    """It is about no object. SES's own is one, which the scanner knows."""
    setup = told("bucket", SETUP_NOTIFICATION)
    assert on_event(queues.arrive(json.dumps({"Event": "s3:TestEvent"}), setup)) == {"batchItemFailures": []}
    assert queues.sorted() == [("bucket", setup)]


def test_request_that_went_the_long_way_has_its_turn(queues: Queues, on_event: Any) -> None:
    """As older commands send it, with the group already."""
    asked = rescan_message(RawObject("bucket", "raw/1", "v", "request"))
    assert on_event(queues.arrive(asked)) == {"batchItemFailures": []}
    assert queues.sorted() == [("bucket", asked)]


def test_several_buckets_in_one_message(queues: Queues, on_event: Any) -> None:
    """S3 sends none such; it goes on in the turn of the first."""
    body = json.dumps({"Records": [json.loads(told(name))["Records"][0] for name in ("one", "two")]})
    assert on_event(queues.arrive(body)) == {"batchItemFailures": []}
    assert queues.sorted() == [("one", body)]


def test_queue_that_refuses_loses_nothing(queues: Queues, on_event: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """All are brought again within a minute, and go on once it takes them."""
    event = queues.arrive(told("one"), told("two"))
    monkeypatch.setenv("SCANNER_QUEUE_URL", queues.turns + "-gone")
    assert failed(event, on_event(event)) == [told("one"), told("two")]
    for one in event["Records"]:
        queues.sqs.change_message_visibility(
            QueueUrl=queues.arrivals, ReceiptHandle=one["receiptHandle"], VisibilityTimeout=0
        )
    monkeypatch.setenv("SCANNER_QUEUE_URL", queues.turns)
    assert on_event({"Records": queues.taken(queues.arrivals, 2)}) == {"batchItemFailures": []}
    assert queues.sorted() == [("one", told("one")), ("two", told("two"))]


class Refusing:
    """A client whose queue refuses whole batches with an error, or some of their messages; the others are sent."""

    def __init__(self, queues: Queues, code: str, *, most: int = 10, single: Collection[str] = ()) -> None:
        self.sqs, self.code, self.most, self.single, self.calls = queues.sqs, code, most, single, 0

    def send_message_batch(self, *, QueueUrl: str, Entries: Sequence[Mapping[str, Any]]) -> Any:  # noqa: N803 - as SQS's
        """As SQS's."""
        self.calls += 1
        if len(Entries) > self.most:
            raise ClientError({"Error": {"Code": self.code, "Message": "."}}, "SendMessageBatch")
        taken = [one for one in Entries if one["MessageGroupId"] not in self.single]
        answer = self.sqs.send_message_batch(QueueUrl=QueueUrl, Entries=taken) if taken else {"Successful": []}
        refused = [{"Id": one["Id"], "Code": self.code, "SenderFault": True} for one in Entries if one not in taken]
        return {**answer, "Failed": refused}


@pytest.mark.parametrize(
    "code", ["AWS.SimpleQueueService.BatchRequestTooLong", "BatchRequestTooLong", "InvalidParameterValue"]
)
def test_batch_that_is_refused_for_what_is_in_it_goes_one_by_one(queues: Queues, code: str) -> None:
    """Else ten good ones would come to nothing with it, time and again, until all are dead letters."""
    event = queues.arrive(*(told(f"tenant-{number}") for number in range(10)))
    client: Any = Refusing(queues, code, most=1, single=["tenant-3"])
    answer = sort(event, lambda records: send_all_again(client, queues.turns, records))
    assert failed(event, answer) == [told("tenant-3")]
    assert [group for group, _ in queues.sorted()] == [f"tenant-{number}" for number in range(10) if number != 3]


def test_batch_that_is_too_long_together(queues: Queues, on_event: Any) -> None:
    """SQS takes a mebibyte; ten messages of less each go on nevertheless."""
    bodies = [told("bucket", f"raw/{number}", padding="x" * 120_000) for number in range(10)]
    assert on_event(queues.arrive(*bodies)) == {"batchItemFailures": []}
    assert queues.sorted() == [("bucket", body) for body in bodies]


@pytest.mark.parametrize("code", ["AccessDeniedException", "KMS.DisabledException", "RequestThrottled"])
def test_queue_that_takes_nothing_is_asked_once(queues: Queues, code: str) -> None:
    """Ten questions more would have the same answer."""
    event = queues.arrive(*(told(f"tenant-{number}") for number in range(10)))
    client: Any = Refusing(queues, code, most=0)
    answer = sort(event, lambda records: send_all_again(client, queues.turns, records))
    assert len(failed(event, answer)) == 10
    assert client.calls == 1
    assert queues.sorted() == []


def test_message_that_sqs_refuses_of_a_batch_comes_again(queues: Queues) -> None:
    """It alone: what SQS has is not sent again."""
    event = queues.arrive(*(told(f"tenant-{number}") for number in range(10)))
    client: Any = Refusing(queues, "InternalError", single=["tenant-0", "tenant-9"])
    answer = sort(event, lambda records: send_all_again(client, queues.turns, records))
    assert failed(event, answer) == [told("tenant-0"), told("tenant-9")]
    assert [group for group, _ in queues.sorted()] == [f"tenant-{number}" for number in range(1, 9)]


BODIES = st.one_of(
    st.text(max_size=40),
    st.sampled_from([told("one"), told("two", "raw/out/m"), json.dumps({"Event": "s3:TestEvent"}), *NO_ARRIVALS]),
    st.recursive(st.none() | st.integers() | st.text(max_size=5), lambda one: st.lists(one, max_size=3)).map(
        json.dumps
    ),
)


@given(st.lists(BODIES, min_size=1, max_size=10), st.sets(st.integers(0, 9)))
def test_every_message_is_sent_or_comes_again(bodies: list[str], refused: set[int]) -> None:
    """Whatever is in a batch, and whatever SQS takes of it: but for a test event, exactly one of both."""
    event = {"Records": [{"messageId": str(number), "body": body} for number, body in enumerate(bodies)]}
    sent: set[str] = set()

    def send(records: Sequence[tuple[Mapping[str, Any], str]]) -> set[str]:
        sent.update(
            str(record["messageId"]) for record, group in records if group and int(record["messageId"]) not in refused
        )
        return sent

    again = {one["itemIdentifier"] for one in sort(event, send)["batchItemFailures"]}
    assert not sent & again
    left = {record["body"] for record in event["Records"] if record["messageId"] not in sent | again}
    assert left <= {json.dumps({"Event": "s3:TestEvent"})}


def test_notification_of_ses_goes_on_reduced(queues: Queues, on_event: Any) -> None:
    """Beside S3's, in the turn of its bucket; what needs nothing ends here, and no text of a faulty one goes on."""
    several = by_sns(ses_notification(["a@post.acme.example", "b@post.acme.example"], bucket="two"))
    single = by_sns(ses_notification(["a@post.acme.example"], bucket="one"))
    event = queues.arrive(told("one"), several, single, by_sns("hostile"))
    assert on_event(event) == {"batchItemFailures": []}
    (_, arrival), (_, kept), (group, fault) = sorted(
        queues.sorted(), key=lambda one: ["one", "two", "unknown"].index(one[0])
    )
    assert arrival == told("one")
    assert json.loads(kept)["envelope"]["recipients"] == ["a@post.acme.example", "b@post.acme.example"]
    assert group == "unknown"
    assert "hostile" not in fault


def test_notification_waits_where_the_queue_refuses(
    queues: Queues, on_event: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is brought again as it came."""
    several = by_sns(ses_notification(["a@post.acme.example", "b@post.acme.example"]))
    event = queues.arrive(several)
    monkeypatch.setenv("SCANNER_QUEUE_URL", queues.turns + "-gone")
    assert failed(event, on_event(event)) == [several]
