"""Envelope recipients of SES's notifications: what is sent on, what is written, and what a hostile one does."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator import Emulator
from mailroom.errors import MailroomError, PermanentError, RetryableError
from mailroom.recipients import listed_in
from mailroom.scanning.envelopes import (
    MOST_RECIPIENTS,
    NOTHING,
    Addressed,
    addressed_in,
    keep,
    recipients_key,
    reduced,
)
from mailroom.scanning.tags import Recipient
from mailroom.scanning.verdicts import Policy
from tests.mailroom.notifications import SUBJECT, by_sns, ses_notification

REGION = "eu-central-1"
A, B = "a@post.acme.example", "b@post.acme.example"


def sent_on(notification: object) -> Addressed:
    """What the scanner reads of what the sorter sends."""
    replacement = reduced(by_sns(notification))
    assert replacement is not None
    found = addressed_in(replacement.body)
    assert found is not None
    assert replacement.group == found.bucket
    return found


@pytest.mark.parametrize(
    ("recipients", "said"),
    [
        ([A, B], A),  # two
        ([B], A),  # the header names somebody else's
        ([A], ""),  # the header names nobody
        ([A], "A@post.acme.example"),  # local parts in another case may be others
    ],
)
def test_what_the_header_does_not_say_is_sent_on(recipients: list[str], said: str) -> None:
    """Bucket, key and recipients, and nothing else of the notification."""
    replacement = reduced(by_sns(ses_notification(recipients, said=said)))
    assert replacement is not None
    assert json.loads(replacement.body) == {
        "envelope": {"bucket": "bucket", "key": "raw/1abc", "recipients": recipients}
    }
    assert replacement.group == "bucket"


def test_single_recipient_in_the_header_needs_nothing() -> None:
    """The header's own line, the first one, names it; the case of its domain makes no difference."""
    assert reduced(by_sns(ses_notification([A]))) == NOTHING
    assert reduced(by_sns(ses_notification(["a@POST.acme.example"], said="a@post.ACME.example"))) == NOTHING


def test_line_of_another_server_says_nothing() -> None:
    """A sender can write a line below SES's. Only the first Received field counts, and only if it is SES's."""
    forged = ses_notification([A], said=B)
    forged["mail"]["headers"].insert(2, {"name": "Received", "value": f"by mail.example.net id 1abc for {A}"})
    assert sent_on(forged).recipients == (A,)
    forged["mail"]["headers"] = forged["mail"]["headers"][2:]
    assert sent_on(forged).recipients == (A,)


@pytest.mark.parametrize("headers", [None, [], ["x"], [{}], [{"name": 1, "value": 2}], {}])
def test_header_that_cannot_be_read_says_nothing(headers: object) -> None:
    """Also where SES cuts the header."""
    notification = ses_notification([A])
    notification["mail"]["headers"] = headers
    assert sent_on(notification).recipients == (A,)


@pytest.mark.parametrize(
    "notification",
    [
        "Successfully validated SNS topic for Amazon SES email receiving.",
        {"notificationType": "AmazonSnsSubscriptionSucceeded", "message": "You have subscribed."},
        ses_notification([A, B], key="raw/AMAZON_SES_SETUP_NOTIFICATION"),
    ],
)
def test_tests_of_services_end_here(notification: object) -> None:
    """They are about no message."""
    assert reduced(by_sns(notification)) == NOTHING


@pytest.mark.parametrize("body", ["no JSON", "[]", "{}", '{"Records": []}', "[" * 100_000])
def test_messages_of_others_are_none_of_ours(body: str) -> None:
    """S3's, and what nobody sends."""
    assert reduced(body) is None
    assert addressed_in(body) is None


def changed(**fields: Any) -> dict[str, Any]:
    """A notification with other values; "action.x" is within the action."""
    notification = ses_notification([A, B])
    for name, value in fields.items():
        at = notification["receipt"]["action"] if name in {"bucketName", "objectKey"} else notification["receipt"]
        at[name] = value
    return notification


HOSTILE = [
    f"{SUBJECT}",
    [SUBJECT],
    {"notificationType": "Bounce", "subject": SUBJECT},
    {"notificationType": "Received"},
    {"notificationType": "Received", "receipt": SUBJECT},
    "[" * 100_000,
    changed(recipients=[]),
    changed(recipients=A),
    changed(recipients=[A] * (MOST_RECIPIENTS + 1)),
    changed(recipients=[A, 1]),
    changed(recipients=[SUBJECT]),
    changed(recipients=[A, f"{'b' * 320}@post.acme.example"]),
    changed(recipients=["a@post.acme.example\r\nSubject: x"]),
    changed(recipients=["\ud800@post.acme.example"]),
    changed(bucketName="../other"),
    changed(bucketName="a/b"),
    changed(bucketName=None),
    changed(objectKey="clean/1abc"),
    changed(objectKey="raw/out/1abc"),
    changed(objectKey="raw/decisions/1abc"),
    changed(objectKey="raw/../clean/1abc"),
    changed(objectKey="raw/"),
    changed(objectKey=f"raw/{'a' * 2000}"),
    changed(action={}),
]


