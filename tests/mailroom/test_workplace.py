"""The folder below /tmp that a function works in: always the same one, and empty."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from mailroom.workplace import workplace

HOLDER = "from mailroom.workplace import claim_workplace; print(claim_workplace('work'), flush=True); input()"


@pytest.fixture
def tmp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in place of /tmp."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def holder(tmp: Path) -> tuple[subprocess.Popen[str], Path]:
    """A process that has a workplace, until it is ended."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER],
        env={**os.environ, "TMPDIR": str(tmp)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    return process, Path(process.stdout.readline().strip())


def end(process: subprocess.Popen[str]) -> None:
    """As Lambda ends a runtime."""
    process.kill()
    process.communicate()


def test_is_the_same_one_each_time(tmp: Path) -> None:
    """Whatever was left in it is gone: files, folders, links and what they hold; what a link leads to stays."""
    (tmp / "elsewhere").mkdir()
    (tmp / "elsewhere" / "kept").write_text("kept")
    for _ in range(3):
        process, folder = holder(tmp)
        assert folder == tmp / "work-1"
        assert list(folder.iterdir()) == []
        (folder / "file").write_text("left")
        (folder / "deep" / "er").mkdir(parents=True)
        (folder / "deep" / "er" / "file").write_text("left")
        (folder / "link").symlink_to(tmp / "elsewhere")
        (folder / "nowhere").symlink_to(tmp / "nowhere")
        end(process)
    assert sorted(path.name for path in tmp.iterdir()) == ["elsewhere", "work-1"]
    assert (tmp / "elsewhere" / "kept").read_text() == "kept"


def test_is_nobody_elses(tmp: Path) -> None:
    """A living process keeps its own; the next one has another, and the first one's again when that has ended."""
    first, folder = holder(tmp)
    (folder / "mine").write_text("mine")
    second, other = holder(tmp)
    assert (folder, other) == (tmp / "work-1", tmp / "work-2")
    assert (folder / "mine").exists()
    end(first)
    third, again = holder(tmp)
    assert again == folder
    end(second)
    end(third)


def _leave_and_fail(folder: Path) -> None:
    (folder / "file").write_text("left")
    (folder / "missing").unlink()


def test_is_empty_after_the_block(tmp: Path) -> None:
    """Also when that fails."""
    folder = tmp / "work-1"
    with pytest.raises(FileNotFoundError), workplace("work"):
        _leave_and_fail(folder)
    assert list(folder.iterdir()) == []
    with workplace("work") as again:
        assert again == folder


@pytest.mark.parametrize("what", ["file", "link"])
def test_is_no_link_to_somewhere(tmp: Path, what: str) -> None:
    """What others put where it should be is left alone."""
    (tmp / "home").mkdir()
    (tmp / "home" / "kept").write_text("kept")
    if what == "link":
        (tmp / "work-1").symlink_to(tmp / "home")
    else:
        (tmp / "work-1").write_text("kept")
    with workplace("work") as folder:
        assert folder == tmp / "work-2"
    assert (tmp / "home" / "kept").read_text() == "kept"


def test_somebody_who_still_writes(tmp: Path) -> None:
    """A process of the runtime before that is just being ended: the folder is emptied again."""
    (tmp / "work-1").mkdir()
    ended = threading.Event()

    def write() -> None:
        for number in range(400):
            folder = tmp / "work-1" / "unpacked"
            folder.mkdir(exist_ok=True)
            try:
                (folder / str(number)).write_text("left")
            except FileNotFoundError:
                continue
        ended.set()

    writer = threading.Thread(target=write)
    writer.start()
    with workplace("work") as folder:
        assert ended.wait(30)
    writer.join()
    assert list(folder.iterdir()) == []
