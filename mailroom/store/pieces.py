"""Items of a message beside its own: deliveries, claims of identifiers, proofs. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, Final

from mailroom.findings import findings_text
from mailroom.lifetimes import CLAIMS_AHEAD, EXPIRES, KEPT_FROM
from mailroom.store.keys import (
    PARTITION,
    SORT,
    address_key,
    at_key,
    counted_key,
    delivery_key,
    id_key,
    own_key,
    sortable,
)
from mailroom.store.merging import Destination
from mailroom.store.table import Item, Write
from mailroom.store.work import Work

__all__ = ["claims", "delivery", "found_by", "place_of", "proof", "shown"]

_MOST_ABOVE: Final = 8
"""Most ancestors in a copy under an address: with more it is bigger than 1 kB."""
_OF_THE_MESSAGE_ALONE: Final = frozenset({"document", "filed", "recalled", "source", "thread", PARTITION, SORT})


def delivery(work: Work, *, first: bool) -> Item:
    """One delivery of the message."""
    arrival = work.arrival
    partition, sort = delivery_key(work.digest, arrival.ses_id)
    envelope = arrival.message.envelope
    authenticated = arrival.message.sender_authenticated
    return {
        PARTITION: partition,
        SORT: sort,
        "ses_id": arrival.ses_id,
        "source": arrival.source,
        "received": sortable(arrival.received),
        "sender": envelope.sender,
        "recipients": list(envelope.recipients),
        "verdicts": dict(envelope.verdicts),
        **({"verdict": arrival.verdict} if arrival.verdict else {}),
        **({"risks": list(arrival.risks)} if arrival.risks else {}),
        **({"removed": findings_text(arrival.removed)} if arrival.removed else {}),
        **({"sender_authenticated": authenticated} if authenticated else {}),
        "first": first,
        "announced": False,
        **work.term.stamps,
    }


def claims(work: Work, item: Item, place: Destination, thread: str) -> Iterator[Write]:
    """Claims of identifiers for this thread, as long as a message lives that names them; the message's own comes last.

    The own claim also names the message, unless another message named the identifier before.
    """
    stamps = work.term.ahead(CLAIMS_AHEAD).stamps
    for claim in place.claimed.values():
        # A merged thread expires with its messages, and its pointer with it: then the claim is renewed.
        if not work.term.outlives(work.standing.end(claim)) and claim["thread"] == thread:
            continue
        said, lost = work.longer(claim, CLAIMS_AHEAD)
        kept = {name: value for name, value in {**claim, **said, "thread": thread}.items() if name not in lost}
        # A pass may have given it another end meanwhile.
        same = f"#{EXPIRES} = :ends" if EXPIRES in claim else f"attribute_not_exists(#{EXPIRES})"
        was = {":there": claim["thread"], **({":ends": claim[EXPIRES]} if EXPIRES in claim else {})}
        yield Write(put=kept, condition=f"#thread = :there AND {same}", values=was)
    own = item["own"]
    for one in sorted(place.unclaimed, key=lambda one: one in own):
        partition, sort = id_key(one)
        gone = place.unclaimed[one]
        has: Item = {"digest": item["digest"], **_filed(item)} if one in own else {}
        values: dict[str, Any] = {":gone": gone} if gone else {}
        yield Write(
            put={PARTITION: partition, SORT: sort, "thread": thread, **has, **stamps},
            condition="#thread = :gone" if gone else "attribute_not_exists(#pk)",
            values=values,
        )


def proof(item: Item, place: Destination) -> Item | None:
    """Proof that the message is complete, and has its identifier; None where the identifier's claim is the proof.

    Args:
        item: the message.
        place: its identifiers, before they were claimed.
    """
    digest, own = item["digest"], item["own"]
    if own and own[0] in place.unclaimed:
        return None
    partition, sort = own_key(own[0], digest) if own else counted_key(digest)
    stamps: Item = {name: item[name] for name in (KEPT_FROM, EXPIRES) if name in item}
    return {PARTITION: partition, SORT: sort, "digest": digest, **_filed(item), **stamps}


def shown(item: Item, snippet: str) -> Item:
    """A message's attributes for lists."""
    kept = {name: value for name, value in item.items() if name not in _OF_THE_MESSAGE_ALONE}
    return {"snippet": snippet, **kept}


def place_of(item: Item) -> str:
    """Sort key of a message in lists."""
    return at_key(datetime.fromisoformat(item["at"]), item["digest"])


def found_by(item: Item, snippet: str, addresses: Iterable[str]) -> list[Item]:
    """Copies of a message under addresses."""
    copy, sort = shown(item, snippet), place_of(item)
    if len(copy["above"]) > _MOST_ABOVE:
        # Only threads need ancestors, and the message's item has them.
        copy.pop("above")
    return [{**copy, PARTITION: partition, SORT: sort} for partition in dict.fromkeys(map(address_key, addresses))]


def _filed(item: Item) -> dict[str, int]:
    return {"filed": item["filed"]} if "filed" in item else {}
