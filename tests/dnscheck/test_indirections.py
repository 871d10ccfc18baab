"""Records behind CNAMEs and includes: what a receiver gets decides, on real name servers."""

from __future__ import annotations

import pytest

from constructs_lib.records import DnsRecord
from email_stack.dnscheck.model import Finding, Report, Status, Subject
from tests.dnscheck.customers import check, finding, records, without, zone_text
from tests.nameservers import Internet, LaxServer

ZONE = "harbor.example"
S = f"tickets.{ZONE}"
RECORDS = records(S, dmarc_policy="reject", dmarc_rua=[f"dmarc@{ZONE}"])
DMARC = f'"v=DMARC1; p=reject; rua=mailto:dmarc@{ZONE}"'
SES_SPF = '"v=spf1 include:amazonses.com ~all"'
MAIL_MX = "MX 10 feedback-smtp.eu-central-1.amazonses.com."


def but(*gone: tuple[str, str]) -> list[DnsRecord]:
    """All records but those at the names that start so."""
    kept = list(RECORDS)
    for name, kind in gone:
        kept = without(kept, name, kind)
    return kept


def checked(internet: Internet, kept: list[DnsRecord], *lines: str) -> Report:
    """The report when the zone holds these."""
    internet.serve(ZONE, zone_text(kept, *lines), internet.customer)
    [report] = check(internet, Subject(subdomain=S, records=RECORDS))
    return report


def spf(internet: Internet, *lines: str) -> Finding:
    """The verdict on the subdomain's SPF record when its zone holds these lines in its place."""
    return finding(checked(internet, but(("tickets", "TXT")), *lines), "tickets", "TXT")


@pytest.mark.parametrize(
    ("name", "kind", "lines", "via"),
    [
        (
            "_dmarc",
            "TXT",
            ("_dmarc.tickets CNAME policy", f"policy TXT {DMARC}"),
            ("CNAME policy.harbor.example",),
        ),
        (
            "_dmarc",
            "TXT",
            ("_dmarc.tickets CNAME one", "one CNAME two", f"two TXT {DMARC}"),
            ("CNAME one.harbor.example", "CNAME two.harbor.example"),
        ),
        (
            "_smtp._tls",
            "TXT",
            ("_smtp._tls.tickets CNAME tls", 'tls TXT "v=TLSRPTv1; rua=mailto:dmarc@harbor.example"'),
            ("CNAME tls.harbor.example",),
        ),
        (
            "a._domainkey",
            "CNAME",
            ("a._domainkey.tickets CNAME key", "key CNAME a.dkim.amazonses.com."),
            ("CNAME key.harbor.example",),
        ),
        (
            "tickets",
            "TXT",
            ('tickets TXT "v=spf1 include:_spf.harbor.example -all"', f"_spf TXT {SES_SPF}"),
            ("include:_spf.harbor.example",),
        ),
        (
            "tickets",
            "TXT",
            (
                'tickets TXT "v=spf1 include:_a.harbor.example include:_b.harbor.example -all"',
                '_a TXT "v=spf1 ip4:192.0.2.1 -all"',
                '_b TXT "v=spf1 redirect=_c.harbor.example"',
                f"_c TXT {SES_SPF}",
            ),
            ("include:_b.harbor.example", "redirect=_c.harbor.example"),
        ),
        (
            "tickets",
            "TXT",
            ('tickets TXT "v=spf1 redirect=_spf.harbor.example"', f"_spf TXT {SES_SPF}"),
            ("redirect=_spf.harbor.example",),
        ),
        ("tickets", "TXT", ('tickets TXT "v=spf1 redirect=amazonses.com"',), ()),
        (
            "tickets",
            "TXT",
            ('tickets TXT "v=spf1 include:_spf.harbor.example include:amazonses.com -all"', f"_spf TXT {SES_SPF}"),
            (),
        ),
        (
            "tickets",
            "TXT",
            (
                'tickets TXT "v=spf1 include:_spf.harbor.example -all"',
                "_spf CNAME policies",
                f"policies TXT {SES_SPF}",
            ),
            ("include:_spf.harbor.example",),
        ),
        (
            "tickets",
            "TXT",
            (
                'tickets TXT "v=spf1 include:_spf.harbor.example -all"',
                '_spf TXT "v=spf1 -include:other.harbor.example include:amazonses.com ?all"',
                'other TXT "v=spf1 ip4:192.0.2.1 -all"',
            ),
            ("include:_spf.harbor.example",),
        ),
    ],
)
def test_right_behind_something_is_ok(
    internet: Internet, name: str, kind: str, lines: tuple[str, ...], via: tuple[str, ...]
) -> None:
    """Where a receiver gets what was asked for, the record is ok; a remark says what stands between and must stay so."""
    report = checked(internet, but((name, kind)), *lines)
    verdict = finding(report, name, kind)
    assert (verdict.status, verdict.fix) == (Status.OK, "")
    assert verdict.via == via
    assert all(term.removeprefix("CNAME ") in verdict.note for term in via)
    assert ("must go on" in verdict.note) == bool(via)
    assert report.status is Status.OK


