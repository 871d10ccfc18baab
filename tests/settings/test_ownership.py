"""Valid and invalid proofs of a domain, on real name servers."""

from __future__ import annotations

import time
from collections.abc import Iterator
from ipaddress import ip_network

import pytest

from email_stack.dnscheck.model import Endpoint
from email_stack.settings.ownership import OwnershipCheck, Proof
from tests.nameservers import Internet

ZONE = "acme.example"
DOMAIN = f"mail.{ZONE}"
TOKEN = "email-claim=00112233445566778899aabbccddeeff"
TXT = f'_email-claim.{DOMAIN}. TXT "{TOKEN}"'


@pytest.fixture(scope="module")
def internet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Internet]:
    """Name servers that run, with no customer's zone yet."""
    with Internet(tmp_path_factory.mktemp("internet")) as running:
        yield running


@pytest.fixture(autouse=True)
def _zone(internet: Internet) -> Iterator[None]:
    internet.serve(ZONE, "", internet.customer)
    yield
    internet.remove(ZONE)


def look(internet: Internet, *, seconds: float = 10, queries: int = 100, domain: str = DOMAIN) -> Proof:
    """A check now, nothing cached."""
    internet.flush()
    check = OwnershipCheck(
        resolvers=(Endpoint(internet.resolver.address, internet.resolver.port),),
        port=internet.port,
        allowed=(ip_network("127.53.0.0/16"),),
        seconds=seconds,
        queries=queries,
    )
    return check(domain, TOKEN)


def test_the_token_at_every_server_proves(internet: Internet) -> None:
    """In the zone above, where the domain is not delegated; other records beside it do no harm."""
    internet.serve(ZONE, f'{TXT}\n_email-claim.{DOMAIN}. TXT "other"', internet.customer)
    proof = look(internet)
    assert proof.seen.everywhere
    assert proof.seen.text == "the token stands at 2 of 2 addresses of name servers"
    assert proof.name_servers == ()


def test_the_token_in_a_delegated_zone_proves(internet: Internet) -> None:
    """At all four servers that the zone above names."""
    internet.serve(DOMAIN, TXT, internet.ours)
    proof = look(internet)
    internet.remove(DOMAIN)
    assert proof.seen.everywhere
    assert proof.name_servers == tuple(sorted(server.name for server in internet.ours))


def test_no_token_is_nowhere(internet: Internet) -> None:
    """Every server says so, which counts towards a suspension."""
    assert (look(internet).seen.everywhere, look(internet).seen.nowhere) == (False, True)


@pytest.mark.parametrize("text", ['"email-claim=00112233445566778899aabbccddeefe"', f'"{TOKEN} "', f'"x{TOKEN}"'])
def test_another_text_is_no_token(internet: Internet, text: str) -> None:
    """It is the whole value."""
    internet.serve(ZONE, f"_email-claim.{DOMAIN}. TXT {text}", internet.customer)
    assert not look(internet).seen.everywhere


def test_the_token_at_one_server_alone_proves_nothing(internet: Internet) -> None:
    """It neither proves nor counts as gone; the text says where it is missing."""
    internet.serve_differently(internet.customer[0], ZONE, TXT)
    seen = look(internet).seen
    assert (seen.everywhere, seen.nowhere) == (False, False)
    assert "1 of 2" in seen.text
    assert "missing at ns2.dns.example" in seen.text


def test_an_overlap_of_one_of_four_servers_proves_nothing(internet: Internet) -> None:
    """Somebody's zone of this name on one of the four servers that the owner's zone above names."""
    internet.serve(DOMAIN, "", internet.ours)
    internet.serve_differently(internet.ours[0], DOMAIN, TXT)
    seen = look(internet).seen
    internet.remove(DOMAIN)
    assert not seen.everywhere
    assert "1 of 4" in seen.text


def test_stale_servers_that_refuse_prove_nothing(internet: Internet) -> None:
    """A former customer's delegation: three of its servers have no such zone any more, and one has somebody else's."""
    internet.serve(DOMAIN, TXT, internet.ours)
    for server in internet.ours[1:]:
        internet.refuse(server, DOMAIN)
    seen = look(internet).seen
    internet.remove(DOMAIN)
    assert (seen.everywhere, seen.nowhere) == (False, False)


def test_an_overlapping_zone_above_proves_nothing(internet: Internet) -> None:
    """A zone that somebody serves above the domain on one of its servers, which names servers of theirs, is not followed."""
    internet.serve_differently(
        internet.customer[0], ZONE, f"{DOMAIN}. NS ns-1.awsdns.example.\n{DOMAIN}. NS ns-2.awsdns.example."
    )
    internet.ours[0].load({DOMAIN: _alone(DOMAIN)})
    internet.ours[1].load({DOMAIN: _alone(DOMAIN)})
    seen = look(internet).seen
    for server in internet.ours[:2]:
        server.load({}, gone=[DOMAIN])
    assert not seen.everywhere
    assert "do not agree" in seen.text


