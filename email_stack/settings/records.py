"""DNS records of a domain as its claim holds them, and their check for the domain's owner."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from constructs_lib.records import DnsRecord, Purpose
from email_stack.dnscheck.check import check_subdomain
from email_stack.dnscheck.guard import GuardedNetwork, IPNetwork
from email_stack.dnscheck.model import Endpoint, Finding, Report, Status, Subject
from email_stack.settings.shapes import RecordStatus

__all__ = ["Found", "RecordsCheck", "found_from", "found_text", "ready", "record_from", "record_text"]

SECONDS: Final = 15.0
MOST_QUERIES: Final = 400
"""Enough for eleven records at each address of four to thirteen servers, and for the way there."""
_SAID: Final[dict[Status, RecordStatus]] = {
    Status.OK: "ok",
    Status.PENDING: "pending",
    Status.NOT_EVERYWHERE: "pending",
    Status.MISSING: "missing",
    Status.DELEGATION_MISSING: "missing",
    Status.UNREACHABLE: "unknown",
}
_MOST_CHARACTERS: Final = 600


@dataclass(frozen=True, slots=True)
class Found:
    """Finding on one record: "ok", "pending", "missing", "wrong" or "unknown"; and its remedy."""

    status: RecordStatus = "unknown"
    fix: str = ""


def record_text(record: DnsRecord) -> str:
    """A record as the text that a claim holds."""
    return json.dumps(asdict(record), sort_keys=True)


def record_from(text: str) -> DnsRecord:
    """The record of a claim's text."""
    said: Any = json.loads(text)
    return DnsRecord(**{**said, "values": tuple(said["values"]), "purpose": Purpose(said["purpose"])})


def found_text(found: Found) -> str:
    """A finding as the text that a claim holds."""
    return json.dumps([found.status, found.fix])


def found_from(text: str) -> Found:
    """The finding of a claim's text."""
    return Found(*json.loads(text))


def ready(records: Sequence[DnsRecord], found: Sequence[Found]) -> bool | None:
    """Whether all required records were found; None where the check of one had no answer and no other failed."""
    states = {one.status for record, one in zip(records, found, strict=True) if record.required}
    if states <= {"ok"}:
        return bool(records)
    return None if "unknown" in states else False


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordsCheck:
    """Checks records in DNS.

    Args:
        resolvers: recursive servers of ours.
        port: of authoritative servers; another one is for tests. Default: 53.
        allowed: networks that may be asked though they are not public. Default: none.
        seconds: time limit of a check, which then has no result. Default: 15.
        queries: limit of a check. Default: 400.
    """

    resolvers: Sequence[Endpoint]
    port: int = 53
    allowed: Sequence[IPNetwork] = field(default=())
    seconds: float = SECONDS
    queries: int = MOST_QUERIES

    def __call__(self, domain: str, records: Iterable[DnsRecord]) -> tuple[Found, ...]:
        """Present finding on each of `records`."""
        asked = tuple(records)
        report = asyncio.run(self._bounded(Subject(subdomain=domain, records=asked)))
        return tuple(map(_said, report.findings)) if report is not None else (Found(),) * len(asked)

    async def _bounded(self, subject: Subject) -> Report | None:
        network = GuardedNetwork(resolvers=self.resolvers, queries=self.queries, allowed=self.allowed)
        try:
            async with network, asyncio.timeout(self.seconds):
                return await check_subdomain(subject, network, self.resolvers, self.port)
        except TimeoutError:
            return None


def _said(finding: Finding) -> Found:
    return Found(_SAID.get(finding.status, "wrong"), finding.fix[:_MOST_CHARACTERS])
