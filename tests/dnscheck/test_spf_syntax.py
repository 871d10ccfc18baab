"""The grammar of SPF records."""

from __future__ import annotations

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from email_stack.dnscheck.spf import SpfSyntaxError, is_spf, parse_spf
from email_stack.dnscheck.spf_syntax import MAX_CHARACTERS, Mechanism, Modifier, SpfRecord

DOMAINS = st.sampled_from(
    ["a.example", "_spf.B.example.", "%{i}._x.c.example", "x.%{d2r.-}", "%{S}.d-e.xn--p1ai", "a/b.c-1"]
)
VALUELESS = st.builds(
    lambda name, sign: Mechanism(name=name, qualifier=sign), st.sampled_from(["all", "ptr"]), st.sampled_from("+-~?")
)
NAMED = st.builds(
    Mechanism, name=st.sampled_from(["include", "exists", "ptr"]), qualifier=st.sampled_from("+-~?"), value=DOMAINS
)
HOSTS = st.builds(
    Mechanism,
    name=st.sampled_from(["a", "mx"]),
    qualifier=st.sampled_from("+-~?"),
    value=st.just("") | DOMAINS,
    ip4_prefix=st.none() | st.integers(0, 32),
    ip6_prefix=st.none() | st.integers(0, 128),
)
IP4 = st.builds(
    Mechanism, name=st.just("ip4"), value=st.ip_addresses(v=4).map(str), ip4_prefix=st.none() | st.integers(0, 32)
)
IP6 = st.builds(
    Mechanism, name=st.just("ip6"), value=st.ip_addresses(v=6).map(str), ip6_prefix=st.none() | st.integers(0, 128)
)
UNKNOWN = st.builds(
    Modifier, name=st.sampled_from(["ra", "x-y.z_1"]), value=st.sampled_from(["", "%%x", "all:e", "%{c}=%{t}"])
)
RECORDS = st.builds(
    lambda terms, last: SpfRecord(terms=(*terms, *last)),
    st.lists(VALUELESS | NAMED | HOSTS | IP4 | IP6 | UNKNOWN, max_size=12),
    st.lists(
        st.builds(Modifier, name=st.sampled_from(["redirect", "exp"]), value=DOMAINS), unique_by=lambda term: term.name
    ),
)

VALID = [
    "v=spf1",
    "V=SPF1   ",
    "v=spf1 include:amazonses.com ~all",
    "v=spf1 A MX:mail.example/24//64 PTR -ALL",
    "v=spf1 a//0 mx/0 a:a.example//128",
    "v=spf1 ip4:192.0.2.0/24 ip4:192.0.2.1 ip6:2001:db8::/32 ip6:::ffff:192.0.2.1/128 ?all",
    "v=spf1 exists:%{ir}.%{v}._spf.%{d2} exists:%{l1r+-}.x.example exists:x.%%",
    "v=spf1 a:foo:bar/baz.example a:%{d}/24 a:x.1-2 a:example.xn--zckzah.",
    "v=spf1 redirect=_spf.example exp=%{i}.explain.example x=%{t} x=",
    "v=spf1 a=b.example all=x",
]

INVALID = [
    ("", 0, ""),
    ("v=spf10", 0, "v=spf10"),
    ("v=spf1\t-all", 0, "v=spf1\t-all"),
    (r"v=spf1 mx a:\xc3\xafwww.example -all", 10, r"a:\xc3\xafwww.example"),
    (" v=spf1 -all", 0, " v=spf1 -all"),
    ("v=spf1 a:museum", 7, "a:museum"),
    ("v=spf1 -all a:museum.", 12, "a:museum."),
    ("v=spf1 a a:", 9, "a:"),
    ("v=spf1 a:192.0.2.1", 7, "a:192.0.2.1"),
    ("v=spf1 a:x.example..", 7, "a:x.example.."),
    ("v=spf1 a:x.-e", 7, "a:x.-e"),
    ("v=spf1 a:%{d}com", 7, "a:%{d}com"),
    ("v=spf1 a:%{d}.", 7, "a:%{d}."),
    ("v=spf1 a/33", 7, "a/33"),
    ("v=spf1 a/024", 7, "a/024"),
    ("v=spf1 a//129", 7, "a//129"),
    ("v=spf1 a/", 7, "a/"),
    ("v=spf1 mx:x.example//1/2", 7, "mx:x.example//1/2"),
    ("v=spf1 ptr/24", 7, "ptr/24"),
    ("v=spf1 include", 7, "include"),
    ("v=spf1 include:", 7, "include:"),
    ("v=spf1 include:x.example/24", 7, "include:x.example/24"),
    ("v=spf1 exists", 7, "exists"),
    ("v=spf1 all:x.example", 7, "all:x.example"),
    ("v=spf1 -all.", 7, "-all."),
    ("v=spf1 --all", 7, "--all"),
    ("v=spf1 ip4:192.0.2.1~all", 7, "ip4:192.0.2.1~all"),
    ("v=spf1 ip4:192.0.2", 7, "ip4:192.0.2"),
    ("v=spf1 ip4:192.0.02.1", 7, "ip4:192.0.02.1"),
    ("v=spf1 ip4:192.0.2.1/33", 7, "ip4:192.0.2.1/33"),
    ("v=spf1 ip4:192.0.2.1//24", 7, "ip4:192.0.2.1//24"),
    ("v=spf1 ip4", 7, "ip4"),
    ("v=spf1 ip6:2001:db8::%eth0", 7, "ip6:2001:db8::%eth0"),
    ("v=spf1 ip6:192.0.2.1", 7, "ip6:192.0.2.1"),
    ("v=spf1 ip6:::1//64", 7, "ip6:::1//64"),
    ("v=spf1 -redirect=x.example", 7, "-redirect=x.example"),
    ("v=spf1 redirect=", 7, "redirect="),
    ("v=spf1 redirect=x.example redirect=x.example", 26, "redirect=x.example"),
    ("v=spf1 exp=x.example EXP=y.example", 21, "EXP=y.example"),
    ("v=spf1 exp=%{c}.example", 7, "exp=%{c}.example"),
    ("v=spf1 exists:%{q}.example", 7, "exists:%{q}.example"),
    ("v=spf1 exists:%{d0}.example", 7, "exists:%{d0}.example"),
    ("v=spf1 exists:%(i).example", 7, "exists:%(i).example"),
    ("v=spf1 exists:x.%", 7, "exists:x.%"),
    ("v=spf1 x=%", 7, "x=%"),
    ("v=spf1 moo", 7, "moo"),
    ("v=spf1 a:x.example\n-all", 7, "a:x.example\n-all"),
    ("v=spf1 a:bücher.example", 7, "a:bücher.example"),
    ("v=spf1 a:x.example\0", 7, "a:x.example\0"),
]


