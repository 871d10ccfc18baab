"""The processing of an object in quarantine, with all faults: S3 and SNS of the emulator, a real clamd."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from mailroom.errors import MailroomError, PermanentError, RetryableError
from mailroom.recipients import listed_in
from mailroom.scanning.clamd import Clamd
from mailroom.scanning.envelopes import Reduced
from mailroom.scanning.events import RawObject
from mailroom.scanning.handler import process_batch
from mailroom.scanning.intake import Outcome
from mailroom.scanning.verdicts import Action, Policy
from tests.mailroom.clamav import MARKER, SIGNATURE, RunningClamd
from tests.mailroom.notifications import by_sns, ses_notification
from tests.mailroom.scanning.conftest import Quarantine
from tests.mailroom.scanning.hiding import HARMLESS, HIDDEN

ENVELOPE = (
    b"Return-Path: <billing@example.net>\r\nReceived: from mx.example.net (mx.example.net [192.0.2.9])\r\n"
    b" by inbound-smtp.eu-central-1.amazonaws.com with SMTP id abc\r\n for support@post.acme.example; Mon, 23 Nov 2026\r\n"
)
INFECTED = ENVELOPE + HIDDEN["attachment"]
CLEAN = ENVELOPE + HARMLESS["attachment"]


def event(*items: RawObject) -> dict[str, Any]:
    """A batch with one queue message an object."""
    return {
        "Records": [
            {
                "messageId": f"m{number}",
                "body": json.dumps(
                    {
                        "Records": [
                            {
                                "s3": {
                                    "bucket": {"name": item.bucket},
                                    "object": {"key": item.key.replace(" ", "+"), "versionId": item.version},
                                }
                            }
                        ]
                    }
                ),
            }
            for number, item in enumerate(items)
        ]
    }


def test_clean_message_is_delivered_as_it_came(quarantine: Quarantine) -> None:
    """To the octet; the raw version is gone, the verdict recorded, and nobody is alarmed."""
    item = quarantine.put(CLEAN)
    assert quarantine.intake.take(item) is Outcome.DELIVERED
    assert quarantine.clean(item) == CLEAN
    assert quarantine.versions(item) == []
    record = quarantine.record(item)
    assert (record["verdict"], record["action"], record["raw_version"]) == ("clean", "deliver", item.version)
    assert quarantine.alerts() == []


def test_infected_attachment_never_arrives(quarantine: Quarantine) -> None:
    """The message arrives without it; the raw version is gone; the operators know who, what, where and when."""
    item = quarantine.put(INFECTED)
    assert quarantine.intake.take(item) is Outcome.STRIPPED
    assert MARKER not in quarantine.clean(item)
    assert b"removed-attachment.txt" in quarantine.clean(item)
    assert quarantine.versions(item) == []
    (alert,) = quarantine.alerts()
    facts = json.loads(alert["Message"])
    assert facts == {
        "tenant": "acme",
        "message_id": item.message_id,
        "envelope": {"from": "billing@example.net", "to": "support@post.acme.example"},
        "part": "2",
        "filename": "invoice.bin",
        "verdict": "infected",
        "signature": SIGNATURE,
        "sha256": facts["sha256"],
        "action": "strip",
        "reason": "",
        "time": "2026-11-23T10:00:00+00:00",
    }
    assert alert["Subject"] == f"infected mail to acme: {SIGNATURE}"
    assert "hello" not in json.dumps(alert)
    (part,) = [one for one in quarantine.record(item)["parts"] if one["removed"]]
    assert part["signature"] == SIGNATURE


def test_held_message_stays_in_quarantine(quarantine: Quarantine) -> None:
    """What is held is neither delivered nor lost."""
    quarantine.policy = Policy(infected=Action.HOLD)
    item = quarantine.put(INFECTED)
    assert quarantine.intake.take(item) is Outcome.HELD
    assert quarantine.keys("clean/") == []
    assert quarantine.versions(item) == [item.version]
    assert quarantine.record(item)["action"] == "hold"
    assert len(quarantine.alerts()) == 1


def test_deleted_message_is_gone(quarantine: Quarantine) -> None:
    """By the tenant's wish nothing is left but the record and the alert."""
    quarantine.policy = Policy(infected=Action.DELETE)
    item = quarantine.put(INFECTED)
    assert quarantine.intake.take(item) is Outcome.DELETED
    assert (quarantine.keys("clean/"), quarantine.versions(item)) == ([], [])
    assert len(quarantine.alerts()) == 1


