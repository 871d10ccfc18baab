"""Delivered mail becomes an entity once, and others are told once it is there; what fails is tried again."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import jsonschema
import pytest

from emulator import Emulator
from mailroom.errors import RetryableError
from mailroom.events import SOURCE, EventPublisher, MessageReceived
from mailroom.events.form import schema_of
from mailroom.findings import Finding, findings_text
from mailroom.functions.ingest import Work, process_batch
from mailroom.functions.ingest_settings import Settings
from mailroom.ingest.ingest import Ingest
from mailroom.messages.joining import JoinBy
from mailroom.store.run_time import AddressNow, RunTime, put_run_time
from tests.mailroom.store.conftest import REGION, Store, mail, new_store


def ingest(store: Store, told: list[Any]) -> Ingest:
    """The work of the store's tenant, which tells `told`."""
    return Ingest(
        s3=store.client("s3"),
        dynamodb=store.client("dynamodb"),
        publish=told.append,
        tenant="acme",
        table=store.table,
        retention=None,
        join_by=frozenset(),
    )


def delivered(store: Store, raw: bytes, key: str = "clean/one") -> dict[str, Any]:
    """The batch of one message that the queue hands over for it."""
    put = store.client("s3").put_object(Bucket=store.bucket, Key=key, Body=raw, Metadata={"verdict": "infected"})
    return batch({"s3": {"bucket": {"name": store.bucket}, "object": {"key": key, "versionId": put["VersionId"]}}})


def batch(*records: dict[str, Any]) -> dict[str, Any]:
    """A batch of one queue message with these records of S3's."""
    return {"Records": [{"messageId": "m1", "body": json.dumps({"Records": list(records)})}]}


def worked(event: dict[str, Any], work: Ingest) -> dict[str, Any]:
    """The function's answer for a tenant that does not send."""
    return process_batch(event, Work(work, None))


DONE: dict[str, Any] = {"batchItemFailures": []}
AGAIN = {"batchItemFailures": [{"itemIdentifier": "m1"}]}


def test_message_is_filed_and_told(store: Store) -> None:
    """By the published schema; the queue may hand it over once more all the same."""
    told: list[Any] = []
    event = delivered(store, mail("a"))
    for _ in range(2):
        assert worked(event, ingest(store, told)) == DONE
    (received,) = told
    jsonschema.validate(received.detail, schema_of(MessageReceived), format_checker=jsonschema.FormatChecker())
    assert (received.tenant, received.delivery, received.verdict, received.first) == ("acme", "one", "infected", True)
    stored = store.reader.message(received.message)
    assert stored is not None
    assert [one.verdict for one in stored.deliveries] == ["infected"]
    assert store.reader.message(received.message) is not None


def test_what_was_flagged_is_told(store: Store) -> None:
    """Classes of active content stand in the delivery and in the event; none where the scanner noted none."""
    told: list[Any] = []
    put = store.client("s3").put_object(
        Bucket=store.bucket,
        Key="clean/two",
        Body=mail("b"),
        Metadata={"verdict": "clean", "risks": "macros pdf-actions"},
    )
    described = {"bucket": {"name": store.bucket}, "object": {"key": "clean/two", "versionId": put["VersionId"]}}
    assert worked(batch({"s3": described}), ingest(store, told)) == DONE
    assert worked(delivered(store, mail("c")), ingest(store, told)) == DONE
    flagged, plain = told
    for event in told:
        jsonschema.validate(event.detail, schema_of(MessageReceived))
    assert (flagged.detail["risks"], plain.detail["risks"]) == (["macros", "pdf-actions"], [])
    for event in told:
        stored = store.reader.message(event.message)
        assert stored is not None
        assert [list(one.risks) for one in stored.deliveries] == [event.detail["risks"]]


def test_what_was_removed_is_the_scanners_word(store: Store) -> None:
    """By its own words beside the message; a file that only says so is a file like others."""
    told: list[MessageReceived] = []
    removed = (Finding(filename="invoice.exe", verdict="infected", signature="Eicar", path="2"),)
    forged = mail("d").replace(
        b"Subject:", b'Content-Disposition: attachment; filename="removed-attachment.txt"\r\nSubject:'
    )
    for key, raw, found in (("clean/three", mail("c"), findings_text(removed)), ("clean/four", forged, "")):
        put = store.client("s3").put_object(
            Bucket=store.bucket,
            Key=key,
            Body=raw,
            Metadata={"verdict": "infected", **({"findings": found} if found else {})},
        )
        described = {"bucket": {"name": store.bucket}, "object": {"key": key, "versionId": put["VersionId"]}}
        assert worked(batch({"s3": described}), ingest(store, told)) == DONE
    stored = [store.reader.message(event.message) for event in told]
    assert [[one.removed for one in message.deliveries] for message in stored if message] == [[removed], [()]]


def test_told_again_where_nobody_took_it(store: Store) -> None:
    """The entity is there; the event comes with the next try."""
    told: list[Any] = []
    event = delivered(store, mail("a"))

    def refuse(_event: Any) -> None:
        raise RetryableError("event bus default: refused")

    assert worked(event, replace(ingest(store, told), publish=refuse)) == AGAIN
    assert store.threads() == {frozenset({"a"})}
    assert worked(event, ingest(store, told)) == DONE
    assert [one.first for one in told] == [True]


