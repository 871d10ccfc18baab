"""One connection for the files of a message: each answer is that of its own file, and whatever else happens is no answer."""

from __future__ import annotations

import bz2
import itertools
import socket
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from mailroom.scanning import clamd as module
from mailroom.scanning.clamd import Clamd, ClamdError, EngineAnswer
from mailroom.scanning.scan import AT_ONCE, Deadline, scan_message
from mailroom.scanning.verdicts import Verdict
from tests.mailroom.clamav import MARKER, SIGNATURE, RunningClamd
from tests.mailroom.scanning.hiding import HIDDEN, encoded, mixed
from tests.mailroom.scanning.sessions import OwnSession, answering

CLEAN = EngineAnswer(Verdict.CLEAN)
FOUND = EngineAnswer(Verdict.INFECTED, SIGNATURE)


def test_each_file_has_its_own_answer(engine: Clamd) -> None:
    """In whichever order they are asked for, with the version between them; files of none and of many bytes."""
    files = [b"hello", MARKER, b"", b"\0" * 5_000_000 + MARKER, *(b"%d" % n for n in range(20))]
    with engine.session() as session:
        version = session.version()
        begun = [session.submit(data) for data in files]
        assert [one.result() for one in reversed(begun)] == [CLEAN] * 20 + [FOUND, CLEAN, FOUND, CLEAN]
        assert session.version() == version == engine.version()


