"""The model of a check: the subject, where to query, one finding per record, one report per subdomain."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_address
from typing import Final

from constructs_lib.records import DnsRecord

__all__ = [
    "Cut",
    "Endpoint",
    "Finding",
    "Holding",
    "Observation",
    "Place",
    "Report",
    "SesState",
    "Status",
    "Subject",
    "ZoneFinding",
    "overall",
]


@dataclass(frozen=True, slots=True, order=True)
class Endpoint:
    """A server's IP address and port (default 53)."""

    address: str
    port: int = 53

    @classmethod
    def parse(cls, text: str) -> Endpoint:
        """The endpoint written as `192.0.2.1`, `2001:db8::1` or, with a port, `192.0.2.1#5353`.

        Raises:
            ValueError: not an IP address, or no port from 1 to 65535.
        """
        address, mark, port = text.partition("#")
        try:
            parsed = cls(str(ip_address(address)), int(port) if mark else 53)
        except ValueError:
            parsed = None
        if parsed is None or not 1 <= parsed.port <= 65_535:
            raise ValueError(
                f'resolver: must be an IP address, with "#port" when that is not 53, got {text!r}; give one as 192.0.2.53'
            )
        return parsed


class Status(StrEnum):
    """State of one record."""

    OK = "ok"
    """As expected, on every authoritative server and at the recursive one."""
    PENDING = "pending"
    """Right, but not everywhere yet. Waiting is enough."""
    NOT_EVERYWHERE = "not-everywhere"
    """Right at some of the zone's servers. The others need a change."""
    SERVERS_DIFFER = "servers-differ"
    """The zone above and the zone itself name different servers, and these do not answer alike."""
    MISSING = "missing"
    WRONG = "wrong"
    EXTRA = "extra"
    """The expected value has a forbidden one beside it."""
    DOUBLED_NAME = "doubled-name"
    """The record stands at its name with the zone appended once more."""
    SPLIT_WRONG = "split-wrong"
    """A long TXT value was divided so that its parts do not make the value."""
    CNAME_CONFLICT = "cname-conflict"
    """A CNAME stands where another type belongs."""
    DUPLICATE_SPF = "duplicate-spf"
    DUPLICATE_DMARC = "duplicate-dmarc"
    TOO_MANY_LOOKUPS = "too-many-lookups"
    """The SPF record spends more than the 10 look-ups, or the 2 without answer, of RFC 7208 4.6.4."""
    DELEGATION_MISSING = "delegation-missing"
    DELEGATION_PARTIAL = "delegation-partial"
    """The parent names some of the zone's name servers, not all."""
    WRONG_LEVEL = "wrong-level"
    """Our name servers are named for a domain above the subdomain, which they do not serve."""
    DELEGATED_AWAY = "delegated-away"
    """A name at or below the subdomain is delegated to servers that do not serve it, which hides records above the cut."""
    LAME = "lame"
    """A server is named for the zone and does not answer for it."""
    DNSSEC_BOGUS = "dnssec-bogus"
    UNREACHABLE = "unreachable"
    """No server of the zone answered."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Observation:
    """One server's answer on one record.

    Args:
        server: its name in the parent or the zone; "resolver" for the resolver.
        address: its queried IP address; "" if its name has none.
        values: its values, in the form of `DnsRecord.values`; empty for none.
        problem: fault of the answer itself ("timed out", "SERVFAIL", "not authoritative"); "" for none.
    """

    server: str
    address: str
    values: tuple[str, ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """A name in DNS and a record type: A-labels, no trailing dot."""

    name: str
    type: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Cut:
    """A name at or below the subdomain that the customer's zone delegates.

    Args:
        name: of the zone below.
        parent: the zone that delegates it.
        servers: names of the delegation's servers.
        served: whether one of them serves it: then its records go there. Otherwise the delegation is a leftover.
        fix: the remedy, in one sentence, which ends the remedies of its records.
    """

    name: str
    parent: str
    servers: tuple[str, ...]
    served: bool
    fix: str


@dataclass(frozen=True, slots=True)
class Holding:
    """Zones for records.

    Args:
        zone: the closest zone at or above the name that a server answers for; "" if unknown.
        cuts: zones below it, also answered for, that it delegates some of the records to.
    """

    zone: str = ""
    cuts: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """The finding on one record.

    Args:
        record: the expected record.
        status: the verdict.
        seen: each server's answer, the resolver's last.
        fix: the remedy, in one sentence; "" for none.
        note: a remark beside the verdict; "" for none.
        via: the steps from its name to the received value: "CNAME name", terms of SPF. For a missing record, the steps to other
            records of its name.
        found_at: for a missing record, the other name or type where it is; None if it was not found. For a delegation at the wrong
            level, the place of our servers.
        zone: zone of the record; "" if unknown.
        behind: servers of the zone with a different answer, if others are right.
        cut: the delegation that hides the record; None otherwise.
    """

    record: DnsRecord
    status: Status
    seen: tuple[Observation, ...] = ()
    fix: str = ""
    note: str = ""
    via: tuple[str, ...] = ()
    found_at: Place | None = None
    zone: str = ""
    behind: tuple[str, ...] = ()
    cut: Cut | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ZoneFinding:
    """A zone whose parent names other servers than the zone itself.

    Args:
        zone: its name.
        parent: the zone above.
        named: servers that only the parent zone names.
        own: servers that only the zone's own NS records name.
        status: OK if their answers are equal to the others', SERVERS_DIFFER otherwise.
        fix: the remedy, in one sentence; "" for none.
        note: a remark beside the verdict; "" for none.
    """

    zone: str
    parent: str
    named: tuple[str, ...]
    own: tuple[str, ...]
    status: Status
    fix: str = ""
    note: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class SesState:
    """SES's own state of the identity, in SES's words.

    Args:
        identity: verification status: SUCCESS, PENDING, TEMPORARY_FAILURE, FAILED or NOT_STARTED.
        dkim: the same of DKIM.
        mail_from: the same of the MAIL FROM domain.
    """

    identity: str
    dkim: str
    mail_from: str

    @property
    def status(self) -> Status:
        """OK if all three succeeded, WRONG if one has failed permanently, PENDING otherwise."""
        states = {self.identity, self.dkim, self.mail_from}
        if states == {"SUCCESS"}:
            return Status.OK
        return Status.WRONG if "FAILED" in states else Status.PENDING


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """One subdomain to check.

    Args:
        subdomain: A-labels, lower case, no trailing dot.
        records: needed records; a delegation's NS record set first, then those of our zone.
        ses: SES's state, for the report. Default: not asked.
    """

    subdomain: str
    records: tuple[DnsRecord, ...]
    ses: SesState | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """A check of one subdomain.

    Args:
        subdomain: A-labels.
        findings: one a record, in the records' order.
        ses: SES's own state; None when it was not asked.
        zones: those above the subdomain whose servers differ between the two sides of their cut.
    """

    subdomain: str
    findings: tuple[Finding, ...]
    ses: SesState | None = None
    zones: tuple[ZoneFinding, ...] = ()

    @property
    def cuts(self) -> tuple[Cut, ...]:
        """Delegations that hide records, each once."""
        return tuple(dict.fromkeys(finding.cut for finding in self.findings if finding.cut is not None))

    @property
    def status(self) -> Status:
        """OK, PENDING or WRONG, over all required records."""
        statuses = [finding.status for finding in self.findings if finding.record.required]
        statuses += [zone.status for zone in self.zones]
        return overall([*statuses, self.ses.status] if self.ses is not None else statuses)


_CALM: Final = {Status.OK: 0, Status.PENDING: 1}


def overall(statuses: list[Status]) -> Status:
    """The worst of them as OK, PENDING or WRONG."""
    worst = max((_CALM.get(status, 2) for status in statuses), default=0)
    return (Status.OK, Status.PENDING, Status.WRONG)[worst]
