"""The record model: which records, with which values, in which form."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from constructs_lib.records import (
    DkimToken,
    Dmarc,
    DnsRecord,
    MtaSts,
    PortalAlias,
    Purpose,
    dmarc_value,
    email_records,
    in_zone,
    mta_sts_policy,
    portal_records,
    report_authorization_records,
    txt_rdata,
    zone_file_line,
)

MTA_STS = MtaSts(policy_host="d111111abcdef8.cloudfront.net")

TOKENS = tuple(
    DkimToken(name=f"{token}._domainkey.post.acme.example", target=f"{token}.dkim.amazonses.com") for token in "abc"
)


def eight(**overrides: object) -> tuple[DnsRecord, ...]:
    """The records of one subdomain, with `overrides`."""
    settings: dict[str, object] = {
        "subdomain": "post.acme.example",
        "region": "eu-central-1",
        "mail_from": "mail",
        "dkim": TOKENS,
        "dmarc": Dmarc(rua=["postmaster@post.acme.example"]),
    }
    return email_records(**{**settings, **overrides})  # type: ignore[arg-type]


def test_eight_records_in_zone_file_form() -> None:
    """3 CNAME, 2 MX, 3 TXT, with the values that SES documents."""
    assert [zone_file_line(record) for record in eight()[:8]] == [
        "a._domainkey.post.acme.example. 3600 IN CNAME a.dkim.amazonses.com.",
        "b._domainkey.post.acme.example. 3600 IN CNAME b.dkim.amazonses.com.",
        "c._domainkey.post.acme.example. 3600 IN CNAME c.dkim.amazonses.com.",
        "post.acme.example. 3600 IN MX 10 inbound-smtp.eu-central-1.amazonaws.com.",
        "mail.post.acme.example. 3600 IN MX 10 feedback-smtp.eu-central-1.amazonses.com.",
        'post.acme.example. 3600 IN TXT "v=spf1 include:amazonses.com ~all"',
        'mail.post.acme.example. 3600 IN TXT "v=spf1 include:amazonses.com ~all"',
        '_dmarc.post.acme.example. 3600 IN TXT "v=DMARC1; p=quarantine; rua=mailto:postmaster@post.acme.example"',
    ]
    assert eight(dmarc=Dmarc())[:7] == eight()[:7]
    assert len(eight(dmarc=Dmarc())) == 8


def test_optional_records_come_behind_the_eight() -> None:
    """The eight stay eight, and are all that is required."""
    every = eight(redirect_domain="links.post.acme.example", mta_sts=MTA_STS)
    assert every[:8] == eight()[:8]
    assert [record.required for record in every] == [True] * 8 + [False] * 4
    assert [(record.purpose, zone_file_line(record)) for record in every[8:]] == [
        (Purpose.TRACKING, "links.post.acme.example. 3600 IN CNAME r.eu-central-1.awstrack.me."),
        (
            Purpose.TLS_REPORTS,
            '_smtp._tls.post.acme.example. 3600 IN TXT "v=TLSRPTv1; rua=mailto:postmaster@post.acme.example"',
        ),
        (Purpose.MTA_STS, f'_mta-sts.post.acme.example. 3600 IN TXT "v=STSv1; id={policy_id(MTA_STS)};"'),
        (Purpose.MTA_STS, "mta-sts.post.acme.example. 3600 IN CNAME d111111abcdef8.cloudfront.net."),
    ]


def policy_id(mta_sts: MtaSts) -> str:
    """The id that the TXT record names for a policy."""
    (found,) = [one for one in eight(mta_sts=mta_sts) if one.name.startswith("_mta-sts.")]
    matched = re.fullmatch(r"v=STSv1; id=([A-Za-z0-9]{1,32});", found.values[0])
    assert matched is not None
    return matched[1]


def test_mta_sts_policy_file() -> None:
    """Key and value a line, each ended by CRLF, as RFC 8461 3.2 gives it."""
    assert mta_sts_policy(MTA_STS, region="eu-central-1") == (
        "version: STSv1\r\nmode: testing\r\nmx: inbound-smtp.eu-central-1.amazonaws.com\r\nmax_age: 604800\r\n"
    )


@pytest.mark.parametrize("change", [{"mode": "enforce"}, {"max_age_days": 1}])
def test_id_changes_with_the_policy(change: dict[str, Any]) -> None:
    """Senders fetch a policy anew when its id has changed, so the id follows what the policy says, and nothing else."""
    assert policy_id(replace(MTA_STS, **change)) != policy_id(MTA_STS)
    assert policy_id(replace(MTA_STS, policy_host="elsewhere.example")) == policy_id(MTA_STS)


def test_report_authorization_is_for_domains_outside() -> None:
    """One record a domain that is not the subdomain's own, in that domain."""
    rua = ["a@post.acme.example", "b@in.post.acme.example", "c@Vendor.example", "d@vendor.example", "e@acme.example"]
    found = report_authorization_records(subdomain="post.acme.example", dmarc_rua=rua)
    assert [(one.name, one.type, one.values, one.required) for one in found] == [
        ("post.acme.example._report._dmarc.vendor.example", "TXT", ("v=DMARC1",), False),
        ("post.acme.example._report._dmarc.acme.example", "TXT", ("v=DMARC1",), False),
    ]


