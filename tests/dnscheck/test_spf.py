"""Costs of an SPF record by RFC 7208, compared with checkdmarc's count."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence

import checkdmarc.utils  # type: ignore[import-untyped]
import dns.rdata
import dns.resolver
import pytest
from checkdmarc.spf import SPFError, parse_spf_record  # type: ignore[import-untyped]
from hypothesis import example, given, settings
from hypothesis import strategies as st

from email_stack.dnscheck.spf import MAX_LOOKUPS, MAX_VOIDS, SpfBudget, SpfDnsError, evaluate_budget

TOP = "top.example"
MAX_QUESTIONS = 30


class World(dns.resolver.Resolver):
    """A handful of names, asked by both: the project's code, and checkdmarc, which takes a resolver of dnspython's.

    `records` maps a name to its values, each "TXT ...", "A ...", "AAAA ..." or "MX ...". Names in `silent` do not answer.
    """

    def __init__(self, records: Mapping[str, Sequence[str]], silent: Sequence[str] = ()) -> None:
        super().__init__(configure=False)
        self.records = records
        self.silent = silent
        self.asked: list[str] = []

    def values(self, name: str, kind: str) -> list[str]:
        """The values of one type."""
        self.asked.append(f"{name} {kind}")
        if name in self.silent:
            raise SpfDnsError("timed out")
        return [value.partition(" ")[2] for value in self.records.get(name, ()) if value.startswith(f"{kind} ")]

    async def txt(self, name: str) -> list[str]:
        """The TXT values."""
        return self.values(name, "TXT")

    async def addresses(self, name: str) -> list[str]:
        """The addresses of both kinds."""
        return [*self.values(name, "A"), *self.values(name, "AAAA")]

    async def mx(self, name: str) -> list[str]:
        """The mail hosts."""
        return [value.partition(" ")[2] for value in self.values(name, "MX")]

    def resolve(self, qname: str, rdtype: str, **kwargs: object) -> list[dns.rdata.Rdata]:  # type: ignore[override]
        """The same answers for checkdmarc, which asks with these arguments and only iterates over what it gets."""
        if qname not in self.records:
            raise dns.resolver.NXDOMAIN
        if not (values := self.values(qname, rdtype)):
            raise dns.resolver.NoAnswer
        texts = [f'"{value}"' for value in values] if rdtype == "TXT" else values
        return [dns.rdata.from_text("IN", rdtype, text) for text in texts]


def _budget(world: World, text: str) -> SpfBudget:
    return asyncio.run(evaluate_budget(text, TOP, world))


def _theirs(world: World, text: str) -> tuple[int, int] | str:
    """checkdmarc's count, or the name of its error."""
    checkdmarc.utils.DNS_CACHE.clear()
    try:
        result = parse_spf_record(text, TOP, resolver=world)
    except SPFError as error:
        return type(error).__name__
    return result["dns_lookups"], result["void_dns_lookups"]


def _chain(length: int, last: str = "v=spf1 -all") -> dict[str, list[str]]:
    """Names c0 to c`length`, each including the next."""
    links = {f"c{n}.example": [f"TXT v=spf1 include:c{n + 1}.example -all"] for n in range(length)}
    return {**links, f"c{length}.example": [f"TXT {last}"]}


WORLD = {
    "amazonses.com": ["TXT verify=x", "TXT v=spf1 ip4:192.0.2.0/24 -all"],
    "host.example": ["A 192.0.2.1", "AAAA 2001:db8::1"],
    "six.example": ["AAAA 2001:db8::1"],
    "text.example": ["TXT no policy"],
    "twice.example": ["TXT v=spf1 -all", "TXT v=spf1 ~all"],
    "bad.example": ["TXT v=spf1 moo"],
    "mail.example": [f"MX {n} m{n}.example." for n in range(10)],
    "mails.example": [f"MX {n} m{n}.example." for n in range(11)],
    "self.example": ["TXT v=spf1 include:self.example -all"],
    "back.example": [f"TXT v=spf1 redirect={TOP}"],
    "void.example": ["TXT v=spf1 a:none.example mx:none.example -all"],
    "tail.example": ["TXT v=spf1 a:host.example mx:mail.example -all a:none.example"],
    **_chain(12),
}

