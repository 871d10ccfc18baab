"""Scans a whole message: every piece, by the guard and by the engine."""

from __future__ import annotations

import os
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from threading import Lock
from typing import Final, Protocol

from mailroom.scanning.active.watch import Watch
from mailroom.scanning.clamd import ClamdError, EngineAnswer
from mailroom.scanning.extracted_parts import ExtractedPart, extracted_parts
from mailroom.scanning.marking import marked
from mailroom.scanning.verdicts import PartVerdict, ScanResult, Verdict, worst
from mailroom.scanning.zips import zip_fault

__all__ = ["AnswerCache", "Deadline", "Engine", "Pending", "Session", "scan_message"]

AT_ONCE: Final = 4
"""Pieces that the engine scans at once: clamd's MaxThreads."""

OPENED_BY_US: Final = "Mailroom.Opened."
"""Signatures for files that only the scanner can open; they count where it did not open the file."""

_OPENERS_SAY: Final = ("Encrypted.Zip", "Container.")

CACHED_ANSWERS: Final = 20_000

_LARGE_OCTETS: Final = 64_000
"""Bytes of a piece that takes clamd a millisecond or more."""
_PAUSES: Final = 3
_PAUSE_SECONDS: Final = 0.0002


class Pending(Protocol):
    """A file under scan."""

    def result(self) -> EngineAnswer:
        """Wait for the answer. Raises `ClamdError`."""

    def close(self) -> None:
        """Release it, with or without a wait."""


class Session(Protocol):
    """Scans the files of one message."""

    def submit(self, data: bytes) -> Pending:
        """Begin the scan of `data`. Raises `ClamdError`."""

    def version(self) -> str:
        """Versions of engine and signatures. Raises `ClamdError`."""


class Engine(Session, Protocol):
    """Scans files."""

    def session(self) -> AbstractContextManager[Session]:
        """For one message. Raises `ClamdError`."""


@dataclass(slots=True)
class AnswerCache:
    """Answers by SHA-256 and definitions; the oldest are dropped. For example, a thousand messages have the same logo."""

    answers: OrderedDict[tuple[bytes, str], EngineAnswer] = field(default_factory=OrderedDict)
    lock: Lock = field(default_factory=Lock)

    def get(self, key: tuple[bytes, str]) -> EngineAnswer | None:
        """The cached answer; None without one."""
        with self.lock:
            return self.answers.get(key)

    def put(self, key: tuple[bytes, str], answer: EngineAnswer) -> None:
        """Cache an answer."""
        with self.lock:
            self.answers[key] = answer
            if len(self.answers) > CACHED_ANSWERS:
                self.answers.popitem(last=False)


@dataclass(frozen=True, slots=True)
class Deadline:
    """Deadline of a message's scan.

    Args:
        at: seconds on the clock.
        clock: monotonic, in seconds.
    """

    at: float
    clock: Callable[[], float] = time.monotonic

    @classmethod
    def after(cls, seconds: float, clock: Callable[[], float] = time.monotonic) -> Deadline:
        """The deadline so many seconds from now."""
        return cls(clock() + seconds, clock)

    def passed(self) -> bool:
        """Whether the deadline is over."""
        return self.clock() >= self.at


NEVER: Final = Deadline(float("inf"))


def scan_message(
    raw: bytes,
    engine: Engine,
    cache: AnswerCache | None = None,
    deadline: Deadline = NEVER,
    check: Callable[[Sequence[ExtractedPart]], None] | None = None,
) -> ScanResult:
    """Scan a message: the message itself and every part that a client could open.

    Args:
        raw: the message as it came.
        engine: scans pieces, up to four at once.
        cache: known answers. Default: none.
        deadline: end of the scan; a message that takes longer is over the limit. Default: none.
        check: called with all pieces before the engine sees any; may raise. Default: none, pieces are scanned while the next ones
            are extracted.

    Raises:
        ClamdError: the engine failed on a piece, or its definitions changed meanwhile; then the message has no verdict.
    """
    with engine.session() as session:
        return _scanned(raw, session, cache if cache is not None else AnswerCache(), deadline, check)


