"""Every verdict on a customer's records, each brought about on real name servers."""

from __future__ import annotations

import time

import pytest

from constructs_lib.records import DnsRecord, MtaSts, Purpose, report_authorization_records
from email_stack.dnscheck.check import check_subdomains
from email_stack.dnscheck.model import Endpoint, Finding, Status, Subject
from tests.dnscheck.customers import SES_SPF, check, check_again, eight, finding, records, without, zone_text
from tests.nameservers import Internet

ZONE = "acme.example"
S = f"post.{ZONE}"
RECORDS = eight(S)


def found(internet: Internet, text: str, name: str, kind: str) -> Finding:
    """The verdict on one record when the zone holds `text`."""
    internet.serve(ZONE, text, internet.customer)
    [report] = check(internet, Subject(subdomain=S, records=RECORDS))
    return finding(report, name, kind)


def test_all_records_are_ok(internet: Internet) -> None:
    """A zone with the eight records is right on both servers and at the resolver."""
    internet.serve(ZONE, zone_text(RECORDS), internet.customer)
    [report] = check(internet, Subject(subdomain=S, records=RECORDS))
    assert [one.status for one in report.findings] == [Status.OK] * 8
    assert report.status is Status.OK
    assert [one.fix for one in report.findings] == [""] * 8
    servers = [server.name for server in internet.customer]
    assert all([seen.server for seen in one.seen] == [*servers, "resolver"] for one in report.findings)
    assert all(set(seen.values) == set(one.record.values) for one in report.findings for seen in one.seen)


def test_nothing_is_there(internet: Internet) -> None:
    """In an empty zone all eight are missing, each with what to add and where."""
    internet.serve(ZONE, "", internet.customer)
    [report] = check(internet, Subject(subdomain=S, records=RECORDS))
    assert [one.status for one in report.findings] == [Status.MISSING] * 8
    assert report.findings[3].fix == (f'Add to the zone {ZONE}: {S} MX "10 inbound-smtp.eu-central-1.amazonaws.com".')


def test_record_of_a_zone_that_does_not_exist(internet: Internet) -> None:
    """Where the customer's domain itself is not registered, its records are missing in the zone above."""
    [report] = check(internet, Subject(subdomain="post.nobody.example", records=eight("post.nobody.example")))
    assert {one.status for one in report.findings} == {Status.MISSING}
    assert "the zone example:" in report.findings[0].fix


