"""The record model: which records, with which values, in which form."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from constructs_lib.records import DkimToken, DnsRecord, Purpose, dmarc_value, email_records, txt_rdata, zone_file_line

TOKENS = tuple(
    DkimToken(name=f"{token}._domainkey.post.acme.example", target=f"{token}.dkim.amazonses.com") for token in "abc"
)


def eight(**overrides: object) -> tuple[DnsRecord, ...]:
    """The records of one subdomain, with `overrides`."""
    settings: dict[str, object] = {
        "subdomain": "post.acme.example",
        "region": "eu-central-1",
        "mail_from_label": "mail",
        "dkim": TOKENS,
        "dmarc_policy": "quarantine",
        "dmarc_rua": ["postmaster@post.acme.example"],
    }
    return email_records(**{**settings, **overrides})  # type: ignore[arg-type]


def test_eight_records_in_zone_file_form() -> None:
    """3 CNAME, 2 MX, 3 TXT, with the values that SES documents."""
    assert [zone_file_line(record) for record in eight()] == [
        "a._domainkey.post.acme.example. 3600 IN CNAME a.dkim.amazonses.com.",
        "b._domainkey.post.acme.example. 3600 IN CNAME b.dkim.amazonses.com.",
        "c._domainkey.post.acme.example. 3600 IN CNAME c.dkim.amazonses.com.",
        "post.acme.example. 3600 IN MX 10 inbound-smtp.eu-central-1.amazonaws.com.",
        "mail.post.acme.example. 3600 IN MX 10 feedback-smtp.eu-central-1.amazonses.com.",
        'post.acme.example. 3600 IN TXT "v=spf1 include:amazonses.com ~all"',
        'mail.post.acme.example. 3600 IN TXT "v=spf1 include:amazonses.com ~all"',
        '_dmarc.post.acme.example. 3600 IN TXT "v=DMARC1; p=quarantine; rua=mailto:postmaster@post.acme.example"',
    ]
    assert all(record.required for record in eight())


def test_redirect_domain_is_a_ninth_that_is_not_required() -> None:
    """The eight stay eight; the tracking CNAME comes behind them."""
    *first, ninth = eight(redirect_domain="links.post.acme.example")
    assert tuple(first) == eight()
    assert (ninth.required, ninth.purpose, ninth.values) == (False, Purpose.TRACKING, ("r.eu-central-1.awstrack.me",))


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
    """Reporting URIs are escaped as RFC 7489 6.2 and RFC 6068 2 want it."""
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