def test_another_version_of_the_key_is_not_touched(quarantine: Quarantine) -> None:
    """The very version that was scanned is deleted; one that came after waits for its own event, and is not mixed up."""
    first = quarantine.put(CLEAN)
    second = quarantine.put(INFECTED, key=first.key)
    assert quarantine.intake.take(first) is Outcome.DELIVERED
    assert quarantine.versions(first) == [second.version]
    with pytest.raises(PermanentError, match="holds version"):
        quarantine.intake.take(second)
    assert quarantine.clean(first) == CLEAN
    assert quarantine.versions(second) == [second.version]


def test_same_event_twice(quarantine: Quarantine) -> None:
    """The second finds nothing to do, and nobody is alarmed twice."""
    item = quarantine.put(INFECTED)
    assert quarantine.intake.take(item) is Outcome.STRIPPED
    before = quarantine.clean(item)
    assert quarantine.intake.take(item) is Outcome.GONE
    assert quarantine.clean(item) == before
    assert len(quarantine.alerts()) == 1


def test_same_event_at_the_same_time(quarantine: Quarantine) -> None:
    """Eight workers on one object give one message, one record and one alert; who comes second tries again, or finds it done."""
    item = quarantine.put(INFECTED)
    barrier = threading.Barrier(8)

    def work(_: int) -> str:
        barrier.wait()
        try:
            return quarantine.intake.take(item).value
        except RetryableError:
            return "again"

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(work, range(8)))
    assert set(outcomes) <= {"stripped", "gone", "again"}
    assert "stripped" in outcomes
    assert len(quarantine.alerts()) == 1
    assert quarantine.versions(item) == []
    assert quarantine.record(item)["told"] is True


class StoppedError(Exception):
    """The worker ended here."""


@pytest.mark.parametrize(
    ("client", "operation", "number"),
    [("s3", "put_object", n) for n in (1, 2, 3)]
    + [("sns", "publish", 1), ("s3", "delete_object", 1), ("s3", "get_object", 1)],
)
@pytest.mark.parametrize("when", ["before", "after"])
def test_worker_that_ends_between_any_two_steps(
    quarantine: Quarantine, client: str, operation: str, number: int, when: str
) -> None:
    """Whatever step was the last, the next worker brings the message to its end, and nothing malicious was readable meanwhile."""
    item = quarantine.put(INFECTED)
    calls = 0

    class Ending:
        def __init__(self, real: Any) -> None:
            self.real = real

        def __getattr__(self, name: str) -> Callable[..., Any]:
            def call(**arguments: Any) -> Any:
                nonlocal calls
                calls += name == operation
                hit = name == operation and calls == number
                if hit and when == "before":
                    raise StoppedError
                answer = getattr(self.real, name)(**arguments)
                if hit:
                    raise StoppedError
                return answer

            return call

    intake = quarantine.intake
    changed: dict[str, Any] = {client: Ending(getattr(intake, client))}
    ending = replace(intake, **changed)
    with pytest.raises(StoppedError):
        ending.take(item)
    assert all(
        MARKER not in quarantine.s3.get_object(Bucket=item.bucket, Key=key)["Body"].read()
        for key in quarantine.keys("clean/")
    )
    assert quarantine.later(11).intake.take(item) in {Outcome.STRIPPED, Outcome.GONE}
    assert MARKER not in quarantine.clean(item)
    assert quarantine.versions(item) == []
    assert len(quarantine.alerts()) in ({1, 2} if (client, operation) != ("s3", "get_object") else {1})