def _scanned(
    raw: bytes,
    engine: Session,
    known: AnswerCache,
    deadline: Deadline,
    check: Callable[[Sequence[ExtractedPart]], None] | None,
) -> ScanResult:
    definitions = engine.version()
    parts: list[PartVerdict] = []
    waiting: list[_Look] = []
    watch = Watch()
    pieces: Iterable[ExtractedPart] = extracted_parts(raw, deadline.passed, watch)
    if check is not None:
        pieces = list(pieces)
        check(pieces)
    # One thread is enough: clamd scans in its own threads while this one extracts the next pieces.
    try:
        for piece in pieces:
            if len(waiting) == AT_ONCE:
                parts.append(_next(waiting).verdict(known))
            waiting.append(_look(piece, engine, known, definitions))
            if len(waiting) == 1:
                # Linux wakes clamd on this processor, where it would wait for us.
                os.sched_yield()
        _fall_idle(waiting)
        while waiting:
            parts.append(_next(waiting).verdict(known))
    finally:
        for look in waiting:
            look.answer.close()
    parts = [*parts[-1:], *parts[:-1]]
    if engine.version() != definitions:
        raise ClamdError("clamd: definitions changed during the scan; scan again")
    parts = _without_repeats(parts)
    told = marked(_told(parts), watch.found.values())
    return ScanResult(verdict=worst([part.verdict for part in parts]), parts=told, definitions=definitions)


@dataclass(slots=True)
class _Look:
    """One piece, and its pending answer."""

    piece: ExtractedPart
    key: tuple[bytes, str]
    answer: Pending

    def verdict(self, cache: AnswerCache) -> PartVerdict:
        answer = self.answer.result()
        fault = zip_fault(self.piece.data) if answer.verdict is Verdict.CLEAN and not self.piece.unscannable else ""
        if fault:
            answer = EngineAnswer(Verdict.OVER_LIMIT, fault)
        if not self.piece.unscannable:
            cache.put(self.key, answer)
        if self.piece.opened and answer.signature.startswith(OPENED_BY_US):
            # The scanner has opened it: each piece has a verdict of its own.
            answer = EngineAnswer(Verdict.CLEAN)
        return PartVerdict(
            path=self.piece.path,
            filename=self.piece.filename,
            verdict=answer.verdict,
            signature=answer.signature,
            sha256=self.piece.sha256.hex(),
            size=len(self.piece.data),
        )


def _next(waiting: list[_Look]) -> _Look:
    """Takes the piece that waits longest. The message comes last: its scan takes longest, and none of the others waits for it."""
    return waiting.pop(1 if len(waiting) > 1 else 0)


def _fall_idle(waiting: Sequence[_Look]) -> None:
    """Pause a few times while clamd scans large pieces.

    Linux may have woken two threads of clamd on one processor. Another processor takes one of them over at a moment when it falls
    idle, and not at each of these moments.
    """
    if any(len(look.piece.data) >= _LARGE_OCTETS for look in waiting[1:]):
        for _ in range(_PAUSES):
            time.sleep(_PAUSE_SECONDS)


def _look(piece: ExtractedPart, engine: Session, cache: AnswerCache, definitions: str) -> _Look:
    key = (piece.sha256, definitions)
    if piece.unscannable:
        encrypted = piece.unscannable.startswith(("Message.Partial", "Encrypted."))
        unscannable = Verdict.ENCRYPTED if encrypted else Verdict.OVER_LIMIT
        return _Look(piece, key, _Known(EngineAnswer(unscannable, piece.unscannable)))
    known = cache.get(key)
    return _Look(piece, key, engine.submit(piece.data) if known is None else _Known(known))


@dataclass(frozen=True, slots=True)
class _Known:
    """An answer without a scan."""

    answer: EngineAnswer

    def result(self) -> EngineAnswer:
        return self.answer

    def close(self) -> None:
        pass


def _without_repeats(parts: list[PartVerdict]) -> list[PartVerdict]:
    """The parts without an opener's finding that repeats the engine's: operators get one alert."""
    said = {(part.path, part.verdict) for part in parts if part.size}
    return [
        part
        for part in parts
        if part.size or not part.signature.startswith(_OPENERS_SAY) or (part.path, part.verdict) not in said
    ]


def _told(parts: Iterable[PartVerdict]) -> tuple[PartVerdict, ...]:
    """The message itself, parts that are not clean, and MIME parts and named ones; other readings of a text are left out."""
    return tuple(
        part
        for number, part in enumerate(parts)
        if number == 0 or part.verdict is not Verdict.CLEAN or part.filename or ":" not in part.path
    )
