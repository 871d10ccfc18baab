"""The DNS setup instructions, and the questions of all their forms."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from ipaddress import ip_address
from typing import Final, Literal

import idna

from constructs_lib.records import DnsRecord, Purpose, in_zone, txt_strings
from email_stack.dnscheck.model import Finding, Report

__all__ = [
    "DnsSetup",
    "Format",
    "Language",
    "by_purpose",
    "mx_parts",
    "one_line",
    "owner_zone",
    "relative",
    "step_values",
    "target",
    "unicode_name",
]

Language = Literal["en", "de"]

_NAME: Final = re.compile(
    r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)*"
)
_REPORT_MARK: Final = "._report._dmarc."


class Format(StrEnum):
    """A form of the setup instructions."""

    BIND = "bind"
    CSV = "csv"
    JSON = "json"
    TERRAFORM = "terraform"
    OCTODNS = "octodns"
    DNSCONTROL = "dnscontrol"
    MARKDOWN = "markdown"
    HTML = "html"


@dataclass(frozen=True, kw_only=True, slots=True)
class DnsSetup:
    """The records that one customer installs.

    Args:
        tenant: the tenant's id.
        subdomain: A-labels, no trailing dot.
        zone: the customer's zone that the records go into, A-labels; `subdomain` is in it.
        records: the delegating NS record set, or the records for a customer who keeps the DNS; optional ones may lie outside
            `zone`.
        cuts: served zones that `zone` delegates: records in one of them go there. Default: none.
        report: the state of each record. Default: not checked.
        checked_at: time of the check, with a time zone. Default: unknown.

    Raises:
        ValueError: a name or value that DNS cannot hold, `subdomain` outside `zone`, a cut not below it, an alias, one record set
            twice, a delegation at the zone's own name, or a time without a time zone.
    """

    tenant: str
    subdomain: str
    zone: str
    records: tuple[DnsRecord, ...]
    cuts: tuple[str, ...] = ()
    report: Report | None = None
    checked_at: datetime | None = None

    def __post_init__(self) -> None:
        _check_name("subdomain", self.subdomain)
        _check_name("zone", self.zone)
        if not in_zone(self.subdomain, self.zone):
            raise ValueError(
                f'hand-over: {self.subdomain}: zone must hold the subdomain, got "{self.zone}"; give its zone'
            )
        for cut in self.cuts:
            if cut == self.zone or not in_zone(cut, self.zone):
                raise ValueError(
                    f'hand-over: {self.subdomain}: cuts must lie below {self.zone}, got "{cut}"; leave it out'
                )
        if self.checked_at is not None and self.checked_at.utcoffset() is None:
            raise ValueError(
                f"hand-over: {self.subdomain}: checked_at must have a time zone, got {self.checked_at}; give UTC"
            )
        seen: set[tuple[str, str]] = set()
        for record in self.records:
            _check_record(record)
            if record.purpose is Purpose.DELEGATION and record.name.lower() == self.zone.lower():
                raise ValueError(
                    f'hand-over: {record.name}: zone must be above the delegation, got "{self.zone}"; give its parent'
                )
            key = (record.name.lower(), record.type)
            if key in seen:
                raise ValueError(
                    f"hand-over: {record.name}: {record.type} must be one record set, got two; join their values"
                )
            seen.add(key)

    @property
    def delegated(self) -> bool:
        """Whether the customer delegates the subdomain, rather than keeping its records."""
        return any(record.purpose is Purpose.DELEGATION for record in self.records)

    @property
    def required(self) -> tuple[DnsRecord, ...]:
        """Required records of the customer's zone and of zones below it."""
        return tuple(record for record in self.records if record.required and in_zone(record.name, self.zone))

    @property
    def optional(self) -> tuple[DnsRecord, ...]:
        """Optional records of the customer's zone and of zones below it."""
        return tuple(record for record in self.records if not record.required and in_zone(record.name, self.zone))

    @property
    def outside(self) -> dict[str, tuple[DnsRecord, ...]]:
        """Records of other zones, by the zone's domain."""
        zones: dict[str, tuple[DnsRecord, ...]] = {}
        for record in self.records:
            if not in_zone(record.name, self.zone):
                owner = owner_zone(record, self.zone)
                zones[owner] = (*zones.get(owner, ()), record)
        return zones

    @property
    def own_required(self) -> tuple[DnsRecord, ...]:
        """Required records of the customer's zone itself."""
        return tuple(record for record in self.required if self.zone_of(record) == self.zone)

    @property
    def own_optional(self) -> tuple[DnsRecord, ...]:
        """Optional records of the customer's zone itself."""
        return tuple(record for record in self.optional if self.zone_of(record) == self.zone)

    @property
    def elsewhere(self) -> dict[str, tuple[DnsRecord, ...]]:
        """Records that a file of the customer's zone must not have, by their zones."""
        zones: dict[str, tuple[DnsRecord, ...]] = {}
        for record in self.records:
            zone = self.zone_of(record)
            if zone != self.zone:
                zones[zone] = (*zones.get(zone, ()), record)
        return zones

    def why_elsewhere(self, zone: str) -> str:
        """The heading of records of another zone."""
        if zone in self.cuts:
            return f"Not for this zone: these belong to the zone {zone}, which it delegates; here they would have no effect."
        return f"Not for this zone: these belong to the zone that holds {zone}."

    def zone_of(self, record: DnsRecord) -> str:
        """The zone of `record`: the lowest cut at or above it, else the result of `owner_zone`."""
        held = [cut for cut in self.cuts if in_zone(record.name, cut)]
        return max(held, key=len) if held else owner_zone(record, self.zone)

    def finding(self, record: DnsRecord) -> Finding | None:
        """The report's finding on `record`; None without one."""
        findings = self.report.findings if self.report is not None else ()
        return next((finding for finding in findings if finding.record == record), None)

    @property
    def checked_at_text(self) -> str:
        """Time of the check, to the minute in UTC; "" if unknown."""
        if self.checked_at is None:
            return ""
        return f"{self.checked_at - (self.checked_at.utcoffset() or timedelta()):%Y-%m-%d %H:%M} UTC"


