"""The verdict on SPF records: every address of SES passes, the whole internet does not. On real name servers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from email_stack.dnscheck.model import Finding, Status, Subject
from tests.dnscheck.customers import check, finding, records, without, zone_text
from tests.nameservers import Internet

ZONE = "harbor.example"
S = f"tickets.{ZONE}"
RECORDS = records(S, dmarc_policy="reject", dmarc_rua=[f"dmarc@{ZONE}"])
OWN = without(RECORDS, "tickets", "TXT")
SES_RANGE = "199.255.192.0/22"


@pytest.fixture(autouse=True, scope="module")
def _broken_domain(internet: Internet) -> Iterator[None]:
    """broken.example is delegated to servers that refuse it."""
    internet.serve("broken.example", "", internet.customer[:1])
    internet.refuse(internet.customer[0], "broken.example")
    yield
    internet.remove("broken.example")


def verdict(internet: Internet, text: str, *lines: str) -> Finding:
    """The verdict on the subdomain's SPF record."""
    internet.serve(ZONE, zone_text(OWN, f'tickets TXT "{text}"', "www A 192.0.2.1", *lines), internet.customer)
    [report] = check(internet, Subject(subdomain=S, records=RECORDS))
    return finding(report, "tickets", "TXT")


@pytest.mark.parametrize(
    ("text", "lines", "status", "said"),
    [
        (
            f"v=spf1 -ip4:{SES_RANGE} include:amazonses.com ~all",
            (),
            Status.WRONG,
            f'now "-ip4:{SES_RANGE}" decides, and receivers compute fail for SES\'s 199.255.192.0',
        ),
        (f"v=spf1 ?ip4:{SES_RANGE} include:amazonses.com -all", (), Status.WRONG, "compute neutral"),
        ("v=spf1 -ip4:199.255.194.0/24 include:amazonses.com ~all", (), Status.WRONG, "fail for SES's 199.255.194.0"),
        (
            "v=spf1 -include:_old.harbor.example include:amazonses.com -all",
            ('_old TXT "v=spf1 include:amazonses.com -all"',),
            Status.WRONG,
            'now "-include:_old.harbor.example" decides, and receivers compute fail',
        ),
        (
            "v=spf1 -exists:www.harbor.example include:amazonses.com -all",
            (),
            Status.WRONG,
            'now "-exists:www.harbor.example" decides',
        ),
        ("v=spf1 -exists:gone.harbor.example include:amazonses.com -all", (), Status.OK, ""),
        ("v=spf1 -a:www.harbor.example/0 include:amazonses.com -all", (), Status.WRONG, "-a:www.harbor.example/0"),
        ("v=spf1 -mx/1 include:amazonses.com -all", ("tickets MX 5 www", "tickets MX 6 www"), Status.WRONG, '"-mx/1"'),
        ("v=spf1 -exists:%{i}.x.harbor.example include:amazonses.com -all", (), Status.WRONG, "compute unknown"),
        (
            "v=spf1 ip4:0.0.0.0/1 ip4:128.0.0.0/1 include:amazonses.com ~all",
            (),
            Status.WRONG,
            'Take "ip4:0.0.0.0/1", "ip4:128.0.0.0/1" out of the SPF record',
        ),
        ("v=spf1 include:amazonses.com a:www.harbor.example/0 ~all", (), Status.WRONG, "a:www.harbor.example/0"),
        ("v=spf1 include:amazonses.com exists:www.harbor.example ~all", (), Status.WRONG, "lets every sender pass"),
        ("v=spf1 include:amazonses.com ip6:::/0 ~all", (), Status.WRONG, 'Take "ip6:::/0" out'),
        ("v=spf1 include:amazonses.com ip4:0.0.0.0/0 -all", (), Status.WRONG, 'Take "ip4:0.0.0.0/0" out'),
        ("v=spf1 include:amazonses.com ?ip4:0.0.0.0/0 -all", (), Status.WRONG, 'Take "?ip4:0.0.0.0/0" out'),
        (
            "v=spf1 include:amazonses.com include:_open.harbor.example -all",
            ('_open TXT "v=spf1 +all"',),
            Status.WRONG,
            'Take "include:_open.harbor.example" out of the SPF record',
        ),
        (
            "v=spf1 include:amazonses.com -include:_open.harbor.example",
            ('_open TXT "v=spf1 +all"',),
            Status.OK,
            "",
        ),
        ("v=spf1 redirect=_open.harbor.example", ('_open TXT "v=spf1 +all"',), Status.WRONG, "End the SPF record"),
        (
            "v=spf1 include:spf.broken.example include:amazonses.com ~all",
            (),
            Status.UNREACHABLE,
            'Take "include:spf.broken.example" out of the SPF record of tickets.harbor.example, or put "include:amazonses.com"',
        ),
        ("v=spf1 a:broken.example include:amazonses.com ~all", (), Status.UNREACHABLE, '"a:broken.example"'),
        (f"v=spf1 -ip4:{SES_RANGE} ~all", (), Status.WRONG, f'in front of "-ip4:{SES_RANGE}", which decides otherwise'),
        ("v=spf1 ip4:192.0.2.1 ~all", (), Status.WRONG, "in front of its end"),
        ("v=spf1 ip4:199.255.192.0/23 ~all", (), Status.WRONG, 'Add "include:amazonses.com"'),
        (r"v=spf1 a:\195\175www.harbor.example include:amazonses.com ~all", (), Status.WRONG, "must be visible ASCII"),
        (r"v=spf1 include:amazonses.com x=\195\175 ~all", (), Status.WRONG, "must be visible ASCII"),
        (
            "v=spf1 include:_odd.harbor.example include:amazonses.com ~all",
            (r'_odd TXT "v=spf1 a:\195\175www.harbor.example -all"',),
            Status.WRONG,
            "must be visible ASCII",
        ),
    ],
)
def test_verdict(internet: Internet, text: str, lines: tuple[str, ...], status: Status, said: str) -> None:
    """What a receiver computes decides, and the advice names the term that does."""
    found = verdict(internet, text, *lines)
    assert found.status is status
    assert said in found.fix
    assert (status is Status.OK) == (found.fix == "")


@pytest.mark.parametrize(
    ("text", "lines", "note"),
    [
        ("v=spf1 include:amazonses.com include:spf.broken.example ~all", (), "its look-ups could not be counted"),
        (f"v=spf1 ip4:{SES_RANGE} -all", (), '"include:amazonses.com" goes on holding then'),
        ("v=spf1 ip4:199.255.192.0/23 ip4:199.255.194.0/23 -all", (), "SES's addresses change"),
        ("v=spf1 include:_ips.harbor.example -all", (f'_ips TXT "v=spf1 ip4:{SES_RANGE} -all"',), "must go on"),
        ("v=spf1 ?ip4:192.0.2.0/24 -ip4:198.51.100.1 mx include:amazonses.com -all", (), "serves as well"),
        ("v=spf1 exists:%{i}.x.harbor.example include:amazonses.com -all", (), "serves as well"),
    ],
)
def test_comes_to_the_same(internet: Internet, text: str, lines: tuple[str, ...], note: str) -> None:
    """Where every address of SES passes and the internet does not, the record is ok with a remark."""
    found = verdict(internet, text, *lines)
    assert (found.status, found.fix) == (Status.OK, "")
    assert note in found.note
