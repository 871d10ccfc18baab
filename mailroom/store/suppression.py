"""Suppressed addresses: those with a permanent bounce or a complaint.

SES's events arrive here without addresses. The outbox records a message's recipients, so a bounce counts against the address of a
message with one recipient, and against none if there were several.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from mailroom.errors import RetryableError
from mailroom.lifetimes import EXPIRES, KEPT_FROM, Term
from mailroom.store.keys import (
    MESSAGE,
    PARTITION,
    SORT,
    SUPPRESSED,
    SUPPRESSED_KEY,
    SUPPRESSED_PREFIX,
    sent_key,
    sortable,
)
from mailroom.store.table import ConflictError, Item, Table, Write
from mailroom.tracking.model import SendingEvent, SendingEventKind

__all__ = [
    "Suppression",
    "forget",
    "recipients_of",
    "record_recipients",
    "suppress",
    "suppression_of",
    "suppressions_of",
]

_NOTED: Final = {SendingEventKind.BOUNCE: "bounced", SendingEventKind.COMPLAINT: "complained"}
_TRIES: Final = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class Suppression:
    """An address with a permanent bounce or a complaint.

    Args:
        digest: digest of the address with this tenant's key: other tenants have other digests for it.
        address: the address in lower case; "" if only its digest is stored.
        bounced: time of the latest permanent bounce; None without one.
        complained: time of the latest complaint; None without one.
    """

    digest: str
    address: str
    bounced: datetime | None
    complained: datetime | None


def record_recipients(
    table: Table,
    ses_id: str,
    *,
    digest: str,
    recipients: tuple[str, ...],
    expires: int | None,
    kept_from: int | None = None,
) -> None:
    """Record the message of an SES id, and its recipients. Raises RetryableError.

    Args:
        table: the tenant's.
        ses_id: SES's id.
        digest: id of the message in the store.
        recipients: envelope recipients.
        expires: expiry of the message, in seconds since 1970; None without one.
        kept_from: start of its retention, in seconds since 1970. Default: unknown.
    """
    item: Item = {
        PARTITION: sent_key(ses_id),
        SORT: MESSAGE,
        "digest": digest,
        "recipients": list(recipients),
        **({EXPIRES: expires} if expires is not None else {}),
        **({KEPT_FROM: kept_from} if kept_from is not None else {}),
    }
    table.put(item)


def recipients_of(table: Table, ses_id: str) -> tuple[str, ...] | None:
    """Recipients of a message; None if they are not recorded. Raises RetryableError."""
    item = table.get((sent_key(ses_id), MESSAGE))
    return tuple(item["recipients"]) if item is not None else None


def suppress(
    table: Table,
    address: str,
    sending_event: SendingEvent,
    *,
    plain: bool,
    retention: timedelta | None = None,
    now: datetime | None = None,
) -> None:
    """Record a bounce or a complaint of an address; an older or repeated one changes nothing.

    Args:
        table: the tenant's.
        address: the recipient.
        sending_event: of kind BOUNCE or COMPLAINT.
        plain: whether to store the address with its digest.
        retention: lifetime, from the later of the event and now; None without limit.
        now: the time, with a time zone. Default: time of the event.

    Raises:
        RetryableError: AWS failed, or concurrent writes to the same address went on.
        KeyError: the event has another kind.
    """
    name, at = _NOTED[sending_event.kind], sortable(sending_event.at)
    digest = _digest(_key(table), address)
    own = (SUPPRESSED, f"{SUPPRESSED_PREFIX}{digest}")
    for _ in range(_TRIES):
        known = table.get(own) or {}
        if known.get(name, "") >= at:
            return
        changes: Item = {name: at, "digest": digest}
        if plain:
            changes["address"] = address.casefold()
        term = Term.of(sending_event.at, now or sending_event.at, retention)
        gone = [] if plain else ["address"]
        if EXPIRES not in known or term.outlives(known[EXPIRES]):
            changes |= term.stamps
            gone += [EXPIRES] if EXPIRES not in term.stamps else []
        expression = "SET " + ", ".join(f"#{one} = :{one}" for one in changes)
        expression += f" REMOVE {', '.join(f'#{one}' for one in gone)}" if gone else ""
        write = Write(
            update=(own, expression),
            condition=f"attribute_not_exists(#{name}) OR #{name} < :{name}",
            values={f":{one}": value for one, value in changes.items()},
        )
        try:
            table.change(write)
        except ConflictError:
            # A concurrent event of the same address.
            continue
        return
    raise RetryableError(f"table {table.name}: a suppression cannot be noted while others write; try again")


def suppression_of(table: Table, address: str) -> tuple[Suppression, int | None] | None:
    """The entry of an address, and its expiry; None without one. Raises RetryableError."""
    item = table.get(SUPPRESSED_KEY)
    if item is None:
        return None
    found = table.get((SUPPRESSED, f"{SUPPRESSED_PREFIX}{_digest(item['key'], address)}"))
    return (_suppression(found), found.get(EXPIRES)) if found is not None else None


def forget(table: Table, address: str) -> None:
    """Delete the entry of an address, if there is one.

    Raises:
        RetryableError: AWS failed, or concurrent writes to the same address went on.
    """
    item = table.get(SUPPRESSED_KEY)
    if item is None:
        return
    own = Write(delete=(SUPPRESSED, f"{SUPPRESSED_PREFIX}{_digest(item['key'], address)}"))
    for _ in range(_TRIES):
        try:
            table.write([own])
        except ConflictError:
            continue
        return
    raise RetryableError(f"table {table.name}: a suppression cannot be dropped while others write; try again")


def suppressions_of(
    table: Table, *, limit: int | None = None, after: Item | None = None
) -> tuple[list[tuple[Suppression, int | None]], Item | None]:
    """All suppressions, each with its expiry; and the position of the next page. Raises RetryableError."""
    items, following = table.query(SUPPRESSED, SUPPRESSED_PREFIX, limit=limit, after=after)
    return [(_suppression(item), item.get(EXPIRES)) for item in items], following


def _key(table: Table) -> str:
    """Key of this tenant's digests, in hexadecimal; made at its first use."""
    for _ in range(_TRIES):
        item = table.get(SUPPRESSED_KEY)
        if item is not None:
            return str(item["key"])
        made: Item = {PARTITION: SUPPRESSED_KEY[0], SORT: SUPPRESSED_KEY[1], "key": secrets.token_hex(32)}
        try:
            table.change(Write(put=made, condition="attribute_not_exists(#pk)"))
        except ConflictError:
            continue
        return str(made["key"])
    raise RetryableError(f"table {table.name}: the key of suppressions cannot be read or written; try again")


def _digest(key: str, address: str) -> str:
    """HMAC-SHA-256 of the address, whose case makes no difference. Source: RFC 2104."""
    return hmac.new(bytes.fromhex(key), address.casefold().encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()


def _suppression(item: Item) -> Suppression:
    bounced, complained = (item.get(name) for name in _NOTED.values())
    return Suppression(
        digest=item["digest"],
        address=item.get("address", ""),
        bounced=datetime.fromisoformat(bounced) if bounced else None,
        complained=datetime.fromisoformat(complained) if complained else None,
    )
