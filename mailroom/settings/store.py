"""The table of settings: one partition an organisation; each change is a noted transaction, conditional on what was read."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final, Generic, TypeVar

from mailroom.settings.claims import Claim
from mailroom.settings.entries import AddressEntry, Kind, Setting
from mailroom.settings.items import Entry, digest, held_from, held_item, item_of, key_of, mark, read
from mailroom.settings.keys import (
    ADDRESS_PREFIX,
    CHANGED,
    DOMAIN_PREFIX,
    INDEXES,
    LOOKS,
    address_key,
    audit_key,
    domain_key,
    meta_key,
    names_key,
    organization_partition,
    platform_key,
    rate_key,
    setting_key,
    setting_prefix,
)
from mailroom.settings.lifetimes import AUDIT_KEPT, Limits, Rate
from mailroom.settings.names_held import NamesHeld
from mailroom.settings.refusals import Reason, RefusedError
from mailroom.store.keys import EXPIRES, PARTITION, SORT, sortable
from mailroom.store.table import ConflictError, Item, Table, UnderWayError, Write

__all__ = ["Actor", "Change", "SettingsStore", "State"]

_TRIES: Final = 8
_DELETED_AT_ONCE: Final = 100
"""DynamoDB API reference, "TransactWriteItems"."""
_CHANGED: Final = INDEXES[LOOKS]
_T = TypeVar("_T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Actor:
    """The user who asks, and the organisation, as the token names them."""

    organization: str
    user: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Change(Generic[_T]):
    """One transaction.

    Args:
        result: returned to the caller.
        operation: its name in the note; "" for no write.
        before: entries before the change; those that `after` lacks are deleted.
        after: entries after the change.
        held: names after the change. Default: None, unchanged.
    """

    result: _T
    operation: str = ""
    before: Sequence[Entry] = ()
    after: Sequence[Entry] = ()
    held: NamesHeld | None = None


@dataclass(slots=True)
class State:
    """An organisation's present settings; each part is read when a method asks for it."""

    store: SettingsStore
    organization: str
    now: datetime
    revision: int
    _names: dict[str, NamesHeld] = field(default_factory=dict)

    def claim(self, domain: str) -> Claim | None:
        """The claim to a domain; None without a valid claim."""
        item = self.store.table.get(domain_key(self.organization, domain))
        found = read(Claim, item) if item is not None else None
        return found if found is not None and found.lives(self.now) else None

    def claims(self) -> list[Claim]:
        """All valid claims, by domain."""
        found = [read(Claim, item) for item in self.store.items(self.organization, DOMAIN_PREFIX)]
        return [one for one in found if one.lives(self.now)]

    def address(self, id: str) -> AddressEntry | None:
        """An address; None where it is missing or the claim that it was added under is gone."""
        item = self.store.table.get(address_key(self.organization, id))
        found = read(AddressEntry, item) if item is not None else None
        claim = self.claim(found.domain) if found is not None else None
        return found if found is not None and claim is not None and claim.token == found.token else None

    def addresses(self) -> list[AddressEntry]:
        """All addresses whose claim still exists, by address."""
        tokens = {claim.domain: claim.token for claim in self.claims()}
        found = [read(AddressEntry, item) for item in self.store.items(self.organization, ADDRESS_PREFIX)]
        return sorted((one for one in found if tokens.get(one.domain) == one.token), key=lambda one: one.address)

    def setting(self, kind: Kind, id: str) -> Setting | None:
        """A setting by its id."""
        item = self.store.table.get(setting_key(self.organization, kind, id))
        return read(Setting, item) if item is not None else None

    def settings(self, kind: Kind) -> list[Setting]:
        """All settings of a kind, the oldest first."""
        found = [read(Setting, item) for item in self.store.items(self.organization, setting_prefix(kind))]
        return sorted(found, key=lambda one: (one.created_at, one.id))

    def confined(self) -> bool:
        """Whether mail goes to allowed recipients only, as for a test organisation."""
        return bool((self.store.table.get(platform_key(self.organization)) or {}).get("confined", False))

    def held(self, registered: str) -> NamesHeld:
        """Holders of the names below a registered domain; read once, as its version is the condition of the write."""
        if registered not in self._names:
            self._names[registered] = held_from(registered, self.store.table.get(names_key(registered)))
        return self._names[registered]


