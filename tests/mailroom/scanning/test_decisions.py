"""An application's view of held mail, and the effects of its requests."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import jsonschema
import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from email_stack.operations.quarantine import Quarantine as Listing
from mailroom import (
    MessageDiscarded,
    MessageHeld,
    PermanentError,
    RetryableError,
    schema_of,
)
from mailroom.findings import findings_from
from mailroom.held_mail import Decision, DecisionKind
from mailroom.scanning.intake import Outcome
from mailroom.scanning.verdicts import Action, Policy
from tests.mailroom.scanning.conftest import REGION, Quarantine
from tests.mailroom.scanning.desks import ENCRYPTED, Desk, Event
from tests.mailroom.scanning.test_hold import DEAD
from tests.mailroom.scanning.test_intake import CLEAN, INFECTED


@pytest.fixture
def desk(quarantine: Quarantine) -> Desk:
    """By default policy."""
    return Desk(quarantine)


def test_held_mail_is_described_and_not_opened(desk: Desk) -> None:
    """Envelope, authors, subject and why it waits, decoded; not a word of its text. The event names the same message."""
    item, seen = desk.hold()
    assert (seen.sender, seen.recipients) == ("anna@example.net", ("support@post.acme.example",))
    assert [(one.name, one.address) for one in seen.from_] == [("Anna Müller", "anna@example.net")]
    assert (seen.subject, seen.verdict, seen.size) == ("Vertrag für Sie", "encrypted", len(ENCRYPTED))
    assert [(one.verdict, one.signature) for one in seen.findings] == [("encrypted", "Message.Partial")]
    assert (seen.delivery, seen.outgoing, seen.request) == (item.message_id, False, "")
    (key,) = desk.quarantine.keys("held/")
    body = desk.quarantine.s3.get_object(Bucket=item.bucket, Key=key)["Body"].read()
    assert b"half of a secret" not in body
    (event,) = desk.heard
    jsonschema.validate(event.detail, schema_of(MessageHeld), format_checker=jsonschema.FormatChecker())
    assert desk.held.message(event.held_id) == seen


def test_scan_that_failed_is_described_by_its_beginning(desk: Desk) -> None:
    """Of a message that could not be scanned, only the beginning was read: its header is there."""
    item = desk.quarantine.put(CLEAN + b"x" * 100_000)
    assert replace(desk.intake, engine=DEAD).hold(item) is Outcome.HELD
    (seen,) = desk.held.messages().items
    assert (seen.sender, seen.verdict, seen.reason) == ("billing@example.net", "error", "the scan failed")


def test_stripped_mail_says_what_is_missing(desk: Desk) -> None:
    """In the metadata of what is delivered, where no sender writes: which file, what it was and why; none of clean mail."""
    item, clean = desk.quarantine.put(INFECTED), desk.quarantine.put(CLEAN)
    for one in (item, clean):
        desk.intake.take(one)
    said = [
        desk.quarantine.s3.head_object(Bucket=one.bucket, Key=f"clean/{one.message_id}")["Metadata"]
        for one in (item, clean)
    ]
    (found,) = findings_from(said[0]["findings"])
    assert (found.filename, found.verdict, found.path) == ("invoice.bin", "infected", "2")
    assert found.signature
    assert "findings" not in said[1]


def test_what_takes_its_way_is_not_listed(desk: Desk) -> None:
    """Delivered and stripped mail leaves nothing of itself there."""
    for raw in (CLEAN, INFECTED):
        desk.intake.take(desk.quarantine.put(raw))
    assert desk.held.messages().items == ()
    assert desk.quarantine.keys("held/") == []


def test_release_delivers_and_says_who(desk: Desk) -> None:
    """As an operator's: scanned anew, whole; the application's word and S3's stand beside the verdict; nothing waits."""
    item, seen = desk.hold()
    desk.heard.clear()
    request = desk.held.release(seen, by="user 17", reason="the sender called")
    assert desk.intake.take(desk.request(request)) is Outcome.RELEASED
    assert desk.quarantine.clean(item) == ENCRYPTED
    assert desk.left() == [f"clean/{item.message_id}"]
    said = desk.quarantine.record(item)["release"]
    assert (said["by"], said["reason"], said["sender"]) == ("user 17", "the sender called", "AROAEXAMPLE:app")
    assert (said["applied"], said["verdict"]) == (True, "encrypted")
    (event,) = desk.heard
    assert (event.TYPE, event.held_id) == ("MessageReleased", seen.id)
    assert desk.held.message(seen.id) is None


