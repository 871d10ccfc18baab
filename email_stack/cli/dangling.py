"""Refuses to delete a zone that is still delegated: whoever is given the same name servers next could answer for it."""

from __future__ import annotations

from typing import Final

from constructs_lib.records import delegation_record
from email_stack.cli.dns_options import checked, deployed
from email_stack.cli.output import CommandError, ExitCode
from email_stack.config import Cell, Tenant
from email_stack.deployed import NotDeployedError
from email_stack.dnscheck.model import Endpoint, Finding, Status, Subject

__all__ = ["refuse_dangling_delegation"]

_NOT_TO_US: Final = {Status.DELEGATION_MISSING, Status.WRONG, Status.CNAME_CONFLICT, Status.DOUBLED_NAME}


def refuse_dangling_delegation(tenant: Tenant, cell: Cell, resolver: Endpoint | None, port: int) -> None:
    """Check that nobody is sent to the tenant's zone any more, where destroying the tenant deletes that zone.

    Raises:
        CommandError: the parent still delegates to the zone, a resolver still remembers it, or nobody can tell.
    """
    if tenant.dns != "delegated" or tenant.removal != "destroy" or tenant.parent_zone is not None:
        return
    try:
        made = deployed(tenant, cell)
    except NotDeployedError:
        return
    record = delegation_record(subdomain=tenant.subdomain, name_servers=made.name_servers)
    [report] = checked([Subject(subdomain=tenant.subdomain, records=(record,))], resolver, port)
    finding = report.findings[0]
    if finding.status in _NOT_TO_US and not _remembered(finding):
        return
    why = (
        "is still delegated to its zone, or remembered to be, at "
        + ", ".join(one.server for one in finding.seen if set(one.values) & set(record.values))
        if _remembered(finding)
        else f"may still be delegated to its zone, which nobody could tell ({finding.status.value})"
    )
    raise CommandError(
        "refused",
        f'tenant "{tenant.id}": {tenant.subdomain} {why}; whoever is given the same name servers next could answer for it, so have '
        f"its NS records removed and wait for their TTL of {record.ttl_seconds} s, then destroy (or say --force)",
        ExitCode.REFUSED,
    )


def _remembered(finding: Finding) -> bool:
    return any(set(one.values) & set(finding.record.values) for one in finding.seen)
