"""The DNS records of a tenant, and those that its customer installs. Pure: values of the deployment are arguments."""

from __future__ import annotations

from collections.abc import Sequence

from constructs_lib.records import (
    DkimToken,
    DnsRecord,
    PortalAlias,
    delegation_record,
    email_records,
    ownership_record,
    portal_records,
    report_authorization_records,
)
from email_stack.config import Cell, Tenant

__all__ = ["customer_records", "public_records", "zone_records"]


def zone_records(tenant: Tenant, cell: Cell, dkim: Sequence[DkimToken]) -> tuple[DnsRecord, ...]:
    """Records at and below the subdomain: the eight that e-mail needs, optional ones, and the portal's aliases.

    Args:
        tenant: whose.
        cell: where it is deployed.
        dkim: the three tokens of its SES identity.
    """
    portal = tenant.portal
    return (
        *email_records(
            subdomain=tenant.subdomain,
            region=cell.region,
            mail_from=tenant.mail_from,
            dkim=dkim,
            dmarc=tenant.dmarc_record,
            redirect_domain=tenant.tracking.redirect_domain,
            mta_sts=tenant.mta_sts_record,
        ),
        *(portal_records(subdomain=tenant.subdomain, portal=portal.to(PortalAlias)) if portal is not None else ()),
        *([ownership_record(subdomain=tenant.subdomain, token=tenant.ownership)] if tenant.ownership else []),
    )


def customer_records(
    tenant: Tenant, cell: Cell, *, dkim: Sequence[DkimToken], name_servers: Sequence[str]
) -> tuple[DnsRecord, ...]:
    """Records that the customer's IT installs: the NS record set of a delegated subdomain, all records of a self-managed one.

    The permissions of other domains to get the tenant's DMARC reports come last.

    Args:
        tenant: whose.
        cell: where it is deployed.
        dkim: the three tokens of its SES identity.
        name_servers: of its hosted zone; unused for a self-managed subdomain.
    """
    if tenant.dns == "delegated":
        own: tuple[DnsRecord, ...] = (delegation_record(subdomain=tenant.subdomain, name_servers=name_servers),)
    else:
        own = zone_records(tenant, cell, dkim)
    return (*own, *report_authorization_records(subdomain=tenant.subdomain, dmarc_rua=tenant.dmarc_rua))


def public_records(
    tenant: Tenant, cell: Cell, *, dkim: Sequence[DkimToken], name_servers: Sequence[str]
) -> tuple[DnsRecord, ...]:
    """All public records: the customer's, then those of our hosted zone. Arguments as above."""
    handed_over = customer_records(tenant, cell, dkim=dkim, name_servers=name_servers)
    return (*handed_over, *zone_records(tenant, cell, dkim)) if tenant.dns == "delegated" else handed_over
