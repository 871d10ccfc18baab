"""DMARC policy records, as receivers read them, by the rules of RFC 9989 and RFC 7489."""

from __future__ import annotations

import dataclasses
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailroom.messages.dmarc_record import (
    MAX_CHARACTERS,
    DmarcRecord,
    DmarcSyntaxError,
    is_dmarc,
    parse_dmarc,
    read_dmarc,
)

NONE = DmarcRecord(policy="none", subdomain_policy="none", nonexistent_policy="none")
REJECT = DmarcRecord(policy="reject", subdomain_policy="reject", nonexistent_policy="reject")

VALID = [
    ("v=DMARC1;p=none", NONE),
    ("V = DMARC1 ;\tP = NONE ; ", NONE),
    ("v=DMARC1; ruf=mailto:a@x.example; fo=1:d:s; p=none; psd=u; t=n; adkim=R", NONE),
    (
        "v=DMARC1; p=reject; sp=quarantine; np=none; adkim=s; aspf=S; t=Y; psd=y",
        DmarcRecord(
            policy="reject",
            subdomain_policy="quarantine",
            nonexistent_policy="none",
            adkim="s",
            aspf="s",
            testing=True,
            public_suffix=True,
        ),
    ),
    (
        "v=DMARC1; p=reject; sp=none",
        DmarcRecord(policy="reject", subdomain_policy="none", nonexistent_policy="none"),
    ),
    (
        "v=DMARC1; p=none; rua=mailto:a%2Bb%21@x.example!10m , https://x.example/r , MAILTO:c@Y.example?subject=d!9",
        DmarcRecord(
            policy="none", subdomain_policy="none", nonexistent_policy="none", rua=("a+b!@x.example", "c@Y.example")
        ),
    ),
    (
        "v=DMARC1; p=none; pct=050; rf=afrf; ri=86400; X_1=y=z",
        DmarcRecord(
            policy="none",
            subdomain_policy="none",
            nonexistent_policy="none",
            percent=50,
            removed=("pct", "rf", "ri"),
        ),
    ),
]

# What is wrong, the tag that the error names, and the value.
INVALID = [
    ("", "v", ""),
    ("p=none; v=DMARC1", "v", "p=none; v=DMARC1"),
    (" v=DMARC1; p=none", "v", " v=DMARC1; p=none"),
    ("v=dmarc1; p=none", "v", "v=dmarc1; p=none"),
    ("v=DMARC10; p=none", "v", "v=DMARC10; p=none"),
    ("v=DMARC1 p=none", "v", "v=DMARC1 p=none"),
    ("v=DMARC1", "p", "v=DMARC1"),
    ("v=DMARC1; rua=mailto:a@x.example", "p", "v=DMARC1; rua=mailto:a@x.example"),
    ("v=DMARC1; p=block", "p", "block"),
    ("v=DMARC1; p=", "p", "v=DMARC1; p="),
    ("v=DMARC1; p", "p", "v=DMARC1; p"),
    ("v=DMARC1; p=none; sp=block", "sp", "block"),
    ("v=DMARC1; p=none; sp=; sp=none", "sp", "none"),
    ("v=DMARC1; p=none, sp=none", "p", "none, sp=none"),
    ("v=DMARC1; p=none; p=none", "p", "none"),
    ("v=DMARC1; p=none; v=DMARC1", "v", "DMARC1"),
    ("v=DMARC1; p=none; x=1; X=2", "x", "2"),
    ("v=DMARC1; p=none; np=no", "np", "no"),
    ("v=DMARC1; p=none; x=ü", "", "\\xfc"),
    ("v=DMARC1; p=none\n", "", "\\n"),
]

TAG = "is ignored, as it is no tag, = and a value"
URI = "must be a URI such as mailto:name@domain"
ONE = "must hold one address, as in mailto:name@domain"
SIZE = "has a size behind ! that is no number and k, m, g or t"

# What follows a policy, and what receivers do with it.
REMARKED = [
    ("; sp=", "sp is ignored, as it is empty"),
    ("; np = ;", "np is ignored, as it is empty"),
    ("; rua=", "rua is ignored, as it is empty"),
    (";;", "a semicolon too many is ignored"),
    (";; x=y", "a semicolon too many is ignored"),
    ("; ;\t; ;", "a semicolon too many is ignored"),
    ("; sp", f'"sp" {TAG}'),
    ("; 1x=y", f'"1x=y" {TAG}'),
    ("; =y", f'"=y" {TAG}'),
    ("; aspf=relaxed", 'aspf is ignored, as it must be r or s, got "relaxed"'),
    ("; adkim=x", 'adkim is ignored, as it must be r or s, got "x"'),
    ("; t=1", 't is ignored, as it must be y or n, got "1"'),
    ("; psd=x", 'psd is ignored, as it must be y or n or u, got "x"'),
    ("; rf=iodef", 'rf is ignored, as it must be afrf, got "iodef"'),
    ("; rf=afrf:iodef", 'rf is ignored, as it must be afrf, got "afrf:iodef"'),
    ("; fo=0:1", 'fo is ignored, as it must be 0, 1, d, s, each once and 0 not beside 1, got "0:1"'),
    ("; fo=d:d", 'fo is ignored, as it must be 0, 1, d, s, each once and 0 not beside 1, got "d:d"'),
    ("; fo=x", 'fo is ignored, as it must be 0, 1, d, s, each once and 0 not beside 1, got "x"'),
    ("; pct=101", 'pct is ignored, as it must be a whole number up to 100, got "101"'),
    ("; pct=50%", 'pct is ignored, as it must be a whole number up to 100, got "50%"'),
    ("; ri=-1", 'ri is ignored, as it must be a whole number up to 4294967295, got "-1"'),
    ("; ri=4294967296", 'ri is ignored, as it must be a whole number up to 4294967295, got "4294967296"'),
    ("; rua=a@x.example", f'an address in rua is ignored, as it {URI}, got "a@x.example"'),
    ("; rua=,", f'an address in rua is ignored, as it {URI}, got ""'),
    ("; rua=mailto:x.example", f'an address in rua is ignored, as it {ONE}, got "mailto:x.example"'),
    ("; rua=mailto:@x.example", f'an address in rua is ignored, as it {ONE}, got "mailto:@x.example"'),
    ("; rua=mailto:a@b@x.example", f'an address in rua is ignored, as it {ONE}, got "mailto:a@b@x.example"'),
    ("; rua=mailto:a@x..example", f'an address in rua is ignored, as it {ONE}, got "mailto:a@x..example"'),
    ("; rua=mailto:%ff@x.example", f'an address in rua is ignored, as it {ONE}, got "mailto:%ff@x.example"'),
    ("; rua=mailto:%0Aa@x.example", f'an address in rua is ignored, as it {ONE}, got "mailto:%0Aa@x.example"'),
    ("; rua=mailto:%4@x.example", f'an address in rua is ignored, as it {URI}, got "mailto:%4@x.example"'),
    ("; ruf=mailto:a@x.example!big", f'an address in ruf is ignored, as it {SIZE}, got "mailto:a@x.example!big"'),
    (
        "; ruf=mailto:a@x.example!18446744073709551616",
        f'an address in ruf is ignored, as it {SIZE}, got "mailto:a@x.example!18446744073709551616"',
    ),
]


