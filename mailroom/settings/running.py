"""Run-time settings of an organisation's domains, which need no deployment, and their copies in the tenants' tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from mailroom.settings.claims import Claim
from mailroom.settings.entries import DEFAULT_REPEATED_WITHIN, AddressEntry, Kind, Setting, repeated_within
from mailroom.settings.store import SettingsStore
from mailroom.store.run_time import AddressNow, RunTime, Signature

__all__ = ["Running", "run_time_of"]


def run_time_of(
    claim: Claim,
    revision: int,
    *,
    addresses: Iterable[AddressEntry],
    signatures: Iterable[Setting] = (),
    repeated: Sequence[Setting] = (),
    allowed: Iterable[Setting] | None = None,
) -> tuple[RunTime, tuple[Signature, ...]]:
    """The run-time settings of one domain, and the signatures of its addresses.

    Args:
        claim: to the domain.
        revision: of the organisation's settings.
        addresses: of the organisation.
        signatures: of the organisation.
        repeated: the time for repeated mail, if it is set. Default: 3 minutes.
        allowed: the only recipients. Default: None, all addresses.
    """
    known = {one.id: Signature(text=one.value, html=one.html) for one in signatures}
    own = [one for one in addresses if one.domain == claim.domain and one.token == claim.token]
    used = {
        one.default_signature_id: known[one.default_signature_id] for one in own if one.default_signature_id in known
    }
    now = RunTime(
        revision=revision,
        live=claim.live,
        addresses={
            one.address: AddressNow(
                name=one.name,
                active=one.active,
                primary=one.primary,
                signature=used[one.default_signature_id].digest if one.default_signature_id in used else "",
            )
            for one in own
        },
        repeated_within=_within(repeated),
        allowed=frozenset(one.value.lower() for one in allowed) if allowed is not None else None,
    )
    return now, tuple(used.values())


def _within(repeated: Sequence[Setting]) -> timedelta:
    return repeated_within(repeated[0].value) if repeated else DEFAULT_REPEATED_WITHIN


@dataclass(frozen=True, kw_only=True, slots=True)
class Running:
    """Copies run-time settings into the tables of an organisation's tenants.

    Args:
        store: the table of settings.
        put: writes run-time settings and their signatures to a tenant's table; False where the tenant has no table (any more).
            Raises MailroomError.
    """

    store: SettingsStore
    put: Callable[[str, RunTime, Sequence[Signature]], bool]

    def bring(self, organization: str) -> int:
        """Write the run-time settings to each tenant that has a table, and return the number of tenants. Repeating is harmless.

        Settings may be newer than the revision, which is read first: the writer of the newer ones starts another copy.

        Raises:
            MailroomError: AWS failed, or refuses.
        """
        state = self.store.state(organization)
        claims = [one for one in state.claims() if one.owned]
        if not claims:
            return 0
        addresses, signatures = state.addresses(), state.settings(Kind.SIGNATURE)
        repeated = state.settings(Kind.REPEATED_WITHIN)
        allowed = state.settings(Kind.ALLOWED_RECIPIENT) if state.confined() else None
        brought = 0
        for claim in claims:
            now, used = run_time_of(
                claim, state.revision, addresses=addresses, signatures=signatures, repeated=repeated, allowed=allowed
            )
            brought += self.put(claim.tenant, now, used)
        return brought