def test_mail_from_domain_behind_one_cname(internet: Internet) -> None:
    """MX and SPF of the MAIL FROM domain may stand at the one name that its CNAME leads to."""
    kept = but(("mail", "MX"), ("mail", "TXT"))
    report = checked(internet, kept, "mail.tickets CNAME bounce", f"bounce {MAIL_MX}", f"bounce TXT {SES_SPF}")
    assert report.status is Status.OK
    for kind in ("MX", "TXT"):
        verdict = finding(report, "mail", kind)
        assert (verdict.status, verdict.fix, verdict.via) == (Status.OK, "", ("CNAME bounce.harbor.example",))
        assert "bounce.harbor.example" in verdict.note
        assert verdict.seen[0].values[0] == "CNAME bounce.harbor.example"


def test_subdomain_itself_behind_a_cname(internet: Internet) -> None:
    """Senders look for the MX where a CNAME of the mail domain leads; so do they for SPF."""
    kept = but(("tickets", "MX"), ("tickets", "TXT"))
    report = checked(
        internet,
        kept,
        "tickets CNAME front",
        "front MX 10 inbound-smtp.eu-central-1.amazonaws.com.",
        f"front TXT {SES_SPF}",
    )
    assert report.status is Status.OK
    assert finding(report, "tickets", "MX").via == ("CNAME front.harbor.example",)


def test_cname_into_another_zone(internet: Internet) -> None:
    """What decides stands at the other zone's own servers, which are asked and shown."""
    internet.serve("vendor.example", f"harbor TXT {DMARC}", internet.ours[:2])
    kept = but(("_dmarc", "TXT"))
    verdict = finding(checked(internet, kept, "_dmarc.tickets CNAME harbor.vendor.example."), "_dmarc", "TXT")
    assert (verdict.status, verdict.via) == (Status.OK, ("CNAME harbor.vendor.example",))
    servers = [one.server for one in verdict.seen]
    assert servers == [*(one.name for one in internet.customer), *(one.name for one in internet.ours[:2]), "resolver"]

    internet.refuse(internet.ours[1], "vendor.example")
    [report] = check(internet, Subject(subdomain=S, records=RECORDS))
    assert finding(report, "_dmarc", "TXT").status is Status.OK, "another company's lame server is not the customer's"

    internet.serve_differently(internet.ours[1], "vendor.example", "")
    internet.serve_differently(internet.ours[0], "vendor.example", f"harbor TXT {DMARC}")
    [report] = check(internet, Subject(subdomain=S, records=RECORDS))
    assert finding(report, "_dmarc", "TXT").status is Status.PENDING
    assert internet.ours[1].name in finding(report, "_dmarc", "TXT").fix

    internet.serve("vendor.example", 'harbor TXT "v=DMARC1; p=none"', internet.ours[:2])
    [report] = check(internet, Subject(subdomain=S, records=RECORDS))
    wrong = finding(report, "_dmarc", "TXT")
    assert wrong.status is Status.WRONG
    assert "harbor.vendor.example, where the CNAME" in wrong.fix
    internet.remove("vendor.example")


def test_server_that_adds_what_it_may_not_is_not_believed(internet: Internet) -> None:
    """A leftover copy of the target's zone on the customer's servers decides nothing: the zone's own servers do."""
    internet.serve("vendor.example", 'harbor TXT "v=DMARC1; p=none"', internet.ours[:1])
    for server in internet.customer:
        server.load({"vendor.example": internet._text(internet._zones["vendor.example"]).replace("p=none", "p=reject")})
    verdict = finding(
        checked(internet, but(("_dmarc", "TXT")), "_dmarc.tickets CNAME harbor.vendor.example."), "_dmarc", "TXT"
    )
    for server in internet.customer:
        server.load({}, gone=["vendor.example"])
    internet.remove("vendor.example")
    assert verdict.status is Status.WRONG


@pytest.mark.parametrize(
    "lines",
    [
        ("_dmarc.tickets CNAME policy",),
        ("_dmarc.tickets CNAME policy", "policy CNAME _dmarc.tickets"),
        ("_dmarc.tickets CNAME _dmarc.tickets",),
        ("_dmarc.tickets CNAME c0", *(f"c{n} CNAME c{n + 1}" for n in range(30)), f"c30 TXT {DMARC}"),
        ("_dmarc.tickets CNAME policy", 'policy TXT "other"'),
    ],
    ids=["nothing there", "loop of two", "loop of one", "too long", "other text"],
)
def test_cname_that_leads_to_nothing_is_in_the_way(internet: Internet, lines: tuple[str, ...]) -> None:
    """A CNAME behind which a receiver finds no such record stays a conflict, and following it ends."""
    verdict = finding(checked(internet, but(("_dmarc", "TXT")), *lines), "_dmarc", "TXT")
    assert verdict.status is Status.CNAME_CONFLICT
    assert verdict.fix.startswith(f"Remove the CNAME of _dmarc.{S}")


