"""DMARC policy records beside checkdmarc's verdict on them."""

from __future__ import annotations

import checkdmarc.utils  # type: ignore[import-untyped]
import dns.resolver
import pytest
from checkdmarc.dmarc import DMARCError, parse_dmarc_record  # type: ignore[import-untyped]
from hypothesis import given, settings
from hypothesis import strategies as st

from email_stack.dnscheck.dmarc import dmarc_remarks
from mailroom.messages.dmarc_record import DmarcSyntaxError, parse_dmarc


class Nowhere(dns.resolver.Resolver):
    """Knows no name, so that checkdmarc's questions on report addresses, which only make it warn, stay here."""

    def resolve(self, *args: object, **kwargs: object) -> dns.resolver.Answer:
        """Never an answer."""
        raise dns.resolver.NXDOMAIN


def _theirs(text: str) -> tuple[object, ...] | None:
    """Policies, alignments, testing and report addresses as checkdmarc reads them; None for an error."""
    checkdmarc.utils.DNS_CACHE.clear()
    try:
        tags = parse_dmarc_record(text, "x.example", resolver=Nowhere(configure=False))["tags"]
    except DMARCError:
        return None
    rua = [uri["address"] for uri in tags.get("rua", {"value": []})["value"] if uri["scheme"] == "mailto"]
    return (*(tags[name]["value"] for name in ("p", "sp", "np", "adkim", "aspf", "t")), rua)


def _ours(text: str) -> tuple[object, ...] | None:
    try:
        record = parse_dmarc(text)
    except DmarcSyntaxError:
        return None
    policies = (record.policy, record.subdomain_policy, record.nonexistent_policy)
    return (*policies, record.adkim, record.aspf, "y" if record.testing else "n", list(record.rua))


POLICIES = st.sampled_from(["none", "quarantine", "Reject", "block"])
VALUES = {
    "p": POLICIES,
    "sp": POLICIES,
    "np": POLICIES,
    "adkim": st.sampled_from("rsS"),
    "aspf": st.sampled_from("rsR"),
    "t": st.sampled_from("yno"),
    "psd": st.sampled_from("ynux"),
    "fo": st.sampled_from(["0", "1", "d:s", "x"]),
    "pct": st.sampled_from(["0", "100"]),
    "rua": st.sampled_from(["mailto:a@x.example", "mailto:a@x.example,mailto:b+c@y.example", "x", "https://x.example"]),
    "unknown": st.just("y"),
}
TAGS = st.sampled_from(sorted(VALUES)).flatmap(lambda name: VALUES[name].map(lambda value: f"{name}={value}"))


@settings(deadline=None)  # the first call builds checkdmarc's grammar
@given(st.sampled_from(["none", "reject"]), st.lists(TAGS, max_size=5), st.sampled_from([";", "; ", " ;\t"]))
def test_agrees_with_checkdmarc(policy: str, tags: list[str], mark: str) -> None:
    """Both read the same in what both take; what checkdmarc refuses is an error here, or there is a remark on it."""
    doubled = [tag for tag in tags if tag.startswith("unknown")][1:]
    text = mark.join(["v=DMARC1", *(tag for tag in [f"p={policy}", *tags] if tag not in doubled)])
    ours, theirs = _ours(text), _theirs(text)
    if theirs is None:
        assert ours is None or dmarc_remarks(text)
    else:
        assert ours == theirs


# Records that checkdmarc takes, for it reads them as a lenient receiver does, and the reason why they are errors here.
LENIENT = [
    ("without p, receivers that follow RFC 7489 see no policy", "v=DMARC1; rua=mailto:a@x.example"),
    ("an unknown tag may stand once too: RFC 6376 3.2", "v=DMARC1; p=none; x=1; x=2"),
    ("quotes are not part of a value: DNS software adds them", '"v=DMARC1; p=none"'),
]


@pytest.mark.parametrize("text", [text for _, text in LENIENT], ids=[reason for reason, _ in LENIENT])
def test_is_stricter_than_checkdmarc_for_a_reason(text: str) -> None:
    """The case's name says why the record is an error."""
    assert _ours(text) is None
    assert _theirs(text) is not None


@pytest.mark.parametrize("rest", ["aspf=strict", "fo=0:1", "pct=101", "pct=many", "ri=often", "rf=iodef"])
def test_takes_what_checkdmarc_takes(rest: str) -> None:
    """Both read the default there, and say so."""
    text = f"v=DMARC1; p=none; {rest}"
    assert _ours(text) == _theirs(text) == _ours("v=DMARC1; p=none")
    assert dmarc_remarks(text)


@pytest.mark.parametrize(
    ("text", "ours", "theirs"),
    [
        ("v=DMARC1; p=none; rua=mailto:a@x.example!big", [], ["a@x.example"]),
        ("v=DMARC1; p=none; rua=mailto:a@x..example", [], ["a@x..example"]),
        ("v=DMARC1; p=none; rua=mailto:a%2Bb@x.example", ["a+b@x.example"], ["a%2Bb@x.example"]),
        ("v=DMARC1; p=none; rua=mailto:a@x.example?subject=b", ["a@x.example"], ["a@x.example"]),
    ],
)
def test_reads_addresses_as_a_mailer_does(text: str, ours: list[str], theirs: list[str]) -> None:
    """Percent-encoding is undone and headers dropped, so that addresses compare: RFC 6068 2. What is no address is none."""
    outcome, other = _ours(text), _theirs(text)
    assert outcome is not None
    assert other is not None
    assert (outcome[-1], other[-1]) == (ours, theirs)