def test_discard_deletes_and_says_who(desk: Desk) -> None:
    """Gone unread; the verdict stays, with who asked; one event by its schema, and operators hear of it."""
    item, seen = desk.hold()
    desk.heard.clear()
    desk.quarantine.alerts()
    request = desk.request(desk.held.discard(seen, by="user 17", reason="nobody wants it"))
    assert replace(desk.intake, engine=DEAD).take(request) is Outcome.DELETED
    assert (desk.left(), desk.quarantine.versions(item)) == ([], [])
    record = desk.quarantine.record(item)
    assert (record["verdict"], record["action"], record["told"]) == ("encrypted", "delete", True)
    said = record["discard"]
    assert (said["by"], said["reason"], said["sender"]) == ("user 17", "nobody wants it", "AROAEXAMPLE:app")
    (event,) = desk.heard
    jsonschema.validate(event.detail, schema_of(MessageDiscarded), format_checker=jsonschema.FormatChecker())
    assert (event.TYPE, event.held_id, event.detail["verdict"]) == ("MessageDiscarded", seen.id, "encrypted")
    assert "user 17" not in json.dumps(event.detail)
    (alert,) = desk.quarantine.alerts()
    assert json.loads(alert["Message"])["action"] == "delete"


def test_malware_is_discarded_and_never_released(desk: Desk) -> None:
    """Not by the library, nor by a request that somebody makes up; that it was asked for is seen."""
    desk.quarantine.policy = Policy(infected=Action.HOLD)
    item, seen = desk.hold(INFECTED)
    with pytest.raises(ValueError, match="without malware"):
        desk.held.release(seen, by="user 17", reason="x")
    forged = Decision(kind=DecisionKind.RELEASE, held=seen.id, verdict="error", by="x", reason="x")
    assert desk.intake.take(desk.forge(forged.to_json().encode(), "a" * 32)) is Outcome.HELD
    assert (desk.quarantine.keys("clean/"), desk.quarantine.versions(item)) == ([], [item.version])
    again = desk.held.message(seen.id)
    assert again is not None
    assert (again.request, again.verdict) == ("a" * 32, "infected")
    assert desk.intake.take(desk.request(desk.held.discard(again, by="x", reason="x"))) is Outcome.DELETED
    assert desk.left() == []


def test_worse_than_it_was_known_to_be_waits_on(desk: Desk) -> None:
    """Whoever saw a failed scan did not agree to what the next one finds."""
    desk.quarantine.policy = Policy(clean=Action.HOLD)
    _item, seen = desk.hold(ENCRYPTED)
    request = desk.held.release(replace(seen, verdict="clean"), by="x", reason="x")
    assert desk.intake.take(desk.request(request)) is Outcome.HELD
    waits = desk.held.message(seen.id)
    assert waits is not None
    assert waits.request == request


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[" * 10_000,
        b"{}",
        b'{"kind": "open", "held": "x", "verdict": "clean", "by": "x", "reason": "x"}',
        b"x" * 20_000,
    ],
    ids=["empty", "cut", "deep", "nothing", "unknown", "long"],
)
def test_what_is_no_request_ends_there(desk: Desk, body: bytes) -> None:
    """Dropped, whatever it is: not scanned as mail, not tried again, and nobody is alarmed."""
    forged = desk.forge(body)
    assert desk.intake.take(forged) is Outcome.NOTHING
    assert (desk.left(), desk.heard, desk.quarantine.alerts()) == ([], [], [])


def test_request_of_another_name_ends_there(desk: Desk) -> None:
    """Nor does what lies deeper name a request."""
    _item, seen = desk.hold()
    body = Decision(kind=DecisionKind.DISCARD, held=seen.id, verdict="encrypted", by="x", reason="x").to_json()
    assert desk.intake.take(desk.forge(body.encode(), "../out/x")) is Outcome.NOTHING
    assert desk.held.message(seen.id) == seen


def test_what_does_not_wait_is_not_decided(desk: Desk) -> None:
    """A request that comes late, or twice, changes nothing; what S3 deleted is listed no more."""
    item, seen = desk.hold()
    late = desk.held.discard(seen, by="x", reason="x")
    first = desk.request(desk.held.release(seen, by="x", reason="x"))
    assert desk.intake.take(first) is Outcome.RELEASED
    assert desk.intake.take(first) is Outcome.NOTHING
    assert desk.intake.take(desk.request(late)) is Outcome.NOTHING
    assert desk.quarantine.clean(item) == ENCRYPTED
    gone, seen = desk.hold()
    desk.quarantine.s3.delete_object(Bucket=gone.bucket, Key=gone.key)
    request = desk.request(desk.held.release(seen, by="x", reason="x"))
    assert desk.intake.take(request) is Outcome.GONE
    assert desk.held.message(seen.id) is None


