"""The life of a domain: an organisation claims it, proves it, holds it, and gives it up. Pure.

A claim gives a token only. The first organisation that shows its token in the domain's DNS holds the name; infrastructure is wanted
from then on. Each change is a function from the present state to the next one, or raises `RefusedError`.
"""

from __future__ import annotations

import secrets
import uuid
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from mailroom.settings.lifetimes import CLAIM_LIVES, UNSEEN_FOR
from mailroom.settings.names_held import NamesHeld
from mailroom.settings.refusals import Reason, RefusedError

__all__ = [
    "Claim",
    "Ownership",
    "Status",
    "given_up",
    "new_claim",
    "ownership_name",
    "proven",
    "setting_id",
    "unseen",
    "wanting_more",
]

_OWNERSHIP_LABEL: Final = "_email-claim"
_TOKEN_BYTES: Final = 16
_TOKEN_PREFIX: Final = "email-claim="  # noqa: S105 - what stands before each token
_IDS: Final = uuid.UUID("5a3f5f1e-6f0b-5d56-9c1b-1d1d0f9f6c39")


class Ownership(StrEnum):
    """Ownership of the name."""

    CLAIMED = "claimed"
    PROVEN = "proven"
    SUSPENDED = "suspended"
    """Proven once, but the proof has been gone for too long: no mail is sent or received."""
    LEAVING = "leaving"
    """Given up, with infrastructure that is still deployed."""


class Status(StrEnum):
    """Progress of a domain, as its owner sees it."""

    CLAIMED = "claimed"
    PROVEN = "proven"
    DEPLOYING = "deploying"
    AWAITING_DNS = "awaiting_dns"
    ACTIVE = "active"
    FAILED = "failed"
    SUSPENDED = "suspended"
    LEAVING = "leaving"


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """A domain of an organisation, proven or not.

    Args:
        organization: who claims it.
        domain: a subdomain, as `constructs_lib.names.tenant_subdomain` returns it.
        registered: the registered domain that it lies below.
        id: of the pair of organisation and domain; each claim to it has the same.
        tenant: permanent id of its infrastructure.
        dns: "delegated", the subdomain gets a zone of ours, or "self-managed", its owner keeps the records.
        token: content of the TXT record; each claim has its own.
        ownership: see there.
        created_at: when it was claimed; `updated_at` when it last changed.
        created_by: the user; `updated_by` the last one.
        expires_at: when a claim without proof ends. None once it is proven.
        proven_at: when the proof was seen first. None before.
        unseen_since: time of the first check that missed the proof. None when the last check saw it.
        wanted: revision that the infrastructure shall have; 0 before the proof.
        deployed: revision that it has; 0 for none.
        failure: reason of the last deployment's failure; "" without a failure.
        running: revision under deployment; 0 for none.
        run_at: time when the last deployment began or ended. None before the first.
        waits_until: time of the next look at a run that waits for the owner's DNS. None while it waits for nothing.
        tries: failed attempts to deploy the wanted revision.
        name_servers: of the deployed zone; none before, and where the owner keeps the records.
        zone: id of that zone; "" for none.
        records: needed DNS records, each as text; none before the first deployment.
        found: finding of the last check on each record, as text; none before it.
        ready: whether that check found all required records.
        checked_at: time of the last DNS check. None before the first.
        seen: result of that check, in words.
        revision: of the organisation's settings at the last write of the claim.
    """

    organization: str
    domain: str
    registered: str
    id: str
    tenant: str
    token: str
    ownership: Ownership
    created_at: datetime
    created_by: str
    updated_at: datetime
    updated_by: str
    expires_at: datetime | None = None
    proven_at: datetime | None = None
    unseen_since: datetime | None = None
    wanted: int = 0
    deployed: int = 0
    failure: str = ""
    running: int = 0
    run_at: datetime | None = None
    waits_until: datetime | None = None
    tries: int = 0
    name_servers: tuple[str, ...] = ()
    zone: str = ""
    records: tuple[str, ...] = ()
    found: tuple[str, ...] = ()
    ready: bool = False
    checked_at: datetime | None = None
    seen: str = ""
    revision: int = 0
    dns: str = "delegated"

    @property
    def status(self) -> Status:
        """Status for the owner."""
        if self.ownership is not Ownership.PROVEN:
            return Status(self.ownership.value)
        if self.failure:
            return Status.FAILED
        if not self.deployed:
            return Status.DEPLOYING if self.running else Status.PROVEN
        return Status.ACTIVE if self.ready else Status.AWAITING_DNS

    @property
    def owned(self) -> bool:
        """Whether the domain may have infrastructure."""
        return self.ownership is not Ownership.CLAIMED

    @property
    def live(self) -> bool:
        """Whether mail may be sent and received on it."""
        return self.ownership is Ownership.PROVEN

    @property
    def pending(self) -> str:
        """Reason why the deployed infrastructure is not the wanted one, as a clause; "" where it is."""
        if not self.owned:
            return "is not verified"
        if self.ownership is Ownership.LEAVING:
            return "is being deleted"
        if self.running:
            return f"revision {self.running} is being deployed"
        return f"revision {self.wanted} is wanted, {self.deployed} is deployed" if self.wanted != self.deployed else ""

    def lives(self, now: datetime) -> bool:
        """Whether the claim is valid. An expired one is not, though its item may still be in the table."""
        return self.expires_at is None or now < self.expires_at


