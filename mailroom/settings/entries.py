"""An organisation's settings beside domains: addresses, signatures, allowed recipients, repeated mail. Pure."""

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
        name: title of a signature.
        html: of a signature, sanitized.
        created_at: time, and `created_by` the user; likewise for the last change.
        revision: of the organisation's settings at the last write of this one.
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
        """Length of its texts in UTF-8."""
        return sum(len(text.encode()) for text in (self.name, self.value, self.html))


@dataclass(frozen=True, kw_only=True, slots=True)
class AddressEntry:
    """One address within a domain of the organisation.

    Args:
        organization: whose it is.
        id: of the pair of organisation and address.
        address: in full, lower case.
        domain: its domain.
        token: of the domain's claim; the address ends with that claim.
        name: display name.
        user_ids: the application's users that may send from it; likewise `group_ids`.
        default_signature_id: a signature of the organisation, or "".
        shared_inbox_id: a label of the application, or "".
        active: whether it sends and receives.
        primary: whether it is the organisation's primary address.
        created_at: time, and `created_by` the user; likewise for the last change.
        revision: of the organisation's settings at the last write of this one.
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
    """Wanted infrastructure of one domain.

    Args:
        tenant: its id.
        organization: its owner.
        domain: the subdomain.
        dns: "delegated" or "self-managed".
        token: proof of the domain.
        revision: a higher one replaces a lower one.
        live: whether mail is sent and received.
        removed: whether the infrastructure shall be removed.
        addresses: of the domain, in the order of their creation, so that none moves to another receipt rule; names and switched-off
            addresses are looked up at run time.
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
    """The wanted infrastructure of a claim; None before its proof."""
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
    """The time within which the same mail is sent once: `10s`, `5m`, `1d`, or milliseconds; 0 is no time, a sign is ignored.

    Raises:
        ValueError: another form, or more than 30 days.
    """
    match = _DURATION.fullmatch(value.strip())
    if match is None:
        raise ValueError('must be a number with ms, s, m, h or d, or one of milliseconds; write it as "5m"')
    milliseconds = int(match[1]) * _MILLISECONDS[match[2] or ""]
    if milliseconds > LONGEST_REPEATED_WITHIN / timedelta(milliseconds=1):
        raise ValueError('must be at most 30 days; write it as "1d"')
    return timedelta(milliseconds=milliseconds)
