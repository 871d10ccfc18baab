"""dns-records: the records that a tenant's customer installs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

import typer

from constructs_lib.names import domain_name, is_below, registrable_domain
from constructs_lib.records import DnsRecord, in_zone
from email_stack.cli.account import checked_account, not_deployed, tenant_and_cell
from email_stack.cli.dns_options import (
    ResolverOption,
    ServerPort,
    checked,
    deployed,
    endpoint,
)
from email_stack.cli.options import DEFAULT_CONFIG, ConfigPath, TenantId
from email_stack.cli.output_file import Output, write_text
from email_stack.config import Cell, Tenant
from email_stack.config.problems import RuleError
from email_stack.config.tenant_records import customer_records, public_records
from email_stack.dns_setup.model import DnsSetup, Format, Language
from email_stack.dnscheck.model import Endpoint, Holding, Report, Subject
from email_stack.operations.deployed import Deployed, NotDeployedError

__all__ = ["register"]

FormatOption = Annotated[Format, typer.Option("--format", help="Format of the records.")]

ZoneOption = Annotated[
    str | None,
    typer.Option("--zone", help="The customer's zone for the records. Default: the closest zone in DNS."),
]

LanguageOption = Annotated[
    Language, typer.Option("--language", help="Language of markdown, and first language of the setup guide.")
]
Check = Annotated[
    bool,
    typer.Option("--check/--no-check", help="Query DNS for the zone and for the states in the setup guide."),
]


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command(name="dns-records")(dns_records)


def dns_records(  # noqa: PLR0917 - options, which Typer passes by name
    tenant: TenantId,
    form: FormatOption = Format.BIND,
    output: Output = None,
    zone: ZoneOption = None,
    language: LanguageOption = "en",
    check: Check = True,
    resolver: ResolverOption = None,
    server_port: ServerPort = 53,
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """Print the DNS setup instructions for a deployed tenant's customer: the records, as a file or a setup guide."""
    chosen, cell = tenant_and_cell(config, tenant)
    asked = endpoint(resolver)
    zone_name = _zone(chosen, zone)
    checked_account(cell)
    try:
        made = deployed(chosen, cell)
    except NotDeployedError as error:
        raise not_deployed(error) from error
    records = _records(chosen, cell, made)
    holding = _in_dns(chosen, records, asked, server_port) if check and chosen.parent_zone is None else Holding()
    zone_name = holding.zone if holding.zone and zone is None else zone_name
    report: Report | None = None
    if check and form is Format.HTML:
        everything = public_records(chosen, cell, dkim=made.dkim, name_servers=made.name_servers)
        subject = Subject(subdomain=chosen.subdomain, records=everything, ses=made.ses)
        [report] = checked([subject], asked, server_port)
    dns_setup = DnsSetup(
        tenant=chosen.id,
        subdomain=chosen.subdomain,
        zone=zone_name,
        records=records,
        cuts=tuple(cut for cut in holding.cuts if cut != zone_name and in_zone(cut, zone_name)),
        report=report,
        checked_at=datetime.now(UTC) if report is not None else None,
    )
    from email_stack.dns_setup.formats import render  # noqa: PLC0415 - its template engine takes longer than other commands

    write_text(render(dns_setup, form, language=language), output)


def _records(tenant: Tenant, cell: Cell, made: Deployed) -> tuple[DnsRecord, ...]:
    return customer_records(tenant, cell, dkim=made.dkim, name_servers=made.name_servers)


def _zone(tenant: Tenant, given: str | None) -> str:
    """The zone that the records go into: the one given, our own parent zone, or the registered domain."""
    if given is None:
        parent = tenant.parent_zone
        return parent.zone_name if parent is not None else registrable_domain(tenant.subdomain)
    try:
        zone = domain_name(given)
    except RuleError as error:
        raise typer.BadParameter(f"{given!r} {error}", param_hint="--zone") from None
    itself = zone == tenant.subdomain and tenant.dns == "self-managed"
    if not itself and not is_below(tenant.subdomain, zone):
        raise typer.BadParameter(
            f'"{zone}" does not hold {tenant.subdomain}; name the zone above it', param_hint="--zone"
        )
    return zone


def _in_dns(tenant: Tenant, records: Sequence[DnsRecord], resolver: Endpoint | None, port: int) -> Holding:
    """Zones of the records by DNS, as in the check; unknown if they are not the customer's."""
    from email_stack.dnscheck.holding import holding_zones  # noqa: PLC0415 - dnspython takes longer than most commands

    keeps = tenant.dns == "self-managed"
    name = tenant.subdomain if keeps else tenant.subdomain.partition(".")[2]
    # For a delegation the zone above decides.
    found = holding_zones(name, records if keeps else (), resolver, port)
    return found if found.zone and in_zone(found.zone, registrable_domain(tenant.subdomain)) else Holding()