@dataclass(frozen=True, kw_only=True, slots=True)
class SettingsStore:
    """The table, within the permissions of the client's session.

    Args:
        table: the table of settings.
        limits: of each organisation.
        clock: the time now, with a time zone.
    """

    table: Table
    limits: Limits = field(default_factory=Limits)
    clock: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))

    def state(self, organization: str) -> State:
        """The present settings. Raises MailroomError, as its methods do."""
        meta = self.table.get(meta_key(organization)) or {}
        return State(self, organization, self.clock(), int(meta.get("revision", 0)))

    def confine(self, organization: str, confined: bool) -> None:
        """Restrict an organisation's mail to its allowed recipients, or lift that: for operators. Raises MailroomError."""
        partition, sort = platform_key(organization)
        self.table.put({PARTITION: partition, SORT: sort, "confined": confined})
        mark = Write(
            update=(meta_key(organization), f"SET {' , '.join(f'#{name} = :{name}' for name in _CHANGED)}"),
            condition="attribute_exists(#revision)",
            values={f":{name}": value for name, value in _changed(self.clock()).items()},
        )
        # An organisation without settings has nothing to copy.
        with suppress(ConflictError):
            self.table.change(mark)

    def brought(self, organization: str, revision: int) -> None:
        """Note that tenants have a revision's settings; changes nothing where there is a later one. Raises MailroomError."""
        names = ", ".join(f"#{name}" for name in _CHANGED)
        forget = Write(
            update=(meta_key(organization), f"REMOVE {names}"),
            condition="#revision = :revision",
            values={":revision": revision},
        )
        with suppress(ConflictError):
            self.table.change(forget)

    def items(self, organization: str, prefix: str) -> list[Item]:
        """All items of an organisation of one kind. Raises MailroomError."""
        found: list[Item] = []
        after: Item | None = None
        while True:
            page, after = self.table.query(organization_partition(organization), prefix, after=after)
            found += page
            if after is None:
                return found

    def change(self, actor: Actor, decide: Callable[[State], Change[_T]]) -> _T:
        """Write the change that `decide` makes of the present settings; after a conflicting write, decide anew.

        Raises:
            RefusedError: `decide` raises it; or conflicting writes go on.
            MailroomError: AWS failed.
        """
        for attempt in range(_TRIES):
            state = self.state(actor.organization)
            change = decide(state)
            if not change.operation:
                return change.result
            try:
                self.table.write(self._writes(actor, state, change))
            except (ConflictError, UnderWayError):
                time.sleep(random.uniform(0, 0.02 * 2**attempt))  # noqa: S311 - no secret
            else:
                return change.result
        raise RefusedError(
            Reason.TOO_FAST, "settings: are being changed by others; try again in a second", retry_after_seconds=1
        )

    def spend(self, organization: str, rate: Rate) -> None:
        """Count one request against a rate limit. Raises RefusedError when it is reached."""
        now = self.clock().timestamp()
        window = int(now // rate.seconds)
        key = rate_key(organization, rate.name, window)
        end = (window + 1) * rate.seconds
        for attempt in range(_TRIES):
            write = Write(
                update=(key, "SET #expires = :expires ADD #spent :one"),
                condition="attribute_not_exists(#spent) OR #spent < :most",
                values={":expires": end + rate.seconds, ":one": 1, ":most": rate.most},
            )
            try:
                self.table.change(write)
            except (ConflictError, UnderWayError):
                if int((self.table.get(key) or {}).get("spent", 0)) >= rate.most:
                    break
                time.sleep(random.uniform(0, 0.02 * 2**attempt))  # noqa: S311 - no secret
            else:
                return
        wait = max(1, int(end - now) + 1)
        raise RefusedError(
            Reason.TOO_FAST,
            f"{rate.name}: must be at most {rate.most} in {rate.seconds} s; try again in {wait} s",
            retry_after_seconds=wait,
        )

    def forget_addresses(self, organization: str, token: str) -> None:
        """Delete the addresses of a claim that is gone; no method shows them any more. Raises MailroomError."""
        found = [read(AddressEntry, item) for item in self.items(organization, ADDRESS_PREFIX)]
        keys = [key_of(one) for one in found if one.token == token]
        for start in range(0, len(keys), _DELETED_AT_ONCE):
            self.table.write([Write(delete=key) for key in keys[start : start + _DELETED_AT_ONCE]])

    def _writes(self, actor: Actor, state: State, change: Change[Any]) -> list[Write]:
        revision = state.revision + 1
        partition, sort = meta_key(actor.organization)
        kept = {key_of(one) for one in change.after}
        meta = {PARTITION: partition, SORT: sort, "revision": revision, **_changed(state.now)}
        writes = [_versioned(meta, "revision", state.revision)]
        writes += [Write(put=item_of(replace(one, revision=revision))) for one in change.after]
        writes += [Write(delete=key_of(one)) for one in change.before if key_of(one) not in kept]
        if change.held is not None:
            read_version = state.held(change.held.registered).version
            after = replace(change.held, version=read_version + 1)
            writes.append(_versioned(held_item(after), "version", read_version))
        return [*writes, Write(put=_note(actor, state.now, revision, change))]


def _changed(now: datetime) -> Item:
    """Attributes that mark an organisation until its tenants have its latest settings."""
    return mark(LOOKS, CHANGED, now)


def _versioned(item: Item, name: str, read_version: int) -> Write:
    if not read_version:
        return Write(put=item, condition=f"attribute_not_exists(#{name})")
    return Write(put=item, condition=f"#{name} = :read", values={":read": read_version})


def _note(actor: Actor, now: datetime, revision: int, change: Change[Any]) -> Item:
    """The note on a change: user, operation, entries, and digests of their states, without content."""
    partition, sort = audit_key(actor.organization, revision)
    before, after = ({key_of(one): one for one in entries} for entries in (change.before, change.after))
    subjects = [
        {"key": key[1], "before": digest(before.get(key)), "after": digest(after.get(key))}
        for key in dict.fromkeys([*before, *after])
    ]
    return {
        PARTITION: partition,
        SORT: sort,
        "at": sortable(now),
        "user": actor.user,
        "operation": change.operation,
        "subjects": subjects,
        EXPIRES: int((now + AUDIT_KEPT).timestamp()),
    }