def test_clamd_that_is_down(quarantine: Quarantine, tmp_path: Any) -> None:
    """Without the engine the message waits where it is."""
    item = quarantine.put(CLEAN)
    broken = replace(quarantine.intake, engine=Clamd(socket_path=str(tmp_path / "none")))
    with pytest.raises(RetryableError, match="is it running"):
        broken.take(item)
    assert (quarantine.keys("clean/"), quarantine.versions(item)) == ([], [item.version])
    assert quarantine.intake.take(item) is Outcome.DELIVERED


def test_clamd_that_is_killed_while_it_scans(quarantine: Quarantine, clamd: RunningClamd) -> None:
    """A crash in the middle of a scan delivers nothing."""
    item = quarantine.put(INFECTED)
    clamd.halt()
    killer = threading.Timer(0.3, clamd.kill)
    killer.start()
    with pytest.raises(RetryableError):
        quarantine.intake.take(item)
    killer.join()
    clamd.start()
    assert (quarantine.keys("clean/"), quarantine.versions(item)) == ([], [item.version])
    assert quarantine.intake.take(item) is Outcome.STRIPPED


def test_bucket_that_is_not_there(quarantine: Quarantine) -> None:
    """AWS refusing is to be tried again; the text names tenant, bucket and key."""
    with pytest.raises(RetryableError, match='tenant "acme": no-such-bucket/raw/x version v'):
        quarantine.intake.take(RawObject("no-such-bucket", "raw/x", "v"))


def test_message_beyond_what_ses_takes(quarantine: Quarantine) -> None:
    """Nobody puts such a thing there but by mistake: it is held at once, and the operators know why."""
    item = quarantine.put(CLEAN + b"x" * (45_000_001 - len(CLEAN)))
    assert quarantine.intake.take(item) is Outcome.HELD
    record = quarantine.record(item)
    assert (record["verdict"], record["reason"]) == ("over-limit", "it has more than 45,000,000 bytes")
    (alert,) = quarantine.alerts()
    assert json.loads(alert["Message"])["envelope"]["to"] == "support@post.acme.example"
    assert quarantine.versions(item) == [item.version]


def test_largest_message(quarantine: Quarantine) -> None:
    """40 MB are scanned and delivered whole."""
    raw = CLEAN + b"x" * (40_000_000 - len(CLEAN))
    item = quarantine.put(raw)
    assert quarantine.intake.take(item) is Outcome.DELIVERED
    assert quarantine.clean(item) == raw


def test_batch_with_one_that_fails(quarantine: Quarantine) -> None:
    """The others are done, and only that one is brought again."""
    items = [quarantine.put(CLEAN), RawObject("no-such-bucket", "raw/x", "v"), quarantine.put(INFECTED)]
    answer = process_batch(event(*items), quarantine.intake, max_receives=5)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m1"}]}
    assert len(quarantine.keys("clean/")) == 2


def test_batch_with_nonsense(quarantine: Quarantine) -> None:
    """A message that is no notification fails alone; S3's test event is nothing to do."""
    good = event(quarantine.put(CLEAN))["Records"][0]
    bodies = ["no json", "[]", '{"Records": []}', '{"Records": [{"s3": {}}]}', '{"Event": "s3:TestEvent"}']
    records = [{"messageId": f"n{number}", "body": body} for number, body in enumerate(bodies)]
    answer = process_batch({"Records": [*records, good]}, quarantine.intake, max_receives=5)
    assert [one["itemIdentifier"] for one in answer["batchItemFailures"]] == ["n0", "n1", "n2", "n3"]
    assert len(quarantine.keys("clean/")) == 1