# Records on which both must agree: what is counted, or that a receiver answers permerror.
AGREED: list[tuple[str, tuple[int, int] | str]] = [
    ("v=spf1 -all", (0, 0)),
    ("v=spf1 ip4:192.0.2.1 ip6:2001:db8::/32 ?all", (0, 0)),
    ("v=spf1 include:amazonses.com ~all", (1, 0)),
    ("v=spf1 include:AmazonSES.com ~all", (1, 0)),
    ("v=spf1 a:host.example a:six.example mx:mail.example ~all", (3, 0)),
    ("v=spf1 a mx ~all", (2, 2)),
    ("v=spf1 ptr:host.example exists:%{i}.x.example ~all", (2, 0)),
    ("v=spf1 include:%{d}.x.example a:%{d}.x.example mx:%{o}.x.example ~all", (3, 0)),
    ("v=spf1 include:tail.example include:tail.example ~all", (6, 0)),
    ("v=spf1 include:void.example ~all", (3, 2)),
    ("v=spf1 redirect=tail.example", (3, 0)),
    ("v=spf1 redirect=%{d}.x.example", (1, 0)),
    ("v=spf1 redirect=tail.example a:host.example ~all", (1, 0)),
    ("v=spf1 include:c3.example ~all", (10, 0)),
    ("v=spf1 include:c2.example ~all", "look-ups"),
    ("v=spf1 include:c0.example ~all", "look-ups"),
    ("v=spf1 include:void.example a:none.example ~all", "look-ups"),
    ("v=spf1 mx:mails.example ~all", "error"),
    ("v=spf1 include:none.example ~all", "error"),
    ("v=spf1 include:text.example ~all", "error"),
    ("v=spf1 include:twice.example ~all", "error"),
    ("v=spf1 include:bad.example ~all", "error"),
    ("v=spf1 include:self.example ~all", "error"),
    ("v=spf1 include:back.example ~all", "error"),
    ("v=spf1 include:top.example ~all", "error"),
    ("v=spf1 redirect=none.example", "error"),
    ("v=spf1 ip4:192.0.2.1-all", "error"),
]


@pytest.mark.parametrize(("text", "expected"), AGREED)
def test_counts_what_checkdmarc_counts(text: str, expected: tuple[int, int] | str) -> None:
    """Look-ups, those that find nothing, and what is an error."""
    budget = _budget(World(WORLD), text)
    theirs = _theirs(World(WORLD), text)
    if isinstance(expected, tuple):
        assert (budget.kind, budget.problem, budget.lookups, budget.voids) == ("ok", "", *expected)
        assert theirs == expected
    else:
        assert budget.kind == {"look-ups": "too-many-lookups", "error": "error"}[expected]
        assert budget.problem
        assert isinstance(theirs, str)
        assert expected == "error" or theirs.startswith("SPFTooMany")


# Records on which the two part, with the reason.
PARTED: list[tuple[str, str, str, tuple[int, int] | str]] = [
    ("a name in exists is asked for, so it can find nothing", "v=spf1 exists:none.example ~all", "1 1 ok", (1, 0)),
    ("ptr asks about the sender, not about its own domain", "v=spf1 ptr:none.example ~all", "1 0 ok", (1, 1)),
    ("syntax is checked behind all too: RFC 7208 4.6", "v=spf1 -all moo", "0 0 error", (0, 0)),
    ("a domain of one label is no domain-spec: RFC 7208 12", "v=spf1 mx:museum ~all", "0 0 error", (1, 1)),
    (
        "c, r and t are for the text of an explanation: RFC 7208 7.2",
        "v=spf1 exp=%{c}.x.example ~all",
        "0 0 error",
        (0, 0),
    ),
    ("only spaces divide terms: RFC 7208 12", "v=spf1\ta:host.example ~all", "0 0 error", (1, 0)),
    ("the version has no case: RFC 5234 2.3", "V=SPF1 a:host.example ~all", "1 0 ok", "SPFSyntaxError"),
    (
        "redirect= twice is an error beside all too: RFC 7208 6",
        f"v=spf1 {'redirect=x.example ' * 2}~all",
        "0 0 error",
        "SPFSyntaxError",
    ),
    ("a macro before a prefix length is checked with it", "v=spf1 a:%{d}/99 ~all", "0 0 error", (1, 0)),
]


