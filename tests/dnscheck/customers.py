"""A customer's records, and the zone that holds them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from constructs_lib.records import (
    DkimToken,
    Dmarc,
    DmarcPolicy,
    DnsRecord,
    MtaSts,
    delegation_record,
    email_records,
    zone_file_line,
)
from email_stack.dnscheck.check import check_subdomains
from email_stack.dnscheck.history import Serials
from email_stack.dnscheck.model import Endpoint, Finding, Report, Subject
from tests.nameservers import Internet

SES_SPF = '"v=spf1 include:amazonses.com ~all"'


def eight(subdomain: str) -> tuple[DnsRecord, ...]:
    """The records of a self-managed subdomain that asks for no reports."""
    return records(subdomain)


def records(
    subdomain: str,
    *,
    dmarc_policy: DmarcPolicy = "quarantine",
    dmarc_rua: Sequence[str] = (),
    redirect_domain: str | None = None,
    mta_sts: MtaSts | None = None,
) -> tuple[DnsRecord, ...]:
    """The eight, and the optional ones behind them."""
    return email_records(
        subdomain=subdomain,
        region="eu-central-1",
        mail_from="mail",
        dkim=[DkimToken(name=f"{one}._domainkey.{subdomain}", target=f"{one}.dkim.amazonses.com") for one in "abc"],
        dmarc=Dmarc(policy=dmarc_policy, rua=dmarc_rua),
        redirect_domain=redirect_domain,
        mta_sts=mta_sts,
    )


def zone_text(records: Iterable[DnsRecord], *others: str) -> str:
    """The records as lines of a zone, with other lines behind them."""
    return "\n".join([*(zone_file_line(record) for record in records), *others])


def without(records: Iterable[DnsRecord], name: str, kind: str) -> list[DnsRecord]:
    """All records but the one whose name starts so."""
    kept = [record for record in records if not (record.name.startswith(name) and record.type == kind)]
    assert len(kept) == len(list(records)) - 1, f"no single {kind} at {name}"
    return kept


def delegation(internet: Internet, subdomain: str, name_servers: Sequence[str] = ()) -> DnsRecord:
    """The NS record set that hands `subdomain` to our servers."""
    return delegation_record(subdomain=subdomain, name_servers=name_servers or [one.name for one in internet.ours])


def check(internet: Internet, *subjects: Subject, serials: Serials | None = None) -> tuple[Report, ...]:
    """The reports, with the small internet's resolver, which has forgotten everything before."""
    internet.flush()
    return check_again(internet, *subjects, serials=serials)


def check_again(internet: Internet, *subjects: Subject, serials: Serials | None = None) -> tuple[Report, ...]:
    """The same with what the resolver remembers."""
    resolver = Endpoint(internet.resolver.address, internet.resolver.port)
    return check_subdomains(subjects, resolver=resolver, port=internet.port, serials=serials)


def finding(report: Report, name: str, kind: str) -> Finding:
    """The one finding on the record whose name starts so."""
    [found] = [one for one in report.findings if one.record.name.startswith(name) and one.record.type == kind]
    return found