def test_one_connection_for_a_message(clamd: RunningClamd, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message, its parts and both looks at the version."""
    opened: list[socket.socket] = []
    before = Clamd.connected

    def connected(self: Clamd) -> socket.socket:
        opened.append(before(self))
        return opened[-1]

    monkeypatch.setattr(Clamd, "connected", connected)
    assert scan_message(HIDDEN["attachment"], clamd.client).verdict is Verdict.INFECTED
    assert len(opened) == 1
    assert opened[0].fileno() == -1


def test_version_beside_a_scan_has_a_connection_of_its_own(engine: Clamd) -> None:
    """clamd writes it in two pieces, between which it may write another answer."""
    with engine.session() as session:
        for _ in range(50):
            begun = [session.submit(MARKER) for _ in range(4)]
            assert session.version().startswith("ClamAV 1.")
            assert [one.result() for one in begun] == [FOUND] * 4


def test_scan_that_takes_longer_than_a_session(engine: Clamd, monkeypatch: pytest.MonkeyPatch) -> None:
    """The session takes no more files, and answers on those that it has; the next ones have connections of their own."""
    monkeypatch.setattr(module, "_SESSION_SECONDS", 0.05)
    zeros = bz2.compress(bytes(60_000_000))
    with engine.session() as session:
        begun = [session.submit(zeros), session.submit(MARKER)]
        assert [one.result() for one in begun] == [CLEAN, FOUND]
        apart = session.submit(MARKER)
        assert isinstance(apart, module.Submitted)
        assert apart.result() == FOUND
        assert session.version() == engine.version()


def test_pause_between_files(engine: Clamd, monkeypatch: pytest.MonkeyPatch) -> None:
    """As long as the next piece takes to be read: no answer is lost."""
    monkeypatch.setattr(module, "_SESSION_SECONDS", 0.05)
    with engine.session() as session:
        first = session.submit(MARKER)
        time.sleep(0.1)
        second = session.submit(b"clean")
        assert [first.result(), second.result()] == [FOUND, CLEAN]


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"\0",
        b"fd[10]: OK\0",
        b"1: fd[10]: OK",
        b"0: fd[10]: OK\0",
        b"2: fd[10]: OK\0",
        b"01: fd[10]: OK\0",
        b"1: fd[10]: OK\0" * 2,
        b"COMMAND READ TIMED OUT\n\0",
        b"1 fd[10]: OK\0",
        b"1:fd[10]: OK\0",
        b"-1: fd[10]: OK\0",
        b"x" * 10_000,
    ],
)
def test_broken_session_is_no_answer(said: bytes, tmp_path: Path) -> None:
    """Without a number, with another's, twice, cut: the file is scanned again, and the second answer counts."""
    again = b"fd[10]: Evil FOUND\0"
    told = answering(tmp_path, lambda one: one.sendall(said), lambda one: one.sendall(again))
    with told as engine, engine.session() as session:
        assert session.submit(b"x").result() == EngineAnswer(Verdict.INFECTED, "Evil")


@pytest.mark.parametrize("said", [b"1: OK\0", b"1: fd[10]: OKAY\0", b"1: fd[10]: Can't allocate memory ERROR\0"])
def test_answer_that_is_an_error(said: bytes, tmp_path: Path) -> None:
    """As on a connection of its own."""
    with answering(tmp_path, lambda one: one.sendall(said)) as engine, engine.session() as session:
        begun = session.submit(b"x")
        with pytest.raises(ClamdError, match="scan failed"):
            begun.result()


def test_silence_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A clamd that says nothing is given up after the time of one scan, and not asked again."""
    monkeypatch.setattr(module, "_SESSION_SECONDS", 0.2)
    with answering(tmp_path, lambda one: one.recv(100) and one.recv(1)) as engine, engine.session() as session:
        begun, at = session.submit(b"x"), time.monotonic()
        with pytest.raises(ClamdError, match="no answer"):
            begun.result()
        assert 1 <= time.monotonic() - at < 5


def test_clamd_that_dies_in_a_session(clamd: RunningClamd) -> None:
    """No file of it is clean, neither one that it had nor a later one."""
    with clamd.client.session() as session:
        clamd.halt()
        begun = session.submit(b"hello")
        clamd.kill()
        with pytest.raises(ClamdError):
            begun.result()
        with pytest.raises(ClamdError):
            session.submit(b"hello")
        with pytest.raises(ClamdError):
            session.version()
    clamd.start()
    assert scan_message(HIDDEN["attachment"], clamd.client).verdict is Verdict.INFECTED


@dataclass
class Order(OwnSession):
    """An engine that knows when each file was handed over, and when its answer was asked for."""

    events: list[tuple[str, bytes]] = field(default_factory=list)

    def submit(self, data: bytes) -> Answer:
        """Note it."""
        self.events.append(("begun", data))
        return Answer(self, data)

    def version(self) -> str:
        """Always the same."""
        return "1"


@dataclass
class Answer:
    """Clean."""

    engine: Order
    data: bytes

    def result(self) -> EngineAnswer:
        """Note it."""
        self.engine.events.append(("asked", self.data))
        return CLEAN

    def close(self) -> None:
        """There is nothing to release."""


@pytest.mark.parametrize("octets", [10, 200_000])
def test_no_part_waits_for_the_message(octets: int) -> None:
    """Its scan takes longest: four files are under scan, it is asked for last, and its verdict comes first."""
    raw = mixed(*(encoded(b"%d" % number + b"\0" * octets, f"file{number}.bin") for number in range(9)))
    engine = Order()
    result = scan_message(raw, engine)
    begun = [data for what, data in engine.events if what == "begun"]
    assert (begun[0], engine.events[-1]) == (raw, ("asked", raw))
    assert [part.path for part in result.parts] == ["", *(str(number) for number in range(1, 11))]
    assert sorted(begun) == sorted(data for what, data in engine.events if what == "asked")
    under_scan = itertools.accumulate(1 if what == "begun" else -1 for what, _ in engine.events)
    assert max(under_scan) == AT_ONCE


def test_message_is_under_scan_while_its_parts_are_extracted() -> None:
    """They are handed over when about as many bytes are extracted as the message has."""
    begun: list[int] = []
    engine = Order()
    late = Deadline(0.0, clock=lambda: begun.append(len(engine.events)) or -1.0)  # type: ignore[func-returns-value]
    scan_message(mixed(*(encoded(b"%d" % number + b"\0" * 3000) for number in range(9))), engine, deadline=late)
    # The deadline is looked at for each part, before it is extracted and before it is scanned.
    assert begun.count(1) > 9
