"""Which DMARC policy holds for a domain. Pure: whoever asks brings the answers of DNS."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Final

from mailroom.messages.authentication import ascii_domain

__all__ = ["DmarcPolicy", "TextsError", "governing_policy"]

_LABELS: Final = 8
"""A longer name is cut to 7 labels after its first question. Source: RFC 9989 4.10."""
_VERSION: Final = re.compile(r"v[ \t]{0,20}+=[ \t]{0,20}+DMARC1[ \t]{0,20}+(?:;|\Z)")
_LONGEST: Final = 4000


class DmarcPolicy(StrEnum):
    """What the owner of a domain asks for on mail that fails."""

    NONE = "none"
    """Nothing, or there is no record."""
    QUARANTINE = "quarantine"
    REJECT = "reject"
    UNKNOWN = "unknown"
    """DNS did not say."""


class TextsError(Exception):
    """DNS does not say what a name's TXT values are."""


def governing_policy(domain: str, texts: Callable[[str], Sequence[str]]) -> DmarcPolicy:
    """The policy that holds for authors of `domain`; NONE where there is no record, UNKNOWN where it is no domain.

    Its own record decides, by `p`; else that of the organization above, by `sp`: of those that the tree walk finds, the one with
    the fewest labels, or the one that `psd` says. In a test (`t=y`), each policy is the next milder one.

    Args:
        domain: of the author, in A-labels or U-labels.
        texts: the TXT values of a name; raises `TextsError`.

    Raises:
        TextsError: an answer is missing.

    Source: RFC 9989 4.7 and 4.10.
    """
    name = ascii_domain(domain)
    if not name:
        return DmarcPolicy.UNKNOWN
    own = _record(texts(f"_dmarc.{name}"))
    if own is not None:
        return _asked(own, "p")
    above: list[tuple[str, dict[str, str]]] = []
    place = _next(name)
    while place:
        record = _record(texts(f"_dmarc.{place}"))
        if record is not None:
            above.append((place, record))
            if record.get("psd", "u").lower() in {"y", "n"}:
                break
        place = _next(place)
    if not above:
        return DmarcPolicy.NONE
    last = above[-1]
    if last[1].get("psd", "").lower() == "y" and len(above) > 1:
        labels = last[0].count(".") + 2
        last = next((one for one in above if one[0].count(".") + 1 == labels), last)
    return _asked(last[1], "sp" if last[1].get("sp") else "p")


def _asked(record: dict[str, str], tag: str) -> DmarcPolicy:
    words = [policy.value for policy in (DmarcPolicy.NONE, DmarcPolicy.QUARANTINE, DmarcPolicy.REJECT)]
    asked = record.get(tag, "").lower()
    if asked not in words:
        return DmarcPolicy.NONE
    milder = 1 if record.get("t", "").lower() == "y" and asked != "none" else 0
    return DmarcPolicy(words[words.index(asked) - milder])


def _record(texts: Sequence[str]) -> dict[str, str] | None:
    """The tags of the one record; None where there is none, or several."""
    records = [text for text in texts if _VERSION.match(text)]
    if len(records) != 1:
        return None
    pairs = [pair.partition("=") for pair in records[0][:_LONGEST].split(";")]
    return {name.strip().lower(): value.strip() for name, _, value in reversed(pairs)}


def _next(name: str) -> str:
    labels = name.split(".")
    return ".".join(labels[-_LABELS + 1 :] if len(labels) > _LABELS else labels[1:])
