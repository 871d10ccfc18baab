"""SPF for all addresses at once, beside a receiver that evaluates it for one: every address has the same result."""

from __future__ import annotations

import asyncio
import time
from ipaddress import ip_address

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from email_stack.dnscheck.address_sets import BITS, Addresses, Family
from email_stack.dnscheck.spf_evaluation import Decided, evaluate
from email_stack.dnscheck.spf_macros import expand
from tests.dnscheck.spf_worlds import Receiver, World

TOP = "top.example"
HOSTS = {
    "host.example": ["A 192.0.2.1", "AAAA 2001:db8::1"],
    "four.example": ["A 198.51.100.7", "A 203.0.113.9"],
    "six.example": ["AAAA 2001:db8:6::6"],
    "mail.example": ["MX 10 host.example", "MX 20 six.example", "MX 30 none.example"],
    "mails.example": [f"MX {n} m{n}.example" for n in range(11)],
    "twice.example": ["TXT v=spf1 -all", "TXT v=spf1 ~all"],
    "bad.example": ["TXT v=spf1 moo"],
    "text.example": ["TXT no policy"],
    "amazonses.com": ["TXT v=spf1 ip4:199.255.192.0/22 -all"],
}


def decided(world: World, text: str, family: Family = 4) -> list[Decided]:
    """Results of all addresses."""
    return asyncio.run(evaluate(text, TOP, family, world))


def result(found: list[Decided], address: str) -> Decided:
    """Result of one address, which is in exactly one of the sets."""
    number = int(ip_address(address))
    [one] = [one for one in found if any(first <= number <= last for first, last in one.addresses)]
    return one


def chain(length: int, last: str) -> dict[str, list[str]]:
    """Names c0 to c`length`, each including the next."""
    links = {f"c{n}.example": [f"TXT v=spf1 include:c{n + 1}.example -all"] for n in range(length)}
    return {**links, f"c{length}.example": [f"TXT {last}"]}


SES, OTHER = "199.255.193.7", "203.0.113.200"
STATED: list[tuple[str, str, str, str]] = [
    ("4.6.2: the first match decides", "-ip4:199.255.192.0/22 include:amazonses.com ~all", "fail", "softfail"),
    ("4.6.2: a neutral one too", "?ip4:199.255.192.0/22 include:amazonses.com -all", "neutral", "fail"),
    ("4.6.2: part of a range", "-ip4:199.255.193.0/24 include:amazonses.com ~all", "fail", "softfail"),
    ("4.6.2: another part of the range", "-ip4:199.255.192.0/24 include:amazonses.com ~all", "pass", "softfail"),
    ("4.7: no match is neutral", "include:amazonses.com", "pass", "neutral"),
    ("5.1: nothing behind all counts", "-all include:amazonses.com", "fail", "fail"),
    ("5.2: fail inside is no match", "include:c9.example include:amazonses.com ~all", "pass", "softfail"),
    ("5.2: none inside is permerror", "include:none.example include:amazonses.com -all", "permerror", "permerror"),
    ("5.2: permerror inside", "include:bad.example include:amazonses.com -all", "permerror", "permerror"),
    ("5.2: temperror inside", "include:silent.example include:amazonses.com -all", "temperror", "temperror"),
    ("5.2: what matches before never asks", "include:amazonses.com include:silent.example -all", "pass", "temperror"),
    ("5.2: the include's own qualifier", "-include:amazonses.com +all", "fail", "pass"),
    ("5.3: a with a prefix", "a:four.example/0 -all", "pass", "pass"),
    ("5.4: more than ten mail hosts", "mx:mails.example include:amazonses.com -all", "permerror", "permerror"),
    ("5.7: exists matches everybody", "-exists:host.example include:amazonses.com ~all", "fail", "fail"),
    ("5.7: exists asks for A alone", "-exists:six.example include:amazonses.com ~all", "pass", "softfail"),
    ("6.1: redirect when nothing matches", "ip4:192.0.2.0/24 redirect=amazonses.com", "pass", "fail"),
    ("6.1: redirect to nothing", "redirect=none.example", "permerror", "permerror"),
    ("4.6.4: ten look-ups", "include:c8.example -all", "pass", "fail"),
    ("4.6.4: eleven", "include:d9.example -all", "permerror", "permerror"),
    ("4.6.4: two that find nothing", "a:none.example a:none2.example include:amazonses.com -all", "pass", "fail"),
    ("4.6.4: three", "a:n1.example a:n2.example a:n3.example include:amazonses.com -all", "permerror", "permerror"),
    (
        "4.6.4: counted by family",
        "a:six.example a:six.example a:six.example include:amazonses.com -all",
    )
    + ("permerror",) * 2,
    ("7: macros of the domain", "-exists:x.%{d} include:amazonses.com ~all", "fail", "fail"),
    (
        "7: macros of the message leave it open",
        "-exists:%{i}.x.example include:amazonses.com ~all",
        "unknown",
        "unknown",
    ),
    ("7: those that decide nothing else do not", "exists:%{i}.x.example include:amazonses.com -all", "pass", "unknown"),
    ("7: nor those that fail as the end does", "-exists:%{l}.x.example -all", "fail", "fail"),
    ("7: redirect with macros", "redirect=%{l}.x.example", "unknown", "unknown"),
    ("7: a doubt inside an include", "include:doubt.example -all", "unknown", "unknown"),
    ("7: a doubt inside that cannot pass", "include:doubtless.example include:amazonses.com -all", "pass", "fail"),
    ("4.6: syntax first", "include:amazonses.com moo", "permerror", "permerror"),
]
MORE = {
    **HOSTS,
    "c9.example": ["TXT v=spf1 -all"],
    "x.top.example": ["A 127.0.0.2"],
    "c8.example": ["TXT v=spf1 include:c8b.example -all"],
    "c8b.example": ["TXT v=spf1 a:host.example a:host.example a:host.example include:c8c.example -all"],
    "c8c.example": ["TXT v=spf1 a:host.example a:host.example a:host.example include:amazonses.com -all"],
    "d9.example": ["TXT v=spf1 a:host.example include:c8.example -all"],
    "doubt.example": ["TXT v=spf1 exists:%{l}.x.example -all"],
    "doubtless.example": ["TXT v=spf1 ?exists:%{l}.x.example -all"],
}


