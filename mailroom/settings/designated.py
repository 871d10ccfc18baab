"""Operations on the addresses of an organisation's domains."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from mailroom.settings.claims import Claim, Ownership, setting_id, wanting_more
from mailroom.settings.entries import AddressEntry, Kind
from mailroom.settings.items import Entry
from mailroom.settings.refusals import Reason, RefusedError
from mailroom.settings.store import Actor, Change, SettingsStore, State

__all__ = ["AddressChange", "Addresses"]


@dataclass(frozen=True, kw_only=True, slots=True)
class AddressChange:
    """New values of an address; None leaves a field as it is.

    Args:
        name: display name.
        user_ids: users that may send from it; likewise `group_ids`.
        default_signature_id: a signature of the organisation; "" for none.
        shared_inbox_id: a label of the application; "" for none.
        active: whether it sends and receives.
    """

    name: str | None = None
    user_ids: tuple[str, ...] | None = None
    group_ids: tuple[str, ...] | None = None
    default_signature_id: str | None = None
    shared_inbox_id: str | None = None
    active: bool | None = None

    def fields(self) -> dict[str, Any]:
        """The fields with a new value."""
        return {name: value for name in self.__slots__ if (value := getattr(self, name)) is not None}


@dataclass(frozen=True, kw_only=True, slots=True)
class Addresses:
    """The addresses of organisations.

    Args:
        store: the table.
    """

    store: SettingsStore

    def all(self, organization: str) -> Sequence[AddressEntry]:
        """All addresses of an organisation, sorted. Raises MailroomError."""
        return self.store.state(organization).addresses()

    def one(self, organization: str, id: str) -> AddressEntry:
        """One address. Raises RefusedError when the organisation has none of that id, and MailroomError."""
        return _address(self.store.state(organization), id)

    def add(self, actor: Actor, address: str, change: AddressChange) -> AddressEntry:
        """Add an address; an existing one is returned, and must equal `change`.

        The deployment waits for the proof of the domain. Raises RefusedError and MailroomError.

        Args:
            actor: who asks.
            address: in full, both parts in their normal form.
            change: first values.
        """
        domain = address.rpartition("@")[2]

        def decide(state: State) -> Change[AddressEntry]:
            claim = state.claim(domain)
            if claim is None or claim.ownership is Ownership.LEAVING:
                raise RefusedError(
                    Reason.CONFLICT, f'address: domain must be one of yours, got "{domain}"; add the domain first'
                )
            _check_signature(state, change.default_signature_id)
            identifier = setting_id(actor.organization, "email_address", address)
            known = state.address(identifier)
            if known is not None:
                if replace(known, **change.fields()) != known:
                    raise RefusedError(Reason.CONFLICT, "address: exists with other values; update it by its id")
                return Change(result=known)
            others = state.addresses()
            if len(others) >= self.store.limits.addresses:
                raise RefusedError(
                    Reason.TOO_MANY, f"addresses: must be at most {self.store.limits.addresses}; delete another"
                )
            self._check_names(change, others)
            entry = AddressEntry(
                organization=actor.organization,
                id=identifier,
                address=address,
                domain=domain,
                token=claim.token,
                created_at=state.now,
                created_by=actor.user,
                updated_at=state.now,
                updated_by=actor.user,
                **change.fields(),
            )
            return Change(
                result=_written(entry, state),
                operation="addEmailAddress",
                before=[claim],
                after=[entry, wanting_more(claim)],
            )

        return self.store.change(actor, decide)

    def update(self, actor: Actor, id: str, change: AddressChange, revision: int | None = None) -> AddressEntry:
        """The address after a change, which needs no deployment. Raises RefusedError and MailroomError.

        Args:
            actor: who asks.
            id: of the address.
            change: new values.
            revision: the one that the caller read. Default: None, any.
        """

        def decide(state: State) -> Change[AddressEntry]:
            entry = _address(state, id)
            _check_revision(entry, revision)
            _check_signature(state, change.default_signature_id)
            fields = change.fields()
            if replace(entry, **fields) == entry:
                return Change(result=entry)
            if entry.primary and change.active is False:
                raise RefusedError(
                    Reason.CONFLICT, "address: is_active must be true of the primary one; make another one primary"
                )
            if change.name:
                self._check_names(change, [one for one in state.addresses() if one.id != id])
            after = replace(entry, **fields, updated_at=state.now, updated_by=actor.user)
            return Change(result=_written(after, state), operation="updateEmailAddress", before=[entry], after=[after])

        return self.store.change(actor, decide)

    def delete(self, actor: Actor, id: str, revision: int | None = None) -> AddressEntry:
        """Delete an address and return it. Raises RefusedError and MailroomError."""

        def decide(state: State) -> Change[AddressEntry]:
            entry = _address(state, id)
            _check_revision(entry, revision)
            claim = state.claim(entry.domain)
            after: list[Entry] = [wanting_more(claim)] if claim is not None else []
            before: list[Entry] = [entry, *([claim] if claim is not None else [])]
            return Change(result=entry, operation="deleteEmailAddress", before=before, after=after)

        return self.store.change(actor, decide)

    def _check_names(self, change: AddressChange, others: Sequence[AddressEntry]) -> None:
        most = self.store.limits.names_bytes
        total = len((change.name or "").encode()) + sum(len(one.name.encode()) for one in others)
        if total > most:
            raise RefusedError(
                Reason.TOO_MANY,
                f"name: names must be at most {most:,} bytes together, would be {total:,}; shorten them",
            )

    def make_primary(self, actor: Actor, address: str) -> AddressEntry:
        """Make one address the organisation's only primary one. Raises RefusedError and MailroomError."""

        def decide(state: State) -> Change[AddressEntry]:
            entries = state.addresses()
            entry = next((one for one in entries if one.address == address), None)
            if entry is None:
                raise RefusedError(Reason.MISSING, "address: not found; add it first")
            if entry.primary:
                return Change(result=entry)
            claim = state.claim(entry.domain)
            if not entry.active or claim is None or not claim.live:
                raise RefusedError(
                    Reason.CONFLICT,
                    "address: must be active on a verified domain to be primary; verify its domain first",
                )
            former = [one for one in entries if one.primary]
            after = [
                replace(one, primary=one is entry, updated_at=state.now, updated_by=actor.user)
                for one in (entry, *former)
            ]
            return Change(
                result=_written(after[0], state),
                operation="setEmailAddressPrimary",
                before=[entry, *former],
                after=after,
            )

        return self.store.change(actor, decide)


def _address(state: State, id: str) -> AddressEntry:
    entry = state.address(id)
    if entry is None:
        raise RefusedError(Reason.MISSING, "address: not found; take its id from the list")
    return entry


def _written(entry: AddressEntry, state: State) -> AddressEntry:
    return replace(entry, revision=state.revision + 1)


def _check_revision(entry: AddressEntry | Claim, revision: int | None) -> None:
    if revision is not None and revision != entry.revision:
        raise RefusedError(Reason.CHANGED, "address: has changed since you read it; read it again")


def _check_signature(state: State, id: str | None) -> None:
    if id and state.setting(Kind.SIGNATURE, id) is None:
        raise RefusedError(
            Reason.INVALID, "default_signature_id: must be the id of a signature; add the signature first"
        )
