"""Domains with macros in SPF records, as far as they do not depend on the message. Pure."""

from __future__ import annotations

import re
from typing import Final

from email_stack.dnscheck.address_sets import Family

__all__ = ["expand"]

_MACRO: Final = re.compile(r"%(?:([%_-])|\{([A-Za-z])([0-9]*)([rR]?)([.+,/_=-]*)\})")
_ESCAPES: Final = {"%": "%", "_": " ", "-": "%20"}
_NAME_CHARACTERS: Final = 253


def expand(spec: str, *, domain: str, sender: str, family: Family) -> str | None:
    """The domain that `spec` names, lower case and without trailing dot; None where it depends on the message.

    The macros d (the domain of the record), o (that of the sender) and v (the family of the address) are known. The sender's local
    part, the address itself, its name and the client's HELO name are not. A too long name loses labels in front.

    Args:
        spec: a domain-spec that follows the grammar.
        domain: of the record with the spec.
        sender: domain of the sender's address.
        family: of the client's IP address.

    Source: RFC 7208 7.2 and 7.3.
    """
    known = {"d": domain, "o": sender, "v": "in-addr" if family == 4 else "ip6"}
    parts: list[str] = []
    at = 0
    for match in _MACRO.finditer(spec):
        parts.append(spec[at : match.start()])
        at = match.end()
        if match[1]:
            parts.append(_ESCAPES[match[1]])
            continue
        value = known.get(match[2].lower())
        if value is None:
            return None
        pieces = re.split(f"[{re.escape(match[5] or '.')}]", value)
        if match[4]:
            pieces.reverse()
        # A count longer than any name has labels keeps them all; int() of thousands of digits would be slow.
        kept = int(match[3]) if match[3] and len(match[3]) <= 3 else len(pieces)
        parts.append(".".join(pieces[-kept:]))
    name = "".join([*parts, spec[at:]]).removesuffix(".").lower()
    while len(name) > _NAME_CHARACTERS and "." in name:
        name = name.partition(".")[2]
    return name
