"""The words of a language. Data only."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Language"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """The words of one language, in any case."""

    code: str
    """BCP 47."""
    author: tuple[str, ...]
    """Names of the lines above a quoted message: who wrote it, when, to whom, of what."""
    sent: tuple[str, ...]
    to: tuple[str, ...]
    subject: tuple[str, ...]
    answers: tuple[str, ...] = ()
    """Marks in front of an answer's subject."""
    forwards: tuple[str, ...] = ()
    original: tuple[str, ...] = ()
    """Texts between dashes above the answered message."""
    forwarded: tuple[str, ...] = ()
    """Texts between dashes above a forwarded message; also beginnings of such a line."""
    begins: tuple[str, ...] = ()
    """First words of an attribution (author and time)."""
    wrote: tuple[str, ...] = ()
    """Verbs at the end of an attribution."""
    wrote_name: tuple[str, ...] = ()
    """Verbs in front of the author or the time."""
