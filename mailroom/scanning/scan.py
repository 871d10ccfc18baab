"""Scans a whole message: every piece, by the guard and by the engine."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Lock
from typing import Final, Protocol

from mailroom.scanning.clamd import ClamdError, EngineAnswer
from mailroom.scanning.openings import Piece, openings
from mailroom.scanning.verdicts import PartVerdict, ScanResult, Verdict, worst
from mailroom.scanning.zips import zip_fault

__all__ = ["AnswerCache", "Engine", "scan_message"]

AT_ONCE: Final = 4
"""Pieces with the engine at once: clamd's MaxThreads."""

CACHED_ANSWERS: Final = 20_000


class Engine(Protocol):
    """What looks at one file."""

    def scan(self, data: bytes) -> EngineAnswer:
        """What is found in `data`. Raises `ClamdError`."""

    def version(self) -> str:
        """Versions of engine and signatures. Raises `ClamdError`."""


@dataclass(slots=True)
class AnswerCache:
    """Answers by SHA-256 and definitions, the oldest forgotten first: the same logo is in a thousand messages."""

    answers: OrderedDict[tuple[bytes, str], EngineAnswer] = field(default_factory=OrderedDict)
    lock: Lock = field(default_factory=Lock)

    def get(self, key: tuple[bytes, str]) -> EngineAnswer | None:
        """The answer, if it is known."""
        with self.lock:
            return self.answers.get(key)

    def put(self, key: tuple[bytes, str], answer: EngineAnswer) -> None:
        """Remember an answer."""
        with self.lock:
            self.answers[key] = answer
            if len(self.answers) > CACHED_ANSWERS:
                self.answers.popitem(last=False)


def scan_message(raw: bytes, engine: Engine, cache: AnswerCache | None = None) -> ScanResult:
    """What is in the message: the message itself and everything that some client could open in it.

    Args:
        raw: the message as it came.
        engine: looks at each piece; up to four at once.
        cache: answers that are known. Default: none are.

    Raises:
        ClamdError: the engine failed on any piece, or its definitions changed meanwhile; nothing is known of the message then.
    """
    definitions = engine.version()
    known = cache if cache is not None else AnswerCache()

    def look(piece: Piece) -> PartVerdict:
        return _judged(piece, _answer(piece, engine, known, definitions))

    with ThreadPoolExecutor(AT_ONCE) as pool:
        parts = tuple(pool.map(look, openings(raw)))
    if engine.version() != definitions:
        raise ClamdError("clamd: definitions changed during the scan; scan again")
    return ScanResult(verdict=worst([part.verdict for part in parts]), parts=_told(parts), definitions=definitions)


def _answer(piece: Piece, engine: Engine, cache: AnswerCache, definitions: str) -> EngineAnswer:
    if piece.sealed:
        sealed = Verdict.ENCRYPTED if piece.sealed == "Message.Partial" else Verdict.OVER_LIMIT
        return EngineAnswer(sealed, piece.sealed)
    key = (piece.sha256, definitions)
    answer = cache.get(key)
    if answer is None:
        answer = engine.scan(piece.data)
        fault = zip_fault(piece.data) if answer.verdict is Verdict.CLEAN else ""
        if fault:
            answer = EngineAnswer(Verdict.OVER_LIMIT, fault)
        cache.put(key, answer)
    return answer


def _judged(piece: Piece, answer: EngineAnswer) -> PartVerdict:
    return PartVerdict(
        path=piece.path,
        filename=piece.filename,
        verdict=answer.verdict,
        signature=answer.signature,
        sha256=piece.sha256.hex(),
        octets=len(piece.data),
    )


def _told(parts: Iterable[PartVerdict]) -> tuple[PartVerdict, ...]:
    """The message itself, what is not clean, and what has a name: other readings of the same text interest nobody."""
    return tuple(
        part
        for number, part in enumerate(parts)
        if number == 0 or part.verdict is not Verdict.CLEAN or part.filename or ":" not in part.path
    )