def test_unexpected_error_is_not_done(quarantine: Quarantine, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever is raised, the message is brought again, and the log holds no text of a sender's."""

    def recipient_of(_: str) -> Any:
        raise KeyError("secret of a sender")

    answer = process_batch(
        event(quarantine.put(CLEAN)), replace(quarantine.intake, recipient_of=recipient_of), max_receives=5
    )
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m0"}]}
    assert "unexpected KeyError at test_intake.py:" in caplog.text
    assert "secret" not in caplog.text


def test_what_ses_writes_to_try_the_rule_is_no_mail(quarantine: Quarantine) -> None:
    """SES puts an object of its own there when a rule is made: it is neither scanned nor delivered."""
    item = quarantine.put(b"You have successfully configured ...", key="raw/AMAZON_SES_SETUP_NOTIFICATION")
    assert process_batch(event(item), quarantine.intake, max_receives=5) == {"batchItemFailures": []}
    assert (quarantine.keys("clean/"), quarantine.versions(item)) == ([], [item.version])


def test_object_outside_the_quarantine(quarantine: Quarantine) -> None:
    """An event about a delivered message is refused, so the scanner cannot be made to work on its own results."""
    item = quarantine.put(CLEAN, key="clean/x")
    answer = process_batch(event(item), quarantine.intake, max_receives=5)
    assert len(answer["batchItemFailures"]) == 1
    assert issubclass(PermanentError, MailroomError)


def test_recipients_are_written_without_an_engine(quarantine: Quarantine) -> None:
    """Beside the mail, whatever becomes of it; what SES did not write goes to the dead letters, and its text nowhere."""

    def not_ready() -> None:
        raise RetryableError("no engine")

    bodies = [
        json.dumps({"envelope": {"bucket": quarantine.bucket, "key": "raw/1abc", "recipients": ["a@b.example"]}}),
        json.dumps({"envelope": {"fault": "notificationType must be Received"}}),
    ]
    records = [{"messageId": f"n{number}", "body": body} for number, body in enumerate(bodies)]
    answer = process_batch({"Records": records}, quarantine.intake, max_receives=5, ensure_ready=not_ready)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "n1"}]}
    assert quarantine.keys("verdicts/recipients/") == ["verdicts/recipients/1abc"]


def test_scanner_without_a_sorter_reduces_by_itself(quarantine: Quarantine) -> None:
    """Its queue brings SES's notification again, reduced; what it could not send, it gets again whole."""
    several = by_sns(ses_notification(["a@b.example", "c@b.example"], bucket=quarantine.bucket))
    single = by_sns(ses_notification(["a@b.example"], bucket=quarantine.bucket))
    records = [{"messageId": "n0", "body": several}, {"messageId": "n1", "body": single}]
    sent: list[str] = []

    def put(_record: Mapping[str, Any], replacement: Reduced) -> bool:
        sent.append(replacement.body)
        return True

    answer = process_batch({"Records": records}, quarantine.intake, max_receives=5, put_reduced=put)
    assert answer == {"batchItemFailures": []}
    again = [{"messageId": "n2", "body": body} for body in sent]
    assert process_batch({"Records": again}, quarantine.intake, max_receives=5) == {"batchItemFailures": []}
    assert quarantine.keys("verdicts/recipients/") == ["verdicts/recipients/1abc"]
    refused = process_batch({"Records": records}, quarantine.intake, max_receives=5)
    assert refused == {"batchItemFailures": [{"itemIdentifier": "n0"}]}


def test_second_copy_of_another_rule_adds_its_recipient(quarantine: Quarantine) -> None:
    """Two receipt rules wrote one message under one key: the second copy is refused, and its recipient is kept."""
    line = "Return-Path: <a@example.net>\r\nReceived: by inbound-smtp.amazonaws.com with SMTP id 1abc for {}; x\r\n"
    first, second = (
        quarantine.put(line.format(f"{name}@post.acme.example").encode() + HARMLESS["attachment"], key="raw/1abc")
        for name in ("a", "b")
    )
    assert quarantine.intake.take(first) is Outcome.DELIVERED
    for _ in range(2):
        with pytest.raises(PermanentError, match="holds version"):
            quarantine.intake.take(second)
    body = quarantine.s3.get_object(Bucket=quarantine.bucket, Key="verdicts/recipients/1abc")["Body"].read()
    assert listed_in(body) == ("b@post.acme.example",)
