"""Operations on an organisation's signatures, allowed recipients, and time for repeated mail."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from mailroom.settings.claims import setting_id
from mailroom.settings.entries import Kind, Setting
from mailroom.settings.refusals import Reason, RefusedError
from mailroom.settings.store import Actor, Change, SettingsStore, State

__all__ = ["Preferences", "SettingChange"]


@dataclass(frozen=True, kw_only=True, slots=True)
class SettingChange:
    """New values of a setting; None leaves a field as it is.

    Args:
        value: text of a signature, address of a recipient, or a duration, in its normal form.
        name: of a signature.
        html: of a signature, sanitized.
    """

    value: str | None = None
    name: str | None = None
    html: str | None = None

    def fields(self) -> dict[str, Any]:
        """The fields with a new value."""
        return {name: value for name in self.__slots__ if (value := getattr(self, name)) is not None}


@dataclass(frozen=True, kw_only=True, slots=True)
class Preferences:
    """Settings of organisations that are neither domain nor address.

    Args:
        store: the table.
    """

    store: SettingsStore

    def all(self, organization: str, kind: Kind) -> Sequence[Setting]:
        """All settings of a kind, the oldest first. Raises MailroomError."""
        return self.store.state(organization).settings(kind)

    def one(self, organization: str, kind: Kind, id: str) -> Setting:
        """One setting. Raises RefusedError when the organisation has none of that id, and MailroomError."""
        return _setting(self.store.state(organization), kind, id)

    def add(self, actor: Actor, kind: Kind, change: SettingChange, key: str = "") -> Setting:
        """Add a setting. An existing recipient is returned; an existing time for repeated mail is changed.

        Args:
            actor: who asks.
            kind: see there.
            change: first values.
            key: idempotency key of a signature: the same key returns the same signature. Default: "", a new one each time.

        Raises RefusedError and MailroomError.
        """

        def decide(state: State) -> Change[Setting]:
            identifier = _id(actor.organization, kind, change, key)
            known = state.setting(kind, identifier)
            if known is not None:
                if kind is Kind.REPEATED_WITHIN:
                    return self._changed(state, actor, known, change)
                if replace(known, **change.fields()) != known:
                    raise RefusedError(Reason.CONFLICT, "idempotency-key: was used with other values; use a new one")
                return Change(result=known)
            entry = Setting(
                organization=actor.organization,
                kind=kind,
                id=identifier,
                created_at=state.now,
                created_by=actor.user,
                updated_at=state.now,
                updated_by=actor.user,
                **change.fields(),
            )
            self._check_room(entry, state.settings(kind))
            return Change(result=replace(entry, revision=state.revision + 1), operation="addSetting", after=[entry])

        return self.store.change(actor, decide)

    def update(self, actor: Actor, kind: Kind, id: str, change: SettingChange, revision: int | None = None) -> Setting:
        """The setting after a change. Raises RefusedError and MailroomError.

        Args:
            actor: who asks.
            kind: see there.
            id: of the setting.
            change: new values.
            revision: the one that the caller read. Default: None, any.
        """

        def decide(state: State) -> Change[Setting]:
            entry = _setting(state, kind, id)
            _check_revision(entry, revision)
            if kind is Kind.ALLOWED_RECIPIENT and change.value not in {None, entry.value}:
                raise RefusedError(
                    Reason.CONFLICT, "value: of a recipient cannot be changed; delete it and add another one"
                )
            return self._changed(state, actor, entry, change)

        return self.store.change(actor, decide)

    def delete(self, actor: Actor, kind: Kind, id: str, revision: int | None = None) -> Setting:
        """Delete a setting and return it. Raises RefusedError and MailroomError."""

        def decide(state: State) -> Change[Setting]:
            entry = _setting(state, kind, id)
            _check_revision(entry, revision)
            if kind is Kind.SIGNATURE:
                used = sum(one.default_signature_id == id for one in state.addresses())
                if used:
                    raise RefusedError(
                        Reason.CONFLICT,
                        f"signature: must not be the default of an address, is of {used}; give them another one first",
                    )
            return Change(result=entry, operation="deleteSetting", before=[entry])

        return self.store.change(actor, decide)

    def _changed(self, state: State, actor: Actor, entry: Setting, change: SettingChange) -> Change[Setting]:
        after = replace(entry, **change.fields())
        if after == entry:
            return Change(result=entry)
        after = replace(after, updated_at=state.now, updated_by=actor.user)
        self._check_room(after, [one for one in state.settings(entry.kind) if one.id != entry.id])
        return Change(
            result=replace(after, revision=state.revision + 1), operation="updateSetting", before=[entry], after=[after]
        )

    def _check_room(self, entry: Setting, others: Sequence[Setting]) -> None:
        limits = self.store.limits
        most = {Kind.SIGNATURE: limits.signatures, Kind.ALLOWED_RECIPIENT: limits.allowed_recipients}
        if len(others) >= most.get(entry.kind, 1):
            raise RefusedError(
                Reason.TOO_MANY, f"{entry.kind}: must be at most {most.get(entry.kind, 1)}; delete another"
            )
        if entry.kind is not Kind.SIGNATURE:
            return
        if entry.bytes > limits.signature_bytes:
            raise RefusedError(
                Reason.INVALID,
                f"signature: must be at most {limits.signature_bytes:,} bytes, is {entry.bytes:,}; shorten it",
            )
        total = entry.bytes + sum(one.bytes for one in others)
        if total > limits.signatures_bytes:
            raise RefusedError(
                Reason.TOO_MANY,
                f"signatures: must be at most {limits.signatures_bytes:,} bytes together, would be {total:,}; delete another",
            )


def _id(organization: str, kind: Kind, change: SettingChange, key: str) -> str:
    if kind is Kind.SIGNATURE:
        return setting_id(organization, f"{kind} by key", key) if key else str(uuid.uuid4())
    return setting_id(organization, kind, (change.value or "") if kind is Kind.ALLOWED_RECIPIENT else "")


def _setting(state: State, kind: Kind, id: str) -> Setting:
    entry = state.setting(kind, id)
    if entry is None:
        raise RefusedError(Reason.MISSING, f"{kind}: not found; take its id from the list")
    return entry


def _check_revision(entry: Setting, revision: int | None) -> None:
    if revision is not None and revision != entry.revision:
        raise RefusedError(Reason.CHANGED, "setting: has changed since you read it; read it again")
