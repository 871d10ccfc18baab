"""What the platform's operators do with the table of settings, over all organisations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final

from mailroom.settings.claims import Claim
from mailroom.settings.deployments import due, look_at
from mailroom.settings.entries import AddressEntry, Desired, desired
from mailroom.settings.items import held_from, held_item, read
from mailroom.settings.keys import (
    CHANGED,
    CHECKS,
    DAILY,
    DOMAIN_PREFIX,
    INDEXES,
    LOOKS,
    NAMES_PREFIX,
    RUNNING,
    WAITING,
    holder_key,
    names_key,
    organization_of,
)
from mailroom.settings.names_held import NamesHeld
from mailroom.settings.refusals import Reason, RefusedError
from mailroom.settings.store import Actor, Change, SettingsStore, State
from mailroom.store.keys import PARTITION, SORT, sortable
from mailroom.store.table import ConflictError, Item, Key, Write, pause

__all__ = ["PLATFORM", "Operating", "Reserved"]

PLATFORM: Final = "#platform"
"""Holds the names that the platform's own config has; no token names such an organisation."""
_TRIES: Final = 8
_PAGE: Final = 25
"""A look that has enough to do reads no further."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reserved:
    """What reserving names did, or would do.

    Args:
        new: that were free.
        taken: that an organisation holds, that rest, or that lie in or around such a name.
        gone: that the platform holds, and its config names no more.
    """

    new: tuple[str, ...]
    taken: tuple[str, ...]
    gone: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Operating:
    """Operators' work on the table.

    Args:
        store: the table.
    """

    store: SettingsStore

    def claims(self) -> Iterator[Claim]:
        """Every claim that lives, of every organisation, in no order: reads the whole table. Raises MailroomError."""
        now = self.store.clock()
        for item in self._items():
            if item[PARTITION].startswith("ORG#") and item[SORT].startswith(DOMAIN_PREFIX):
                claim = read(Claim, item)
                if claim.lives(now):
                    yield claim

    def hold(self, holder: str, seconds: float) -> bool:
        """Have the looks of this table for so long, or longer than before; whether nobody else has. Raises MailroomError."""
        now = self.store.clock().timestamp()
        write = Write(
            update=(holder_key(), "SET #holder = :holder, #until = :until"),
            condition="attribute_not_exists(#until) OR #until < :now OR #holder = :holder",
            values={":holder": holder, ":until": int(now + seconds), ":now": int(now)},
        )
        try:
            self.store.table.change(write)
        except ConflictError:
            return False
        return True

    def let_go(self, holder: str) -> None:
        """Leave the looks to others; nothing where they are another's by now. Raises MailroomError."""
        write = Write(
            update=(holder_key(), "SET #until = :until"),
            condition="#holder = :holder",
            values={":holder": holder, ":until": 0},
        )
        with suppress(ConflictError):
            self.store.table.change(write)

    def oldest(self) -> float:
        """For how many seconds the run that is to begin, or to go on, waits the longest; 0 for none. Raises MailroomError."""
        now, longest = self.store.clock(), 0.0
        for claims in (self.running(), self.waiting()):
            claim = next(claims, None)
            since = look_at(claim) if claim is not None else None
            # Of one that waits for its owner, nobody else can do anything.
            if claim is not None and since is not None and claim.waits_until is None:
                longest = max(longest, (now - since).total_seconds())
        return longest

    def running(self) -> Iterator[Claim]:
        """Claims whose run is under way, and waits for nobody. Raises MailroomError."""
        return (one for one in self._marked(LOOKS, RUNNING) if one.running)

    def waiting(self) -> Iterator[Claim]:
        """Claims whose run is to begin now, the one that waits longest first. Raises MailroomError."""
        return (one for one in self._marked(LOOKS, WAITING) if not one.running and due(one, self.store.clock()))

    def unchecked(self) -> Iterator[Claim]:
        """Claims whose daily check is due, the longest unseen first. Raises MailroomError."""
        return self._marked(CHECKS, DAILY)

    def changed(self) -> Iterator[str]:
        """Organisations whose tenants do not have yet what holds of their settings. Raises MailroomError."""
        return (organization_of(partition) for partition, _ in self._keys(LOOKS, CHANGED))

    def _marked(self, index: str, of: str) -> Iterator[Claim]:
        """Claims as they are now: an index follows its table after a moment."""
        for key in self._keys(index, of):
            item = self.store.table.get(key)
            claim = read(Claim, item) if item is not None else None
            if claim is not None and claim.lives(self.store.clock()):
                yield claim

    def _keys(self, index: str, of: str) -> Iterator[Key]:
        """What is to be looked at by now, page by page."""
        until, after = sortable(self.store.clock()), None
        while True:
            page, after = self.store.table.query(
                of, index=index, names=INDEXES[index], until=until, limit=_PAGE, after=after
            )
            yield from ((item[PARTITION], item[SORT]) for item in page)
            if after is None:
                return

    def wishes(self) -> Iterator[Desired]:
        """What is wanted of each domain that is proven. Raises MailroomError."""
        addresses: dict[str, list[AddressEntry]] = {}
        for claim in self.claims():
            if not claim.owned:
                continue
            if claim.organization not in addresses:
                addresses[claim.organization] = self.store.state(claim.organization).addresses()
            wish = desired(claim, tuple(addresses[claim.organization]))
            if wish is not None:
                yield wish

    def hand_over(self, claim: Claim) -> None:
        """Take a domain from its organisation, for the platform's own config: nothing of it is removed. Nothing where it was taken.

        Raises:
            RefusedError: something is wanted of it that is not deployed.
            MailroomError: AWS failed.
        """

        def decide(state: State) -> Change[None]:
            found = state.claim(claim.domain)
            if found is None or found.token != claim.token:
                return Change(result=None)
            if why := found.pending:
                raise RefusedError(Reason.CONFLICT, f'domain "{found.domain}": {why}; try again when it is deployed')
            held = state.held(found.registered).with_holder(found.domain, PLATFORM, state.now)
            return Change(result=None, operation="handOver", before=[found], after=[], held=held)

        self.store.change(Actor(organization=claim.organization, user="platform"), decide)
        self.store.forget_addresses(claim.organization, claim.token)

    def reserve(self, names: Mapping[str, str], *, apply: bool, release: bool = False) -> Reserved:
        """Hold the platform's own names, so that no organisation can prove one of them.

        Args:
            names: registered domain of each name.
            apply: whether it is written, and not only told.
            release: whether names that the platform holds beside these are given up; they rest as every name does.

        Raises:
            MailroomError: AWS failed.
            RefusedError: too many names are held below one registered domain.
        """
        held = {one.registered: one for one in self._held()}
        by_registered: dict[str, list[str]] = {domain: [] for domain in held}
        for name, registered in names.items():
            by_registered.setdefault(registered, []).append(name)
        found: list[Reserved] = []
        for registered, wanted in sorted(by_registered.items()):
            found.append(self._reserve(registered, sorted(wanted), apply=apply, release=release))
        return Reserved(
            new=tuple(name for one in found for name in one.new),
            taken=tuple(name for one in found for name in one.taken),
            gone=tuple(name for one in found for name in one.gone),
        )

    def _reserve(self, registered: str, wanted: list[str], *, apply: bool, release: bool) -> Reserved:
        key = names_key(registered)
        for attempt in range(_TRIES):
            held = held_from(registered, self.store.table.get(key))
            after, reserved = self._after(held, wanted, release=release)
            if not apply or after.names == held.names:
                return reserved
            item = held_item(replace(after, version=held.version + 1))
            condition = "#version = :read" if held.version else "attribute_not_exists(#version)"
            values = {":read": held.version} if held.version else {}
            try:
                self.store.table.change(Write(put=item, condition=condition, values=values))
            except ConflictError:
                pause(attempt)
                continue
            return reserved
        raise ConflictError

    def _after(self, held: NamesHeld, wanted: list[str], *, release: bool) -> tuple[NamesHeld, Reserved]:
        now, after = self.store.clock(), held
        new, taken = [], []
        own = {one.name for one in held.names.values() if one.organization == PLATFORM and one.rests_until is None}
        gone = sorted(own - set(wanted))
        for name in gone if release else ():
            after = after.with_resting(name, PLATFORM, now)
        for name in wanted:
            if name in own:
                continue
            if after.blocking(name, PLATFORM, now) is not None:
                taken.append(name)
                continue
            after = after.with_holder(name, PLATFORM, now)
            new.append(name)
        return after, Reserved(new=tuple(new), taken=tuple(taken), gone=tuple(gone))

    def _held(self) -> Iterator[NamesHeld]:
        for item in self._items():
            if item[PARTITION].startswith(NAMES_PREFIX):
                yield held_from(item[PARTITION].removeprefix(NAMES_PREFIX), item)

    def _items(self) -> Iterator[Item]:
        after: Key | None = None
        while True:
            page, after = self.store.table.scan(after=after)
            yield from page
            if after is None:
                return
