"""Our name servers at a domain above the subdomain, each case on real name servers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from email_stack.dnscheck.model import Finding, Place, Status, Subject
from tests.dnscheck.customers import check, delegation, eight, zone_text
from tests.nameservers import Internet

ZONE = "acme.example"
S = f"post.{ZONE}"
RECORDS = eight(S)


@pytest.fixture(autouse=True)
def _delegated(internet: Internet) -> Iterator[None]:
    internet.serve(ZONE, "@ A 192.0.2.1", internet.customer)
    internet.serve(S, zone_text(RECORDS), internet.ours)
    yield
    internet.remove(S, ZONE)


def names(internet: Internet) -> list[str]:
    """Of our servers."""
    return [server.name for server in internet.ours]


def own(internet: Internet) -> list[str]:
    """Of the customer's servers."""
    return [server.name for server in internet.customer]


def verdict(internet: Internet) -> Finding:
    """The finding on the delegation; the report as a whole must be wrong unless it is ok."""
    [report] = check(internet, Subject(subdomain=S, records=(delegation(internet, S), *RECORDS)))
    assert (report.status is Status.WRONG) == (report.findings[0].status is not Status.OK)
    return report.findings[0]


def test_whole_domain_moved_to_our_servers(internet: Internet) -> None:
    """A registry that names our servers for the whole domain took its website down: its own servers must go back."""
    internet.delegate(ZONE, names(internet))
    found = verdict(internet)
    assert found.status is Status.WRONG_LEVEL
    assert found.found_at == Place(ZONE, "NS")
    assert found.fix.startswith(
        f"Put the own name servers of {ZONE} back in the zone example, at the domain's registrar"
    )
    assert f"only {S} goes to ours" in found.fix
    assert any(one.server == "root.servers.example" and set(one.values) == set(names(internet)) for one in found.seen)
    internet.delegate(ZONE, own(internet))
    assert verdict(internet).status is Status.OK


def test_our_servers_at_the_domain_instead_of_below_it(internet: Internet) -> None:
    """Entered at the zone's own name: ours are to be removed there, and the delegation to be added below."""
    internet.delegate(S, [])
    internet.serve(ZONE, "@ A 192.0.2.1", internet.customer, [*own(internet), *names(internet)])
    internet.delegate(ZONE, own(internet))
    found = verdict(internet)
    assert found.status is Status.WRONG_LEVEL
    assert found.fix.startswith(f"Remove from the NS records of {ZONE} in the zone {ZONE} itself: ")
    assert f"Add to the zone {ZONE}: {S} NS" in found.fix
    internet.serve(ZONE, "@ A 192.0.2.1", internet.customer)
    internet.delegate(S, names(internet))
    assert verdict(internet).status is Status.OK


@pytest.mark.parametrize("at_registry", [True, False])
@pytest.mark.parametrize("at_zone", [True, False])
@pytest.mark.parametrize("count", [1, 4])
def test_our_servers_at_the_domain_beside_a_right_delegation(
    internet: Internet, at_registry: bool, at_zone: bool, count: int
) -> None:
    """Each of ours that is named for the domain too is found, whichever side names it, and whether one or all."""
    both = [*own(internet), *names(internet)[:count]]
    internet.serve(ZONE, "@ A 192.0.2.1", internet.customer, both if at_zone else own(internet))
    internet.delegate(ZONE, both if at_registry else own(internet))
    found = verdict(internet)
    assert found.status is (Status.WRONG_LEVEL if at_registry or at_zone else Status.OK)
    assert ("in the zone example (at the domain's registrar)" in found.fix) == at_registry
    assert (f"in the zone {ZONE} itself" in found.fix) == at_zone
    assert "Add to" not in found.fix
    internet.serve(ZONE, "@ A 192.0.2.1", internet.customer)
    internet.delegate(ZONE, own(internet))
    assert verdict(internet).status is Status.OK


def test_our_servers_that_serve_the_domain_are_right_there(internet: Internet) -> None:
    """Where ours serve the domain as well, nothing is down."""
    internet.serve(ZONE, "@ A 192.0.2.1", internet.ours)
    internet.delegate(S, names(internet))
    assert verdict(internet).status is Status.OK