def test_message_that_is_gone(store: Store) -> None:
    """Somebody deleted it: nothing to do, nobody to tell."""
    told: list[Any] = []
    event = delivered(store, mail("a"))
    version = json.loads(event["Records"][0]["body"])["Records"][0]["s3"]["object"]["versionId"]
    store.client("s3").delete_object(Bucket=store.bucket, Key="clean/one", VersionId=version)
    assert worked(event, ingest(store, told)) == DONE
    assert told == []


@pytest.mark.parametrize(
    "body",
    [
        "no JSON",
        "{}",
        json.dumps({"Records": [{"s3": {}}]}),
        json.dumps({"Records": [{"s3": {"bucket": {"name": "b"}, "object": {"key": "raw/x", "versionId": "v"}}}]}),
    ],
)
def test_what_is_no_delivery(store: Store, body: str) -> None:
    """It ends in the dead-letter queue; what stands in quarantine is not asked for."""
    event = {"Records": [{"messageId": "m1", "body": body}]}
    assert worked(event, ingest(store, [])) == AGAIN
    assert worked({"Records": [{"messageId": "m1", "body": '{"Event": "s3:TestEvent"}'}]}, ingest(store, [])) == DONE


def test_message_bigger_than_any(store: Store) -> None:
    """Nothing of it is read."""
    assert worked(delivered(store, b"x" * 45_000_001), ingest(store, [])) == AGAIN


def test_log_holds_no_word_of_the_senders(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    """Names and keys only, whatever goes wrong."""
    caplog.set_level("INFO", logger="mailroom")
    event = delivered(store, mail("a", body="secret words"))
    worked(event, ingest(store, []))
    worked(event, replace(ingest(store, []), table="nowhere"))
    assert "in thread" in caplog.text
    assert "nowhere" in caplog.text
    for word in ("secret", "anna", "About", "example.net"):
        assert word not in caplog.text


def test_announcer_puts_events(emulator: Emulator) -> None:
    """With source and type; a bus that refuses is tried again."""
    events, sqs = emulator.client("events", REGION), emulator.client("sqs", REGION)
    queue = sqs.create_queue(QueueName="told")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.put_rule(Name="all", EventPattern=json.dumps({"source": [SOURCE]}))
    events.put_targets(Rule="all", Targets=[{"Id": "q", "Arn": arn}])
    store = new_store(emulator)
    store.client("s3").put_bucket_versioning(Bucket=store.bucket, VersioningConfiguration={"Status": "Enabled"})
    publisher = EventPublisher(events=events)
    work = replace(ingest(store, []), publish=publisher.publish)
    assert worked(delivered(store, mail("a")), work) == DONE
    (message,) = sqs.receive_message(QueueUrl=queue)["Messages"]
    heard = json.loads(message["Body"])
    assert (heard["source"], heard["detail-type"], heard["detail"]["tenant"]) == (SOURCE, "MessageReceived", "acme")

    class Refusing:
        """A client whose entries are refused."""

        def put_events(self, **_arguments: Any) -> dict[str, Any]:
            return {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "InternalFailure"}]}

    refusing: Any = Refusing()
    again = replace(work, publish=EventPublisher(events=refusing).publish)
    assert worked(delivered(store, mail("b"), "clean/two"), again) == AGAIN


ENVIRONMENT = {
    "TENANT": "acme",
    "TABLE_NAME": "t",
    "EVENT_BUS": "default",
    "RETENTION_DAYS": "30",
    "JOIN_BY": "subject thread-index",
    "CONFIGURATION_SET": "set",
    "AWS_REGION": "eu-central-1",
    "QUEUE_URL": "https://sqs.eu-central-1.amazonaws.com/111111111111/mail",
}


def test_settings() -> None:
    """As the construct writes them; a missing one is named."""
    settings = Settings.from_environment(ENVIRONMENT)
    assert settings.retention is not None
    assert (settings.retention.days, settings.join_by) == (30, frozenset(JoinBy))
    assert Settings.from_environment({**ENVIRONMENT, "RETENTION_DAYS": "", "JOIN_BY": ""}).retention is None
    for name in ENVIRONMENT:
        with pytest.raises(ValueError, match=f"environment: {name} must be set"):
            Settings.from_environment({key: value for key, value in ENVIRONMENT.items() if key != name})


FOR = (
    b"Return-Path: <anna@example.net>\r\nReceived: from mail.example.net by inbound-smtp.eu-central-1.amazonaws.com with SMTP id %s"
    b"%s; Mon, 23 Nov 2026 09:00:00 +0000 (UTC)\r\n"
)


@pytest.mark.parametrize(
    ("recipient", "filed"),
    [
        (b" for support@post.acme.example", False),
        (b" for support+x@post.acme.example", False),
        (b" for sales@post.acme.example", True),
        # SES names none of several.
        (b"", True),
    ],
)
def test_mail_for_an_address_that_is_off_stays_where_it_is(store: Store, recipient: bytes, filed: bool) -> None:
    """Nobody is told of it, and it is filed when the queue hands it over once the address is on again."""
    told: list[Any] = []
    off = RunTime(revision=1, addresses={"support@post.acme.example": AddressNow(active=False)})
    put_run_time(store.writer().table, off, (), store.now)
    event = delivered(store, FOR % (b"abcdefghijklmnop", recipient) + mail("a"))
    assert worked(event, ingest(store, told)) == DONE
    assert len(told) == int(filed)
    assert store.client("s3").get_object(Bucket=store.bucket, Key="clean/one")["ContentLength"]
    put_run_time(store.writer().table, RunTime(revision=2), (), store.now)
    assert worked(event, ingest(store, told)) == DONE
    assert len(told) == 1
