"""Folders that workers of one run share are made once, and whole."""

from __future__ import annotations

import multiprocessing
import os
import signal
from pathlib import Path

import pytest

from tests.once import made_once


def test_the_first_makes_it(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also without workers; then it lies in the run's own folder."""
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
    made: list[Path] = []
    for _ in range(2):
        folder = made_once(tmp_path_factory, "first", made.append)
        assert folder == tmp_path_factory.getbasetemp() / "first"
    assert len(made) == 1


def test_what_fails_is_made_again(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Whoever asks next begins with an empty folder."""

    def fail(folder: Path) -> None:
        (folder / "half").touch()
        raise RuntimeError("half")

    with pytest.raises(RuntimeError, match="half"):
        made_once(tmp_path_factory, "again", fail)
    assert list(made_once(tmp_path_factory, "again", lambda folder: (folder / "whole").touch()).iterdir()) == [
        made_once(tmp_path_factory, "again", fail) / "whole"
    ]


def test_a_worker_that_ends_leaves_it_to_the_next(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Its lock goes with it."""
    process = multiprocessing.get_context("fork").Process(target=_end, args=(tmp_path_factory,))
    process.start()
    process.join()
    assert process.exitcode == -9
    assert made_once(tmp_path_factory, "ended", lambda _folder: None).is_dir()


def _end(factory: pytest.TempPathFactory) -> None:
    made_once(factory, "ended", lambda _folder: os.kill(os.getpid(), signal.SIGKILL))
