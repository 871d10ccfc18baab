"""Dates of headers. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

__all__ = ["read_date"]

_COMMENT: Final = re.compile(r"\([^()]*+\)")
_SHORT_YEAR: Final = re.compile(r"(?<=[A-Za-z] )(\d{2,3})(?= \d{1,2}:)")
_ZONE: Final = re.compile(r"(?<=:[0-9]{2}) ?(?:GMT|UTC|UT|Z)? ?([+-])([0-9]{1,2})(?::?([0-9]{2}))?\Z", re.IGNORECASE)
"""Zones as JavaScript and others write them: -05:00, GMT-0500, UTC+2."""
_MOST_CHARACTERS: Final = 200


def read_date(header: str) -> datetime | None:
    """The date and time, with a time zone, UTC where none is given; None where it cannot be read.

    Args:
        header: the value of a Date field, or the text behind the semicolon of a Received field.

    Source: RFC 5322 3.3 and 4.3; RFC 3339, which some programs write.
    """
    text = " ".join(_COMMENT.sub(" ", header[:_MOST_CHARACTERS]).split())
    text = text.replace(" :", ":").replace(": ", ":").replace(" ,", ",")
    if not text:
        return None
    text = _SHORT_YEAR.sub(_with_century, text)
    zoned = _ZONE.sub(_as_standard, text)
    for read, written in ((parsedate_to_datetime, zoned), (datetime.fromisoformat, text)):
        try:
            found = read(written)
            aware = found if found.tzinfo is not None else found.replace(tzinfo=UTC)
            aware.astimezone(UTC)
        except (ValueError, TypeError, IndexError, OverflowError, AttributeError):
            continue
        return aware
    return None


def _as_standard(match: re.Match[str]) -> str:
    """The zone in the form of RFC 5322: a sign and four digits."""
    return f" {match[1]}{int(match[2]):02}{match[3] or '00'}"


def _with_century(match: re.Match[str]) -> str:
    """RFC 5322 4.3: below 50 is this century, all others count from 1900."""
    year = int(match[1])
    return str(year + (2000 if len(match[1]) == 2 and year < 50 else 1900))