@pytest.mark.parametrize(
    ("name", "kind", "line", "status", "said"),
    [
        ("a._domainkey", "CNAME", "a._domainkey.post CNAME other.example.net.", Status.WRONG, '"other.example.net"'),
        ("a._domainkey", "CNAME", "a._domainkey.post CNAME a.dkim.amazonses.com", Status.WRONG, "with a dot"),
        (
            "a._domainkey",
            "CNAME",
            "a._domainkey.post.acme.example CNAME a.dkim.amazonses.com.",
            Status.DOUBLED_NAME,
            ZONE,
        ),
        ("a._domainkey", "CNAME", 'a._domainkey.post TXT "a.dkim.amazonses.com"', Status.MISSING, "as TXT"),
        ("post", "MX", "post MX 10 mx.example.net.", Status.WRONG, '"10 mx.example.net"'),
        ("post", "MX", "post MX 10 inbound-smtp.eu-central-1.amazonaws.com\n", Status.WRONG, "with a dot"),
        (
            "post",
            "MX",
            "post MX 10 inbound-smtp.eu-central-1.amazonaws.com.\npost MX 20 mx.example.net.",
            Status.EXTRA,
            '"20 mx.example.net"',
        ),
        (
            "post",
            "MX",
            "post.acme.example MX 10 inbound-smtp.eu-central-1.amazonaws.com.",
            Status.DOUBLED_NAME,
            '"post"',
        ),
        ("post", "TXT", f'post TXT {SES_SPF}\npost TXT "v=spf1 -all"', Status.DUPLICATE_SPF, "Merge the 2"),
        ("post", "TXT", 'post TXT "v=spf1 -all"', Status.WRONG, '"include:amazonses.com"'),
        ("post", "TXT", 'post TXT "v=spf1 include:amazonses.com +all"', Status.WRONG, '"~all" or "-all"'),
        ("post", "TXT", 'post TXT "v=spf1 include:amazonses.com ip4:1.2.3 ~all"', Status.WRONG, "ip4"),
        ("post", "TXT", 'post TXT "spf1 include:amazonses.com ~all"', Status.WRONG, '"spf1'),
        ("post", "TXT", 'post TXT "v=spf1 include:amazon" "ses.com ~ all"', Status.SPLIT_WRONG, "as one record"),
        (
            "post",
            "TXT",
            'post TXT "v=spf1 include:amazonses.com "\npost TXT "~all"',
            Status.SPLIT_WRONG,
            "as one record",
        ),
        ("post", "TXT", r'post TXT "\"v=spf1 include:amazonses.com ~all\""', Status.SPLIT_WRONG, "quotation"),
        ("post", "TXT", 'post TXT "google-site-verification=1"', Status.MISSING, "Add"),
        (
            "post",
            "TXT",
            'post TXT "v=spf1 '
            + " ".join(f"include:s{number}.acme.example" for number in range(10))
            + ' include:amazonses.com ~all"\n'
            + "\n".join(f's{number} TXT "v=spf1 -all"' for number in range(10)),
            Status.TOO_MANY_LOOKUPS,
            "needs 11 look-ups",
        ),
        (
            "post",
            "TXT",
            'post TXT "v=spf1 include:amazonses.com a:v1.acme.example a:v2.acme.example a:v3.acme.example ~all"',
            Status.TOO_MANY_LOOKUPS,
            "find nothing",
        ),
        ("_dmarc", "TXT", '_dmarc.post TXT "v=DMARC1; p=none"', Status.WRONG, "quarantine"),
        ("_dmarc", "TXT", '_dmarc.post TXT "v=DMARC1 p=quarantine"', Status.WRONG, "v=DMARC1 p=quarantine"),
        ("_dmarc", "TXT", '_dmarc.post TXT "v=DMARC1; p=quarantine; p=none"', Status.WRONG, "p"),
        (
            "_dmarc",
            "TXT",
            '_dmarc.post TXT "v=DMARC1; p=quarantine"\n_dmarc.post TXT "v=DMARC1; p=none"',
            Status.DUPLICATE_DMARC,
            "one of the 2",
        ),
        ("_dmarc", "TXT", '_dmarc.post TXT "v=DMARC1; p=quar" \n_dmarc.post TXT "antine"', Status.SPLIT_WRONG, "parts"),
        ("_dmarc", "TXT", '_dmarc.post.acme.example TXT "v=DMARC1; p=quarantine"', Status.DOUBLED_NAME, "_dmarc.post"),
    ],
)
def test_mistake(  # noqa: PLR0917 - parameters of the table
    internet: Internet, name: str, kind: str, line: str, status: Status, said: str
) -> None:
    """Each mistake that customers make has its verdict, and advice that names what stands there or what belongs there."""
    verdict = found(internet, zone_text(without(RECORDS, name, kind), line), name, kind)
    assert verdict.status is status
    assert said in verdict.fix


def test_cname_where_other_types_belong(internet: Internet) -> None:
    """A CNAME hides the records of its name."""
    kept = [record for record in RECORDS if record.name != f"mail.{S}"]
    for kind in ("MX", "TXT"):
        verdict = found(internet, zone_text(kept, "mail.post CNAME elsewhere.example."), "mail", kind)
        assert verdict.status is Status.CNAME_CONFLICT
        assert '"elsewhere.example"' in verdict.fix
        assert verdict.seen[0].values == ("CNAME elsewhere.example",)


@pytest.mark.parametrize(
    ("name", "kind", "line", "note"),
    [
        ("post", "MX", "post MX 5 inbound-smtp.eu-central-1.amazonaws.com.", "5 inbound-smtp"),
        ("post", "TXT", 'post TXT "v=spf1 include:amazonses.com ip4:192.0.2.1 -all"', "1 of 10 look-ups"),
        ("post", "TXT", f'post TXT "google-site-verification=1"\npost TXT {SES_SPF}', ""),
        ("post", "TXT", 'post TXT "v=spf1 include:ama" "zonses.com ~all"', ""),
        ("_dmarc", "TXT", '_dmarc.post TXT "v=DMARC1;p=quarantine;rua=mailto:dmarc@acme.example"', "serves as well"),
        ("a._domainkey", "CNAME", "a._domainkey.post CNAME A.DKIM.AmazonSES.com.", ""),
    ],
)
def test_other_ways_to_be_right(internet: Internet, name: str, kind: str, line: str, note: str) -> None:
    """What does all that was asked is ok, with a note when it is written differently."""
    verdict = found(internet, zone_text(without(RECORDS, name, kind), line), name, kind)
    assert (verdict.status, verdict.fix) == (Status.OK, "")
    assert note in verdict.note
    assert bool(note) == bool(verdict.note)


