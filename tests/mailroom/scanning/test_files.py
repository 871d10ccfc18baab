"""Any bucket: files under their own keys, uploaded again and again, as big and as named as S3 takes them."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from emulator import Emulator
from mailroom.errors import RetryableError
from mailroom.scanning.arrived import Arrived
from mailroom.scanning.clean_objects import file_metadata
from mailroom.scanning.events import RawObject, rescan_message
from mailroom.scanning.handler import process_batch
from mailroom.scanning.intake import Outcome
from mailroom.scanning.plans import OUTDATED
from mailroom.scanning.records import verdict_key
from mailroom.scanning.verdicts import Action, Policy, Verdict
from tests.mailroom.clamav import MARKER, RunningClamd
from tests.mailroom.scanning.conftest import Quarantine, new_quarantine, next_second
from tests.mailroom.scanning.failures import Calls

DONE: dict[str, Any] = {"batchItemFailures": []}


@pytest.fixture
def files(quarantine: Quarantine) -> Quarantine:
    """A bucket that is no inbox."""
    quarantine.mail = False
    return quarantine


def worked(files: Quarantine, item: RawObject) -> dict[str, Any]:
    """The answer to the queue for an event about the object, at its last try."""
    record = {"messageId": "m", "body": rescan_message(item), "attributes": {"ApproximateReceiveCount": "5"}}
    return process_batch({"Records": [record]}, files.intake, max_receives=5)


def test_uploaded_again(files: Quarantine) -> None:
    """The newer one takes the older one's place, as often as it comes; also after somebody deleted what was delivered."""
    for month in (b"May", b"June", b"July"):
        item = files.put(b"price list of " + month, key="raw/prices.txt")
        assert worked(files, item) == DONE
        assert files.clean(item) == b"price list of " + month
        assert files.versions(item) == []
    files.s3.delete_object(Bucket=files.bucket, Key="clean/prices.txt")
    item = files.put(b"price list of August", key="raw/prices.txt")
    assert worked(files, item) == DONE
    assert files.clean(item) == b"price list of August"
    assert files.alerts() == []


ORDERS = list(itertools.permutations(range(3)))


def uploaded(files: Quarantine, key: str, number: int) -> RawObject:
    """One of three versions of a file."""
    return files.put(b"version %d" % number, key=key)


@pytest.fixture(scope="module")
def apart(emulator: Emulator, clamd: RunningClamd) -> tuple[Quarantine, dict[tuple[int, ...], list[RawObject]]]:
    """A bucket that is no inbox, and a file for each order, uploaded three times in different seconds."""
    files = replace(new_quarantine(emulator, clamd), mail=False)
    items: dict[tuple[int, ...], list[RawObject]] = {order: [] for order in ORDERS}
    for number in range(3):
        next_second()
        for order, found in items.items():
            found.append(uploaded(files, f"raw/report{order}.txt", number))
    return files, items


@pytest.mark.parametrize("order", ORDERS, ids=str)
def test_events_out_of_order(
    apart: tuple[Quarantine, dict[tuple[int, ...], list[RawObject]]], order: tuple[int, ...]
) -> None:
    """The newest upload is what stands there in the end, whichever event comes first."""
    check_order(apart[0], apart[1][order], order)


@pytest.mark.parametrize("order", ORDERS, ids=str)
def test_events_of_one_second_out_of_order(files: Quarantine, order: tuple[int, ...]) -> None:
    """So it is where their times say nothing."""
    check_order(files, [uploaded(files, "raw/report.txt", number) for number in range(3)], order)


def check_order(files: Quarantine, items: list[RawObject], order: tuple[int, ...]) -> None:
    """Take three versions in this order, and look at what stands there."""
    outcomes = [files.intake.take(items[number]) for number in order]
    assert files.clean(items[0]) == b"version 2"
    assert files.versions(items[0]) == []
    assert outcomes[order.index(2)] is Outcome.DELIVERED
    for number in range(2):
        record = files.record(items[number])
        late = order.index(number) > min(order.index(newer) for newer in range(number + 1, 3))
        assert (record["action"], record["reason"]) == (("delete", OUTDATED) if late else ("deliver", ""))


