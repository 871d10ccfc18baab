"""Every verdict on a delegation, each brought about on real name servers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from constructs_lib.records import delegation_record
from email_stack.dnscheck.model import Finding, Report, Status, Subject
from tests.dnscheck.customers import check, check_again, delegation, eight, zone_text
from tests.nameservers import Internet

ZONE = "acme.example"
S = f"post.{ZONE}"
RECORDS = eight(S)


@pytest.fixture(autouse=True)
def _delegated(internet: Internet) -> Iterator[None]:
    internet.serve(ZONE, "", internet.customer)
    internet.serve(S, zone_text(RECORDS), internet.ours)
    yield
    internet.remove(S, ZONE)


def report(internet: Internet) -> Report:
    """The report on the delegated subdomain, nothing cached."""
    [made] = check(internet, Subject(subdomain=S, records=(delegation(internet, S), *RECORDS)))
    return made


def verdict(internet: Internet) -> Finding:
    """The finding on the delegation itself."""
    return report(internet).findings[0]


def test_delegation_is_ok(internet: Internet) -> None:
    """A parent that names all of the zone's servers, and servers that all answer, are right; so is every record."""
    made = report(internet)
    assert [one.status for one in made.findings] == [Status.OK] * 9
    seen = made.findings[0].seen
    assert [one.server for one in seen] == ["ns1.dns.example", "ns2.dns.example", "resolver"]
    assert all(set(one.values) == {server.name for server in internet.ours} for one in seen)


def test_delegation_is_missing(internet: Internet) -> None:
    """Without a delegation it is missing, and our own zone's records wait for it."""
    internet.delegate(S, [])
    made = report(internet)
    assert made.findings[0].status is Status.DELEGATION_MISSING
    assert made.findings[0].fix.startswith(f'Add to the zone {ZONE}: {S} NS "ns-1.awsdns.example", ')
    assert {one.status for one in made.findings[1:]} == {Status.PENDING}
    assert made.status is Status.WRONG


def test_delegation_at_the_doubled_name(internet: Internet) -> None:
    """A delegation entered with the zone's name twice is found there."""
    internet.serve(ZONE, f"{S} NS ns-1.awsdns.example.", internet.customer)
    internet.delegate(S, [])
    found = verdict(internet)
    assert found.status is Status.DOUBLED_NAME
    assert f"{S}.{ZONE}" in found.fix


def test_delegation_is_partial(internet: Internet) -> None:
    """A parent that names three of four servers is told the fourth."""
    internet.delegate(S, [server.name for server in internet.ours[:3]])
    found = verdict(internet)
    assert found.status is Status.DELEGATION_PARTIAL
    assert found.fix == f'Add to the NS records of {S} in the zone {ZONE}: "ns-4.awsdns.example".'


def test_delegation_elsewhere(internet: Internet) -> None:
    """A parent that names other servers only is wrong."""
    internet.delegate(S, ["ns1.dns.example"])
    found = verdict(internet)
    assert found.status is Status.WRONG
    assert 'from "ns1.dns.example" to "ns-1.awsdns.example"' in found.fix


def test_server_too_many(internet: Internet) -> None:
    """A server beside ours that serves the zone as well is one too many."""
    internet.serve(S, zone_text(RECORDS), [*internet.ours, internet.root])
    internet.delegate(S, [*(server.name for server in internet.ours), internet.root.name])
    internet.serve_differently(internet.root, S, zone_text(RECORDS))
    found = verdict(internet)
    assert found.status is Status.EXTRA
    assert found.fix == f'Remove from the NS records of {S} in the zone {ZONE}: "root.servers.example".'


def test_server_that_does_not_serve_the_zone(internet: Internet) -> None:
    """A server that the parent names beside ours and that refuses the zone makes the delegation lame."""
    internet.delegate(S, [*(server.name for server in internet.ours), "ns1.dns.example"])
    found = verdict(internet)
    assert found.status is Status.LAME
    assert '"ns1.dns.example"' in found.fix


def test_own_server_is_lame(internet: Internet) -> None:
    """One of the zone's own servers that refuses it is named."""
    internet.refuse(internet.ours[2], S)
    found = verdict(internet)
    assert found.status is Status.LAME
    assert found.fix == f"Make ns-3.awsdns.example answer for the zone {S}, or take it out of the zone's name servers."
    assert any(one.server == "ns-3.awsdns.example" and one.problem == "REFUSED" for one in found.seen)