def ownership_name(domain: str) -> str:
    """Name of the TXT record that proves a domain with its token."""
    return f"{_OWNERSHIP_LABEL}.{domain}"


def setting_id(organization: str, kind: str, value: str) -> str:
    """The id of a setting by its value, so that an organisation has each value once."""
    return str(uuid.uuid5(_IDS, f"{organization}\n{kind}\n{value}"))


def new_claim(
    organization: str,
    domain: str,
    registered: str,
    *,
    held: NamesHeld,
    tenant: str,
    user: str,
    now: datetime,
    dns: str = "delegated",
) -> Claim:
    """A claim without proof, with a new token. It blocks no other claim: several organisations may claim the same name.

    Raises:
        RefusedError: the name, a parent or a child of it is held, or rests after another organisation held it.
    """
    _refuse_held(held, organization, domain, now)
    return Claim(
        organization=organization,
        domain=domain,
        registered=registered,
        id=setting_id(organization, "email_domain", domain),
        tenant=tenant,
        token=f"{_TOKEN_PREFIX}{secrets.token_hex(_TOKEN_BYTES)}",
        ownership=Ownership.CLAIMED,
        created_at=now,
        created_by=user,
        updated_at=now,
        updated_by=user,
        expires_at=now + CLAIM_LIVES,
        dns=dns,
    )


def proven(claim: Claim, held: NamesHeld, now: datetime) -> tuple[Claim, NamesHeld]:
    """The claim after every authoritative server showed its token: the name is held, and infrastructure is wanted.

    Raises:
        RefusedError: the claim expired or is being given up, or another organisation was first.
    """
    if not claim.lives(now):
        raise RefusedError(Reason.MISSING, f'domain "{claim.domain}": claim has expired; add the domain again')
    if claim.ownership is Ownership.LEAVING:
        raise RefusedError(Reason.CONFLICT, f'domain "{claim.domain}": is being deleted; add it again when it is gone')
    _refuse_held(held, claim.organization, claim.domain, now)
    first = claim.ownership is Ownership.CLAIMED
    after = replace(
        claim if claim.ownership is Ownership.PROVEN else _anew(claim),
        ownership=Ownership.PROVEN,
        expires_at=None,
        proven_at=claim.proven_at or now,
        unseen_since=None,
    )
    return after, held.with_holder(claim.domain, claim.organization, now) if first else held


def unseen(claim: Claim, now: datetime) -> Claim:
    """The claim after a check that found the token at no server. Three days without it suspend a domain and delete nothing."""
    if claim.ownership is not Ownership.PROVEN:
        return claim
    since = claim.unseen_since or now
    if now - since < UNSEEN_FOR:
        return replace(claim, unseen_since=since)
    return replace(_anew(claim), unseen_since=since, ownership=Ownership.SUSPENDED)


def given_up(claim: Claim, held: NamesHeld, now: datetime) -> tuple[Claim | None, NamesHeld]:
    """The claim after its owner deleted it, None when no part of it is left; and the names that are held then.

    A deployment, also that of a run that began or failed, is removed first. The name rests only then: it stays its owner's as long
    as its DNS may lead to us.
    """
    if claim.ownership is Ownership.CLAIMED:
        return None, held
    if claim.deployed or claim.running or claim.run_at is not None:
        if claim.ownership is Ownership.LEAVING:
            return claim, held
        return replace(_anew(claim), ownership=Ownership.LEAVING), held
    return None, held.with_resting(claim.domain, claim.organization, now)


def wanting_more(claim: Claim) -> Claim:
    """The claim after a change of its deployed settings: one revision more, once it is proven."""
    return _anew(claim) if claim.owned else claim


def _anew(claim: Claim) -> Claim:
    """The claim with a new wanted revision, without failed attempts."""
    return replace(claim, wanted=claim.wanted + 1, tries=0)


def _refuse_held(held: NamesHeld, organization: str, domain: str, now: datetime) -> None:
    """Refuse a name that is held, or lies in or around a held one. The error hides another holder's name."""
    blocking = held.blocking(domain, organization, now)
    if blocking is None:
        return
    if blocking.organization == organization:
        raise RefusedError(
            Reason.CONFLICT,
            f'domain "{domain}": must not be nested in or around another domain, is with your "{blocking.name}"; '
            "delete that one first",
        )
    raise RefusedError(
        Reason.CONFLICT,
        f'domain "{domain}": is held, or rests after it was held, or lies in or around such a domain; '
        "if your organisation owns it, have the other holder delete it, or ask support",
    )
