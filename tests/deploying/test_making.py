"""Delegations to a zone before its deletion, on real name servers; servers within our network are not asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from ipaddress import ip_network

import pytest

from email_stack.deploying.making import HostedZones
from email_stack.dnscheck.guard import IPNetwork
from email_stack.dnscheck.model import Endpoint
from tests.mailroom.settings.test_claims import claim_of
from tests.nameservers import Internet

pytestmark = pytest.mark.servers

ZONE = "acme.example"
DOMAIN = f"mail.{ZONE}"
SMALL = (ip_network("127.53.0.0/16"),)


@pytest.fixture(scope="module")
def internet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Internet]:
    """Name servers, with the customer's zone."""
    with Internet(tmp_path_factory.mktemp("internet")) as running:
        running.serve(ZONE, "", running.customer)
        yield running


def led_to(internet: Internet, allowed: Sequence[IPNetwork] = SMALL) -> str:
    """Why anybody is led to the zone on our servers."""
    internet.flush()
    claim = replace(claim_of("a"), domain=DOMAIN, name_servers=tuple(one.name for one in internet.ours))
    resolvers = (Endpoint(internet.resolver.address, internet.resolver.port),)
    client: object = None
    zones = HostedZones(route53=client, resolvers=resolvers, port=internet.port, allowed=allowed)  # type: ignore[arg-type]
    return zones.led_to(claim)


def test_a_zone_goes_when_nobody_is_led_to_it(internet: Internet) -> None:
    """Not while the customer's zone names its servers."""
    internet.serve(DOMAIN, "", internet.ours)
    assert led_to(internet).startswith("is still delegated to its zone")
    internet.delegate(DOMAIN, [])
    assert led_to(internet) == ""


def test_servers_within_are_not_asked(internet: Internet) -> None:
    """And then nobody can tell, which keeps the zone."""
    assert led_to(internet, ()) == "may still be delegated to its zone, which could not be checked"