def test_resolver_remembers_the_old_value(internet: Internet) -> None:
    """A record that was just corrected is pending until the resolver's cache has forgotten the mistake."""
    internet.serve(ZONE, zone_text(without(RECORDS, "post", "MX"), "post MX 10 mx.example.net."), internet.customer)
    [before] = check(internet, Subject(subdomain=S, records=RECORDS))
    assert finding(before, "post", "MX").status is Status.WRONG
    internet.serve(ZONE, zone_text(RECORDS), internet.customer)
    [after] = check_again(internet, Subject(subdomain=S, records=RECORDS))
    verdict = finding(after, "post", "MX")
    assert verdict.status is Status.PENDING
    assert verdict.seen[-1].values == ("10 mx.example.net",)
    assert verdict.fix.startswith("Wait: the resolver 127.0.0.1 has an older answer")
    assert after.status is Status.PENDING
    [later] = check(internet, Subject(subdomain=S, records=RECORDS))
    assert later.status is Status.OK


def test_servers_disagree(internet: Internet) -> None:
    """A record that one of two servers has in a newer version is pending, and the one behind is named."""
    internet.serve(ZONE, zone_text(RECORDS), internet.customer)
    second = internet.customer[1]
    internet.serve_differently(second, ZONE, zone_text(without(RECORDS, "_dmarc", "TXT")))
    internet.serve_differently(internet.customer[0], ZONE, zone_text(RECORDS))
    [report] = check(internet, Subject(subdomain=S, records=RECORDS))
    verdict = finding(report, "_dmarc", "TXT")
    assert verdict.status is Status.PENDING
    assert second.name in verdict.fix
    assert [seen.values for seen in verdict.seen[:2]] == [("v=DMARC1; p=quarantine",), ()]


def test_one_server_refuses_the_zone(internet: Internet) -> None:
    """A server that is named for the zone and refuses it makes right records lame."""
    internet.serve(ZONE, zone_text(RECORDS), internet.customer)
    internet.refuse(internet.customer[1], ZONE)
    [report] = check(internet, Subject(subdomain=S, records=RECORDS))
    assert {one.status for one in report.findings} == {Status.LAME}
    assert "ns2.dns.example" in report.findings[0].fix
    assert report.findings[0].seen[1].problem == "REFUSED"


def test_zone_is_bogus(internet: Internet) -> None:
    """Where the DS record above does not fit the zone's keys, validating resolvers refuse what the zone rightly holds."""
    internet.serve(ZONE, zone_text(RECORDS), internet.customer)
    internet.sign(ZONE)
    [signed] = check(internet, Subject(subdomain=S, records=RECORDS))
    assert signed.status is Status.OK
    internet.announce_other_key(ZONE)
    [report] = check(internet, Subject(subdomain=S, records=RECORDS))
    assert {one.status for one in report.findings} == {Status.DNSSEC_BOGUS}
    assert "DS record" in report.findings[0].fix
    assert report.findings[0].seen[-1].problem == "not valid under DNSSEC"
    internet.remove(ZONE)


def test_one_server_is_dead(internet: Internet) -> None:
    """One of two servers that is silent is noted; the records are right, and it costs its time-out once."""
    internet.serve(ZONE, zone_text(RECORDS), internet.customer)
    first, second = internet.customer
    second.silence()
    try:
        internet.flush()
        start = time.monotonic()
        [report] = check_again(internet, Subject(subdomain=S, records=RECORDS))
        assert time.monotonic() - start < 3 * 2
    finally:
        second.resume()
    assert [one.status for one in report.findings] == [Status.OK] * 8
    assert all(second.name in one.note for one in report.findings)
    assert {seen.problem for one in report.findings for seen in one.seen} == {"", "no answer within 3 s"}
    assert first.name in {seen.server for seen in report.findings[0].seen}


def test_no_server_answers(internet: Internet) -> None:
    """A zone whose servers are all down is unreachable, which is not the same as records that are missing."""
    internet.serve(ZONE, zone_text(RECORDS), internet.customer)
    for server in internet.customer:
        server.stop()
    try:
        [report] = check(internet, Subject(subdomain=S, records=RECORDS))
    finally:
        for server in internet.customer:
            server.start()
    assert {one.status for one in report.findings} == {Status.UNREACHABLE}
    assert "ns1.dns.example and ns2.dns.example" in report.findings[0].fix
    assert "refused" in report.findings[0].seen[0].problem


def test_no_resolver_answers(internet: Internet) -> None:
    """Without a resolver nothing is told of the records but that another resolver is needed."""
    internet.resolver.stop()
    try:
        [report] = check_again(internet, Subject(subdomain=S, records=RECORDS))
    finally:
        internet.resolver.start()
    assert {one.status for one in report.findings} == {Status.UNREACHABLE}
    assert report.findings[0].fix.startswith("Name a resolver that answers")


