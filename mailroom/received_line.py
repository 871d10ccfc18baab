"""The line of the envelope that SES writes into a message: "Received: ... by inbound-smtp... id ID for ADDRESS; DATE". Pure."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["lower_domain", "recipient_in", "ses_id_in"]

_BY_SES: Final = re.compile(r"\bby inbound-smtp\.(?:[a-z0-9-]++\.)?amazonaws\.com\b")
_ID: Final = re.compile(r"\bid(?=\s++(?P<id>[A-Za-z0-9]{1,100}+)\b)")
_FOR: Final = re.compile(
    r'\bfor\s++<?(?P<address>(?:"(?:\\.|[^"\\]){1,130}"|[^\s<>;][^\s<>;@]*+)@[^\s<>;]++)', re.IGNORECASE | re.DOTALL
)
"""A local part in quotes may hold white space. RFC 5321 4.1.2."""


def ses_id_in(received: str) -> str:
    """SES's id of the message, which is the last one behind SES's name; "" for another server's field."""
    by_ses = _BY_SES.search(received)
    return next((match["id"] for match in reversed(list(_ID.finditer(received, by_ses.end())))), "") if by_ses else ""


def recipient_in(received: str) -> str:
    """The recipient in SES's field, its domain in lower case; "" without one."""
    found = _FOR.search(received)
    return lower_domain(found["address"]) if found else ""


def lower_domain(address: str) -> str:
    """The address with its domain in lower case: the only part in which case makes no difference to everybody."""
    local, _, domain = address.rpartition("@")
    return f"{local}@{domain.lower()}"