@pytest.mark.parametrize(("text", "ses", "other"), [row[1:] for row in STATED], ids=[row[0] for row in STATED])
def test_says_what_the_rfc_says(text: str, ses: str, other: str) -> None:
    """For an address of SES and for one that nobody named; each case names its section of RFC 7208."""
    found = decided(World(MORE, silent=["silent.example"]), f"v=spf1 {text}")
    assert (result(found, SES).result, result(found, OTHER).result) == (ses, other)


@pytest.mark.parametrize(
    ("text", "path", "at"),
    [
        ("-ip4:199.255.192.0/22 include:amazonses.com ~all", ("-ip4:199.255.192.0/22",), TOP),
        ("include:amazonses.com ~all", ("include:amazonses.com", "ip4:199.255.192.0/22"), "amazonses.com"),
        ("redirect=amazonses.com", ("redirect=amazonses.com", "ip4:199.255.192.0/22"), "amazonses.com"),
        ("include:c9.example ~all", ("~all",), TOP),
    ],
)
def test_names_the_deciding_term(text: str, path: tuple[str, ...], at: str) -> None:
    """The terms that led to the result, and the record that the last one stands in."""
    one = result(decided(World(MORE), f"v=spf1 {text}"), SES)
    assert (one.path, one.at) == (path, at)


NETWORKS = ["ip4:0.0.0.0/1", "ip4:128.0.0.0/1", "ip4:199.255.192.0/22", "ip4:199.255.193.0/24", "ip4:203.0.113.9"]
NETWORKS += ["ip6:::/0", "ip6:2001:db8::/32", "ip6:2001:db8::1", "ip4:0.0.0.0/0"]
LOOKUPS = [
    "a",
    "mx",
    "a:host.example",
    "a:four.example/24",
    "a:host.example//64",
    "mx:mail.example",
    "mx:mails.example",
]
LOOKUPS += ["a:none.example", "mx:none.example", "exists:host.example", "exists:six.example", "exists:none.example"]
INCLUDES = ["include:amazonses.com", "include:none.example", "include:silent.example", "include:twice.example"]
ADDRESSES: list[str] = ["199.255.191.255", "199.255.192.0", SES, "199.255.195.255", OTHER, "203.0.113.9", "192.0.2.1"]
ADDRESSES += ["198.51.100.8", "0.0.0.0", "127.255.255.255", "128.0.0.0", "255.255.255.255"]
ADDRESSES += ["2001:db8::1", "2001:db8::ffff", "2001:db8:6::6", "::", "2600::1"]
LINKS = 5
LONG = [letter * 60 for letter in "xyzw"]


