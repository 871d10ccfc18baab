"""The client of clamd: only an exact OK is clean, whatever else happens is an error."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from mailroom.scanning.clamd import Clamd, ClamdError, EngineAnswer
from mailroom.scanning.scan import scan_message
from mailroom.scanning.verdicts import Verdict
from tests.mailroom.clamav import MARKER, SIGNATURE, RunningClamd
from tests.mailroom.scanning.hiding import HIDDEN
from tests.mailroom.scanning.sessions import OwnSession, answering


def test_answers_of_the_real_one(engine: Clamd) -> None:
    """OK, a signature, and nothing in between."""
    assert engine.scan(b"hello") == EngineAnswer(Verdict.CLEAN)
    assert engine.scan(b"") == EngineAnswer(Verdict.CLEAN)
    assert engine.scan(b"x" + MARKER) == EngineAnswer(Verdict.INFECTED, SIGNATURE)
    assert engine.version().startswith("ClamAV 1.")


def test_large_file(engine: Clamd) -> None:
    """40 MB go through whole: the marker at the end is found."""
    assert engine.scan(b"\0" * 40_000_000 + MARKER).verdict is Verdict.INFECTED


@pytest.mark.parametrize(
    ("said", "verdict"),
    [
        ("fd[10]: OK", Verdict.CLEAN),
        ("fd[10]: Win.Test.EICAR_HDB-1 FOUND", Verdict.INFECTED),
        ("fd[10]: Heuristics.Encrypted.Zip FOUND", Verdict.ENCRYPTED),
        ("fd[10]: Heuristics.Encrypted.PDF FOUND", Verdict.ENCRYPTED),
        ("fd[10]: Heuristics.Limits.Exceeded.MaxRecursion FOUND", Verdict.OVER_LIMIT),
        ("fd[10]: Heuristics.OLE2.ContainsMacros.VBA FOUND", Verdict.CLEAN),
        ("fd[10]: Heuristics.Something.New FOUND", Verdict.INFECTED),
        ("INSTREAM size limit exceeded. ERROR", Verdict.OVER_LIMIT),
    ],
)
def test_meaning_of_an_answer(said: str, verdict: Verdict, tmp_path: Path) -> None:
    """What is encrypted or over a limit is no malware, and what is unknown is."""
    with answering(tmp_path, lambda connection: connection.sendall(said.encode() + b"\0")) as engine:
        assert engine.scan(b"x").verdict is verdict


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"\0",
        b"OK\0",
        b"fd[10]: OK",
        b"fd[10]: OK\n",
        b"fd[10]: OKAY\0",
        b"fd[10]: OK\0fd[10]: Evil FOUND\0",
        b"fd[10]: \0",
        b"fd[10]:  FOUND\0",
        b"fd[10]: Can't allocate memory ERROR\0",
        b"fd[10]: lstat() failed ERROR\0",
        b"UNKNOWN COMMAND\0",
        b"PONG\0",
        b"fd[10]: \xff\xfe OK\0",
        b"x" * 10_000,
    ],
)
def test_anything_else_is_an_error(said: bytes, tmp_path: Path) -> None:
    """No answer, half an answer, two answers, an error: the file is not clean, it is unknown."""
    with answering(tmp_path, lambda connection: connection.sendall(said)) as engine, pytest.raises(ClamdError):
        engine.scan(b"x")


def test_silence_ends(tmp_path: Path) -> None:
    """A clamd that says nothing is given up after the time-out."""
    with (
        answering(tmp_path, lambda connection: connection.recv(1)) as engine,
        pytest.raises(ClamdError, match="no answer"),
    ):
        engine.scan(b"x")


def test_clamd_that_is_not_there(tmp_path: Path) -> None:
    """No socket is an error that names it."""
    with pytest.raises(ClamdError, match=r"none: cannot connect: .*is it running"):
        Clamd(socket_path=str(tmp_path / "none")).scan(b"x")


def test_clamd_that_dies_while_it_scans(clamd: RunningClamd) -> None:
    """Killed in the middle, it gives no verdict; started again, it does."""
    clamd.halt()
    killer = threading.Timer(0.3, clamd.kill)
    killer.start()
    with pytest.raises(ClamdError):
        scan_message(HIDDEN["attachment"], clamd.client)
    killer.join()
    with pytest.raises(ClamdError):
        scan_message(HIDDEN["attachment"], clamd.client)
    clamd.start()
    assert scan_message(HIDDEN["attachment"], clamd.client).verdict is Verdict.INFECTED


def test_clamd_that_hangs(clamd: RunningClamd) -> None:
    """A clamd that takes connections and does nothing is given up."""
    clamd.halt()
    try:
        with pytest.raises(ClamdError):
            scan_message(HIDDEN["attachment"], Clamd(socket_path=clamd.client.socket_path, timeout_seconds=0.5))
    finally:
        clamd.resume()


def test_definitions_that_change_during_a_scan() -> None:
    """Verdicts of two sets of definitions are not mixed: the message is scanned again."""
    versions = iter(["ClamAV 1.4.6/1/a", "ClamAV 1.4.6/2/b"])

    class Changing(OwnSession):
        def submit(self, data: bytes) -> Changing:
            return self

        def result(self) -> EngineAnswer:
            return EngineAnswer(Verdict.CLEAN)

        def close(self) -> None:
            pass

        def version(self) -> str:
            return next(versions)

    with pytest.raises(ClamdError, match="definitions changed"):
        scan_message(HIDDEN["attachment"], Changing())
