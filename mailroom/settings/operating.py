"""Operations of the platform's operators on the table of settings, over all organisations."""

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
"""Holder of the names of the platform's own config; no token can name such an organisation."""
_TRIES: Final = 8
_PAGE: Final = 25
"""Items a page. A look with enough work stops reading."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reserved:
    """Result of reserving names.

    Args:
        new: names that were free.
        taken: names that an organisation holds, that rest, or that lie in or around such a name.
        gone: names that the platform holds and its config no longer has.
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
        """Every valid claim of every organisation, in no order: reads the whole table. Raises MailroomError."""
        now = self.store.clock()
        for item in self._items():
            if item[PARTITION].startswith("ORG#") and item[SORT].startswith(DOMAIN_PREFIX):
                claim = read(Claim, item)
                if claim.lives(now):
                    yield claim

    def hold(self, holder: str, seconds: float) -> bool:
        """Take or prolong the hold of the looks; False while another holder has it. Raises MailroomError."""
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
        """End the hold of the looks; changes nothing where another holder has it. Raises MailroomError."""
        write = Write(
            update=(holder_key(), "SET #until = :until"),
            condition="#holder = :holder",
            values={":holder": holder, ":until": 0},
        )
        with suppress(ConflictError):
            self.store.table.change(write)

    def oldest(self) -> float:
        """Seconds that the longest waiting run waits to begin or to go on; 0 for none. Raises MailroomError."""
        now, longest = self.store.clock(), 0.0
        for claims in (self.running(), self.waiting()):
            claim = next(claims, None)
            since = look_at(claim) if claim is not None else None
            # A run that waits for its owner is no fault of the platform.
            if claim is not None and since is not None and claim.waits_until is None:
                longest = max(longest, (now - since).total_seconds())
        return longest

    def running(self) -> Iterator[Claim]:
        """Claims with a run under way whose look is due. Raises MailroomError."""
        return (one for one in self._marked(LOOKS, RUNNING) if one.running)

    def waiting(self) -> Iterator[Claim]:
        """Claims whose run shall begin now, the longest waiting first. Raises MailroomError."""
        return (one for one in self._marked(LOOKS, WAITING) if not one.running and due(one, self.store.clock()))

    def unchecked(self) -> Iterator[Claim]:
        """Claims whose daily check is due, the longest unseen first. Raises MailroomError."""
        return self._marked(CHECKS, DAILY)

    def changed(self) -> Iterator[str]:
        """Organisations whose tenants lack the latest settings. Raises MailroomError."""
        return (organization_of(partition) for partition, _ in self._keys(LOOKS, CHANGED))

    def _marked(self, index: str, of: str) -> Iterator[Claim]:
        """Due claims, read from the table: the index follows it after a moment."""
        for key in self._keys(index, of):
            item = self.store.table.get(key)
            claim = read(Claim, item) if item is not None else None
            if claim is not None and claim.lives(self.store.clock()):
                yield claim

    def _keys(self, index: str, of: str) -> Iterator[Key]:
        """Keys of due items, page by page."""
        until, after = sortable(self.store.clock()), None
        while True:
            page, after = self.store.table.query(
                of, index=index, names=INDEXES[index], until=until, limit=_PAGE, after=after
            )
            yield from ((item[PARTITION], item[SORT]) for item in page)
            if after is None:
                return

    def wishes(self) -> Iterator[Desired]:
        """Wanted infrastructure of each proven domain. Raises MailroomError."""
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
        """Move a domain from its organisation to the platform's own config, with its infrastructure. Repeating changes nothing.

        Raises:
            RefusedError: the wanted revision is not deployed.
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
            apply: whether the names are written.
            release: whether other names of the platform are given up; they rest as every name does.

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
