"""Dates of headers. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

__all__ = ["read_date"]

_COMMENT: Final = re.compile(r"\([^()]*\)")
_WHITE: Final = re.compile(r"\s+")
_MOST_CHARACTERS: Final = 200


def read_date(header: str) -> datetime | None:
    """The date and time, with a time zone, UTC where none is given; None where it cannot be read.

    Args:
        header: the value of a Date field, or what stands behind the semicolon of a Received field.

    Source: RFC 5322 3.3 and 4.3; RFC 3339, which some programs write.
    """
    text = _WHITE.sub(" ", _COMMENT.sub(" ", header[:_MOST_CHARACTERS])).strip()
    if not text:
        return None
    for read in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            found = read(text)
            aware = found if found.tzinfo is not None else found.replace(tzinfo=UTC)
            aware.astimezone(UTC)
        except (ValueError, TypeError, IndexError, OverflowError, AttributeError):
            continue
        return aware
    return None
