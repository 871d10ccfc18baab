"""Servers that are not asked, whatever a customer's DNS says."""

from __future__ import annotations

import asyncio
from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from email_stack.dnscheck.guard import GuardedNetwork, is_public
from email_stack.dnscheck.model import Endpoint
from email_stack.dnscheck.transport import NoAnswerError

NOT_PUBLIC = [
    "127.0.0.1",
    "127.53.0.1",
    "0.0.0.0",
    "10.0.0.2",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "169.254.169.254",
    "169.254.169.253",
    "169.254.170.2",
    "198.18.0.1",
    "192.0.2.53",
    "224.0.0.251",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:8.8.8.8",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b::7f00:1",
    "64:ff9b:1::1",
    "2002:7f00:1::1",
    "2002:a9fe:a9fe::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "fc00::1",
    "fd00:ec2::254",
    "fd00:ec2::23",
    "ff02::1",
    "2001:db8::53",
    "",
    "localhost",
    "0x7f000001",
    "127.1",
]


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_addresses_within_are_not_public(address: str) -> None:
    """Loopback, private, link-local, metadata, shared, reserved, multicast, and IPv6 that leads to such."""
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "205.251.192.1", "2600:9000:5300::1", "64:ff9b::808:808", "2002:808:808::1"]
)
def test_addresses_of_the_internet_are_public(address: str) -> None:
    """Name servers of anybody's, also behind gateways to IPv4."""
    assert is_public(address)


@given(
    st.ip_addresses(network="10.0.0.0/8")
    | st.ip_addresses(network="169.254.0.0/16")
    | st.ip_addresses(network="127.0.0.0/8")
)
def test_ipv4_within_ipv6_is_as_public_as_itself(address: object) -> None:
    """However an inner address is written, it stays one."""
    number = int(ip_address(str(address)))
    for outer in (f"::ffff:{address}", f"::{address}", str(ip_address((0x0064FF9B << 96) | number))):
        assert not is_public(outer)
    assert not is_public(str(ip_address((0x2002 << 112) | (number << 80) | 1)))


def test_what_is_allowed_is_public() -> None:
    """A network of a test set-up, and nothing beside it."""
    allowed = [ip_network("127.53.0.0/16")]
    assert is_public("127.53.0.9", allowed)
    assert not is_public("127.54.0.9", allowed)
    assert not is_public("::1", allowed)


def test_a_server_within_is_never_sent_anything() -> None:
    """The question fails before a socket is opened; a resolver of ours may be there."""

    async def ask() -> None:
        async with GuardedNetwork(resolvers=[]) as network:
            for address in ("169.254.169.254", "::1", "10.0.0.1"):
                with pytest.raises(NoAnswerError, match="not a public one"):
                    await network.ask(Endpoint(address), "example.com", "TXT")
            assert network._peers == {}

    asyncio.run(ask())


def test_queries_are_counted() -> None:
    """Those too many are not asked, of the resolver neither."""

    async def ask() -> None:
        resolver = Endpoint("127.0.0.1", 9)
        async with GuardedNetwork(resolvers=[resolver], queries=0) as network:
            with pytest.raises(NoAnswerError, match="asked too much"):
                await network.ask(resolver, "example.com", "TXT")

    asyncio.run(ask())