def test_zone_below_the_subdomain(internet: Internet) -> None:
    """Records are looked up where the customer has delegated part of the subdomain to other servers."""
    below = f"mail.{S}"
    inside = [record for record in RECORDS if record.name == below]
    internet.serve(ZONE, zone_text(record for record in RECORDS if record.name != below), internet.customer)
    internet.serve(below, zone_text(inside), internet.ours[:1])
    [report] = check(internet, Subject(subdomain=S, records=RECORDS))
    internet.remove(below, ZONE)
    assert report.status is Status.OK
    assert finding(report, "mail", "MX").seen[0].server == internet.ours[0].name


def test_optional_records(internet: Internet) -> None:
    """What is optional is judged like the rest, in whichever zone it stands, and does not make the whole wrong."""
    rua = ["dmarc@vendor.example"]
    wanted = records(
        S, dmarc_rua=rua, redirect_domain=f"click.{S}", mta_sts=MtaSts(policy_host="d111111abcdef8.cloudfront.net")
    )
    subject = Subject(subdomain=S, records=(*wanted, *report_authorization_records(subdomain=S, dmarc_rua=rua)))
    internet.serve("vendor.example", f'{S}._report._dmarc TXT "v=DMARC1;"', internet.customer)
    internet.serve(ZONE, zone_text(wanted), internet.customer)
    [right] = check(internet, subject)
    assert {one.status for one in right.findings} == {Status.OK}
    others = [
        '_smtp._tls.post TXT "v=TLSRPTv1; rua=mailto:other@vendor.example"',
        '_mta-sts.post TXT "v=STSv1; id=1;"',
        '_mta-sts.post TXT "v=STSv1; id=2;"',
    ]
    internet.serve(ZONE, zone_text(wanted[:8], *others), internet.customer)
    internet.serve("vendor.example", "", internet.customer)
    [report] = check(internet, subject)
    internet.remove("vendor.example")
    assert report.status is Status.OK
    assert {(one.record.purpose, one.status) for one in report.findings[8:]} == {
        (Purpose.TRACKING, Status.MISSING),
        (Purpose.TLS_REPORTS, Status.WRONG),
        (Purpose.MTA_STS, Status.WRONG),
        (Purpose.MTA_STS, Status.MISSING),
        (Purpose.DMARC_REPORTS, Status.MISSING),
    }


def test_alias_is_right_when_it_has_addresses(internet: Internet) -> None:
    """Of an alias only Route 53 knows the target: any address will do, none will not."""
    alias = [
        DnsRecord(
            name=S, type=kind, values=("d1.cloudfront.net",), purpose=Purpose.PORTAL, required=False, alias_zone_id="Z1"
        )
        for kind in ("A", "AAAA")
    ]
    internet.serve(ZONE, "post A 192.0.2.1", internet.customer)
    [report] = check(internet, Subject(subdomain=S, records=tuple(alias)))
    assert [one.status for one in report.findings] == [Status.OK, Status.MISSING]
    assert report.status is Status.OK


def test_resolver_that_refuses_us(internet: Internet) -> None:
    """A server that answers, and finds nothing for us, is no resolver: nothing is told of the records."""
    internet.serve(ZONE, zone_text(RECORDS), internet.customer)
    wrong = Endpoint(internet.customer[0].address, internet.port)
    [report] = check_subdomains(
        [Subject(subdomain="post.other.test", records=eight("post.other.test"))], resolver=wrong
    )
    assert {one.status for one in report.findings} == {Status.UNREACHABLE}
    assert report.findings[0].fix == (
        'Check again later, or with another resolver: no zone was found above "post.other.test".'
    )


def test_spf_whose_includes_cannot_be_asked_for(internet: Internet) -> None:
    """Where DNS gives no answer now, the record is judged by what it says, and a note says what could not be counted."""
    internet.serve("bogus.example", '@ TXT "v=spf1 -all"', internet.customer)
    internet.sign("bogus.example")
    internet.announce_other_key("bogus.example")
    line = 'post TXT "v=spf1 include:amazonses.com mx include:bogus.example ~all"'
    verdict = found(internet, zone_text(without(RECORDS, "post", "TXT"), line), "post", "TXT")
    internet.remove("bogus.example")
    assert verdict.status is Status.OK
    assert (
        verdict.note
        == 'its look-ups could not be counted: "include:bogus.example" got no answer: not valid under DNSSEC'
    )