def test_a_delegation_at_one_server_of_the_parent_proves_nothing(internet: Internet) -> None:
    """The servers of the zone above must agree: a change that has not reached all of them is awaited."""
    internet.serve(DOMAIN, TXT, internet.ours)
    internet.serve_differently(internet.customer[0], ZONE, f"{DOMAIN}. NS ns2.dns.example.")
    seen = look(internet).seen
    internet.remove(DOMAIN)
    assert (seen.everywhere, seen.nowhere) == (False, False)
    assert seen.text == f'the servers of the zone above "{DOMAIN}" do not agree on its name servers'


def test_a_zone_far_above_is_followed_cut_by_cut(internet: Internet) -> None:
    """Through a name that is no zone, and a zone in between; that one of its parents' servers names others is seen."""
    deep = f"mail.eu.{DOMAIN}"
    internet.serve(DOMAIN, f'_email-claim.{deep}. TXT "{TOKEN}"', internet.ours)
    assert look(internet, domain=deep).seen.everywhere
    internet.serve_differently(internet.customer[1], ZONE, f"{DOMAIN}. NS ns2.dns.example.")
    seen = look(internet, domain=deep).seen
    internet.remove(DOMAIN)
    assert not seen.everywhere
    assert seen.text == f'the servers of the zone above "{DOMAIN}" do not agree on its name servers'


def test_a_cname_is_no_proof(internet: Internet) -> None:
    """A wildcard may lead the name to a place where anybody sets records."""
    internet.serve(ZONE, f'*.{DOMAIN}. CNAME anybody.{ZONE}.\nanybody.{ZONE}. TXT "{TOKEN}"', internet.customer)
    seen = look(internet).seen
    assert not seen.everywhere
    assert "a CNAME stands in its place" in seen.text


def test_a_delegated_token_is_no_proof(internet: Internet) -> None:
    """The servers of the domain must have it themselves."""
    internet.serve(f"_email-claim.{DOMAIN}", f'@ TXT "{TOKEN}"', internet.ours)
    seen = look(internet).seen
    internet.remove(f"_email-claim.{DOMAIN}")
    assert not seen.everywhere


@pytest.mark.parametrize("address", ["169.254.169.254", "127.0.0.1", "10.0.0.1", "127.54.0.1"])
def test_servers_at_addresses_within_are_not_asked(internet: Internet, address: str) -> None:
    """Whoever names such a server gets no proof, waits for nothing, and learns nothing of who is there."""
    internet.host("inside.example", address)
    internet.delegate(ZONE, ["inside.example"])
    began = time.monotonic()
    seen = look(internet).seen
    assert time.monotonic() - began < 3
    internet.delegate(ZONE, [server.name for server in internet.customer])
    assert (seen.everywhere, seen.nowhere) == (False, False)
    assert "is not asked: its address is not a public one" in seen.text


def test_one_server_within_spoils_the_proof(internet: Internet) -> None:
    """All of them must show the token."""
    internet.host("inside.example", "169.254.169.254")
    internet.serve(DOMAIN, TXT, internet.ours)
    internet.delegate(DOMAIN, [*(server.name for server in internet.ours), "inside.example"])
    seen = look(internet).seen
    internet.remove(DOMAIN)
    assert not seen.everywhere
    assert "4 of 5" in seen.text


def test_a_check_ends_in_time(internet: Internet) -> None:
    """Servers that are silent cost what a check may take, and no more."""
    internet.host("silent.example", "127.53.9.9")
    internet.delegate(ZONE, ["silent.example"])
    began = time.monotonic()
    seen = look(internet, seconds=1).seen
    took = time.monotonic() - began
    internet.delegate(ZONE, [server.name for server in internet.customer])
    assert (seen.everywhere, seen.nowhere) == (False, False)
    assert took < 4


def test_a_check_ends_when_its_queries_are_spent(internet: Internet) -> None:
    """Then nothing is proven, though the token is there."""
    internet.serve(ZONE, TXT, internet.customer)
    assert not look(internet, queries=6).seen.everywhere
    assert look(internet, queries=30).seen.everywhere


def test_a_domain_that_nobody_registered_is_not_proven(internet: Internet) -> None:
    """The zone above its registered domain says that there is none."""
    assert not look(internet, domain="mail.nobody.example").seen.everywhere


def _alone(zone: str) -> str:
    """A zone of somebody else's, with the token."""
    lines = [
        f"$ORIGIN {zone}.",
        "$TTL 60",
        f"{zone}. 60 IN SOA ns-1.awsdns.example. hostmaster.example. {int(time.time())} 3600 600 86400 60",
        f"{zone}. 60 IN NS ns-1.awsdns.example.",
        f"{zone}. 60 IN NS ns-2.awsdns.example.",
        TXT,
    ]
    return "\n".join(lines) + "\n"
