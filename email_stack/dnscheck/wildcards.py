"""Answers from a wildcard: they need no change at the name, and the wildcard stays."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from email_stack.dnscheck import remedies
from email_stack.dnscheck.directory import Answer, Directory, Zone
from email_stack.dnscheck.model import Finding, Status

__all__ = ["without_wildcard"]

_NAME_CHARACTERS: Final = 253
_JUDGED_BY_VALUE: Final = {
    Status.WRONG,
    Status.EXTRA,
    Status.SPLIT_WRONG,
    Status.CNAME_CONFLICT,
    Status.DUPLICATE_SPF,
    Status.DUPLICATE_DMARC,
    Status.TOO_MANY_LOOKUPS,
    Status.UNREACHABLE,
}
"""Verdicts on an existing value; the last is for SPF with a term that gets no answer."""


async def without_wildcard(finding: Finding, zone: Zone, answers: Sequence[Answer], directory: Directory) -> Finding:
    """The finding, or a missing record if all seen data comes from a wildcard.

    The check asks for two random names, one beside the record's and one below it. If both have the same data, the record's name
    does not exist, because a wildcard makes no data at and below an existing name.

    Args:
        finding: of one record.
        zone: the record's zone.
        answers: of the servers of `zone`, of which the first with a value is asked.
        directory: asks. Raises `ResolverError`.

    Source: RFC 4592 2.2.1, 3.3 and 4.
    """
    record = finding.record
    shown = next((one for one in answers if one.reply and one.reply.authoritative and _value(one)), None)
    if finding.status not in _JUDGED_BY_VALUE or shown is None:
        return finding
    label = f"no-such-name-{secrets.token_hex(6)}"
    beside, below = f"{label}.{record.name.partition('.')[2]}", f"{label}.{record.name}"
    if max(len(beside), len(below)) > _NAME_CHARACTERS:
        return finding
    same = await asyncio.gather(
        *(directory.one_says(zone, shown.server, name, record.type) for name in (beside, below))
    )
    if any(_value(one) != _value(shown) for one in same):
        return finding
    fix = remedies.missing(record, zone.name)
    return replace(finding, status=Status.MISSING, fix=fix, note=remedies.wildcard(record.name), via=())


def _value(answer: Answer) -> tuple[str, ...]:
    reply = answer.reply
    return () if reply is None else (*reply.chain[:1], *(() if reply.chain else reply.values))