@pytest.mark.parametrize("kind", ["release", "discard"])
@pytest.mark.parametrize("step", ["announce", "delete", "put"])
def test_every_step_can_be_the_last(desk: Desk, kind: str, step: str) -> None:
    """What was begun is found again by the same request, and ended; told once or twice, done once."""
    item, seen = desk.hold()
    desk.heard.clear()
    ask = desk.held.release if kind == "release" else desk.held.discard
    request = desk.request(ask(seen, by="x", reason="x"))

    def fail(*_arguments: Any, **_named: Any) -> None:
        raise RetryableError(step)

    class Failing:
        """A client whose call of that step fails."""

        def __init__(self, s3: Any) -> None:
            self.s3 = s3

        def __getattr__(self, name: str) -> Callable[..., Any]:
            def call(**arguments: Any) -> Any:
                if name == f"{step}_object" and not arguments["Key"].startswith("verdicts/"):
                    fail()
                return getattr(self.s3, name)(**arguments)

            return call if name != "get_paginator" else self.s3.get_paginator

    broken = replace(desk.intake, publish=fail) if step == "announce" else desk.intake
    if (step, kind) != ("put", "discard"):  # which puts nothing but the verdict
        with pytest.raises(RetryableError):
            replace(broken, s3=cast(Any, Failing(broken.s3))).take(request)
    later = replace(desk.intake, clock=lambda: desk.quarantine.later(11).now)
    assert later.take(request) in {Outcome.RELEASED, Outcome.DELETED}
    assert desk.left() == ([f"clean/{item.message_id}"] if kind == "release" else [])
    assert {one.TYPE for one in desk.heard} == {"MessageReleased" if kind == "release" else "MessageDiscarded"}


@pytest.mark.parametrize("kind", ["release", "discard"])
def test_request_waits_for_the_worker_that_holds(desk: Desk, kind: str) -> None:
    """An application may ask as soon as it hears; whoever held the message has not written down then that it told of it."""
    item = desk.quarantine.put(ENCRYPTED)
    heard, go_on = threading.Event(), threading.Event()

    def publish(_event: Event) -> None:
        heard.set()
        assert go_on.wait(10)

    with ThreadPoolExecutor(1) as other:
        first = other.submit(replace(desk.intake, publish=publish).take, item)
        assert heard.wait(10)
        (seen,) = desk.held.messages().items
        asked = desk.held.release if kind == "release" else desk.held.discard
        request = desk.request(asked(seen, by="x", reason="x"))

        def pause(_seconds: float) -> None:
            go_on.set()
            assert first.result(10) is Outcome.HELD

        outcome = replace(desk.intake, pause=pause).take(request)
    assert outcome is (Outcome.RELEASED if kind == "release" else Outcome.DELETED)
    assert desk.left() == ([f"clean/{item.message_id}"] if kind == "release" else [])
    assert desk.quarantine.record(item)["action"] == ("deliver" if kind == "release" else "delete")


def test_discarded_stays_discarded(desk: Desk) -> None:
    """Where the request's last step failed and another scan comes first, nothing is delivered."""
    desk.quarantine.policy = Policy(clean=Action.HOLD)
    item, seen = desk.hold(CLEAN)
    request = desk.request(desk.held.discard(seen, by="x", reason="x"))

    def fail(_event: object) -> None:
        raise RetryableError("event bus")

    with pytest.raises(RetryableError):
        replace(desk.intake, publish=fail).take(request)
    desk.quarantine.policy = Policy()
    assert (
        replace(desk.intake, clock=lambda: desk.quarantine.later(11).now).take(replace(item, rescan="r1"))
        is Outcome.DELETED
    )
    assert desk.left() == ["raw/decisions/" + request.key.rpartition("/")[2]]


def test_scan_that_fails_again_is_let_go_at_the_last_try(desk: Desk) -> None:
    """As an operator's release is: after five tries, unscanned, where it waits because its scan failed."""
    item = desk.quarantine.put(CLEAN)
    broken = replace(desk.intake, engine=DEAD)
    assert broken.hold(item) is Outcome.HELD
    (seen,) = desk.held.messages().items
    request = desk.request(desk.held.release(seen, by="x", reason="x"))
    with pytest.raises(RetryableError):
        broken.take(request)
    assert broken.hold(request) is Outcome.RELEASED
    assert desk.left() == [f"clean/{item.message_id}"]


