"""Files that are there whole or not at all, whoever else writes them at the same time."""

from __future__ import annotations

import multiprocessing
import os
import stat
import threading
import time
from pathlib import Path

import pytest

from email_stack.output.files import write_whole

SIZE = 300_000


def _write_for(path: Path, letter: str, seconds: float, ended: multiprocessing.SimpleQueue[str]) -> None:
    until = time.monotonic() + seconds
    try:
        while time.monotonic() < until:
            write_whole(path, f"<{letter * SIZE}>".encode())
    except OSError as error:
        ended.put(type(error).__name__)
    else:
        ended.put("")


@pytest.mark.slow
def test_two_writers_and_a_reader(tmp_path: Path) -> None:
    """No writer fails, every look is one page or the other, and nothing else is left."""
    path = tmp_path / "status.html"
    context = multiprocessing.get_context("spawn")
    ended = context.SimpleQueue()
    write_whole(path, f"<{'A' * SIZE}>".encode())
    writers = [context.Process(target=_write_for, args=(path, letter, 1.5, ended)) for letter in "AB"]
    for one in writers:
        one.start()
    seen: set[bytes] = set()
    looks = 0
    while any(one.is_alive() for one in writers):
        seen.add(path.read_bytes())
        looks += 1
    assert [ended.get() for _ in writers] == ["", ""]
    assert seen <= {f"<{letter * SIZE}>".encode() for letter in "AB"}
    assert looks > 10
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_permissions_are_those_of_any_new_file(tmp_path: Path, mask: int) -> None:
    """As the umask gives, which nobody changes meanwhile."""
    before = os.umask(mask)
    try:
        write_whole(tmp_path / "page", b"x")
        assert os.umask(mask) == mask
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "page").stat().st_mode) == 0o666 & ~mask


def test_file_that_cannot_be_written_is_as_before(tmp_path: Path) -> None:
    """A folder in its place, a folder that is not there: an error, and no leftover."""
    (tmp_path / "folder").mkdir()
    with pytest.raises(IsADirectoryError):
        write_whole(tmp_path / "folder", b"x")
    with pytest.raises(FileNotFoundError):
        write_whole(tmp_path / "none" / "page", b"x")
    assert list(tmp_path.iterdir()) == [tmp_path / "folder"]


def test_interrupted_write_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C before the new file takes its place: the old one stays, whole and alone."""
    path = tmp_path / "page"
    write_whole(path, b"before")

    def interrupt(*_arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_whole(path, b"after")
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]


def test_link_stays_a_link(tmp_path: Path) -> None:
    """What it leads to is replaced, there."""
    (tmp_path / "www").mkdir()
    link, real = tmp_path / "page", tmp_path / "www" / "status.html"
    link.symlink_to(real)
    for text in (b"one", b"two"):
        write_whole(link, text)
        assert real.read_bytes() == text
    assert link.is_symlink()
    assert list((tmp_path / "www").iterdir()) == [real]


def test_what_is_no_file_is_written_to(tmp_path: Path) -> None:
    """A pipe, or /dev/stdout, is not replaced by a file."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    write_whole(pipe, b"page")
    reader.join(10)
    assert read == [b"page"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_longest_name(tmp_path: Path) -> None:
    """The name beside it is no longer than the file system takes."""
    path = tmp_path / ("x" * 250 + ".html")
    write_whole(path, b"page")
    assert path.read_bytes() == b"page"