def _outcome(text: str) -> DmarcRecord | DmarcSyntaxError:
    try:
        return parse_dmarc(text)
    except DmarcSyntaxError as error:
        return error


@pytest.mark.parametrize(("text", "record"), VALID)
def test_what_the_grammar_allows_parses(text: str, record: DmarcRecord) -> None:
    """Tags of both RFCs are read, in any order and case, and defaults filled in."""
    assert parse_dmarc(text) == record


@pytest.mark.parametrize(("text", "tag", "value"), INVALID)
def test_what_the_grammar_forbids_is_named(text: str, tag: str, value: str) -> None:
    """The error names the tag and what it holds."""
    outcome = _outcome(text)
    assert isinstance(outcome, DmarcSyntaxError)
    assert (outcome.tag, outcome.value) == (tag, value)
    assert f'got "{value}"' in str(outcome)


@pytest.mark.parametrize(("rest", "remark"), REMARKED)
def test_what_receivers_pass_over_is_a_remark(rest: str, remark: str) -> None:
    """The record holds, as if that were not there: RFC 9989 4.8."""
    record = parse_dmarc(f"v=DMARC1; p=reject{rest}")
    assert record.remarks == (remark,)
    assert dataclasses.replace(record, remarks=(), removed=()) == REJECT


def test_remarks_are_few() -> None:
    """A record full of rubbish does not fill the screen."""
    record = parse_dmarc("v=DMARC1; p=none; " + "; ".join(f"{number}=x" for number in range(1000)))
    assert len(record.remarks) == 6
    assert record.remarks[-1] == "995 more tags are ignored"


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        ("v=DMARC1", True),
        ("V\t=  DMARC1 ; rubbish", True),
        ("v=DMARC1;", True),
        ("v=DMARC1 p=none", False),
        ("v=DMARC1\n", False),
        ("v=Dmarc1;", False),
        (" v=DMARC1;", False),
        ("v=spf1 -all", False),
    ],
)
def test_version_makes_a_dmarc_record(text: str, taken: bool) -> None:
    """The version decides, alone or before a semicolon; what follows it does not matter."""
    assert is_dmarc(text) is taken


ENDS = st.text(alphabet="v=DMARC1; prua\tsfo:!%@,.mailto2é")


@given(st.text() | ENDS | ENDS.map(lambda rest: f"v=DMARC1; p=none; {rest}"))
def test_any_text_parses_or_is_a_syntax_error(text: str) -> None:
    """Nothing but a record or a short error comes of a text, and a record comes only of what is taken for one."""
    outcome = _outcome(text)
    assert is_dmarc(text) if isinstance(outcome, DmarcRecord) else len(str(outcome)) < 500


@given(ENDS.map(lambda rest: f"v=DMARC1; p=reject; {rest}"))
def test_receivers_read_a_right_record_as_it_is(text: str) -> None:
    """And of a broken one anything but an error."""
    outcome = _outcome(text)
    read = read_dmarc(text)
    assert isinstance(outcome, DmarcSyntaxError) or dataclasses.replace(outcome, remarks=()) == dataclasses.replace(
        read, remarks=()
    )


@pytest.mark.parametrize("piece", ["a", ";", "; x=y", "=", "mailto:a@x.example,", "%41", "!1", "a.", " ", "9", ":d"])
@pytest.mark.parametrize("tag", ["x", "rua", "fo", "pct", "p"])
def test_long_texts_take_linear_time(tag: str, piece: str) -> None:
    """The longest text a TXT record holds is done within a second, however it is made."""
    text = f"v=DMARC1; p=none; {tag}=" + piece * MAX_CHARACTERS
    started = time.process_time()
    outcome = _outcome(text[:MAX_CHARACTERS])
    assert time.process_time() - started < 1
    assert isinstance(outcome, DmarcRecord) or len(str(outcome)) < 500
    assert isinstance(_outcome(text), DmarcSyntaxError)
    read_dmarc(text)
    assert time.process_time() - started < 2