def test_lame_server_stays_lame_behind_a_cname(internet: Internet) -> None:
    """A server that refuses the zone is not excused by another that leads on."""
    kept = but(("_dmarc", "TXT"))
    internet.serve(ZONE, zone_text(kept, "_dmarc.tickets CNAME policy", f"policy TXT {DMARC}"), internet.customer)
    [report] = check(internet, Subject(subdomain=S, records=RECORDS))
    assert report.status is Status.OK
    internet.refuse(internet.customer[1], ZONE)
    [report] = check(internet, Subject(subdomain=S, records=RECORDS))
    verdict = finding(report, "_dmarc", "TXT")
    assert verdict.status is Status.LAME
    assert internet.customer[1].name in verdict.fix
    internet.remove(ZONE)


def test_cname_that_serves_one_of_two_is_not_to_be_removed(internet: Internet) -> None:
    """Where the MX is reached through the CNAME and SPF is not, the advice is to add SPF there, not to take the CNAME away."""
    kept = but(("mail", "MX"), ("mail", "TXT"))
    report = checked(internet, kept, "mail.tickets CNAME bounce", f"bounce {MAIL_MX}")
    assert finding(report, "mail", "MX").status is Status.OK
    verdict = finding(report, "mail", "TXT")
    assert verdict.status is Status.MISSING
    assert verdict.fix.startswith(f"Add where the CNAME of mail.{S} leads: bounce.{ZONE} TXT {SES_SPF}")
    assert "Remove" not in verdict.fix


@pytest.mark.parametrize(
    ("name", "kind", "right", "other"),
    [
        ("_dmarc", "TXT", f"_dmarc.tickets TXT {DMARC}", "_dmarc.tickets CNAME policy.vendor.example."),
        ("mail", "MX", f"mail.tickets {MAIL_MX}", "mail.tickets CNAME bounce.vendor.example."),
        (
            "a._domainkey",
            "CNAME",
            "a._domainkey.tickets CNAME a.dkim.amazonses.com.",
            'a._domainkey.tickets TXT "v=DKIM1; p="',
        ),
    ],
)
def test_cname_beside_other_data_is_a_conflict(
    internet: Internet, name: str, kind: str, right: str, other: str
) -> None:
    """A provider that lets a CNAME stand beside other data gives each to whoever asks: resolvers find one or the other."""
    address, server = "127.53.0.90", "ns.lax.example"
    text = zone_text(but((name, kind)), right, other)
    internet.serve(ZONE, "", internet.customer)
    internet.host(server, address)
    with LaxServer(address, internet.port, ZONE, text, (server,)):
        internet.delegate(ZONE, [server])
        [report] = check(internet, Subject(subdomain=S, records=RECORDS))
    internet.remove(ZONE)
    verdict = finding(report, name, kind)
    assert verdict.status is Status.CNAME_CONFLICT
    assert "nothing else may stand" in verdict.fix
    assert finding(report, "b._domainkey", "CNAME").status is Status.OK


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (
            ('tickets TXT "v=spf1 ?include:amazonses.com -all"',),
            'Let "include:amazonses.com" decide in the SPF record of',
        ),
        (
            ('tickets TXT "v=spf1 include:_spf.harbor.example -all"', '_spf TXT "v=spf1 ~include:amazonses.com -all"'),
            "the SPF record of _spf.harbor.example",
        ),
        (
            ('tickets TXT "v=spf1 -include:_spf.harbor.example ~all"', f"_spf TXT {SES_SPF}"),
            "the SPF record of _spf.harbor.example",
        ),
        (
            ('tickets TXT "v=spf1 include:_spf.harbor.example -all"', '_spf TXT "v=spf1 -all include:amazonses.com"'),
            'Add "include:amazonses.com"',
        ),
        (
            (
                'tickets TXT "v=spf1 include:_spf.harbor.example include:amazonses.com -all"',
                '_spf TXT "v=spf1 ip4:192.0.2.1 +all"',
            ),
            "lets every sender pass",
        ),
        (
            (
                'tickets TXT "v=spf1 redirect=_spf.harbor.example"',
                '_spf TXT "v=spf1 include:amazonses.com"',
            ),
            "End the SPF record of _spf.harbor.example",
        ),
    ],
)
def test_include_that_does_not_pass_is_wrong(internet: Internet, lines: tuple[str, ...], said: str) -> None:
    """Where a receiver computes no pass for SES, or one for everybody, the record is wrong; what is there is not added anew."""
    verdict = spf(internet, *lines)
    assert verdict.status is Status.WRONG
    assert said in verdict.fix
    assert said.startswith("Add") or "Add" not in verdict.fix


def test_include_that_cannot_be_asked_for_is_not_judged(internet: Internet) -> None:
    """Where the include that may lead to SES has no answer now, nobody is told to add one."""
    internet.serve("bogus.example", f"@ TXT {SES_SPF}", internet.customer)
    internet.sign("bogus.example")
    internet.announce_other_key("bogus.example")
    verdict = spf(internet, 'tickets TXT "v=spf1 include:bogus.example ~all"')
    internet.remove("bogus.example")
    assert verdict.status is Status.UNREACHABLE
    assert "Add" not in verdict.fix
