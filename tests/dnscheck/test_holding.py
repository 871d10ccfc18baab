"""Which zone records go into, on real name servers."""

from __future__ import annotations

import pytest

from email_stack.dnscheck.holding import holding_zones
from email_stack.dnscheck.model import Endpoint, Holding
from tests.dnscheck.customers import eight
from tests.nameservers import Internet

ZONE = "harbor.example"
S = f"tickets.{ZONE}"


def held(internet: Internet) -> Holding:
    """As the commands ask for it."""
    internet.flush()
    return holding_zones(S, eight(S), Endpoint(internet.resolver.address, internet.resolver.port), internet.port)


def zone_of(internet: Internet) -> str:
    """The zone alone."""
    return held(internet).zone


def test_closest_zone_that_is_served(internet: Internet) -> None:
    """The registered domain, or the subdomain where that is a zone of its own; not a delegation that was left behind."""
    internet.serve(ZONE, "", internet.customer)
    assert zone_of(internet) == ZONE
    internet.serve(S, "", internet.ours[:1])
    assert zone_of(internet) == S
    internet.refuse(internet.ours[0], S)
    assert zone_of(internet) == ZONE
    internet.remove(S, ZONE)


def test_zones_below_hold_what_is_delegated_to_them(internet: Internet) -> None:
    """Of the keys or of the policy, where a server answers; a delegation that was left behind holds nothing."""
    keys, policy = f"_domainkey.{S}", f"_dmarc.{S}"
    internet.serve(ZONE, "", internet.customer)
    assert held(internet) == Holding(ZONE)
    internet.serve(keys, "", internet.ours[:1])
    assert held(internet) == Holding(ZONE, (keys,))
    internet.serve(policy, "", internet.ours[1:2])
    assert held(internet) == Holding(ZONE, (policy, keys))
    internet.refuse(internet.ours[0], keys)
    assert held(internet) == Holding(ZONE, (policy,))
    internet.remove(keys, policy, ZONE)


def test_nobody_can_tell(internet: Internet, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an answer, or without any resolver, nothing is claimed."""
    assert holding_zones(S, eight(S), Endpoint("127.53.0.99", 9), internet.port) == Holding()

    def none() -> tuple[Endpoint, ...]:
        raise ValueError("resolver: none")

    monkeypatch.setattr("email_stack.dnscheck.holding.system_resolvers", none)
    assert holding_zones(S, eight(S), None, internet.port) == Holding()
