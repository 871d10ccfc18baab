"""The quick lane: what takes long leaves it within seconds, undecided, and is decided in the slow lane; each message once."""

from __future__ import annotations

import bz2
import gzip
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from mailroom.scanning.clamd import Clamd, Submitted
from mailroom.scanning.daemon import Daemon
from mailroom.scanning.events import look_message, rescan_message
from mailroom.scanning.handler import process_batch
from mailroom.scanning.intake import Outcome
from mailroom.scanning.lanes import (
    QUICK_BYTES,
    QUICK_ENGINE,
    QUICK_SECONDS,
    SLOW_FOR,
    QuickLane,
    TooSlowError,
    Turn,
    has_much_text,
    ordinary_seconds,
    quickly,
)
from mailroom.scanning.recall import Recalls, Seen
from mailroom.scanning.release import Release
from mailroom.scanning.scan import scan_message
from mailroom.scanning.verdicts import Verdict
from tests.mailroom.clamav import TEST_DEFINITIONS, RunningClamd
from tests.mailroom.scanning.conftest import NOW, Quarantine
from tests.mailroom.scanning.hiding import HIDDEN, encoded, mixed
from tests.mailroom.scanning.sessions import OwnSession
from tests.mailroom.scanning.test_intake import CLEAN, INFECTED, event
from tests.mailroom.scanning.test_time import Slow

ZEROS = mixed(encoded(bz2.compress(bytes(100_000_000)), "zeros.bz2"))
"""A kilobyte of mail that takes the engine seconds."""
PAGES = mixed(
    encoded(gzip.compress(b"<html>" + b"<a href='http://x.example/'>y</a><script>f(1)</script>\n" * 900_000), "a.gz")
)
"""A third of a megabyte that takes our own reader seconds."""


@pytest.fixture(scope="module")
def quick_clamd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """As the quick lane has it."""
    daemon = Daemon(tmp_path_factory.mktemp("quick"), ready_seconds=60, limits=QUICK_ENGINE)
    (daemon.definitions / "test.ndb").write_text(TEST_DEFINITIONS)
    daemon.start()
    yield daemon
    daemon.stop()


@dataclass
class Lane:
    """The slow lane's queue; `open` is whether it takes anything."""

    open: bool = True
    found: list[tuple[Mapping[str, Any], str]] = field(default_factory=list)

    def put(self, record: Mapping[str, Any], bucket: str) -> bool:
        """As SQS does it."""
        if self.open:
            self.found.append((record, bucket))
        return self.open


def again(answer: Mapping[str, Any]) -> list[str]:
    """Ids of what the queue brings again."""
    return [one["itemIdentifier"] for one in answer["batchItemFailures"]]


@pytest.mark.parametrize("raw", [ZEROS, PAGES], ids=["engine", "reader"])
def test_small_mail_that_takes_long_leaves_within_seconds(
    quarantine: Quarantine, quick_clamd: Daemon, raw: bytes
) -> None:
    """Nothing of it is written; the slow lane has its queue message, in its tenant's turn, and decides."""
    item, lane = quarantine.put(raw), Lane()
    quick = replace(quarantine.intake, engine=quick_clamd.client, quick=QuickLane())
    told = event(item)
    begun = time.monotonic()
    assert again(process_batch(told, quick, max_receives=5, put_into_slow_lane=lane.put)) == []
    assert time.monotonic() - begun < QUICK_SECONDS + 2
    assert [(record["body"], bucket) for record, bucket in lane.found] == [(told["Records"][0]["body"], item.bucket)]
    assert (quarantine.keys("verdicts/"), quarantine.keys("clean/"), quarantine.alerts()) == ([], [], [])
    assert quarantine.versions(item) == [item.version]
    (record, _bucket) = lane.found[0]
    assert again(process_batch({"Records": [record]}, quarantine.intake, max_receives=5)) == []
    assert quarantine.record(item)["verdict"] in {"clean", "over-limit"}