@st.composite
def worlds(draw: st.DrawFn) -> dict[str, list[str]]:
    """Records t0 to t4 that lead to later ones, to SES, and now and then to what is broken or back."""
    made = dict(HOSTS)
    for n in range(LINKS):
        later = [f"include:t{m}.example" for m in range(n + 1, LINKS)] * 3
        terms = st.sampled_from(
            [*NETWORKS * 2, *LOOKUPS, *INCLUDES, *later, "include:amazonses.com", "include:t0.example"]
        )
        signed = st.tuples(st.sampled_from(["", "", "-", "~", "?"]), terms).map("".join)
        ends = [
            "",
            "-all",
            "~all",
            "+all",
            "?all",
            "redirect=amazonses.com",
            "redirect=t4.example",
            "redirect=none.example",
        ]
        words = ["v=spf1", *draw(st.lists(signed, max_size=5)), draw(st.sampled_from(ends))]
        made[f"t{n}.example"] = [f"TXT {' '.join(words).strip()}"]
    return made


@pytest.mark.slow
@settings(deadline=None, max_examples=300)
@given(worlds())
def test_every_address_has_the_result_of_a_receiver(records: dict[str, list[str]]) -> None:
    """Whatever the terms, qualifiers, nesting and order: what sets of addresses get is what each address gets by itself."""
    text = records["t0.example"][0].removeprefix("TXT ")
    records[TOP] = [f"TXT {text}"]
    found: dict[Family, list[Decided]] = {4: [], 6: []}
    families: tuple[Family, Family] = (4, 6)
    for family in families:
        found[family] = decided(World(records, silent=["silent.example"]), text, family)
        assert Addresses.union(one.addresses for one in found[family]).count == 2 ** BITS[family]
        assert sum(one.addresses.count for one in found[family]) == 2 ** BITS[family]
    for address in ADDRESSES:
        expected = Receiver(World(records, silent=["silent.example"]), address).check_host(TOP)
        assert result(found[6 if ":" in address else 4], address).result == expected


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=12), st.lists(st.integers(0, 60), min_size=1)
)
def test_sets_of_addresses_are_sets(ranges: list[tuple[int, int]], probes: list[int]) -> None:
    """Taking ranges out and joining sets do what they do to sets of numbers."""
    rest, numbers, taken = Addresses([(10, 20), (30, 50)]), {*range(10, 21), *range(30, 51)}, []
    for first, last in ranges:
        taken.append(rest.take(first, last))
        assert {n for a, b in taken[-1] for n in range(a, b + 1)} == numbers & set(range(first, last + 1))
        numbers -= set(range(first, last + 1))
        assert {n for a, b in rest for n in range(a, b + 1)} == numbers
    assert Addresses.union([rest, *taken]).count == 32
    some = Addresses.union(Addresses([(n, n)]) for n in probes)
    assert some.within(rest).count == len(numbers & set(probes))


@pytest.mark.parametrize(
    ("spec", "name"),
    [
        ("%{d}", "strong.example.com"),
        ("%{d2}.x.example", "example.com.x.example"),
        ("%{dr}", "com.example.strong"),
        ("%{d1r}", "strong"),
        ("%{o}", "sender.example.net"),
        ("%{v}.x.example", "in-addr.x.example"),
        ("%{d-}.x.example", "strong.example.com.x.example"),
        ("a%%b%_c%-d.example", "a%b c%20d.example"),
        ("%{D}", "strong.example.com"),
        ("%{d99999999999999}", "strong.example.com"),
        ("%{i}.x.example", None),
        ("%{s}", None),
        (
            f"{LONG[0]}.{LONG[1]}.{LONG[2]}.{LONG[3]}.%{{d}}.example.",
            f"{LONG[1]}.{LONG[2]}.{LONG[3]}.strong.example.com.example",
        ),
    ],
)
def test_macros(spec: str, name: str | None) -> None:
    """Those of the domain are expanded as RFC 7208 7 says; those of the message are not known."""
    assert expand(spec, domain="strong.example.com", sender="sender.example.net", family=4) == name


@pytest.mark.parametrize(
    "text",
    [
        "v=spf1 " + " ".join(f"ip4:{n >> 8 & 255}.{n & 255}.0.0/17" for n in range(3500)) + " -all",
        "v=spf1 " + "exists:%{i}.x.example " * 2000 + "-all",
        "v=spf1 " + "include:w0.example " * 2000 + "-all",
        "v=spf1 a:%{" + "d" * 1 + "9" * 60_000 + "}.example -all",
    ],
    ids=["ranges", "macros", "wide", "digits"],
)
def test_hostile_records_take_little(text: str) -> None:
    """However long the record and wide the tree, few questions are asked, and time follows the length."""
    tree = {
        f"w{n}.example": [f"TXT v=spf1 -ip4:{n}.0.0.0/8 {f'include:w{n + 1}.example ' * 40}-all"] for n in range(40)
    }
    world = World(tree)
    started = time.process_time()
    found = decided(world, text)
    assert time.process_time() - started < 5
    assert world.asked <= 200
    assert sum(one.addresses.count for one in found) == 2**32
