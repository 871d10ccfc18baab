"""What an organisation sets beside its domains: addresses, signatures, who may be written to, repeated mail. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from mailroom.settings.claims import Claim, Ownership

__all__ = ["AddressEntry", "Desired", "Kind", "Setting", "desired", "repeated_within"]

DEFAULT_REPEATED_WITHIN: Final = timedelta(minutes=3)
LONGEST_REPEATED_WITHIN: Final = timedelta(days=30)
_DURATION: Final = re.compile(r"[+-]?([0-9]{1,12})(ms|s|m|h|d)?", re.ASCII)
_MILLISECONDS: Final = {"": 1, "ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


class Kind(StrEnum):
    """Kinds of settings that are neither domain nor address."""

    SIGNATURE = "signature"
    ALLOWED_RECIPIENT = "whitelist_email_address"
    REPEATED_WITHIN = "restrict_duplicates_within"


@dataclass(frozen=True, kw_only=True, slots=True)
class Setting:
    """One setting of a kind.

    Args:
        organization: whose it is.
        kind: see there.
        id: a UUID.
        value: text of a signature, address of a recipient, or a duration.
        name: of a signature, to choose it by.
        html: of a signature, safe to show.
        created_at: when, and by which user; likewise for the last change.
        revision: of the organisation's settings, when this was last written.
    """

    organization: str
    kind: Kind
    id: str
    created_at: datetime
    created_by: str
    updated_at: datetime
    updated_by: str
    value: str = ""
    name: str = ""
    html: str = ""
    revision: int = 0

    @property
    def bytes(self) -> int:
        """How long its texts are, as UTF-8."""
        return sum(len(text.encode()) for text in (self.name, self.value, self.html))


@dataclass(frozen=True, kw_only=True, slots=True)
class AddressEntry:
    """One address within a domain of the organisation.

    Args:
        organization: whose it is.
        id: the same whenever this organisation adds this address.
        address: in full, lower case.
        domain: that it lies in.
        token: of the claim that it was added under: with that claim it ends.
        name: to show beside it.
        user_ids: who may send from it, as the application knows its users; likewise `group_ids`.
        default_signature_id: a signature of the organisation, or "".
        shared_inbox_id: label of the application's own, or "".
        active: whether it is used at all.
        primary: whether it is the organisation's first address.
        created_at: when, and by which user; likewise for the last change.
        revision: of the organisation's settings, when this was last written.
    """

    organization: str
    id: str
    address: str
    domain: str
    token: str
    created_at: datetime
    created_by: str
    updated_at: datetime
    updated_by: str
    name: str = ""
    user_ids: tuple[str, ...] = ()
    group_ids: tuple[str, ...] = ()
    default_signature_id: str = ""
    shared_inbox_id: str = ""
    active: bool = True
    primary: bool = False
    revision: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Desired:
    """What the infrastructure of one domain is to be.

    Args:
        tenant: its id.
        organization: whose it is.
        domain: the subdomain.
        dns: "delegated" or "self-managed".
        token: that proves the domain.
        revision: of this wish: a higher one replaces it.
        live: whether anything is sent and received.
        removed: whether all of it is to go.
        addresses: that are to send and receive, in the order in which they were added, so that none moves to another receipt rule;
            names and what is switched off are looked up at run time.
    """

    tenant: str
    organization: str
    domain: str
    dns: str
    token: str
    revision: int
    live: bool
    removed: bool
    addresses: tuple[str, ...]


def desired(claim: Claim, addresses: tuple[AddressEntry, ...]) -> Desired | None:
    """What is to be made for a claim: nothing at all before its proof."""
    if not claim.owned:
        return None
    removed = claim.ownership is Ownership.LEAVING
    own = sorted(addresses, key=lambda one: (one.created_at, one.address))
    return Desired(
        tenant=claim.tenant,
        organization=claim.organization,
        domain=claim.domain,
        dns=claim.dns,
        token=claim.token,
        revision=claim.wanted,
        live=claim.live,
        removed=removed,
        addresses=()
        if removed
        else tuple(one.address for one in own if one.domain == claim.domain and one.token == claim.token),
    )


def repeated_within(value: str) -> timedelta:
    """The time within which the same mail is not sent again: `10s`, `5m`, `1d`, or milliseconds; 0 is never, a sign is ignored.

    Raises:
        ValueError: anything else, or more than 30 days.
    """
    match = _DURATION.fullmatch(value.strip())
    if match is None:
        raise ValueError('must be a number with ms, s, m, h or d, or one of milliseconds; write it as "5m"')
    milliseconds = int(match[1]) * _MILLISECONDS[match[2] or ""]
    if milliseconds > LONGEST_REPEATED_WITHIN / timedelta(milliseconds=1):
        raise ValueError('must be at most 30 days; write it as "1d"')
    return timedelta(milliseconds=milliseconds)
