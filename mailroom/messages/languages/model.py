"""What is known of a language. Data alone."""

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
    """What stands in front of the subject of an answer."""
    forwards: tuple[str, ...] = ()
    original: tuple[str, ...] = ()
    """What stands between dashes above the message that is answered."""
    forwarded: tuple[str, ...] = ()
    """The same above one that is forwarded; also how such a line begins."""
    begins: tuple[str, ...] = ()
    """First words of the line that says who wrote when."""
    wrote: tuple[str, ...] = ()
    """Verbs that end such a line."""
    wrote_name: tuple[str, ...] = ()
    """Verbs that who wrote it, or when, stands behind."""
