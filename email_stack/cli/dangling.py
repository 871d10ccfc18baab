"""Whether anybody is still led to a zone: while one is, the zone keeps its records, and is not deleted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from constructs_lib.records import delegation_record
from constructs_lib.records.email import DELEGATION_TTL_SECONDS
from email_stack.cli.dns_options import checked
from email_stack.cli.output import CommandError, ExitCode
from email_stack.dnscheck.model import Endpoint, Finding, Status, Subject

__all__ = ["refuse_dangling_delegation", "why_led_there"]

_NOT_TO_US: Final = {Status.DELEGATION_MISSING, Status.WRONG, Status.CNAME_CONFLICT, Status.DOUBLED_NAME}


def why_led_there(domain: str, name_servers: Sequence[str], resolver: Endpoint | None, port: int) -> str:
    """Who is still led to the zone of `domain` on `name_servers`, as a clause about the domain; "" when nobody is.

    Where nobody can tell, that is said: it counts as if somebody were.
    """
    record = delegation_record(subdomain=domain, name_servers=name_servers)
    [report] = checked([Subject(subdomain=domain, records=(record,))], resolver, port)
    finding = report.findings[0]
    if _remembered(finding):
        servers = ", ".join(one.server for one in finding.seen if set(one.values) & set(record.values))
        return f"is still delegated to its zone, or remembered to be, at {servers}"
    if finding.status in _NOT_TO_US:
        return ""
    return f"may still be delegated to its zone, which nobody could tell ({finding.status.value})"


def refuse_dangling_delegation(
    tenant: str, domain: str, name_servers: Sequence[str], resolver: Endpoint | None, port: int
) -> None:
    """Check that nobody is sent to a zone any more that is to be deleted.

    Raises:
        CommandError: the parent still delegates to the zone, a resolver still remembers it, or nobody can tell.
    """
    if why := why_led_there(domain, name_servers, resolver, port):
        raise CommandError(
            "refused",
            f'tenant "{tenant}": {domain} {why}; whoever is given the same name servers next could answer for it, so have '
            f"its NS records removed and wait for their TTL of {DELEGATION_TTL_SECONDS} s, then destroy (or say --force)",
            ExitCode.REFUSED,
        )


def _remembered(finding: Finding) -> bool:
    return any(set(one.values) & set(finding.record.values) for one in finding.seen)
