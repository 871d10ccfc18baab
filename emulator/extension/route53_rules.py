"""Finds records in a change batch that Route 53 refuses and ministack accepts: those that no name server could serve.

Pure: records in, complaints out. A record is a dictionary with `Name` (ending in a dot), `Type` and either
`ResourceRecords` (strings) or `AliasTarget`, as ministack keeps them.
"""

from __future__ import annotations

import re
from typing import Any

Record = dict[str, Any]

STRING_LENGTH = 255
VALUE_LENGTH = 4000
TYPES = ("A", "AAAA", "CAA", "CNAME", "DS", "HTTPS", "MX", "NAPTR", "NS", "PTR", "SOA", "SPF", "SRV", "SSHFP", "SVCB")
QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
MAIL_SERVER = re.compile(r"(\d{1,5})\s+(\S+)")


def faults(record: Record, zone: str) -> list[str]:
    """Faults of one record set by itself, in the zone of that name."""
    name, kind = record["Name"], record["Type"]
    found = []
    if kind not in (*TYPES, "TLSA", "TXT"):
        return [f"Invalid record type: {kind}"]
    if name != zone and not name.endswith(f".{zone}"):
        found.append(f"RRSet with DNS name {name} is not permitted in zone {zone}")
    if kind == "CNAME" and name == zone:
        found.append(f"RRSet of type CNAME with DNS name {name} is not permitted at apex in zone {zone}")
    values = record.get("ResourceRecords") or []
    if "AliasTarget" in record:
        if values or "TTL" in record:
            found.append(f"Invalid request: an alias takes neither values nor a TTL: {name}")
        return found
    if not values or "TTL" not in record:
        found.append(f"Invalid request: values and TTL are required for {name} {kind}")
    if kind == "CNAME" and len(values) > 1:
        found.append(f"A CNAME takes one value, got {len(values)}: {name}")
    if len(set(values)) < len(values):
        found.append(f"Duplicate Resource Record: {name} {kind}")
    check = {"TXT": _text, "SPF": _text, "MX": _mail_server}.get(kind)
    problems = [(problem, value) for value in values if check and (problem := check(value))]
    found += [
        f"Invalid Resource Record: 'FATAL problem: {problem} encountered with '{value}''" for problem, value in problems
    ]
    return found


def conflicts(records: list[Record], zone: str) -> list[str]:
    """CNAMEs beside another record of their name, which DNS does not allow."""
    kinds: dict[str, set[str]] = {}
    for record in records:
        kinds.setdefault(record["Name"], set()).add(record["Type"])
    return [
        f"RRSet of type CNAME with DNS name {name} is not permitted as it conflicts with other records with the same "
        f"DNS name in zone {zone}"
        for name, found in kinds.items()
        if "CNAME" in found and len(found) > 1
    ]


def _text(value: str) -> str | None:
    strings = QUOTED.findall(value)
    if not strings or QUOTED.sub("", value).strip():
        return "InvalidCharacterString (Value should be enclosed in quotation marks)"
    if any(len(string) > STRING_LENGTH for string in strings):
        return f"CharacterStringTooLong (Value is too long, at most {STRING_LENGTH} characters a string)"
    return "ValueTooLong (at most 4000 characters a value)" if len(value) > VALUE_LENGTH else None


def _mail_server(value: str) -> str | None:
    match = MAIL_SERVER.fullmatch(value)
    if not match:
        return "InvalidMXRecord (Value should be a priority and a host name)"
    return None if int(match[1]) <= 65535 else "InvalidMXRecord (Priority should be at most 65535)"
