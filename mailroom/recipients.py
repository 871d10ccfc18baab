"""The object with a message's envelope recipients, which the scanner writes and the ingest function reads. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

__all__ = ["listed_in", "listing"]


def listing(recipients: Iterable[str]) -> str:
    """The object's content."""
    return json.dumps({"recipients": list(recipients)})


def listed_in(data: bytes) -> tuple[str, ...]:
    """Recipients in an object; none of one that is not of this form."""
    try:
        said = json.loads(data)
    except (ValueError, RecursionError):
        return ()
    found = said.get("recipients") if isinstance(said, Mapping) else None
    return tuple(one for one in found if isinstance(one, str)) if isinstance(found, list) else ()