@pytest.mark.parametrize("when", ["before", "after"])
def test_uploaded_again_while_calls_fail(files: Quarantine, when: Any) -> None:
    """Whichever call fails, the newer one stands there in the end."""
    for number in range(1, 12):
        first = files.put(b"old", key=f"raw/{number}.txt")
        assert files.intake.take(first) is Outcome.DELIVERED
        item = files.put(b"new", key=first.key)
        calls = Calls(fails_at=number, when=when)
        intake = replace(files.intake, s3=calls.of(files.s3))
        try:
            intake.take(item)
        except RetryableError:
            assert files.later(12).intake.take(item) in {Outcome.DELIVERED, Outcome.GONE}
        assert files.clean(item) == b"new"
        assert files.versions(item) == []
        assert files.record(item)["action"] == "deliver"
        if not calls.failed:
            assert number > 5
            return
    raise AssertionError


def test_infected_upload_replaces_nothing(files: Quarantine) -> None:
    """What was delivered stays, the newer one is held, and the operators are told."""
    good = files.put(b"good", key="raw/tool.bin")
    files.intake.take(good)
    bad = files.put(MARKER, key="raw/tool.bin")
    assert files.intake.take(bad) is Outcome.HELD
    assert files.clean(good) == b"good"
    assert len(files.alerts()) == 1


def test_held_and_overtaken(files: Quarantine) -> None:
    """What was held is not put over what was uploaded since."""
    files.policy = Policy(clean=Action.HOLD)
    held = files.put(b"old", key="raw/a.txt")
    assert files.intake.take(held) is Outcome.HELD
    files.policy = Policy()
    next_second()
    newer = files.put(b"new", key="raw/a.txt")
    assert files.intake.take(newer) is Outcome.DELIVERED
    assert files.intake.take(replace(held, rescan="r1")) is Outcome.DELETED
    assert files.clean(newer) == b"new"


def test_what_was_said_of_it_is_kept(files: Quarantine) -> None:
    """Content-Type, other headers and metadata; never in the place of what the scanner says."""
    said: dict[str, Any] = {
        "ContentType": "application/pdf",
        "ContentDisposition": 'attachment; filename="report.pdf"',
        "CacheControl": "max-age=60",
        "Metadata": {"case": "4711", "verdict": "forged", "raw-version": "forged", "action": "hold"},
    }
    put = files.s3.put_object(Bucket=files.bucket, Key="raw/report.pdf", Body=b"%PDF-1.4", **said)
    item = RawObject(files.bucket, "raw/report.pdf", put["VersionId"])
    assert worked(files, item) == DONE
    head = files.s3.head_object(Bucket=files.bucket, Key="clean/report.pdf")
    assert {name: head[name] for name in said if name != "Metadata"} == {
        name: said[name] for name in said if name != "Metadata"
    }
    assert head["Metadata"]["case"] == "4711"
    assert (head["Metadata"]["verdict"], head["Metadata"]["raw-version"]) == ("clean", item.version)
    again = files.put(b"%PDF-1.5", key=item.key)
    assert worked(files, again) == DONE
    assert files.clean(again) == b"%PDF-1.5"


@pytest.mark.parametrize("octets", [1_000, 2_000])
def test_metadata_that_leave_no_room(files: Quarantine, octets: int) -> None:
    """S3 takes 2 kB: those that fit beside the scanner's own are kept, others are not, and the file is delivered."""
    put = files.s3.put_object(Bucket=files.bucket, Key="raw/a", Body=b"a", Metadata={"note": "n" * octets})
    item = RawObject(files.bucket, "raw/a", put["VersionId"])
    assert files.intake.take(item) is Outcome.DELIVERED
    metadata = files.s3.head_object(Bucket=files.bucket, Key="clean/a")["Metadata"]
    assert ("note" in metadata) is (octets == 1_000)
    assert metadata["raw-version"] == item.version


