"""Whether a zone may be deleted: nobody may be led to it, from any server of either side of any cut."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from email_stack.cli.dangling import refuse_dangling_delegation
from email_stack.cli.output import CommandError
from email_stack.dnscheck.model import Endpoint
from tests.dnscheck.customers import eight, zone_text
from tests.nameservers import Internet

ZONE = "acme.example"
S = f"post.{ZONE}"


@pytest.fixture(scope="module")
def internet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Internet]:
    """Name servers that run."""
    with Internet(tmp_path_factory.mktemp("internet")) as running:
        yield running


@pytest.fixture(autouse=True)
def _delegation_gone(internet: Internet) -> Iterator[None]:
    """A zone of ours that nobody delegates to any more."""
    internet.serve(ZONE, "", internet.customer)
    internet.serve(S, zone_text(eight(S)), internet.ours)
    internet.delegate(S, [])
    yield
    internet.remove(S, ZONE)
    internet.old.load({}, gone=[ZONE])


def refusal(internet: Internet, *, remembering: bool = False) -> str:
    """Why the zone may not be deleted; "" when it may."""
    if not remembering:
        internet.flush()
    resolver = Endpoint(internet.resolver.address, internet.resolver.port)
    try:
        seconds = refuse_dangling_delegation("acme", S, [one.name for one in internet.ours], resolver, internet.port)
    except CommandError as error:
        return f"{error} ({error.code.name})"
    assert seconds >= 3600
    return ""


def served_by_the_old_provider(internet: Internet, text: str) -> None:
    """A copy of the customer's zone at the provider that it has left."""
    internet.serve_differently(internet.old, ZONE, text)


OURS = "\n".join(f"{S}. 60 IN NS ns-{n}.awsdns.example." for n in (1, 2, 3, 4))


def test_nobody_is_led_there(internet: Internet) -> None:
    """Without any delegation the zone may go."""
    assert refusal(internet) == ""


def test_old_provider_that_the_registry_still_names(internet: Internet) -> None:
    """A server that only the registry names still delegates: a third of resolvers would follow it."""
    internet.delegate(ZONE, [*(one.name for one in internet.customer), internet.old.name])
    served_by_the_old_provider(internet, OURS)
    assert f"{S} is still delegated to its zone, or remembered to be, at ns.old.example" in refusal(internet)
    served_by_the_old_provider(internet, "")
    assert refusal(internet) == ""


def test_old_provider_that_only_the_zone_names(internet: Internet) -> None:
    """A server that only the zone's own NS records name is asked too."""
    own = [one.name for one in internet.customer]
    internet.serve(ZONE, "", internet.customer, [*own, internet.old.name])
    internet.delegate(ZONE, own)
    internet.delegate(S, [])
    served_by_the_old_provider(internet, OURS)
    assert "at ns.old.example" in refusal(internet)


def test_server_that_the_old_providers_copy_names(internet: Internet) -> None:
    """A server named in the copy of a server that the registry names: resolvers that were led to one ask the other."""
    internet.host("ns2.old.example", internet.ours[0].address)
    internet.delegate(ZONE, [internet.customer[0].name, internet.old.name])
    copy = internet._text(internet._zones[ZONE]).replace("ns2.dns.example", "ns2.old.example")
    internet.old.load({ZONE: copy})
    internet.ours[0].load({ZONE: copy + OURS + "\n"})
    assert "at ns2.old.example" in refusal(internet)
    internet.ours[0].load({}, gone=[ZONE])


def test_one_of_two_servers_still_delegates(internet: Internet) -> None:
    """One server of the customer's with the old NS records is enough."""
    internet.serve_differently(internet.customer[1], ZONE, OURS)
    assert "at ns2.dns.example" in refusal(internet)


def test_other_provider_whose_own_records_name_ours(internet: Internet) -> None:
    """The delegation goes elsewhere, and the zone there names ours in its own NS records: resolvers follow those."""
    internet.delegate(S, [internet.old.name])
    internet.old.load({S: internet._text(internet._zones[S])})
    assert "at ns.old.example" in refusal(internet)
    internet.old.load({}, gone=[S])


def test_whole_domain_at_our_servers(internet: Internet) -> None:
    """A registry that names our servers for the whole domain leads everybody to whoever is given them next."""
    internet.delegate(ZONE, [one.name for one in internet.ours])
    why = refusal(internet)
    assert f"is below {ZONE}, whose NS records still name its servers, at root.servers.example" in why


def test_resolver_that_remembers(internet: Internet) -> None:
    """What a resolver remembers counts; once it has forgotten, the zone may go."""
    internet.delegate(S, [one.name for one in internet.ours])
    assert "at ns1.dns.example, ns2.dns.example, resolver" in (why := refusal(internet))
    assert why.endswith("(REFUSED)")
    internet.delegate(S, [])
    assert "remembered to be, at resolver; the next" in refusal(internet, remembering=True)
    assert refusal(internet) == ""


def test_server_that_cannot_be_asked(internet: Internet) -> None:
    """A server that is silent may still delegate: nobody can tell, so the zone stays."""
    internet.customer[1].silence()
    try:
        why = refusal(internet)
    finally:
        internet.customer[1].resume()
    assert "could not be checked (unreachable): ns2.dns.example" in why


def test_no_resolver(internet: Internet) -> None:
    """Without a resolver nobody can tell."""
    with pytest.raises(CommandError, match="could not be checked"):
        refuse_dangling_delegation("acme", S, ["ns-1.awsdns.example"], Endpoint("127.53.0.99", 9), internet.port)
