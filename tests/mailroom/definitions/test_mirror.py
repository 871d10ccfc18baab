"""Refreshing definitions: real freshclam and clamscan, a source on loopback, S3 of the emulator."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from emulator import Emulator
from mailroom.definitions.manifest import MANIFEST_KEY
from mailroom.definitions.mirror import Mirror, Refreshed, current, fetch_set
from mailroom.errors import RetryableError
from tests.emulators import shared_emulator
from tests.mailroom.clamav import MARKER

REGION = "eu-central-1"
NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
LINE = f"Mailroom.Test.Marker:0:*:{MARKER.hex()}\n"


class Quiet(SimpleHTTPRequestHandler):
    """Serves a folder, and says nothing of it but what was asked."""

    asked: ClassVar[list[str]] = []

    def log_message(self, format: str, *args: Any) -> None:
        """Remembers it."""
        self.asked.append(format % args)


class Source:
    """A source of definitions: one file over HTTP."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.asked = Quiet.asked
        self.asked.clear()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
        # Half a second, by default, is what its end would take.
        self.thread = threading.Thread(target=partial(self.server.serve_forever, poll_interval=0.02))
        self.thread.start()
        self.edits = 0

    def publish(self, text: str) -> None:
        """Put a new file there, half an hour before the next run of the mirror."""
        path = self.folder / "own.ndb"
        path.write_text(text)
        moment = (NOW + timedelta(hours=self.edits, minutes=30)).timestamp()
        self.edits += 1
        os.utime(path, (moment, moment))

    def close(self) -> None:
        """End it."""
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def source(tmp_path: Path) -> Iterator[Source]:
    """A source with a good file."""
    (tmp_path / "www").mkdir()
    made = Source(tmp_path / "www")
    made.publish(LINE)
    yield made
    made.close()


@pytest.fixture(scope="session")
def emulator(request: pytest.FixtureRequest) -> Emulator:
    """An emulator that looks at no policy, shared by all of tests/mailroom."""
    return shared_emulator(request)