@pytest.mark.parametrize("notification", HOSTILE)
def test_hostile_notification_leaves_its_fault_alone(notification: object) -> None:
    """The scanner refuses it for good; of its text nothing is sent on, so nothing is kept with the dead letters."""
    replacement = reduced(by_sns(notification))
    assert replacement is not None
    assert replacement.group == "unknown"
    assert SUBJECT not in replacement.body
    assert "acme" not in replacement.body
    assert len(replacement.body) < 300
    with pytest.raises(PermanentError, match="notification of SES") as caught:
        addressed_in(replacement.body)
    assert "acme" not in str(caught.value)


@pytest.mark.parametrize(
    "said",
    [
        {},
        "x",
        None,
        {"bucket": "bucket", "key": "raw/1", "recipients": []},
        {"bucket": "bucket", "key": "clean/1", "recipients": [A]},
        {"bucket": "bucket", "key": "raw/AMAZON_SES_SETUP_NOTIFICATION", "recipients": [A]},
        {"bucket": 1, "key": "raw/1", "recipients": [A]},
    ],
)
def test_scanner_reads_no_other_form(said: object) -> None:
    """Whoever may send to its queue gets an error, and no object."""
    with pytest.raises(PermanentError, match="queue message: envelope"):
        addressed_in(json.dumps({"envelope": said}))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["notificationType", "receipt", "action", "recipients", "bucketName", "objectKey", "mail", "headers"]
            )
            | st.text(max_size=5),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(json_values | st.fixed_dictionaries({"notificationType": st.just("Received"), "receipt": json_values}))
def test_anything_has_an_answer(notification: object) -> None:
    """Whatever is published, the sorter sends nothing, a fault, or recipients of a message below `raw/`."""
    replacement = reduced(by_sns(notification))
    assert replacement is not None
    if replacement != NOTHING:
        try:
            found = addressed_in(replacement.body)
        except MailroomError:
            return
        assert found is not None
        assert "/" not in found.message_id
        assert found.recipients


def inbox(_bucket: str) -> Recipient:
    """A tenant's."""
    return Recipient(tenant="acme", policy=Policy(), topic_arn="arn", mail=True)


@pytest.fixture
def written(emulator: Emulator) -> Callable[..., tuple[Any, str]]:
    """S3, and a bucket of the test's own."""

    def make(name: str) -> tuple[Any, str]:
        s3 = emulator.client("s3", REGION)
        bucket = f"envelopes-{name}"
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
        return s3, bucket

    return make


def test_recipients_are_added_and_never_lost(written: Callable[..., tuple[Any, str]]) -> None:
    """Two receipt rules match one message: each notification adds its own, in any order; a repeated one writes nothing."""
    s3, bucket = written("added")
    one, other = (Addressed(bucket=bucket, message_id="1abc", recipients=(address,)) for address in (A, B))
    assert keep(s3, inbox, one)
    assert not keep(s3, inbox, one)
    assert keep(s3, inbox, other)
    assert not keep(s3, inbox, one)
    answer = s3.get_object(Bucket=bucket, Key=recipients_key("1abc"))
    assert listed_in(answer["Body"].read()) == (A, B)


def test_two_writers_at_once_keep_both(
    written: Callable[..., tuple[Any, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The write has a condition: who is late reads again."""
    s3, bucket = written("at-once")
    put = s3.put_object
    other = Addressed(bucket=bucket, message_id="1abc", recipients=(B,))
    calls: list[str] = []

    def first_another(**asked: Any) -> Any:
        calls.append("put")
        if len(calls) == 1:
            keep(s3, inbox, other)
        return put(**asked)

    monkeypatch.setattr(s3, "put_object", first_another)
    assert keep(s3, inbox, Addressed(bucket=bucket, message_id="1abc", recipients=(A,)))
    assert listed_in(s3.get_object(Bucket=bucket, Key=recipients_key("1abc"))["Body"].read()) == (B, A)


def test_bucket_of_nobody_gets_nothing(written: Callable[..., tuple[Any, str]]) -> None:
    """The bucket must be a tenant's inbox by its tags, which only a deployment writes."""
    s3, bucket = written("nobody")
    said = Addressed(bucket=bucket, message_id="1abc", recipients=(A,))

    def unknown(name: str) -> Recipient:
        raise RetryableError(f"{name}: cannot tell whose it is")

    with pytest.raises(RetryableError, match="cannot tell whose"):
        keep(s3, unknown, said)
    with pytest.raises(PermanentError, match="must be an inbox"):
        keep(s3, lambda _name: Recipient(tenant="files", policy=Policy(), topic_arn="arn"), said)
    with pytest.raises(RetryableError, match=f"{bucket}-gone/verdicts/recipients/1abc: recipients cannot be written"):
        keep(s3, inbox, Addressed(bucket=f"{bucket}-gone", message_id="1abc", recipients=(A,)))
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"recipients": 1}', b"\xff"])
def test_object_of_another_form_has_none(data: bytes) -> None:
    """Only the scanner writes there; a broken one must not stop the message."""
    assert listed_in(data) == ()
