"""Which zone records go into, on real name servers."""

from __future__ import annotations

import pytest

from email_stack.dnscheck.holding import holding_zone
from email_stack.dnscheck.model import Endpoint
from tests.nameservers import Internet

ZONE = "harbor.example"
S = f"tickets.{ZONE}"


def zone_of(internet: Internet) -> str | None:
    """As the commands ask for it."""
    internet.flush()
    return holding_zone(S, Endpoint(internet.resolver.address, internet.resolver.port), internet.port)


def test_closest_zone_that_is_served(internet: Internet) -> None:
    """The registered domain, or the subdomain where that is a zone of its own; not a delegation that was left behind."""
    internet.serve(ZONE, "", internet.customer)
    assert zone_of(internet) == ZONE
    internet.serve(S, "", internet.ours[:1])
    assert zone_of(internet) == S
    internet.refuse(internet.ours[0], S)
    assert zone_of(internet) == ZONE
    internet.remove(S, ZONE)


def test_nobody_can_tell(internet: Internet, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an answer, or without any resolver, nothing is claimed."""
    assert holding_zone(S, Endpoint("127.53.0.99", 9), internet.port) is None

    def none() -> tuple[Endpoint, ...]:
        raise ValueError("resolver: none")

    monkeypatch.setattr("email_stack.dnscheck.holding.system_resolvers", none)
    assert holding_zone(S, None, internet.port) is None