def test_zone_names_other_servers(internet: Internet) -> None:
    """A zone whose own NS records were edited does not agree with its delegation."""
    internet.serve(S, zone_text(RECORDS), internet.ours[:2])
    for server in internet.ours[2:]:
        internet.serve_differently(server, S, zone_text(RECORDS))
    internet.delegate(S, [server.name for server in internet.ours])
    found = verdict(internet)
    assert found.status is Status.WRONG
    assert f"Write the zone's own NS records of {S} back to" in found.fix


def test_ds_record_without_keys(internet: Internet) -> None:
    """A DS record above a zone that is not signed makes resolvers refuse it, and is what must go."""
    internet.sign(ZONE)
    internet.announce_other_key(S)
    made = report(internet)
    assert made.findings[0].status is Status.DNSSEC_BOGUS
    assert made.findings[0].fix.startswith(f"Remove the DS record of {S} from the zone {ZONE}")
    assert {one.status for one in made.findings[1:]} == {Status.DNSSEC_BOGUS}


def test_ds_record_in_a_parent_that_is_not_signed(internet: Internet) -> None:
    """A DS record that nothing signs is not believed by anybody, so it does no harm."""
    internet.announce_other_key(S)
    assert report(internet).status is Status.OK


def test_signed_zone_with_a_ds_record_of_another_key(internet: Internet) -> None:
    """A signed zone whose DS record does not fit is bogus, and its records with it."""
    internet.sign(ZONE)
    internet.sign(S)
    assert report(internet).status is Status.OK
    internet.announce_other_key(S)
    made = report(internet)
    assert {one.status for one in made.findings} == {Status.DNSSEC_BOGUS}


def test_parent_servers_disagree(internet: Internet) -> None:
    """A delegation that one of the parent's servers has, and the other not yet, is pending."""
    internet.delegate(S, [])
    ours = "\n".join(f"post NS {server.name}." for server in internet.ours)
    internet.serve_differently(internet.customer[0], ZONE, ours)
    found = verdict(internet)
    assert found.status is Status.PENDING
    assert "ns2.dns.example" in found.fix


def test_resolver_remembers_that_there_was_none(internet: Internet) -> None:
    """A delegation that is new is pending while the resolver still remembers its absence."""
    internet.delegate(S, [])
    assert verdict(internet).status is Status.DELEGATION_MISSING
    internet.delegate(S, [server.name for server in internet.ours])
    [made] = check_again(internet, Subject(subdomain=S, records=(delegation(internet, S), *RECORDS)))
    assert made.findings[0].status is Status.PENDING
    assert made.status is Status.PENDING


def test_cname_in_place_of_the_delegation(internet: Internet) -> None:
    """A CNAME at the subdomain leaves no room for a delegation."""
    internet.delegate(S, [])
    internet.serve(ZONE, "post CNAME www.acme.example.", internet.customer)
    assert verdict(internet).status is Status.CNAME_CONFLICT


def test_our_servers_are_down(internet: Internet) -> None:
    """A right delegation to servers that all are down is unreachable, not missing."""
    for server in internet.ours:
        server.stop()
    try:
        made = report(internet)
    finally:
        for server in internet.ours:
            server.start()
    assert {one.status for one in made.findings} == {Status.UNREACHABLE}


def test_one_of_our_servers_is_silent(internet: Internet) -> None:
    """One of four servers that does not answer is noted; resolvers ask the others."""
    internet.ours[3].silence()
    try:
        made = report(internet)
    finally:
        internet.ours[3].resume()
    assert {one.status for one in made.findings} == {Status.OK}
    assert "ns-4.awsdns.example" in made.findings[0].note


def test_server_without_address(internet: Internet) -> None:
    """A name server whose name has no address is shown as such."""
    names = [server.name for server in internet.ours]
    internet.delegate(S, [*names, "ns9.dns.example"])
    record = delegation_record(subdomain=S, name_servers=[*names, "ns9.dns.example"])
    [made] = check(internet, Subject(subdomain=S, records=(record,)))
    assert any(one.server == "ns9.dns.example" and one.problem == "has no address" for one in made.findings[0].seen)