def test_same_decision_again_is_not_written_again(desk: Desk) -> None:
    """It would outlive the message: what S3 counts its days from would be now. A verdict that changed is written."""
    item, seen = desk.hold()
    (key,) = desk.quarantine.keys("held/")
    before = desk.quarantine.s3.head_object(Bucket=item.bucket, Key=key)["VersionId"]
    later = replace(desk.intake, clock=lambda: desk.quarantine.now + timedelta(days=2))
    assert later.take(replace(item, rescan="r1")) is Outcome.HELD
    assert desk.quarantine.s3.head_object(Bucket=item.bucket, Key=key)["VersionId"] == before
    assert replace(later, engine=DEAD).hold(replace(item, rescan="r2")) is Outcome.HELD
    changed = desk.held.message(seen.id)
    assert changed is not None
    assert (changed.verdict, changed.arrived) == ("error", seen.arrived)


def test_files_of_any_bucket_have_no_requests(desk: Desk) -> None:
    """Where objects are files, one below `raw/decisions/` is a file, and what is held is not described."""
    desk.quarantine.mail = False
    assert desk.intake.take(desk.forge(b"a file")) is Outcome.DELIVERED
    held = desk.quarantine.put(b"Rar!\x1a\x07\x01\x00" + bytes(64))
    assert desk.intake.take(held) is Outcome.HELD
    assert desk.quarantine.keys("held/") == []


def test_pages_in_the_order_of_arrival(desk: Desk) -> None:
    """Each once, whatever the size of a page; operators' list has none of the requests."""
    held = sorted(desk.hold()[1].id for _ in range(3))
    desk.held.discard(desk.held.messages().items[0], by="x", reason="x")
    first = desk.held.messages(limit=2)
    rest = desk.held.messages(limit=2, after=first.next)
    assert [one.id for one in (*first.items, *rest.items)] == held
    assert rest.next == ""
    sqs = desk.quarantine.emulator.client("sqs", REGION)
    listed = Listing(bucket=desk.quarantine.bucket, s3=desk.quarantine.s3, sqs=sqs).messages()
    assert sorted(one.item.message_id for one in listed) == sorted(one.delivery for one in desk.held.messages().items)
    for wrong in ("x", "../raw/m", first.next + "/"):
        with pytest.raises(ValueError, match="after must be"):
            desk.held.messages(after=wrong)
        with pytest.raises(ValueError, match="id must be"):
            desk.held.message(wrong)


def test_what_goes_while_it_is_listed_is_left_out(desk: Desk) -> None:
    """S3 says of it that it is forbidden, to whoever may not list the whole bucket; where it waits, it is."""
    _item, seen = desk.hold()
    s3 = desk.quarantine.s3

    class Denying:
        """A client that may not read."""

        def __getattr__(self, name: str) -> Any:
            return getattr(s3, name)

        def get_object(self, **_arguments: Any) -> Any:
            raise ClientError(
                {"Error": {"Code": "AccessDenied"}, "ResponseMetadata": {"HTTPStatusCode": 403}},  # type: ignore[typeddict-item]
                "GetObject",
            )

    class Leaving(Denying):
        """As above, and meanwhile the message goes."""

        def get_object(self, **arguments: Any) -> Any:
            s3.delete_object(**arguments)
            super().get_object(**arguments)

    with pytest.raises(PermanentError, match="s3:GetObject") as caught:
        replace(desk.held, s3=cast(Any, Denying())).messages()
    assert caught.value.code == "AccessDenied"
    assert replace(desk.held, s3=cast(Any, Leaving())).messages().items == ()
    assert desk.held.message(seen.id) is None


WORDS = st.text(max_size=12)
SAID = st.recursive(
    st.none() | st.integers() | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=6,
)


@given(body=st.binary(max_size=60) | SAID.map(lambda said: json.dumps(said).encode()))
def test_any_request_is_one_or_is_refused(body: bytes) -> None:
    """Nothing else is raised."""
    with pytest.raises(ValueError, match=r"^(decision|release|discard)|is not a valid"):
        Decision.of_json(body)


@pytest.mark.parametrize(("by", "reason"), [("", "x"), ("x", " "), ("x" * 513, "x"), ("x", "y" * 201), ("a\nb", "x")])
def test_who_and_why_are_lines_of_text(desk: Desk, by: str, reason: str) -> None:
    """Refused before anything is asked."""
    _item, seen = desk.hold()
    with pytest.raises(ValueError, match="printable characters"):
        desk.held.discard(seen, by=by, reason=reason)
    assert desk.quarantine.keys("raw/decisions/") == []