class Cell:
    """A bucket, and mirrors that refresh it."""

    def __init__(self, emulator: Emulator, source: Source, folder: Path) -> None:
        self.s3 = emulator.client("s3", REGION)
        self.bucket = f"definitions-{os.urandom(4).hex()}"
        self.s3.create_bucket(Bucket=self.bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
        self.folder = folder
        self.runs = 0
        self.configuration = folder / "freshclam.conf"
        port = source.server.server_address[1]
        self.configuration.write_text(
            f"DatabaseOwner root\nDatabaseMirror 127.0.0.1:{port}\nDatabaseCustomURL http://127.0.0.1:{port}/own.ndb\n"
            "DNSDatabaseInfo no\nScriptedUpdates no\nMaxAttempts 1\nConnectTimeout 5\nReceiveTimeout 20\nTestDatabases yes\n"
        )

    def begin_as(self, other: Cell) -> None:
        """What the first run of another mirror has left, without a run."""
        for one in self.s3.list_objects_v2(Bucket=other.bucket)["Contents"]:
            self.s3.copy_object(
                Bucket=self.bucket, Key=one["Key"], CopySource={"Bucket": other.bucket, "Key": one["Key"]}
            )
        self.runs += 1

    def refresh(self, **changes: Any) -> Refreshed:
        """One run of the mirror, an hour after the one before."""
        self.runs += 1
        folder = self.folder / f"run{self.runs}"
        folder.mkdir()
        settings: dict[str, Any] = {"required": ["own"], "minimum_signatures": 1, "canary": b"x" + MARKER, **changes}
        now = NOW + timedelta(hours=self.runs)
        return Mirror(
            s3=self.s3,
            bucket=self.bucket,
            folder=folder,
            configuration=self.configuration,
            clock=lambda: now,
            arguments=["--update-db=custom"],
            **settings,
        ).refresh()


@pytest.fixture
def cell(emulator: Emulator, source: Source, tmp_path: Path) -> Cell:
    """A cell without definitions."""
    return Cell(emulator, source, tmp_path)


def test_first_set_is_published(cell: Cell, tmp_path: Path) -> None:
    """Every file by its digest, the manifest last; a scanner gets what was verified."""
    assert current(cell.s3, cell.bucket) is None
    assert cell.refresh() is Refreshed.PUBLISHED
    manifest = current(cell.s3, cell.bucket)
    assert manifest is not None
    assert (list(manifest.files), manifest.signatures) == (["own.ndb"], 1)
    (tmp_path / "scanner").mkdir()
    fetch_set(cell.s3, cell.bucket, manifest, tmp_path / "scanner")
    assert (tmp_path / "scanner" / "own.ndb").read_text() == LINE
    assert [path.name for path in (tmp_path / "scanner").iterdir()] == ["own.ndb"]


def test_nothing_new(cell: Cell) -> None:
    """The set stays, and it is written down that it was looked at."""
    cell.refresh()
    before = current(cell.s3, cell.bucket)
    assert cell.refresh() is Refreshed.UNCHANGED
    after = current(cell.s3, cell.bucket)
    assert before is not None
    assert after is not None
    assert (after.version, after.created) == (before.version, before.created)
    assert after.checked == before.checked + timedelta(hours=1)


def test_source_that_says_nothing(cell: Cell) -> None:
    """A run that ends well without a word of each required database confirms nothing: the set's age goes on."""
    cell.refresh()
    before = current(cell.s3, cell.bucket)
    assert cell.refresh(required=["own", "daily"]) is Refreshed.UNCONFIRMED
    assert current(cell.s3, cell.bucket) == before


def test_superseded_sets_are_removed(cell: Cell, source: Source) -> None:
    """A day after a newer one is there: until then a scanner may be fetching it."""
    cell.refresh()
    old = current(cell.s3, cell.bucket)
    source.publish(LINE + "Another.Test:0:*:deadbeefdeadbeef\n")
    cell.refresh()
    source.publish(LINE + "Another.Test:0:*:deadbeefdeadbeefdead\n")
    cell.runs += int((datetime.now(UTC) - NOW) / timedelta(hours=1)) + 30
    cell.refresh()
    new = current(cell.s3, cell.bucket)
    assert old is not None
    assert new is not None
    kept = [one["Key"] for one in cell.s3.list_objects_v2(Bucket=cell.bucket, Prefix="sets/")["Contents"]]
    assert kept == [new.key("own.ndb")]


def test_newer_set_takes_its_place(cell: Cell, source: Source) -> None:
    """A new file is a new set; the old one stays where scanners may still be fetching it."""
    cell.refresh()
    old = current(cell.s3, cell.bucket)
    source.publish(LINE + "Another.Test:0:*:deadbeefdeadbeef\n")
    assert cell.refresh() is Refreshed.PUBLISHED
    new = current(cell.s3, cell.bucket)
    assert old is not None
    assert new is not None
    assert (new.signatures, new.version != old.version) == (2, True)
    assert cell.s3.head_object(Bucket=cell.bucket, Key=old.key("own.ndb"))


@pytest.mark.parametrize("text", ["not a signature\n", LINE[:-10], "", "Other.Test:0:*:deadbeefdeadbeef\n"])
def test_broken_download_never_replaces_a_good_set(cell: Cell, source: Source, text: str) -> None:
    """What does not load, was cut off, is empty, or finds nothing: the good set stays current."""
    cell.refresh()
    good = current(cell.s3, cell.bucket)
    source.publish(text)
    try:
        cell.refresh()
    except RetryableError as error:
        assert "definitions: " in str(error)  # noqa: PT017 - freshclam itself may have kept the good file
    after = current(cell.s3, cell.bucket)
    assert good is not None
    assert after is not None
    assert after.version == good.version


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"required": ["own", "daily"]}, "daily is missing"),
        ({"minimum_signatures": 1000}, "has 1 signatures, must have 1000"),
        ({"canary": b"nothing to find"}, "does not find its test patterns"),
    ],
)
def test_set_that_is_not_good_enough(cell: Cell, changes: dict[str, Any], said: str) -> None:
    """A set without a database, with too few signatures, or that misses the canary is not published."""
    with pytest.raises(RetryableError, match=said):
        cell.refresh(**changes)
    assert current(cell.s3, cell.bucket) is None