@pytest.mark.parametrize(("ipv6", "kinds"), [(True, ["A", "AAAA"]), (False, ["A"])])
def test_portal_aliases(ipv6: bool, kinds: list[str]) -> None:
    """Aliases at the subdomain itself, which no zone file can hold."""
    found = portal_records(
        subdomain="post.acme.example", portal=PortalAlias(target="d1.cloudfront.net", hosted_zone_id="Z2", ipv6=ipv6)
    )
    assert [(one.name, one.type, one.values, one.alias_zone_id) for one in found] == [
        ("post.acme.example", kind, ("d1.cloudfront.net",), "Z2") for kind in kinds
    ]
    with pytest.raises(ValueError, match="an alias has no zone-file form"):
        zone_file_line(found[0])


@pytest.mark.parametrize(
    ("name", "zone", "inside"),
    [
        ("post.acme.example", "acme.example", True),
        ("Post.Acme.example", "aCME.example", True),
        ("acme.example", "acme.example", True),
        ("notacme.example", "acme.example", False),
        ("example", "acme.example", False),
    ],
)
def test_in_zone(name: str, zone: str, inside: bool) -> None:
    """Labels count, not characters, and case does not."""
    assert in_zone(name, zone) is inside


def test_dkim_takes_three_tokens() -> None:
    """Easy DKIM has three; fewer would leave an identity unverified."""
    with pytest.raises(ValueError, match="three tokens that SES returns, got 2"):
        eight(dkim=TOKENS[:2])


@pytest.mark.parametrize(
    ("rua", "value"),
    [
        ([], "v=DMARC1; p=reject"),
        (["a@x.example", "b@y.example"], "v=DMARC1; p=reject; rua=mailto:a@x.example,mailto:b@y.example"),
        (["a!b@x.example"], "v=DMARC1; p=reject; rua=mailto:a%21b@x.example"),
        (['"a,b"@x.example'], "v=DMARC1; p=reject; rua=mailto:%22a%2Cb%22@x.example"),
        (["50%25@x.example"], "v=DMARC1; p=reject; rua=mailto:50%2525@x.example"),
        (["a?b#c@x.example"], "v=DMARC1; p=reject; rua=mailto:a%3Fb%23c@x.example"),
    ],
)
def test_dmarc_value(rua: list[str], value: str) -> None:
    """Reporting URIs are escaped as RFC 9989 4.8 and RFC 6068 2 want it."""
    assert dmarc_value("reject", rua) == value


@pytest.mark.parametrize("value", ["tab\there", "müller", "line\nbreak", "x" * 4001])
def test_txt_that_dns_would_not_take(value: str) -> None:
    """Refused, rather than written as something else."""
    with pytest.raises(ValueError, match="txt: value must be"):
        txt_rdata(value)


def parsed(rdata: str) -> list[str]:
    """The character-strings of TXT rdata, read as RFC 1035 5.1 says."""
    strings, current, inside, at = [], "", False, 0
    while at < len(rdata):
        character = rdata[at]
        if character == "\\":
            at += 1
            current += rdata[at]
        elif character == '"':
            if inside:
                strings.append(current)
                current = ""
            inside = not inside
        elif inside:
            current += character
        at += 1
    assert not inside
    return strings


@given(st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126), max_size=4000))
def test_txt_reads_back_as_it_was(value: str) -> None:
    """However it is split and quoted, every string fits and the whole is the value."""
    strings = parsed(txt_rdata(value))
    assert "".join(strings) == value
    assert all(len(string) <= 255 for string in strings)
