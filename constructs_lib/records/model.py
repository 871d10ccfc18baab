"""One resource record set, and its forms in DNS."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal

__all__ = [
    "DEFAULT_TTL_SECONDS",
    "TXT_VALUE_CHARACTERS",
    "DnsRecord",
    "Purpose",
    "RecordType",
    "in_zone",
    "txt_rdata",
    "txt_strings",
    "zone_file_line",
]

RecordType = Literal["A", "AAAA", "CNAME", "MX", "NS", "TXT"]

DEFAULT_TTL_SECONDS: Final = 3600
"""One hour: a mistake ends within the hour, and resolvers still cache the records."""

TXT_STRING_OCTETS: Final = 255
TXT_VALUE_CHARACTERS: Final = 4000
"""The limit of one value, all its strings together. Route 53 developer guide, "TXT record type"."""


class Purpose(StrEnum):
    """The purpose of a record, in the word that customers read."""

    DELEGATION = "delegation"
    DKIM = "dkim"
    DMARC = "dmarc"
    DMARC_REPORTS = "dmarc-reports"
    INBOUND = "inbound"
    MAIL_FROM = "mail-from"
    MTA_STS = "mta-sts"
    OWNERSHIP = "ownership"
    PORTAL = "portal"
    SPF = "spf"
    TLS_REPORTS = "tls-reports"
    TRACKING = "tracking"


@dataclass(frozen=True, kw_only=True, slots=True)
class DnsRecord:
    """One resource record set.

    Args:
        name: absolute name, without the trailing dot.
        type: record type.
        values: one logical value per record; TXT unquoted and unsplit, MX as "preference host"; for an alias, its target.
        purpose: its purpose.
        ttl_seconds: time to live; an alias has its target's. Default: one hour.
        required: False if the e-mail service works without it. Default: True.
        alias_zone_id: hosted zone of the target, which makes an A or AAAA record a Route 53 alias. Default: None.
    """

    name: str
    type: RecordType
    values: tuple[str, ...]
    purpose: Purpose
    ttl_seconds: int = DEFAULT_TTL_SECONDS
    required: bool = True
    alias_zone_id: str | None = None

    def rdata(self) -> tuple[str, ...]:
        """The values in the form of zone files and Route 53: TXT quoted and split, others unchanged."""
        return tuple(txt_rdata(value) for value in self.values) if self.type == "TXT" else self.values


def in_zone(name: str, zone: str) -> bool:
    """Whether `name` is `zone` or below it; both absolute, without the trailing dot, case aside."""
    name, zone = name.lower(), zone.lower()
    return name == zone or name.endswith(f".{zone}")


def txt_strings(value: str) -> tuple[str, ...]:
    """One TXT value as its character-strings, of at most 255 octets each.

    Raises:
        ValueError: a character that is not printable ASCII, or over 4,000 characters.

    Source: RFC 1035 3.3.14; Route 53 developer guide, "TXT record type".
    """
    if not value.isascii() or not value.isprintable():
        raise ValueError(f"txt: value must be printable ASCII, got {value!r}")
    if len(value) > TXT_VALUE_CHARACTERS:
        raise ValueError(f"txt: value must be at most {TXT_VALUE_CHARACTERS} characters, got {len(value)}")
    return tuple(value[at : at + TXT_STRING_OCTETS] for at in range(0, len(value), TXT_STRING_OCTETS)) or ("",)


def txt_rdata(value: str) -> str:
    """One TXT value as quoted character-strings. Raises as `txt_strings`. Source: RFC 1035 5.1."""
    return " ".join('"' + part.replace("\\", "\\\\").replace('"', '\\"') + '"' for part in txt_strings(value))


def zone_file_line(record: DnsRecord) -> str:
    """The record set in zone-file form, one line a value: `name. ttl IN type rdata`, every name absolute.

    Raises:
        ValueError: an alias, which only Route 53 knows.

    Source: RFC 1035 5.1.
    """
    if record.alias_zone_id is not None:
        raise ValueError(f'record "{record.name}": an alias has no zone-file form; write it with Route 53\'s API')
    return "\n".join(
        f"{record.name}. {record.ttl_seconds} IN {record.type} {_absolute(record.type, data)}"
        for data in record.rdata()
    )


def _absolute(record_type: RecordType, data: str) -> str:
    return data if record_type in {"A", "AAAA", "TXT"} or data.endswith(".") else f"{data}."
