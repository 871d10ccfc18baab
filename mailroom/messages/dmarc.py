"""Finds the DMARC policy of a domain. Pure: the caller passes DNS's answers."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

from mailroom.messages.authentication import ascii_domain
from mailroom.messages.dmarc_record import DmarcRecord, is_dmarc, read_dmarc

__all__ = ["DmarcPolicy", "Governing", "TextsError", "Walk", "governing_policy", "policy_above"]

_LABELS: Final = 8
"""A longer name is cut to 7 labels after its first question. Source: RFC 9989 4.10."""


class DmarcPolicy(StrEnum):
    """The request of a domain's owner for mail that fails."""

    NONE = "none"
    """Nothing, or there is no record."""
    QUARANTINE = "quarantine"
    REJECT = "reject"
    UNKNOWN = "unknown"
    """DNS gave no answer."""


class TextsError(Exception):
    """DNS gives no answer on a name's TXT values."""


@dataclass(frozen=True, slots=True)
class Governing:
    """The policy in force, and the domain of its record."""

    domain: str
    policy: DmarcPolicy


Walk: TypeAlias = Generator[str, Sequence[str], Governing | None]
"""Yields the name of each TXT question, is sent the values, and returns the policy; None where no record is found."""

_MILDER: Final = {"none": DmarcPolicy.NONE, "quarantine": DmarcPolicy.NONE, "reject": DmarcPolicy.QUARANTINE}


def governing_policy(domain: str, texts: Callable[[str], Sequence[str]]) -> DmarcPolicy:
    """The policy in force for authors of `domain`; NONE without a record, UNKNOWN for an invalid domain.

    The `p` of the domain's own record decides, or else the record of the organization above (`policy_above`).

    Args:
        domain: of the author, in A-labels or U-labels.
        texts: looks up the TXT values of a name; raises `TextsError`.

    Raises:
        TextsError: an answer is missing.

    Source: RFC 9989 4.7 and 4.10.
    """
    name = ascii_domain(domain)
    if not name:
        return DmarcPolicy.UNKNOWN
    own = _record(texts(_place_of(name)))
    if own is not None:
        return _asked(own, own.policy)
    walk = policy_above(name)
    try:
        question = next(walk)
        while True:
            question = walk.send(texts(question))
    except StopIteration as end:
        found: Governing | None = end.value
    return found.policy if found is not None else DmarcPolicy.NONE


def policy_above(domain: str) -> Walk:
    """The policy that receivers apply to a domain without a record of its own: asks each domain above, at most 8 names.

    The record of the domain with the fewest labels is the organization's and decides by its `sp`; `psd=n` ends the walk there, and
    behind `psd=y` the organization is one label below. In a test (`t=y`), each policy is the next milder one. Several records of
    one domain count as none; one in which receivers find no policy asks for none.

    Args:
        domain: in A-labels, lower case, no trailing dot.

    Source: RFC 9989 4.7, 4.10.1 and 4.10.2.
    """
    found: dict[str, DmarcRecord] = {}
    name = _next(domain)
    while name:
        record = _record((yield _place_of(name)))
        if record is not None:
            found[name] = record
            if record.public_suffix or record.organization:
                break
        name = _next(name)
    if not found:
        return None
    last = list(found)[-1]
    if found[last].public_suffix:
        below = ".".join(domain.split(".")[-last.count(".") - 2 :])
        last = below if below in found else last
    return Governing(last, _asked(found[last], found[last].subdomain_policy))


def _place_of(name: str) -> str:
    return f"_dmarc.{name}"


def _asked(record: DmarcRecord, policy: str) -> DmarcPolicy:
    return _MILDER[policy] if record.testing else DmarcPolicy(policy)


def _record(texts: Sequence[str]) -> DmarcRecord | None:
    """The only record; None for none, or several."""
    records = [text for text in texts if is_dmarc(text)]
    return read_dmarc(records[0]) if len(records) == 1 else None


def _next(name: str) -> str:
    labels = name.split(".")
    return ".".join(labels[-_LABELS + 1 :] if len(labels) > _LABELS else labels[1:])