@pytest.mark.parametrize(("text", "ours", "theirs"), [row[1:] for row in PARTED], ids=[row[0] for row in PARTED])
def test_parts_from_checkdmarc_for_a_reason(text: str, ours: str, theirs: tuple[int, int] | str) -> None:
    """Where the two differ, the case's name says why."""
    budget = _budget(World(WORLD), text)
    assert f"{budget.lookups} {budget.voids} {budget.kind}" == ours
    assert _theirs(World(WORLD), text) == theirs


LINKS = 6
TERMS = st.sampled_from(
    [
        "a",
        "mx",
        "a:host.example",
        "a:none.example",
        "mx:mail.example/24",
        "mx:none.example",
        "ptr:host.example",
        "exists:%{i}.x.example",
        "include:%{d}.y.example",
        "include:tail.example",
        "ip4:192.0.2.0/24",
        "ip6:2001:db8::/32",
        "?all",
        "x=y",
    ]
)


@st.composite
def trees(draw: st.DrawFn) -> dict[str, list[str]]:
    """Names t0 to t5, each with a record that leads to later ones, now and then back or to a name without a record."""
    tree = {}
    for n in range(LINKS):
        later = [f"t{m}.example" for m in range(n + 1, LINKS)] or ["amazonses.com"]
        names = st.sampled_from([*later * 8, "t0.example", "text.example"])
        terms = draw(st.lists(TERMS | names.map(lambda name: f"include:{name}"), max_size=4))
        end = draw(st.sampled_from(["", "-all"]) | names.map(lambda name: f"redirect={name}"))
        tree[f"t{n}.example"] = [f"TXT {' '.join(['v=spf1', *terms, end])}"]
    return tree


@settings(deadline=None)  # the first call builds checkdmarc's grammar
@given(trees())
@example({"t0.example": ["TXT v=spf1 include:t1.example"], "t1.example": ["TXT v=spf1 redirect=t0.example"]})
def test_agrees_with_checkdmarc_on_any_tree(tree: dict[str, list[str]]) -> None:
    """Both find the same records within the limits, and count the same there; asking ends however the tree leads on."""
    world = World({**WORLD, **tree})
    budget = _budget(world, "v=spf1 include:t0.example ~all")
    assert len(world.asked) <= 2 * MAX_QUESTIONS  # `addresses` of this world asks twice
    theirs = _theirs(World({**WORLD, **tree}), "v=spf1 include:t0.example ~all")
    assert (budget.lookups, budget.voids) == theirs if budget.kind == "ok" else isinstance(theirs, str)
    assert (budget.kind == "ok") is (not budget.problem)
    assert budget.kind != "ok" or (budget.lookups <= MAX_LOOKUPS and budget.voids <= MAX_VOIDS)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "v=spf1 include:c1.example ~all",
            'needs 12 look-ups, 10 are allowed; "include:c11.example" is the eleventh',
        ),
        (
            "v=spf1 a:none.example a:none.example a:none.example a:none.example ~all",
            '4 look-ups find nothing, 2 may; "a:none.example" is the third',
        ),
        ("v=spf1 mx:mails.example ~all", '"mx:mails.example" finds 11 mail hosts, 10 are allowed'),
        ("v=spf1 include:twice.example ~all", '"include:twice.example" finds 2 SPF records, must find one'),
        ("v=spf1 redirect=text.example", '"redirect=text.example" finds 0 SPF records, must find one'),
        ("v=spf1 include:back.example ~all", '"redirect=top.example" leads back to top.example, which led here'),
        (
            "v=spf1 include:bad.example ~all",
            '"include:bad.example" finds a record that is wrong: spf: position 7: "moo": neither a mechanism nor a '
            "modifier; see RFC 7208 section 5 for the names",
        ),
        (f"v=spf1 a:{'x' * 64}.example ~all", f'"a:{"x" * 64}.example" names what cannot be a DNS name'),
        ("v=spf1 a:x..example ~all", '"a:x..example" names what cannot be a DNS name'),
        ("v=spf1 a:silent.example ~all", '"a:silent.example" got no answer: timed out'),
        ("v=spf1 include:silent.example ~all", '"include:silent.example" got no answer: timed out'),
    ],
)
def test_problem_names_the_term(text: str, problem: str) -> None:
    """One sentence says what a receiver stumbles over and at which term."""
    assert _budget(World(WORLD, silent=["silent.example"]), text).problem == problem


