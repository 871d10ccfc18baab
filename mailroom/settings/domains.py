"""Operations on an organisation's domains."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from mailroom.settings.claims import Claim, Ownership, given_up, new_claim, proven, unseen
from mailroom.settings.lifetimes import CHECK_EVERY
from mailroom.settings.refusals import Reason, RefusedError
from mailroom.settings.store import Actor, Change, SettingsStore, State

__all__ = ["Domains", "Seen", "tenant_id"]

_OPERATION_CHECKED: Final = "checkDomain"
_NOT_OF_AN_ID: Final = re.compile(r"[^a-z0-9]++")
_TENANT_CHARACTERS: Final = 32
_SUFFIX_CHARACTERS: Final = 6


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """Result of a DNS check of a claim's token.

    Args:
        everywhere: every authoritative server has the token.
        nowhere: at least one server answered, and no answer has the token.
        text: the result in words, for the owner.
        found: finding on each of the claim's records, as text. Default: none, they were not checked.
        ready: whether all required records were found. Default: None, a check had no answer.
    """

    everywhere: bool
    nowhere: bool
    text: str
    found: tuple[str, ...] = ()
    ready: bool | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Domains:
    """The domains of organisations.

    Args:
        store: the table.
    """

    store: SettingsStore

    def all(self, organization: str) -> Sequence[Claim]:
        """All claims of an organisation, proven or not, by domain. Raises MailroomError."""
        return self.store.state(organization).claims()

    def one(self, organization: str, domain: str) -> Claim:
        """One claim. Raises RefusedError when the organisation has none of that name, and MailroomError."""
        return _claim(self.store.state(organization), domain)

    def add(self, actor: Actor, domain: str, registered: str, dns: str = "delegated") -> Claim:
        """Claim `domain`, or return the existing claim. Raises RefusedError and MailroomError.

        Args:
            actor: who asks.
            domain: as `constructs_lib.names.tenant_subdomain` returns it.
            registered: as `constructs_lib.names.registrable_domain` returns it.
            dns: "delegated" or "self-managed"; an existing claim keeps its own. Default: "delegated".
        """
        known = self.store.state(actor.organization).claim(domain)
        if known is not None and known.ownership is not Ownership.LEAVING:
            return known
        self.store.spend(actor.organization, self.store.limits.claims)

        def decide(state: State) -> Change[Claim]:
            limits, claims = self.store.limits, state.claims()
            known = next((one for one in claims if one.domain == domain), None)
            if known is not None:
                if known.ownership is Ownership.LEAVING:
                    raise RefusedError(
                        Reason.CONFLICT, f'domain "{domain}": is being deleted; add it again when it is gone'
                    )
                return Change(result=known)
            if len(claims) >= limits.domains:
                raise RefusedError(Reason.TOO_MANY, f"domains: must be at most {limits.domains}; delete another")
            if sum(one.ownership is Ownership.CLAIMED for one in claims) >= limits.pending:
                raise RefusedError(
                    Reason.TOO_MANY,
                    f"domains: must be at most {limits.pending} that are not verified; verify or delete another",
                )
            claim = new_claim(
                actor.organization,
                domain,
                registered,
                held=state.held(registered),
                tenant=tenant_id(actor.organization, domain),
                user=actor.user,
                now=state.now,
                dns=dns,
            )
            return Change(result=_written(claim, state), operation="addDomain", after=[claim])

        return self.store.change(actor, decide)

    def delete(self, actor: Actor, domain: str) -> None:
        """Give up a domain with its addresses: off at once, free for others 30 days after its infrastructure is removed.

        Raises RefusedError and MailroomError.
        """

        def decide(state: State) -> Change[Claim | None]:
            claim = _claim(state, domain)
            held = state.held(claim.registered)
            after, left = given_up(claim, held, state.now)
            if after == claim:
                return Change(result=None)
            if after is not None:
                after = replace(after, updated_at=state.now, updated_by=actor.user)
            return Change(
                result=None if after is not None else claim,
                operation="deleteDomain",
                before=[claim],
                after=[after] if after is not None else [],
                held=left if left is not held else None,
            )

        gone = self.store.change(actor, decide)
        if gone is not None:
            self.store.forget_addresses(actor.organization, gone.token)

    def due(self, organization: str, domain: str) -> Claim | None:
        """The claim when its next DNS check is due; None soon after the last one. Raises RefusedError and MailroomError."""
        claim = self.one(organization, domain)
        recent = claim.checked_at is not None and self.store.clock() - claim.checked_at < CHECK_EVERY
        return None if recent else claim

    def checked(self, actor: Actor, asked: Claim, seen: Seen) -> Claim:
        """The claim after a check of its token: proven where every server has it.

        Args:
            actor: who asked for the check.
            asked: the checked claim; a newer claim to the domain is refused.
            seen: result of the check.

        Raises RefusedError and MailroomError.
        """

        def decide(state: State) -> Change[Claim]:
            claim = _claim(state, asked.domain)
            if claim.token != asked.token:
                raise RefusedError(
                    Reason.CHANGED, f'domain "{asked.domain}": was added anew meanwhile; verify it again'
                )
            held = state.held(claim.registered)
            after, names = claim, held
            text = seen.text
            if seen.everywhere and claim.ownership is not Ownership.LEAVING:
                try:
                    after, names = proven(claim, held, state.now)
                except RefusedError as refusal:
                    if refusal.reason is not Reason.CONFLICT:
                        raise
                    text = str(refusal)
            elif seen.nowhere:
                after = unseen(claim, state.now)
            # An owner who checks a domain under deletion has perhaps changed its DNS: the run looks again at once.
            after = replace(after, checked_at=state.now, seen=text, waits_until=None)
            if seen.found and after.records == asked.records:
                after = replace(after, found=seen.found, ready=after.ready if seen.ready is None else seen.ready)
            if after.ownership is not claim.ownership:
                after = replace(after, updated_at=state.now, updated_by=actor.user)
            return Change(
                result=_written(after, state),
                operation="proveDomain" if names is not held else _OPERATION_CHECKED,
                before=[claim],
                after=[after],
                held=names if names is not held else None,
            )

        return self.store.change(actor, decide)


def tenant_id(organization: str, domain: str) -> str:
    """The id of a domain's infrastructure: the organisation's id, cut to what an id can hold, and six characters of a digest."""
    suffix = hashlib.sha256(f"{organization}\n{domain}".encode()).hexdigest()[:_SUFFIX_CHARACTERS]
    slug = _NOT_OF_AN_ID.sub("-", organization.lower()).strip("-")
    if not slug or not slug[0].isalpha():
        slug = f"o-{slug}".strip("-")
    return f"{slug[: _TENANT_CHARACTERS - _SUFFIX_CHARACTERS - 1].rstrip('-')}-{suffix}"


def _written(claim: Claim, state: State) -> Claim:
    return replace(claim, revision=state.revision + 1)


def _claim(state: State, domain: str) -> Claim:
    claim = state.claim(domain)
    if claim is None:
        raise RefusedError(Reason.MISSING, f'domain "{domain}": not found; add it first')
    return claim