def test_metadata_of_1400_bytes_are_kept() -> None:
    """Beside whatever the scanner says at most: the longest verdict, and ten older versions of the same second."""
    arrived = Arrived(
        data=b"a", sha256="0" * 64, size=1, modified=datetime.now(UTC), headers={}, metadata={"note": "n" * 1_396}
    )
    versions = ["v" * 32] * 10  # as long as S3 makes them
    said = file_metadata(
        RawObject("b", "raw/a", versions[0]), arrived, verdict=Verdict.OVER_LIMIT, message=b"a", older=versions
    )
    assert said["note"] == "n" * 1_396
    assert said["raw-older"].split() == versions


@pytest.mark.parametrize("key", ["raw/", "raw/2026/", "raw/a/b/"])
def test_folder_of_the_console(files: Quarantine, key: str) -> None:
    """Is nothing: no verdict, no failure, and it stays where it is; the same key with content is a file."""
    item = files.put(b"", key=key)
    assert worked(files, item) == DONE
    assert (files.keys("clean/"), files.keys("verdicts/")) == ([], [])
    assert item.version in files.versions(item)
    if key != "raw/":
        assert worked(files, files.put(b"x", key=key)) == DONE
        assert files.keys("clean/") == [key.replace("raw/", "clean/", 1)]


@pytest.mark.parametrize(
    "name", ["x" * 1000, "x" * 1018, "ö" * 509, "a/" * 500], ids=["1000", "1018", "umlauts", "deep"]
)
def test_longest_keys(files: Quarantine, name: str) -> None:
    """Delivered up to what S3 takes under clean/; the verdict has a key that S3 takes."""
    item = files.put(b"long", key=f"raw/{name}")
    key = verdict_key(item)
    assert len(key.encode()) <= 1024
    assert worked(files, item) == DONE
    assert files.clean(item) == b"long"
    assert files.keys("verdicts/") == [key]


def test_keys_of_verdicts_that_fit_stay() -> None:
    """Those that were written stay where they are."""
    assert verdict_key(RawObject("b", "raw/m", "v")) == "verdicts/m/v.json"
    exact = RawObject("b", "raw/" + "x" * (1024 - len("verdicts//v.json")), "v")
    assert verdict_key(exact) == f"verdicts/{exact.message_id}/v.json"
    beyond = RawObject("b", f"{exact.key}x", "v")
    assert verdict_key(beyond).startswith("verdicts/sha256-")
    assert verdict_key(beyond) != verdict_key(RawObject("b", f"{exact.key}y", "v"))


@pytest.mark.parametrize(
    ("put", "signature"),
    [
        (lambda files: files.put(bytes(45_000_001), key="raw/film.mp4"), "Object.TooBig"),
        (lambda files: files.put(b"x", key="raw/" + "x" * 1019), "Object.KeyTooLong"),
    ],
    ids=["size", "key"],
)
@pytest.mark.parametrize("action", list(Action), ids=str)
def test_over_a_limit_at_once(
    files: Quarantine, put: Callable[[Quarantine], RawObject], signature: str, action: Action
) -> None:
    """At the first try, with a verdict and an alert; held, or deleted by the policy's wish."""
    files.policy = Policy(over_limit=action)
    item = put(files)
    outcome = files.intake.take(item)
    assert outcome is (Outcome.DELETED if action is Action.DELETE else Outcome.HELD)
    (alert,) = files.alerts()
    facts = json.loads(alert["Message"])
    assert (facts["verdict"], facts["signature"]) == ("over-limit", signature)
    assert facts["action"] == ("delete" if action is Action.DELETE else "hold")
    body = files.s3.get_object(Bucket=files.bucket, Key=verdict_key(item))["Body"].read()
    assert json.loads(body)["verdict"] == "over-limit"
    assert files.keys("clean/") == []
