"""Where pages begin, as text that callers hand back. Pure."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

from mailroom.store.table import Item

__all__ = ["position_of", "token_of"]


def token_of(position: Item | None) -> str:
    """The position as text; "" for none."""
    return base64.urlsafe_b64encode(json.dumps(position).encode()).decode() if position else ""


def position_of(token: str, names: set[str]) -> Item | None:
    """The position of a token; None for "".

    Raises:
        ValueError: it is none of such a page.
    """
    if not token:
        return None
    try:
        position: Any = json.loads(base64.urlsafe_b64decode(token))
    except (binascii.Error, ValueError) as error:
        raise ValueError(f"after must be the `next` of a page, got {token!r}") from error
    if (
        not isinstance(position, dict)
        or position.keys() != names
        or not all(isinstance(one, str) for one in position.values())
    ):
        raise ValueError(f"after must be the `next` of such a page, got {token!r}")
    return position
