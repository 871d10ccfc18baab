"""What a tenant's stack says of itself to the functions of its cell. Pure."""

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
    """One tenant, as the parameter of its configuration set holds it.

    Args:
        tenant: its id.
        stack: id of the stack that made the entry.
        table: name of the tenant's table.
        retention_days: how long events are kept, in whole days. Default: None, until somebody deletes them.
        plain_addresses: whether addresses that bounced or complained are kept, and not only their digests. Default: False.
        book: digest of the address book; another one is another book. Default: "", the stack holds none.
    """

    tenant: str
    stack: str
    table: str
    retention_days: int | None = None
    plain_addresses: bool = False
    book: str = ""

    @property
    def retention(self) -> timedelta | None:
        """How long events are kept; None until somebody deletes them."""
        return timedelta(days=self.retention_days) if self.retention_days is not None else None

    def as_json(self) -> dict[str, Any]:
        """What the parameter's value says; the opposite of `entry_from`."""
        return {
            "addresses": _PLAIN if self.plain_addresses else _HASHED,
            "book": self.book,
            "retention_days": self.retention_days,
            "stack": self.stack,
            "table": self.table,
            "tenant": self.tenant,
        }


def entry_from(value: str) -> Entry:
    """What a parameter's value says.

    Raises:
        ValueError: it is no entry. The text tells what is wrong, and nothing of the value.
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
