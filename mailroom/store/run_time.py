"""Run-time settings of an organisation, which need no deployment: one item in the table of each of its tenants."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from mailroom.lifetimes import EXPIRES, REQUESTS
from mailroom.store.keys import ALLOWED_KEY, PARTITION, RUN_TIME_KEY, SORT, signature_key
from mailroom.store.table import ConflictError, Item, Table, Write

__all__ = [
    "AddressNow",
    "RunTime",
    "Signature",
    "forget_run_time",
    "put_run_time",
    "read_run_time",
    "read_signature",
    "run_time_as_json",
    "run_time_from",
]

_MILLISECOND: Final = timedelta(milliseconds=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Signature:
    """Signature for mail from an address.

    Args:
        text: as plain text; "" to derive it from the HTML.
        html: the same as HTML; "" to derive it from the text.
    """

    text: str = ""
    html: str = ""

    @property
    def digest(self) -> str:
        """Digest of text and HTML, which is the signature's id."""
        said = json.dumps([self.text, self.html]).encode("utf-8", "surrogatepass")
        return hashlib.sha256(said).hexdigest()[:32]


@dataclass(frozen=True, kw_only=True, slots=True)
class AddressNow:
    """Present settings of one address.

    Args:
        name: display name; "" for none.
        active: whether it is switched on.
        primary: whether it is the organisation's first address.
        signature: digest of its signature; "" for none.
    """

    name: str = ""
    active: bool = True
    primary: bool = False
    signature: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class RunTime:
    """Present settings of a tenant, beside its deployment. A switch that is off here overrides the deployment.

    Args:
        revision: of the organisation's settings; a lower one never replaces a higher one.
        live: whether the tenant sends and receives.
        addresses: by the address in full, lower case.
        repeated_within: time within which the same mail is not sent twice; 0 for none.
        allowed: allowed recipients, in lower case. Default: None, all.
    """

    revision: int
    live: bool = True
    addresses: Mapping[str, AddressNow] = field(default_factory=dict)
    repeated_within: timedelta = timedelta(0)
    allowed: frozenset[str] | None = None

    def is_on(self, address: str) -> bool:
        """Whether the address is switched on, which is the default."""
        known = self.addresses.get(address.lower())
        return self.live and (known is None or known.active)


def read_run_time(table: Table) -> RunTime | None:
    """The present run-time settings; None for a tenant without them. Raises MailroomError."""
    item = table.get(RUN_TIME_KEY)
    if item is None:
        return None
    allowed = frozenset((table.get(ALLOWED_KEY) or {"addresses": []})["addresses"]) if item["confined"] else None
    return RunTime(
        revision=item["revision"],
        live=item["live"],
        addresses={address: _address(said) for address, said in item["addresses"].items()},
        repeated_within=item["repeated_ms"] * _MILLISECOND,
        allowed=allowed,
    )


def run_time_as_json(run_time: RunTime) -> dict[str, Any]:
    """Run-time settings as JSON, for calls between functions."""
    return {
        "revision": run_time.revision,
        "live": run_time.live,
        "addresses": {address: _said(one) for address, one in run_time.addresses.items()},
        "repeated_ms": run_time.repeated_within // _MILLISECOND,
        "allowed": sorted(run_time.allowed) if run_time.allowed is not None else None,
    }


def run_time_from(said: Mapping[str, Any]) -> RunTime:
    """Run-time settings of that JSON. Raises KeyError, TypeError, ValueError."""
    allowed = said["allowed"]
    return RunTime(
        revision=int(said["revision"]),
        live=bool(said["live"]),
        addresses={str(address): _address(one) for address, one in said["addresses"].items()},
        repeated_within=int(said["repeated_ms"]) * _MILLISECOND,
        allowed=frozenset(map(str, allowed)) if allowed is not None else None,
    )


def read_signature(table: Table, digest: str) -> Signature | None:
    """The signature of that digest; None where it is gone. Raises MailroomError."""
    item = table.get(signature_key(digest))
    return Signature(text=item["text"], html=item["html"]) if item is not None else None


def put_run_time(table: Table, run_time: RunTime, signatures: Iterable[Signature], now: datetime) -> bool:
    """Write run-time settings, unless the table has a later revision. Returns whether they were written. Repeating is harmless.

    Signatures are written first, and stay as long as a request may name them: a repeated request gives the same message.

    Args:
        table: the tenant's.
        run_time: the settings.
        signatures: of its addresses.
        now: the time, with a time zone.

    Raises:
        MailroomError: AWS failed, or refuses.
    """
    ends = int((now + 2 * REQUESTS).timestamp())
    for one in {signature.digest: signature for signature in signatures}.values():
        table.put({**_keyed(signature_key(one.digest)), "text": one.text, "html": one.html, EXPIRES: ends})
    if run_time.allowed is not None:
        table.put({**_keyed(ALLOWED_KEY), "addresses": sorted(run_time.allowed)})
    item = {
        **_keyed(RUN_TIME_KEY),
        "revision": run_time.revision,
        "live": run_time.live,
        "addresses": {address: _said(one) for address, one in run_time.addresses.items()},
        "repeated_ms": run_time.repeated_within // _MILLISECOND,
        "confined": run_time.allowed is not None,
    }
    try:
        table.change(
            Write(
                put=item,
                condition="attribute_not_exists(#revision) OR #revision <= :revision",
                values={":revision": run_time.revision},
            )
        )
    except ConflictError:
        return False
    return True


def forget_run_time(table: Table) -> None:
    """Delete the run-time settings, so that only the deployment counts. Repeating is harmless. Raises MailroomError."""
    table.write([Write(delete=RUN_TIME_KEY), Write(delete=ALLOWED_KEY)])


def _keyed(key: tuple[str, str]) -> Item:
    return {PARTITION: key[0], SORT: key[1]}


def _said(one: AddressNow) -> list[object]:
    return [one.name, one.active, one.primary, one.signature]


def _address(said: list[object]) -> AddressNow:
    name, active, primary, signature = said
    return AddressNow(name=str(name), active=bool(active), primary=bool(primary), signature=str(signature))
