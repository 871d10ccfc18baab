"""Whatever becomes of the published set, the next runs publish a whole one: real freshclam and clamscan, S3 of the emulator."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from emulator import Emulator
from mailroom.definitions.manifest import MANIFEST_KEY, Manifest
from mailroom.definitions.mirror import Mirror, Refreshed, current, fetch_set
from mailroom.errors import RetryableError
from tests.mailroom.clamav import MARKER
from tests.mailroom.definitions.faults import DAMAGES, FaultyS3, damage
from tests.mailroom.definitions.test_mirror import LINE, NOW, Cell, Source, cell, emulator, source

__all__ = ["cell", "emulator", "source"]

NEWER = LINE + "Newer.Test:0:*:deadbeefdeadbeef\n"


def published(cell: Cell) -> Manifest:
    """The current set; there must be one."""
    manifest = current(cell.s3, cell.bucket)
    assert manifest is not None
    return manifest


def fetched(cell: Cell, folder: Path) -> dict[str, str]:
    """A scanner's copy of the current set. Raises for an incomplete one."""
    folder.mkdir()
    fetch_set(cell.s3, cell.bucket, published(cell), folder)
    return {path.name: path.read_text() for path in folder.iterdir()}


def with_freshclam(monkeypatch: pytest.MonkeyPatch, folder: Path, afterwards: str) -> None:
    """Have freshclam do something more in its folder, `$d`, once it has succeeded."""
    folder.mkdir()
    program = folder / "freshclam"
    program.write_text(
        '#!/bin/sh\nfor a in "$@"; do case $a in --datadir=*) d=${a#--datadir=};; esac; done\n'
        f'/usr/bin/freshclam "$@" || exit $?\n{afterwards}\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


@pytest.mark.parametrize("kind", DAMAGES)
def test_damaged_file_is_fetched_anew(cell: Cell, source: Source, tmp_path: Path, kind: str) -> None:
    """Where the source has a newer set, that is published; the broken one is in nobody's way."""
    cell.refresh()
    damage(cell.s3, cell.bucket, published(cell).key("own.ndb"), kind)
    for run in range(2):
        source.publish(text := f"{NEWER}Newest.Test{run}:0:*:deadbeefdeadbee{run}\n")
        assert cell.refresh() is Refreshed.PUBLISHED
        assert fetched(cell, tmp_path / f"scanner{run}") == {"own.ndb": text}


@pytest.mark.parametrize("kind", DAMAGES)
def test_damaged_file_is_put_right(cell: Cell, tmp_path: Path, kind: str) -> None:
    """Where the source has nothing newer, the same set is whole again."""
    cell.refresh()
    before = published(cell)
    damage(cell.s3, cell.bucket, before.key("own.ndb"), kind)
    with pytest.raises(RetryableError):
        fetched(cell, tmp_path / "broken")
    cell.refresh()
    assert published(cell).version == before.version
    assert fetched(cell, tmp_path / "mended") == {"own.ndb": LINE}


def test_damaged_file_is_put_right_though_nothing_is_confirmed(cell: Cell, tmp_path: Path) -> None:
    """The file is the verified one, whatever else the source says."""
    cell.refresh()
    damage(cell.s3, cell.bucket, published(cell).key("own.ndb"), "empty")
    assert cell.refresh(required=["own", "daily"]) is Refreshed.UNCONFIRMED
    assert fetched(cell, tmp_path / "mended") == {"own.ndb": LINE}


@pytest.mark.parametrize("kind", DAMAGES)
def test_damaged_manifest_is_made_anew(cell: Cell, tmp_path: Path, kind: str) -> None:
    """The mirror begins as if nothing were there."""
    cell.refresh()
    damage(cell.s3, cell.bucket, MANIFEST_KEY, kind)
    assert cell.refresh() is Refreshed.PUBLISHED
    assert fetched(cell, tmp_path / "mended") == {"own.ndb": LINE}
    assert cell.refresh() is Refreshed.UNCHANGED


@pytest.mark.parametrize(
    "change",
    [
        lambda made: replace(made, files={"own.ndb": "0" * 64}),
        lambda made: replace(made, files={**made.files, "other.ndb": "0" * 64}),
        lambda made: replace(made, files={"other.cvd.sign": "0" * 64}),
        lambda made: replace(made, checked=made.checked.replace(year=1)),
        lambda made: replace(made, files={f"f{number}.ndb": "0" * 64 for number in range(20_000)}),
    ],
)
def test_manifest_of_a_set_that_is_not_there(
    cell: Cell, tmp_path: Path, change: Callable[[Manifest], Manifest]
) -> None:
    """One that can be read, and names what nobody published, a time that no file has, or too much: the next run mends it."""
    cell.refresh()
    body = change(published(cell)).to_json()
    cell.s3.put_object(Bucket=cell.bucket, Key=MANIFEST_KEY, Body=body)
    cell.refresh()
    assert fetched(cell, tmp_path / "mended") == {"own.ndb": LINE}


@pytest.mark.parametrize(
    "left",
    [
        "own-1.ndb.sign",
        "own-63.cvd.sign",
        "daily-27780.cvd.sign",
        "bytecode.cld.sign",
        "daily-27781.cdiff.sign",
        "mirrors.dat",
        "readme.html",
        "own.ndb.tmp",
        "new\nline.ndb",
        "-x.ndb",
        ".hidden.ndb",
    ],
)
def test_file_of_an_unknown_kind_is_left_out(
    cell: Cell, source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, left: str
) -> None:
    """Signature files of official databases, as ClamAV 1.5 has them, belong to the set; what is no definitions does not."""
    cell.refresh()
    source.publish(NEWER)
    with monkeypatch.context() as patch:
        with_freshclam(patch, tmp_path / "bin", f"echo signed > \"$d/$(printf -- '{left}')\"")
        assert cell.refresh() is Refreshed.PUBLISHED
    assert set(fetched(cell, tmp_path / "scanner")) == {
        "own.ndb",
        *([left] if left.endswith(("cvd.sign", "cld.sign")) else []),
    }
    assert [cell.refresh(), cell.refresh()] == [Refreshed.UNCHANGED] * 2


def test_folders_and_links_are_left_out(
    cell: Cell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The certificates of ClamAV 1.5, what a freshclam that was ended has left, and a link to somewhere: none is definitions."""
    afterwards = (
        'mkdir "$d/certs" "$d/tmp.d34db33f" "$d/folder.ndb"; echo x > "$d/certs/clamav.crt"; echo x > "$d/tmp.d34db33f/a.ndb"\n'
        'ln -s /etc/passwd "$d/link.ndb"; ln -s /etc "$d/more.ndb"'
    )
    with_freshclam(monkeypatch, tmp_path / "bin", afterwards)
    assert cell.refresh() is Refreshed.PUBLISHED
    assert fetched(cell, tmp_path / "scanner") == {"own.ndb": LINE}
    assert "'certs': is no definitions; left out" in caplog.text


def test_what_is_verified_is_what_is_published(cell: Cell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A set that finds its canary by a file only that is left out finds nothing where it is loaded: it is no set."""
    with_freshclam(monkeypatch, tmp_path / "bin", f"echo 'Other.Test:0:*:{b'canary'.hex()}' > \"$d/other.db\"")
    with pytest.raises(RetryableError, match="does not find its test patterns"):
        cell.refresh(canary=b"the canary")


def test_file_that_the_engine_no_longer_loads(cell: Cell, source: Source, tmp_path: Path) -> None:
    """One that was published, and is what the manifest says: a set that does not load is fetched anew, without it."""
    cell.refresh()
    made = published(cell)
    text = b"this is no signature\n"
    bad = replace(made, files={**made.files, "old.ndb": hashlib.sha256(text).hexdigest()})
    for name, body in (("own.ndb", LINE.encode()), ("old.ndb", text)):
        cell.s3.put_object(Bucket=cell.bucket, Key=bad.key(name), Body=body)
    cell.s3.put_object(Bucket=cell.bucket, Key=MANIFEST_KEY, Body=bad.to_json())
    source.publish(NEWER)
    assert cell.refresh() is Refreshed.PUBLISHED
    assert fetched(cell, tmp_path / "scanner") == {"own.ndb": NEWER}


@pytest.mark.parametrize("lost", [False, True], ids=["refused", "answer lost"])
@pytest.mark.parametrize("newer", [False, True], ids=["nothing new", "newer set"])
@pytest.mark.parametrize("broken", [False, True], ids=["whole", "damaged"])
def test_any_call_of_s3_may_fail(
    emulator: Emulator, source: Source, tmp_path: Path, *, lost: bool, newer: bool, broken: bool
) -> None:
    """A run fails at most, with an error that says so; the next one publishes a whole set."""
    number = 0
    begun = Cell(emulator, source, tmp_path)
    begun.refresh()
    while True:
        (tmp_path / str(number)).mkdir()
        cell = Cell(emulator, source, tmp_path / str(number))
        source.edits = 0
        source.publish(LINE)
        cell.begin_as(begun)
        if broken:
            damage(cell.s3, cell.bucket, published(cell).key("own.ndb"), "truncated")
        if newer:
            source.publish(NEWER)
        faulty = FaultyS3(cell.s3)
        faulty.fail_at(number, lost=lost)
        try:
            cell.refresh()
        except RetryableError as error:
            assert "definitions: " in str(error)  # noqa: PT017 - many calls may fail without harm
        reached = len(faulty.calls) > number
        faulty.work()
        cell.refresh()
        text = NEWER if newer else LINE
        assert fetched(cell, tmp_path / f"scanner{number}") == {"own.ndb": text}, f"after a fault at call {number}"
        if not reached:
            break
        number += 1
    assert number >= (4 if newer else 3)


@pytest.mark.parametrize("lost", [False, True], ids=["refused", "answer lost"])
def test_any_call_of_the_first_run_may_fail(emulator: Emulator, source: Source, tmp_path: Path, *, lost: bool) -> None:
    """Half a set is none, and is no hindrance."""
    for number in range(3):
        (tmp_path / str(number)).mkdir()
        cell = Cell(emulator, source, tmp_path / str(number))
        faulty = FaultyS3(cell.s3)
        faulty.fail_at(number, lost=lost)
        try:
            cell.refresh()
        except RetryableError:
            assert lost or current(cell.s3, cell.bucket) is None
        assert len(faulty.calls) > number
        faulty.work()
        cell.refresh()
        assert fetched(cell, tmp_path / f"scanner{number}") == {"own.ndb": LINE}


class Overtaken:
    """Has another mirror run to its end in the middle of one: before it writes the manifest."""

    def __init__(self, cell: Cell, other: Callable[[], object]) -> None:
        self.other: Callable[[], object] | None = other
        cell.s3.meta.events.register("before-call.s3.PutObject", self._before)

    def _before(self, params: dict[str, str], **_: object) -> None:
        other = self.other
        if other is not None and MANIFEST_KEY in params["url_path"]:
            self.other = None
            other()


@pytest.mark.parametrize("first", [False, True], ids=["an older set is there", "nothing is there"])
def test_mirror_that_is_overtaken(cell: Cell, source: Source, tmp_path: Path, *, first: bool) -> None:
    """The newer set of the other one stays, and its files with it; the next run goes on from there."""
    if not first:
        cell.refresh()
        source.publish(NEWER)
    newest = NEWER + "Newest.Test:0:*:deadbeefdeadbeefdead\n"

    def other() -> None:
        source.publish(newest)
        assert cell.refresh() is Refreshed.PUBLISHED

    overtaken = Overtaken(cell, other)
    assert cell.refresh() is Refreshed.OVERTAKEN
    assert overtaken.other is None
    assert fetched(cell, tmp_path / "scanner") == {"own.ndb": newest}
    assert cell.refresh() is Refreshed.UNCHANGED


def test_mirror_that_found_nothing_is_overtaken(cell: Cell, source: Source, tmp_path: Path) -> None:
    """It must not write down that the superseded set is the current one: its files may be removed."""
    cell.refresh()

    def other() -> None:
        source.publish(NEWER)
        assert cell.refresh() is Refreshed.PUBLISHED

    Overtaken(cell, other)
    assert cell.refresh() is Refreshed.OVERTAKEN
    assert fetched(cell, tmp_path / "scanner") == {"own.ndb": NEWER}


def test_mirror_that_is_overtaken_with_the_same_set(cell: Cell, tmp_path: Path) -> None:
    """Both have published it."""
    Overtaken(cell, cell.refresh)
    assert cell.refresh() is Refreshed.PUBLISHED
    assert fetched(cell, tmp_path / "scanner") == {"own.ndb": LINE}


def test_two_mirrors_at_once(emulator: Emulator, cell: Cell, source: Source, tmp_path: Path) -> None:
    """Whoever comes first: what is published in the end is one whole set, the source's."""
    (tmp_path / "other").mkdir()
    other = Cell(emulator, source, tmp_path / "other")
    other.bucket = cell.bucket
    for time in range(4):
        source.publish(text := f"{NEWER}Newest.Test{time}:0:*:deadbeefdeadbee{time}\n")
        with ThreadPoolExecutor() as pool:
            came_to = [run.result() for run in [pool.submit(one.refresh) for one in (cell, other)]]
        assert Refreshed.PUBLISHED in came_to
        assert fetched(cell, tmp_path / f"scanner{time}") == {"own.ndb": text}


def test_manifest_that_cannot_be_read_back_is_not_published(cell: Cell, source: Source, tmp_path: Path) -> None:
    """A time without a zone, which scanners refuse: the set that they can read stays."""
    cell.refresh()
    good = published(cell)
    source.publish(NEWER)
    (tmp_path / "zoneless").mkdir()
    mirror = Mirror(
        s3=cell.s3,
        bucket=cell.bucket,
        folder=tmp_path / "zoneless",
        configuration=cell.configuration,
        required=["own"],
        minimum_signatures=1,
        canary=MARKER,
        clock=lambda: NOW.replace(tzinfo=None) + timedelta(hours=2),
        arguments=["--update-db=custom"],
    )
    with pytest.raises(
        RetryableError, match="cannot be published: manifest: created and checked must have a time zone"
    ):
        mirror.refresh()
    assert published(cell) == good
    assert cell.refresh() is Refreshed.PUBLISHED
