"""A relay on loopback that hands DNS packets on and their answers back later: the distance to real name servers."""

from __future__ import annotations

import asyncio
import multiprocessing
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

__all__ = ["Address", "relayed"]

Address = tuple[str, int]

_IDENTIFIER: Final = struct.Struct(">H")


@contextmanager
def relayed(routes: Mapping[Address, Address], seconds: float) -> Iterator[None]:
    """Relay each address to another in a process of its own; every answer comes `seconds` later than it would."""
    context = multiprocessing.get_context("spawn")
    ready = context.Event()
    process = context.Process(target=_run, args=(dict(routes), seconds, ready), daemon=True)
    process.start()
    try:
        if not ready.wait(10):
            raise RuntimeError("the relay does not start")
        yield
    finally:
        process.kill()
        process.join()


def _run(routes: dict[Address, Address], seconds: float, ready: multiprocessing.synchronize.Event) -> None:
    asyncio.run(_serve(routes, seconds, ready))


async def _serve(routes: dict[Address, Address], seconds: float, ready: multiprocessing.synchronize.Event) -> None:
    loop = asyncio.get_running_loop()
    for outside, inside in routes.items():
        relay = _Relay(seconds)
        await loop.create_datagram_endpoint(lambda relay=relay: relay.outside, local_addr=outside)  # type: ignore[misc]
        await loop.create_datagram_endpoint(lambda relay=relay: relay.inside, remote_addr=inside)  # type: ignore[misc]
    ready.set()
    await asyncio.Event().wait()


class _Relay:
    """One route; questions of all clients share a socket, told apart by an identifier of the relay's own."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.askers: dict[int, tuple[bytes, Address]] = {}
        self.next = 0
        self.outside = _Side(self.question)
        self.inside = _Side(self.answer)

    def question(self, data: bytes, client: Address) -> None:
        self.next = (self.next + 1) % 65_536
        self.askers[self.next] = (data[:2], client)
        self.inside.transport.sendto(_IDENTIFIER.pack(self.next) + data[2:])

    def answer(self, data: bytes, _: Address) -> None:
        identifier, client = self.askers.pop(_IDENTIFIER.unpack_from(data)[0], (b"", None))
        if client is not None:
            asyncio.get_running_loop().call_later(
                self.seconds, self.outside.transport.sendto, identifier + data[2:], client
            )


class _Side(asyncio.DatagramProtocol):
    transport: asyncio.DatagramTransport

    def __init__(self, receive: object) -> None:
        self.datagram_received = receive  # type: ignore[method-assign,assignment]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]