def by_purpose(records: Iterable[DnsRecord]) -> list[tuple[Purpose, list[DnsRecord]]]:
    """Groups of successive records with the same purpose."""
    groups: list[tuple[Purpose, list[DnsRecord]]] = []
    for record in records:
        if groups and groups[-1][0] is record.purpose:
            groups[-1][1].append(record)
        else:
            groups.append((record.purpose, [record]))
    return groups


def owner_zone(record: DnsRecord, zone: str) -> str:
    """The domain with the zone of `record`: `zone`, or another one for a record outside of it.

    For a report authorization it is the domain behind `._report._dmarc.` (RFC 9990 4). For any other record it is the parent
    name, because a zone's own name cannot have a CNAME (RFC 1034 3.6.2).
    """
    if in_zone(record.name, zone):
        return zone
    before, mark, after = record.name.partition(_REPORT_MARK)
    return after if before and mark else record.name.partition(".")[2] or record.name


def relative(name: str, zone: str) -> str:
    """`name` relative to `zone`; "@" for the zone itself."""
    return "@" if name.lower() == zone.lower() else name[: -len(zone) - 1]


def target(record: DnsRecord, value: str) -> str:
    """One value as an absolute zone-file target: host names with a trailing dot, MX with its preference, the rest as is."""
    return f"{value.rstrip('.')}." if record.type in {"CNAME", "MX", "NS"} else value


def mx_parts(value: str) -> tuple[int, str]:
    """Preference and host (no trailing dot) of an MX value."""
    preference, _, host = value.partition(" ")
    return int(preference), host.rstrip(".")


def unicode_name(name: str) -> str:
    """`name` in U-labels; a label that is no valid A-label stays unchanged. Source: RFC 5891 4.4."""
    return ".".join(map(_unicode_label, name.split(".")))


def one_line(text: str) -> str:
    """`text` fit for a comment: printable ASCII with no line break; "?" stands for any other character."""
    words = " ".join(text.split()).encode("ascii", "replace").decode("ascii")
    return "".join(character for character in words if character.isprintable())


def step_values(dns_setup: DnsSetup) -> dict[str, str | int]:
    """Values for the introduction and the steps: `zone`, `subdomain`, `host`, and `count` of the records to enter."""
    return {
        "zone": dns_setup.zone,
        "subdomain": dns_setup.subdomain,
        "host": relative(dns_setup.subdomain, dns_setup.zone),
        "count": sum(len(one.values) for one in dns_setup.required) if dns_setup.delegated else len(dns_setup.required),
    }


def _unicode_label(label: str) -> str:
    try:
        return idna.decode(label) if label.lower().startswith("xn--") else label
    except idna.IDNAError:
        return label


def _check_record(record: DnsRecord) -> None:
    if record.alias_zone_id is not None:
        raise ValueError(
            f"hand-over: {record.name}: record must not be an alias, which only Route 53 knows; leave it out"
        )
    _check_name("name", record.name)
    for value in record.values:
        if record.type == "TXT":
            txt_strings(value)
        elif record.type in {"A", "AAAA"}:
            ip_address(value)
        elif record.type == "MX":
            if re.fullmatch(r"\d{1,5} \S+", value, re.ASCII) is None:
                raise ValueError(
                    f'hand-over: {record.name}: value must be "preference host", got {value!r}; correct it'
                )
            _check_name("value", mx_parts(value)[1])
        else:
            _check_name("value", value.rstrip("."))


def _check_name(field: str, name: str) -> None:
    if _NAME.fullmatch(name) is None:
        raise ValueError(
            f"hand-over: {name!r}: {field} must be a DNS name in A-labels without trailing dot; correct it"
        )
