"""Holders of the names below one registered domain, over all organisations. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from mailroom.settings.lifetimes import NAMES_OF_ONE_DOMAIN, REST
from mailroom.settings.refusals import Reason, RefusedError

__all__ = ["Held", "NamesHeld"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """One name.

    Args:
        name: A-labels, lower case.
        organization: the holder, or the last one.
        since: begin of the hold.
        rests_until: end of the rest after the name was given up. None while it is held.
    """

    name: str
    organization: str
    since: datetime
    rests_until: datetime | None = None

    def free(self, now: datetime) -> bool:
        """Whether the rest is over."""
        return self.rests_until is not None and now >= self.rests_until


@dataclass(frozen=True, kw_only=True, slots=True)
class NamesHeld:
    """All names that are held or rest below one registered domain: one item of the table, written as a whole.

    Args:
        registered: the registered domain.
        names: by name.
        version: raised by each write; 0 before the first. A write is conditional on the version that was read.
    """

    registered: str
    names: Mapping[str, Held] = field(default_factory=dict)
    version: int = 0

    def blocking(self, name: str, organization: str, now: datetime) -> Held | None:
        """The name that keeps `organization` from holding `name`; None for none.

        Another organisation's name blocks while it is held or rests; an own name blocks while it is held above or below.
        """
        for held in self.names.values():
            if held.free(now):
                continue
            nested = name.endswith(f".{held.name}") or held.name.endswith(f".{name}")
            if held.organization != organization:
                if nested or held.name == name:
                    return held
            elif nested and held.rests_until is None:
                return held
        return None

    def with_holder(self, name: str, organization: str, now: datetime) -> NamesHeld:
        """The names after `organization` proved `name`. Raises `RefusedError` when too many are held below the domain."""
        kept = {held.name: held for held in self.names.values() if not held.free(now)}
        kept[name] = Held(name=name, organization=organization, since=now)
        if len(kept) > NAMES_OF_ONE_DOMAIN:
            raise RefusedError(
                Reason.TOO_MANY,
                f'domain "{name}": must be one of at most {NAMES_OF_ONE_DOMAIN:,} below "{self.registered}"; delete another',
            )
        return replace(self, names=kept)

    def with_resting(self, name: str, organization: str, now: datetime) -> NamesHeld:
        """The names after `organization` gave `name` up."""
        held = self.names.get(name)
        if held is None or held.organization != organization or held.rests_until is not None:
            return self
        return replace(self, names={**self.names, name: replace(held, rests_until=now + REST)})