def test_no_answer_is_temporary_unless_a_limit_was_passed() -> None:
    """Without an answer nothing can be told, except what was already over the limit."""
    world = World(WORLD, silent=["silent.example"])
    assert _budget(world, "v=spf1 a:silent.example ~all").kind == "temporary"
    over = _budget(world, f"v=spf1 {'ptr ' * 11}a:silent.example ~all")
    assert (over.kind, over.problem) == (
        "too-many-lookups",
        'needs 12 or more look-ups, 10 are allowed; "ptr" is the eleventh',
    )


SES = "amazonses.com"
MORE = {
    "own.example": ["TXT v=spf1 a:host.example include:amazonses.com ~all"],
    "soft.example": ["TXT v=spf1 ?include:amazonses.com -all"],
    "open.example": ["TXT v=spf1 +all"],
}


def test_says_where_a_domain_is_included() -> None:
    """The record nearest to the top that includes the domain is named, whatever the qualifier, unless `all` stands before it."""
    world = World({**WORLD, **MORE})
    trees = [_budget(world, f"v=spf1 {terms} ~all").tree for terms in ("include:soft.example", "mx:mail.example", "")]
    assert [tree.mentions(SES) for tree in trees if tree is not None] == ["soft.example", "", ""]
    behind_all = _budget(world, "v=spf1 -all include:amazonses.com").tree
    assert behind_all is not None
    assert behind_all.mentions(SES) == ""


@pytest.mark.parametrize(
    "records",
    [
        {f"w{n}.example": [f"TXT v=spf1 {f'include:w{n + 1}.example ' * 40}-all"] for n in range(40)},
        {"w0.example": [f"TXT v=spf1 {'mx:mail.example ' * 2000}-all"]},
        {"w0.example": [f"TXT v=spf1 {'exists:%{i}.x.example ' * 2000}-all"]},
        _chain(200) | {"w0.example": ["TXT v=spf1 redirect=c0.example"]},
    ],
    ids=["wide", "mail hosts", "macros", "deep"],
)
def test_hostile_records_cost_few_questions(records: dict[str, list[str]]) -> None:
    """However big the tree, at most 30 questions are asked and 30 look-ups counted."""
    world = World({**WORLD, **records})
    budget = _budget(world, "v=spf1 include:w0.example ~all")
    assert len(world.asked) <= MAX_QUESTIONS
    assert (budget.lookups, budget.kind) == (MAX_QUESTIONS, "too-many-lookups")
    assert budget.problem.startswith("needs 30 or more look-ups, 10 are allowed; ")
    started = time.process_time()
    assert budget.tree is not None
    assert budget.tree.mentions(SES) == ""
    assert time.process_time() - started < 1