def test_ordinary_mail_is_decided_in_the_quick_lane(quarantine: Quarantine, quick_clamd: Daemon) -> None:
    """As anywhere: delivered, or stripped of what was found."""
    quick = replace(quarantine.intake, engine=quick_clamd.client, quick=QuickLane())
    assert quick.take(quarantine.put(CLEAN)) is Outcome.DELIVERED
    assert quick.take(quarantine.put(INFECTED)) is Outcome.STRIPPED
    ten = mixed(encoded(bytes(range(256)) * 28_000, "photos.bin"))
    limited = {part.signature for part in scan_message(ten, quick_clamd.client).found}
    assert limited <= {"Heuristics.Limits.Exceeded.MaxScanTime"}  # which a busy machine may take, sizes do not


def test_large_mail_goes_there_at_once(quarantine: Quarantine) -> None:
    """No engine sees it; what no lane scans is held in either."""
    lane, seconds = Lane(), Slow(quarantine.clamd.client)
    quick = replace(quarantine.intake, engine=seconds, quick=QuickLane())
    large = quarantine.put(b"Subject: x\r\n\r\n" + b"x" * QUICK_BYTES)
    assert again(process_batch(event(large), quick, max_receives=5, put_into_slow_lane=lane.put)) == []
    assert len(lane.found) == 1
    too_large = quarantine.put(b"x" * 45_000_001)
    assert again(process_batch(event(too_large), quick, max_receives=5, put_into_slow_lane=lane.put)) == []
    assert (len(lane.found), quarantine.record(too_large)["verdict"]) == (1, "over-limit")


