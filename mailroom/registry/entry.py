"""The entry of a tenant's stack for the functions of its cell. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

__all__ = ["Entry", "entry_from"]

_HASHED: Final = "hashed"
_PLAIN: Final = "plain"


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One tenant, in the parameter of its configuration set.

    Args:
        tenant: its id.
        stack: id of the stack that made the entry.
        table: name of the tenant's table.
        retention_days: lifetime of events, in whole days. Default: None, without limit.
        plain_addresses: whether suppressed addresses are stored with their digests. Default: False, digests only.
        book: digest of the address book. Default: "", the stack has none.
    """

    tenant: str
    stack: str
    table: str
    retention_days: int | None = None
    plain_addresses: bool = False
    book: str = ""

    @property
    def retention(self) -> timedelta | None:
        """Lifetime of events; None without limit."""
        return timedelta(days=self.retention_days) if self.retention_days is not None else None

    def as_json(self) -> dict[str, Any]:
        """JSON for the parameter's value, which `entry_from` reads."""
        return {
            "addresses": _PLAIN if self.plain_addresses else _HASHED,
            "book": self.book,
            "retention_days": self.retention_days,
            "stack": self.stack,
            "table": self.table,
            "tenant": self.tenant,
        }


def entry_from(value: str) -> Entry:
    """The entry of a parameter's value.

    Raises:
        ValueError: the value is no entry. The text names the fault, and repeats no part of the value.
    """
    try:
        said: Any = json.loads(value)
    except ValueError as error:
        raise ValueError("entry must be JSON") from error
    if not isinstance(said, dict):
        raise ValueError("entry must be an object")  # noqa: TRY004 - a value, as all that is wrong with it
    days, addresses = said.get("retention_days"), said.get("addresses")
    if addresses not in {_HASHED, _PLAIN}:
        raise ValueError(f"entry must have addresses, {_HASHED} or {_PLAIN}")
    if days is not None and (isinstance(days, bool) or not isinstance(days, int) or not 0 < days < 1_000_000):
        raise ValueError("entry must have retention_days, a number of days or null")
    texts: dict[str, Any] = {name: said.get(name) for name in ("tenant", "stack", "table", "book")}
    wrong = [name for name, text in texts.items() if not isinstance(text, str) or not (text or name == "book")]
    if wrong:
        raise ValueError(f"entry must have {wrong[0]}, a text")
    return Entry(**texts, retention_days=days, plain_addresses=addresses == _PLAIN)