def _outcome(text: str) -> SpfRecord | SpfSyntaxError:
    try:
        return parse_spf(text)
    except SpfSyntaxError as error:
        return error


@pytest.mark.parametrize("text", VALID)
def test_what_the_grammar_allows_parses(text: str) -> None:
    """Every form of RFC 7208 section 12 is taken, and written again it means the same."""
    record = parse_spf(text)
    assert parse_spf(str(record)) == record


@pytest.mark.parametrize(("text", "position", "term"), INVALID)
def test_what_the_grammar_forbids_is_named(text: str, position: int, term: str) -> None:
    """The error names the term and where it starts."""
    with pytest.raises(SpfSyntaxError) as error:
        parse_spf(text)
    assert (error.value.position, error.value.term) == (position, term)


def test_terms_keep_their_parts() -> None:
    """Qualifier, name, domain and both prefix lengths are told apart; names are lower case, domains as written."""
    assert parse_spf("v=spf1 ?MX:Mail.Example/24//64 Redirect=X.Example").terms == (
        Mechanism(name="mx", qualifier="?", value="Mail.Example", ip4_prefix=24, ip6_prefix=64),
        Modifier(name="redirect", value="X.Example"),
    )


@pytest.mark.parametrize(
    ("text", "reached", "redirect"),
    [
        ("v=spf1 a -all mx all", "a", None),
        ("v=spf1 redirect=x.example a ~all", "a", None),
        ("v=spf1 redirect=x.example a mx", "a mx", "redirect=x.example"),
    ],
)
def test_all_ends_the_record(text: str, reached: str, redirect: str | None) -> None:
    """Mechanisms behind the first `all` are not reached, and beside an `all` no redirect holds."""
    record = parse_spf(text)
    assert " ".join(map(str, record.evaluated)) == reached
    assert (str(record.redirect) if record.redirect else None) == redirect


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        ("v=spf1", True),
        ("V=spf1 rubbish", True),
        ("v=spf1\t", False),
        ("v=spf10", False),
        (" v=spf1", False),
        ("", False),
    ],
)
def test_version_makes_an_spf_record(text: str, taken: bool) -> None:
    """The version decides, followed by a space or the end; what follows it does not matter."""
    assert is_spf(text) is taken


@given(RECORDS)
def test_a_record_written_parses_to_itself(record: SpfRecord) -> None:
    """Writing and parsing are inverse."""
    assert parse_spf(str(record)) == record


@given(st.text() | st.text(alphabet="av=spf1%{}dir:/.0123 -~_\t").map(lambda rest: f"v=spf1 {rest}"))
@example("v=spf1 exists:%{d" + "9" * 5000 + "}")
@example("v=spf1 exists:%{c" + "9" * 5000 + "}.example")
def test_any_text_parses_or_is_a_syntax_error(text: str) -> None:
    """Nothing but a record or a syntax error comes of a text, and a record comes only of what is taken for one."""
    outcome = _outcome(text)
    if isinstance(outcome, SpfSyntaxError):
        assert 0 <= outcome.position <= len(text)
        assert len(str(outcome)) < 500
    else:
        assert is_spf(text)
        assert parse_spf(str(outcome)) == outcome


@pytest.mark.parametrize("piece", ["a", "a-", "a.", "0/", "%{d}", "%", "%{1", "a:x.y ", " ", "ip6:::", "=", "/9//9"])
def test_long_texts_take_linear_time(piece: str) -> None:
    """The longest text a TXT record holds is done within a second, however it is made."""
    text = "v=spf1 a:" + piece * (MAX_CHARACTERS // len(piece))
    started = time.process_time()
    outcomes = [_outcome(text[:MAX_CHARACTERS]), _outcome(text[: MAX_CHARACTERS - 1] + "!")]
    assert time.process_time() - started < 1
    assert all(isinstance(outcome, SpfRecord) or len(str(outcome)) < 500 for outcome in outcomes)


def test_longer_texts_are_refused() -> None:
    """What no TXT record can hold is not looked at."""
    with pytest.raises(SpfSyntaxError, match=r"longer than any TXT record, got 65536 characters"):
        parse_spf("v=spf1".ljust(MAX_CHARACTERS + 1))
