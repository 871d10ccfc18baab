"""Deployment runs of a domain's infrastructure: a run begins, and is done, failed, or has removed all of it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from mailroom.settings.claims import Claim, Ownership
from mailroom.settings.names_held import NamesHeld

__all__ = ["MOST_TRIES", "begun", "done", "due", "failed", "look_at", "removed", "waiting"]

MOST_TRIES: Final = 3
"""Attempts for one revision. After them a newer revision or an operator starts the next one."""
_WAITS: Final = (timedelta(0), timedelta(minutes=1), timedelta(minutes=10))
_LOST_AFTER: Final = timedelta(hours=1)
"""A run without news for so long begins anew: a repeated run is harmless."""
_SOONEST: Final = timedelta(seconds=5)
_LATEST: Final = timedelta(hours=1)


def due(claim: Claim, now: datetime) -> bool:
    """Whether a run shall begin now: the wanted revision is not deployed, no run is under way, and few attempts failed."""
    if not claim.owned or claim.wanted == claim.deployed:
        return False
    if claim.running:
        return claim.run_at is None or now - claim.run_at >= _LOST_AFTER
    if claim.tries >= MOST_TRIES:
        return False
    return claim.run_at is None or now - claim.run_at >= _WAITS[claim.tries]


def look_at(claim: Claim) -> datetime | None:
    """Time of the next look at the claim: its run is under way, or is due then. None for neither."""
    if not claim.owned or (not claim.running and (claim.wanted == claim.deployed or claim.tries >= MOST_TRIES)):
        return None
    if claim.running:
        return claim.waits_until or claim.run_at or claim.updated_at
    return claim.updated_at if claim.run_at is None else claim.run_at + _WAITS[claim.tries]


def waiting(claim: Claim, why: str, now: datetime) -> Claim:
    """The claim while its removal waits for the owner. Looks become rarer with the waiting time, at most an hour apart."""
    wait = min(max((now - claim.updated_at) / 10, _SOONEST), _LATEST)
    return replace(claim, seen=why, waits_until=now + wait)


def begun(claim: Claim, now: datetime) -> Claim:
    """The claim while a run deploys the wanted revision."""
    return replace(claim, running=claim.wanted, run_at=now, waits_until=None)


def done(
    claim: Claim,
    revision: int,
    *,
    name_servers: Sequence[str],
    records: Sequence[str],
    now: datetime,
    zone: str = "",
) -> Claim:
    """The claim after a revision was deployed; a revision lower than the deployed one changes nothing.

    Args:
        claim: present state.
        revision: the deployed one.
        name_servers: of the deployed zone; none where the owner keeps the records.
        records: needed DNS records, each as text.
        now: the time.
        zone: id of the deployed zone. Default: "", no zone.
    """
    if revision < claim.deployed:
        return claim
    same = tuple(records) == claim.records
    return replace(
        claim,
        deployed=revision,
        running=0,
        run_at=now,
        tries=0,
        failure="",
        name_servers=tuple(name_servers),
        zone=zone,
        records=tuple(records),
        found=claim.found if same else (),
        ready=claim.ready and same,
        # The last check looked at other records.
        checked_at=claim.checked_at if same else None,
    )


def failed(claim: Claim, revision: int, reason: str, now: datetime) -> Claim:
    """The claim after a failed, rolled-back deployment; the failure of a run that is not under way changes nothing."""
    if revision != claim.running:
        return claim
    return replace(claim, running=0, run_at=now, tries=claim.tries + 1, failure=reason)


def removed(claim: Claim, held: NamesHeld, now: datetime) -> tuple[Claim | None, NamesHeld]:
    """The claim after its infrastructure was removed: a claim that is being given up ends, and its name rests."""
    if claim.ownership is not Ownership.LEAVING:
        return claim, held
    return None, held.with_resting(claim.domain, claim.organization, now)
