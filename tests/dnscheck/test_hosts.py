"""Names of web servers that lead there without the CNAME that was handed over, on real name servers."""

from __future__ import annotations

import pytest

from constructs_lib.records import MtaSts
from email_stack.dnscheck.model import Status, Subject
from tests.dnscheck.customers import check, finding, records, without, zone_text
from tests.nameservers import Internet

ZONE = "harbor.example"
S = f"tickets.{ZONE}"
RECORDS = records(S, redirect_domain=f"links.{S}", mta_sts=MtaSts(policy_host=f"www.{ZONE}"))


@pytest.mark.parametrize(
    ("name", "lines", "status"),
    [
        ("mta-sts", ("mta-sts.tickets A 192.0.2.1",), Status.OK),
        ("mta-sts", ("mta-sts.tickets AAAA 2001:db8::1", "mta-sts.tickets A 192.0.2.1"), Status.OK),
        ("mta-sts", ("mta-sts.tickets CNAME web", "web A 192.0.2.1"), Status.OK),
        ("mta-sts", ("mta-sts.tickets CNAME gone",), Status.WRONG),
        ("mta-sts", ("*.tickets A 192.0.2.1",), Status.MISSING),
        ("mta-sts", (), Status.MISSING),
        ("links", ("links.tickets CNAME d111111abcdef8.cloudfront.net.",), Status.OK),
        ("links", ("links.tickets A 192.0.2.1",), Status.OK),
        ("links", ("links.tickets CNAME www",), Status.WRONG),
        ("links", (), Status.MISSING),
    ],
)
def test_host_of_a_web_server(internet: Internet, name: str, lines: tuple[str, ...], status: Status) -> None:
    """An address is right, and another CNAME where it leads to one; of the tracking domain, one to a CDN."""
    kept = without(RECORDS, name, "CNAME")
    internet.serve(ZONE, zone_text(kept, "www A 192.0.2.9", *lines), internet.customer)
    [report] = check(internet, Subject(subdomain=S, records=RECORDS))
    found = finding(report, name, "CNAME")
    assert found.status is status
    assert ("serves as well" in found.note) == (status is Status.OK)
    assert report.status is Status.OK