def test_source_that_is_down(cell: Cell, source: Source) -> None:
    """Without the source nothing changes, not even the time it was looked at."""
    cell.refresh()
    before = current(cell.s3, cell.bucket)
    source.server.shutdown()
    source.server.server_close()
    with pytest.raises(RetryableError, match="freshclam exited with"):
        cell.refresh()
    assert current(cell.s3, cell.bucket) == before


def test_file_that_was_changed_in_the_bucket(cell: Cell, tmp_path: Path) -> None:
    """A scanner takes nothing that is not what the manifest says, and keeps what it has."""
    cell.refresh()
    manifest = current(cell.s3, cell.bucket)
    assert manifest is not None
    cell.s3.put_object(Bucket=cell.bucket, Key=manifest.key("own.ndb"), Body=b"tampered")
    (tmp_path / "scanner").mkdir()
    with pytest.raises(RetryableError, match="is not what the manifest says"):
        fetch_set(cell.s3, cell.bucket, manifest, tmp_path / "scanner")
    assert list((tmp_path / "scanner").iterdir()) == []


def test_manifest_that_cannot_be_read(cell: Cell) -> None:
    """A broken manifest is an error, not an empty bucket."""
    cell.s3.put_object(Bucket=cell.bucket, Key=MANIFEST_KEY, Body=b"{")
    with pytest.raises(RetryableError, match="manifest: cannot be read"):
        current(cell.s3, cell.bucket)


def state_of(cell: Cell) -> bytes:
    """freshclam's state between runs."""
    body: bytes = cell.s3.get_object(Bucket=cell.bucket, Key="freshclam.dat")["Body"].read()
    return body


def test_freshclam_is_the_same_one_in_each_run(cell: Cell, source: Source, tmp_path: Path) -> None:
    """What it remembers, its identifier, is kept beside the manifest and in no set."""
    cell.refresh()
    first = state_of(cell)
    assert first
    source.publish(LINE + LINE.replace("Marker", "Other"))
    assert cell.refresh() is Refreshed.PUBLISHED
    assert state_of(cell) == first
    manifest = current(cell.s3, cell.bucket)
    assert manifest is not None
    assert list(manifest.files) == ["own.ndb"]


def test_a_freshclam_that_was_turned_away_remembers_it(cell: Cell, source: Source) -> None:
    """What it learned in a run that failed is there in the next."""
    cell.refresh()
    before = state_of(cell)
    cell.s3.delete_object(Bucket=cell.bucket, Key="freshclam.dat")
    (source.folder / "own.ndb").unlink()
    with pytest.raises(RetryableError):
        cell.refresh()
    # Without what it knew it is somebody new, and that one is kept although the run came to nothing.
    assert state_of(cell) != before
    kept = state_of(cell)
    source.publish(LINE)
    cell.refresh()
    assert state_of(cell) == kept


@pytest.mark.parametrize(
    "state", [b"", b"x", bytes(range(256)), b"x" * 1_000_000], ids=["empty", "short", "noise", "long"]
)
def test_a_damaged_memory_stops_no_refresh(cell: Cell, state: bytes) -> None:
    """Whatever stands there, freshclam begins anew and definitions come."""
    cell.s3.put_object(Bucket=cell.bucket, Key="freshclam.dat", Body=state)
    assert cell.refresh() is Refreshed.PUBLISHED
    assert state_of(cell) != state
