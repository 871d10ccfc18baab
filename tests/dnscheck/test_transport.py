"""Questions on the wire: against servers that are slow, old, hostile or gone."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from email_stack.dnscheck.model import Endpoint
from email_stack.dnscheck.transport import Network, NoAnswerError
from tests.dnscheck.customers import zone_text
from tests.nameservers import Internet

pytestmark = pytest.mark.servers

NAME = "post.acme.example"


def answer(query: bytes, value: str = "x", flags: int = dns.flags.AA) -> bytes:
    """A reply with one TXT record."""
    message = dns.message.make_response(dns.message.from_wire(query))
    message.flags |= flags
    message.answer.append(dns.rrset.from_text(f"{NAME}.", 60, "IN", "TXT", f'"{value}"'))
    return message.to_wire()


@contextmanager
def responder(respond: Callable[[bytes, int], list[bytes]]) -> Iterator[Endpoint]:
    """A server on loopback that sends what `respond` makes of the query and its number."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    listener.bind(("127.0.0.1", 0))
    listener.settimeout(0.05)
    done = threading.Event()

    def serve() -> None:
        number = 0
        while not done.is_set():
            try:
                query, peer = listener.recvfrom(4096)
            except TimeoutError:
                continue
            for message in respond(query, number):
                listener.sendto(message, peer)
            number += 1

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield Endpoint("127.0.0.1", listener.getsockname()[1])
    finally:
        done.set()
        thread.join()
        listener.close()


async def ask(server: Endpoint, count: int = 1) -> list[tuple[str, ...] | str]:
    """The values, or the problem, of the same question asked `count` times at once."""
    async with Network() as network:
        found = await asyncio.gather(*(network.ask(server, NAME, "TXT") for _ in range(count)), return_exceptions=True)
    return [str(one) if isinstance(one, NoAnswerError) else one.values for one in found]  # type: ignore[union-attr]


def test_first_packet_is_lost() -> None:
    """A question without answer is asked once more."""
    with responder(lambda query, number: [answer(query)] if number else []) as server:
        assert asyncio.run(ask(server)) == [("x",)]


def test_answer_with_another_identifier_is_dropped() -> None:
    """Who guesses the port and not the identifier is not believed."""

    def respond(query: bytes, _: int) -> list[bytes]:
        forged = struct.pack(">H", struct.unpack_from(">H", query)[0] ^ 1) + answer(query, "forged")[2:]
        return [forged, b"short", answer(query)]

    with responder(respond) as server:
        assert asyncio.run(ask(server)) == [("x",)]


def test_server_without_edns() -> None:
    """A server that refuses EDNS is asked without it."""

    def respond(query: bytes, _: int) -> list[bytes]:
        if dns.message.from_wire(query).edns < 0:
            return [answer(query)]
        refusal = dns.message.Message(id=struct.unpack_from(">H", query)[0])
        refusal.flags |= dns.flags.QR
        refusal.set_rcode(dns.rcode.FORMERR)
        return [refusal.to_wire()]

    with responder(respond) as server:
        assert asyncio.run(ask(server)) == [("x",)]


def test_noise_is_a_problem_and_no_crash() -> None:
    """An answer that cannot be read says so at once."""
    with responder(lambda query, _: [query[:2] + b"\x84\x00" + b"\xff" * 30]) as server:
        assert asyncio.run(ask(server)) == ["malformed answer: to another question"]


def test_truncated_answer_without_tcp() -> None:
    """A server that cuts its answer off and takes no TCP gives none."""
    with responder(lambda query, _: [answer(query, flags=dns.flags.TC)]) as server:
        assert asyncio.run(ask(server)) == ["answer too long for UDP, and TCP failed: ConnectionRefusedError"]


def test_dead_server_costs_its_time_out_once() -> None:
    """Many questions to a server that is silent wait for one time-out, together."""
    asked: list[int] = []
    with responder(lambda _, number: asked.append(number) or []) as server:  # type: ignore[func-returns-value]
        start = time.monotonic()
        found = asyncio.run(ask(server, 500))
        elapsed = time.monotonic() - start
    assert set(found) == {"no answer within 3 s"}
    assert len(found) == 500
    assert elapsed < 4
    assert len(asked) == 2


def test_closed_port_costs_nothing() -> None:
    """A port that nobody listens at is known at once."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    start = time.monotonic()
    assert asyncio.run(ask(Endpoint("127.0.0.1", port), 50)) == ["cannot be reached: Connection refused"] * 50
    assert time.monotonic() - start < 1


def test_answer_too_long_for_udp_comes_over_tcp(internet: Internet) -> None:
    """A real server's long answer is fetched whole."""
    values = [f"{number:03}{'x' * 200}" for number in range(20)]
    internet.serve("long.example", zone_text([], *(f'@ TXT "{value}"' for value in values)), internet.customer)

    async def fetch() -> tuple[str, ...]:
        async with Network() as network:
            server = Endpoint(internet.customer[0].address, internet.port)
            return (await network.ask(server, "long.example", "TXT")).values

    assert asyncio.run(fetch()) == tuple(values)


def test_more_servers_than_sockets(internet: Internet) -> None:
    """Idle sockets are closed when many servers are asked, and opened again."""
    internet.serve("many.example", '@ TXT "x"', internet.customer)
    server = Endpoint(internet.customer[0].address, internet.port)

    async def fetch() -> list[tuple[str, ...]]:
        async with Network() as network:
            for number in range(300):
                other = Endpoint(f"127.99.{number // 200}.{number % 200 + 1}", internet.port)
                with pytest.raises(NoAnswerError):
                    await network.ask(other, "many.example", "TXT")
            return [(await network.ask(server, "many.example", "TXT")).values for _ in range(2)]

    assert asyncio.run(fetch()) == [("x",), ("x",)]


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("192.0.2.1", Endpoint("192.0.2.1", 53)),
        ("192.0.2.1#5353", Endpoint("192.0.2.1", 5353)),
        ("2001:DB8::1", Endpoint("2001:db8::1", 53)),
    ],
)
def test_endpoint_reads(text: str, parsed: Endpoint) -> None:
    """An address, with a port behind # where it is not 53."""
    assert Endpoint.parse(text) == parsed


@pytest.mark.parametrize(
    "text", ["", "ns.example", "192.0.2.1:53", "192.0.2.1#0", "192.0.2.1#65536", "192.0.2.1#", "#53"]
)
def test_endpoint_refuses(text: str) -> None:
    """Anything else is told what it should be."""
    with pytest.raises(ValueError, match="must be an IP address"):
        Endpoint.parse(text)
