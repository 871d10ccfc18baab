"""Domain of a receiver's DMARC check, and its alignment with the authors. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

__all__ = ["aligned_domain", "ascii_domain", "dmarc_domain", "same_domain"]

_PLAIN: Final = re.compile(r"[a-z0-9_-]{1,63}+(?:\.[a-z0-9_-]{1,63}+)*")
_LONGEST: Final = 253
_DMARC: Final = re.compile(r"\s*+dmarc\s*+=", re.IGNORECASE)
_FROM: Final = re.compile(r"\bheader\.from\s{0,40}+=\s{0,40}+([^\s;()\"]{1,255}+)", re.IGNORECASE)


def dmarc_domain(results: str) -> str:
    """The domain of the DMARC check; "" where the field names none, or several.

    Args:
        results: an Authentication-Results field, without comments and quoted strings.

    Source: RFC 8601 2.7.6.
    """
    found = {
        match[1].rstrip(".").lower()
        for piece in results.split(";")
        if _DMARC.match(piece) and (match := _FROM.search(piece))
    }
    return found.pop() if len(found) == 1 else ""


def aligned_domain(checked: str, authors: Iterable[str]) -> str:
    """The checked domain, if it is the domain of all authors; "" otherwise.

    Args:
        checked: the domain of a DMARC check that passed; "" of none.
        authors: the addresses of the From field.
    """
    domains = {one.rpartition("@")[2] for one in authors}
    if not checked or len(domains) != 1 or not same_domain(checked, domains.pop()):
        return ""
    return checked


def same_domain(one: str, other: str) -> bool:
    """Whether two spellings mean one domain: in any case, in A-labels or U-labels."""
    return one.lower() == other.lower() or ascii_domain(one) == ascii_domain(other) != ""


def ascii_domain(domain: str) -> str:
    """The domain in A-labels and lower case; "" for an invalid one."""
    name = domain.rstrip(".").lower()
    if _PLAIN.fullmatch(name):
        return name if len(name) <= _LONGEST else ""
    try:
        import idna  # noqa: PLC0415 - few domains have such names, and the scanner's image has no table of them

        return idna.encode(name, uts46=True).decode("ascii").lower()
    except (ImportError, UnicodeError):
        return ""
