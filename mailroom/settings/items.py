"""Settings as items of the table, and back. Pure."""

from __future__ import annotations

import hashlib
import json
import types
from dataclasses import fields
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from typing import Any, TypeVar, cast, get_args, get_origin, get_type_hints

from mailroom.settings.claims import Claim, Ownership
from mailroom.settings.deployments import look_at
from mailroom.settings.entries import AddressEntry, Setting
from mailroom.settings.keys import (
    CHECKS,
    DAILY,
    INDEXES,
    LOOKS,
    RUNNING,
    WAITING,
    address_key,
    domain_key,
    names_key,
    setting_key,
)
from mailroom.settings.lifetimes import CHECK_DAILY
from mailroom.settings.names_held import Held, NamesHeld
from mailroom.store.keys import EXPIRES, PARTITION, SORT, sortable
from mailroom.store.table import Item

__all__ = ["Entry", "digest", "held_from", "held_item", "item_of", "key_of", "mark", "read"]

Entry = Claim | AddressEntry | Setting
_T = TypeVar("_T", Claim, AddressEntry, Setting, Held)


def key_of(entry: Entry) -> tuple[str, str]:
    """Key of an entry."""
    if isinstance(entry, Claim):
        return domain_key(entry.organization, entry.domain)
    if isinstance(entry, AddressEntry):
        return address_key(entry.organization, entry.id)
    return setting_key(entry.organization, entry.kind, entry.id)


def item_of(entry: Entry) -> Item:
    """The item of an entry. DynamoDB deletes a claim without proof a day after its end."""
    partition, sort = key_of(entry)
    expires = entry.expires_at if isinstance(entry, Claim) else None
    ending = {EXPIRES: int(expires.timestamp()) + 86_400} if expires is not None else {}
    marks = _marks(entry) if isinstance(entry, Claim) else {}
    return {PARTITION: partition, SORT: sort, **_values(entry), **ending, **marks}


def mark(index: str, of: str, at: datetime) -> Item:
    """Attributes that put an item into an index, with the time when its next look is due."""
    partition, sort = INDEXES[index]
    return {partition: of, sort: sortable(at)}


def _marks(claim: Claim) -> Item:
    """Attributes that put a claim into the indexes."""
    found: Item = {}
    if (at := look_at(claim)) is not None:
        found |= mark(LOOKS, RUNNING if claim.running else WAITING, at)
    if claim.ownership is not Ownership.LEAVING:
        # A new claim is due at once.
        found |= mark(CHECKS, DAILY, claim.checked_at + CHECK_DAILY if claim.checked_at else claim.created_at)
    return found


def read(kind: type[_T], item: Item) -> _T:
    """The entry of an item."""
    return kind(**{name: _read(hint, item[name]) for name, hint in _hints(cast("Any", kind)).items() if name in item})


def held_item(held: NamesHeld) -> Item:
    """The item of the names below one registered domain."""
    partition, sort = names_key(held.registered)
    names = {name: _values(one) for name, one in held.names.items()}
    return {PARTITION: partition, SORT: sort, "names": names, "version": held.version}


def held_from(registered: str, item: Item | None) -> NamesHeld:
    """The names of an item, none where there is no item."""
    if item is None:
        return NamesHeld(registered=registered)
    names = {name: read(Held, one) for name, one in item["names"].items()}
    return NamesHeld(registered=registered, names=names, version=int(item["version"]))


def digest(entry: Entry | None) -> str:
    """SHA-256 of an entry, which tells its states apart and hides its content; "" for None."""
    if entry is None:
        return ""
    return hashlib.sha256(json.dumps(_values(entry), sort_keys=True).encode("utf-8", "surrogatepass")).hexdigest()


def _values(entry: Entry | Held) -> dict[str, Any]:
    found = {one.name: getattr(entry, one.name) for one in fields(entry)}
    return {name: _written(value) for name, value in found.items() if value is not None}


def _written(value: Any) -> Any:
    if isinstance(value, datetime):
        return sortable(value)
    if isinstance(value, StrEnum):
        return value.value
    return list(value) if isinstance(value, tuple) else value


@cache
def _hints(kind: Any) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {one.name: hints[one.name] for one in fields(kind)}


def _read(hint: Any, value: Any) -> Any:
    if isinstance(hint, types.UnionType):
        hint = next(one for one in get_args(hint) if one is not type(None))
    if hint is datetime:
        return datetime.strptime(value, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
    if get_origin(hint) is tuple:
        return tuple(value)
    return hint(value)