def test_much_text_goes_there_at_once(quarantine: Quarantine) -> None:
    """clamd takes a tenth of a second a megabyte for HTML, without a look at its clock."""
    lane, engine = Lane(), Slow(quarantine.clamd.client)
    quick = replace(quarantine.intake, engine=engine, quick=QuickLane())
    for kind in (b"<a href='x'>y</a>\n", b"\r\n ", b"--x\r\n\r\ny\r\n", b"begin 644 x\n!80  \n`\nend\n"):
        item = quarantine.put(b"Subject: x\r\n\r\n" + kind * (3_000_000 // len(kind)))
        assert again(process_batch(event(item), quick, max_receives=5, put_into_slow_lane=lane.put)) == []
    assert len(lane.found) == 4
    assert quarantine.keys("verdicts/") == []


def test_ordinary_mail_has_not_much_text() -> None:
    """A megabyte of prose, a page of HTML, and files of any size, which are base64."""
    for ordinary in (
        mixed(encoded(bytes(range(256)) * 30_000, "photos.bin")),
        mixed(encoded(b"<a href='x'>y</a>\n" * 100_000, "pages.html")),
        b"Subject: x\r\n\r\n" + b"We read your meter on Monday.\r\n" * 30_000,
        b"Content-Type: text/html\r\n\r\n" + b"<p class='a'>We read your meter on Monday.</p>\r\n" * 10_000,
    ):
        assert not has_much_text(ordinary)


def test_slow_mail_makes_its_tenants_next_time_shorter(quarantine: Quarantine, quick_clamd: Daemon) -> None:
    """The worker gives less time to what it once gave its whole time; other tenants have as much as before."""
    lane, worker = Lane(), QuickLane()
    quick = replace(quarantine.intake, engine=quick_clamd.client, quick=worker)
    item = quarantine.put(PAGES)
    assert worker.turn(item.bucket, len(PAGES)) == Turn()
    for number in (1, 2):
        begun = time.monotonic()
        assert again(process_batch(event(item), quick, max_receives=5, put_into_slow_lane=lane.put)) == []
        assert len(lane.found) == number
        took = time.monotonic() - begun
    turn = worker.turn(item.bucket, len(PAGES))
    assert turn == Turn(ordinary_seconds(len(PAGES)), careful=True)
    assert turn.seconds < took < QUICK_SECONDS + 2
    assert worker.turn("another", len(PAGES)) == Turn()


def test_worker_forgets_after_a_minute_and_knows_a_thousand_tenants() -> None:
    """Each slow message begins the minute anew."""
    now = 0.0
    worker = QuickLane(lambda: now)

    def slow(tenant: str) -> None:
        nonlocal now
        with worker.timed(tenant, b"x"):
            now += 0.5

    slow("a")
    now += SLOW_FOR - 1
    assert worker.turn("a", 1).careful
    slow("a")
    now += SLOW_FOR - 1
    assert worker.turn("a", 1).careful
    now += 1
    assert worker.turn("a", 1) == Turn()
    for number in range(1001):
        slow(f"tenant {number}")
        now -= 0.5
    assert [worker.turn(f"tenant {number}", 1).careful for number in (0, 1, 1000)] == [False, True, True]


def test_quick_mail_is_not_noted_and_slow_mail_is_whether_cut_or_not() -> None:
    """By its size: what an ordinary one of 10 MB takes is slow for a small one."""
    for seconds, size, slow in ((0.1, 1, False), (0.4, 10_000_000, False), (0.4, 1, True), (0.6, 10_000_000, True)):
        now = 0.0
        worker = QuickLane(lambda: now)  # noqa: B023 - called at once
        with worker.timed("a", b"A" * size):
            now = seconds
        assert worker.turn("a", size).careful is slow
    worker = QuickLane()
    with pytest.raises(TooSlowError), worker.timed("a", b"x"):
        _go_on_for_ever()
    assert worker.turn("a", 1).careful


def test_tenant_with_slow_mail_is_read_before_the_engine_sees_anything(quarantine: Quarantine) -> None:
    """So that clamd does not go on with what is given up: a file that is all text leaves, a picture stays."""
    seen = Seeing(quarantine.clamd.client)
    quick = replace(quarantine.intake, engine=seen, quick=Careful())
    for page in (b"<a href='x'>y</a>\n" * 60_000, ("<a href='x'>y</a>\n" * 60_000).encode("utf-16")):
        with pytest.raises(TooSlowError, match="much text"):
            quick.take(quarantine.put(mixed(encoded(page, "pages.html"))))
    assert seen.files == 0
    assert quick.take(quarantine.put(mixed(encoded(bytes(range(256)) * 4_000, "photos.bin")))) is Outcome.DELIVERED
    assert quick.take(quarantine.put(CLEAN)) is Outcome.DELIVERED
    assert quick.take(quarantine.put(INFECTED)) is Outcome.STRIPPED
    assert seen.files > 6


def test_verdict_is_the_same_in_either_lane_and_in_either_order(quarantine: Quarantine, quick_clamd: Daemon) -> None:
    """Whether the engine begins at once or has to wait until all is extracted."""
    for raw in (CLEAN, INFECTED, *HIDDEN.values()):
        whole = scan_message(raw, quarantine.clamd.client)
        assert scan_message(raw, quick_clamd.client, check=Turn(careful=True).check) == replace(
            whole, definitions=quick_clamd.client.version()
        )


def test_lane_that_takes_nothing_loses_nothing(quarantine: Quarantine) -> None:
    """The message comes again, and goes there once that is possible; the last try holds it as any other."""
    item, lane = quarantine.put(b"Subject: x\r\n\r\n" + b"x" * QUICK_BYTES), Lane(open=False)
    quick = replace(quarantine.intake, quick=QuickLane())
    assert again(process_batch(event(item), quick, max_receives=5, put_into_slow_lane=lane.put)) == ["m0"]
    assert quarantine.versions(item) == [item.version]
    lane.open = True
    assert again(process_batch(event(item), quick, max_receives=5, put_into_slow_lane=lane.put)) == []
    assert len(lane.found) == 1
    lane.open = False
    assert again(process_batch(event(item), quick, max_receives=1, put_into_slow_lane=lane.put)) == []
    assert quarantine.record(item)["verdict"] == "error"


def test_message_that_is_in_the_lane_twice_is_delivered_once(quarantine: Quarantine) -> None:
    """As it is when a worker ends between the two queues."""
    item = quarantine.put(CLEAN)
    slow = quarantine.intake
    for _ in range(2):
        assert again(process_batch(event(item), slow, max_receives=5)) == []
    assert quarantine.clean(item) == CLEAN
    assert len(quarantine.keys("verdicts/")) == 1


def test_release_stays_where_its_sender_is_known(quarantine: Quarantine) -> None:
    """In the slow lane it would come from the scanner."""
    item, lane = quarantine.put(b"Subject: x\r\n\r\n" + b"x" * QUICK_BYTES), Lane()
    release = Release(by="arn", reason="known", at=NOW, verdict=Verdict.CLEAN)
    told = {"Records": [{"messageId": "m0", "body": rescan_message(replace(item, rescan="r", release=release))}]}
    quick = replace(quarantine.intake, quick=QuickLane())
    assert again(process_batch(told, quick, max_receives=5, put_into_slow_lane=lane.put)) == ["m0"]
    assert lane.found == []


def test_timer_ends_what_never_asks_for_the_time() -> None:
    """Nothing that catches exceptions goes on; afterwards no timer is set."""
    begun = time.monotonic()
    with pytest.raises(TooSlowError), quickly(0.2):
        _go_on_for_ever()
    assert time.monotonic() - begun < 1
    time.sleep(0.3)


def _go_on_for_ever() -> None:
    while True:
        with suppress(Exception):
            time.sleep(1)


def test_error_within_is_its_own() -> None:
    """It passes, and no timer is left."""
    with pytest.raises(ValueError, match="mine"), quickly(0.1):
        raise ValueError("mine")
    time.sleep(0.2)


def test_thread_without_signals_goes_on() -> None:
    """The scan's own checks of the time end it there."""
    done: list[int] = []

    def work() -> None:
        with quickly(0.1):
            done.append(1)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == [1]


def test_slow_delivered_mail_is_scanned_again_in_the_slow_lane(quarantine: Quarantine, clamd: RunningClamd) -> None:
    """The quick lane asks for it, and recalls nothing of which it knows nothing."""
    asked: list[tuple[str, str]] = []
    item = quarantine.put(CLEAN)
    assert quarantine.intake.take(item) is Outcome.DELIVERED
    slow = Recalls(
        s3=quarantine.s3,
        sns=quarantine.intake.sns,
        engine=clamd.client,
        recipient_of=quarantine.intake.recipient_of,
        clock=quarantine.intake.clock,
        cache=quarantine.intake.cache,
        count=lambda _name, _number: None,
    )
    cut = replace(slow, engine=Late(clamd), defer=lambda *delivery: asked.append(delivery))
    assert cut.look(item.bucket, item.message_id) is Seen.SLOW
    assert asked == [(item.bucket, item.message_id)]
    told = {"Records": [{"messageId": "m", "body": look_message(item.bucket, item.message_id)}]}
    assert again(process_batch(told, quarantine.intake, max_receives=5, recalls=slow)) == []


class Careful(QuickLane):
    """A worker that knows each tenant's mail as slow, on a machine that has other things to do."""

    def turn(self, tenant: str, size: int) -> Turn:
        """As careful as after slow mail."""
        return Turn(seconds=10.0, careful=True)


@dataclass
class Seeing(OwnSession):
    """An engine that counts the files it gets."""

    engine: Clamd
    files: int = 0

    def submit(self, data: bytes) -> Submitted:
        """Hand it over."""
        self.files += 1
        return self.engine.submit(data)

    def version(self) -> str:
        """Of the engine."""
        return self.engine.version()


@dataclass(frozen=True)
class Late(OwnSession):
    """An engine that has more to look at than the quick lane has time for."""

    clamd: RunningClamd

    def submit(self, _data: bytes) -> Any:
        """Take all of it."""
        time.sleep(QUICK_SECONDS + 1)

    def version(self) -> str:
        """Of the engine."""
        return self.clamd.client.version()
