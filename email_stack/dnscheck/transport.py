"""Questions to DNS servers over UDP, many at once. A server that is known to be dead gets none."""

from __future__ import annotations

import asyncio
import secrets
import struct
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final, cast

import dns.asyncquery
import dns.exception
import dns.message

from email_stack.dnscheck.model import Endpoint
from email_stack.dnscheck.replies import Reply, ReplyError, question_wire, read_reply

__all__ = ["Network", "NoAnswerError"]

TIMEOUTS_SECONDS: Final = (1.0, 2.0)
"""Waiting times of the first and the second attempt: a dead server takes both."""

RECURSIVE_TIMEOUTS_SECONDS: Final = (2.0, 4.0, 6.0)
"""The same for a resolver, which may wait for other servers: BIND gives up after 10 s."""

TCP_SECONDS: Final = 5.0

IN_FLIGHT: Final = 64
"""Most open questions at one server; more would overrun the receive buffer of a small one."""

OPEN_SOCKETS: Final = 256
"""Sockets kept open while idle; the usual limit of a process is 1,024 files."""

_HEADER: Final = struct.Struct(">HH")
_RD: Final = 0x0100
_CD: Final = 0x0010
_TC: Final = 0x0200


class NoAnswerError(Exception):
    """The server gave no answer, or an unreadable one; the text has the reason."""


class Network:
    """Asks servers, for one check and in one event loop. As an asynchronous context manager it closes all sockets at its end."""

    def __init__(self) -> None:
        self._peers: dict[Endpoint, _Peer] = {}
        self._open: OrderedDict[Endpoint, _Peer] = OrderedDict()

    async def __aenter__(self) -> Network:
        """Create a transport without sockets. The first query opens one."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close every socket."""
        for peer in self._peers.values():
            peer.close()

    async def ask(
        self, server: Endpoint, name: str, kind: str, *, recursive: bool = False, unchecked: bool = False
    ) -> Reply:
        """The reply of `server` on `name` and `kind`.

        Args:
            server: the server to ask.
            name: lower case, no trailing dot.
            kind: the mnemonic of a record type.
            recursive: whether it may ask other servers (RD).
            unchecked: whether the answer may have data that fails validation (CD).

        Raises:
            NoAnswerError: no answer in time, or an unreadable one; at once if the server is known to be dead. A recursive
                question without answer does not make a server dead.

        Source: RFC 1035 4.2; RFC 7766 5 for TCP; RFC 6891 6.2.2 and 7 for servers without EDNS.
        """
        peer = self._peers.get(server)
        if peer is None:
            peer = self._peers[server] = _Peer(server)
        flags = (_RD if recursive else 0) | (_CD if unchecked else 0)
        try:
            self._keep(server, peer)
            reply = await peer.ask(name, kind, flags, edns=True)
            return await peer.ask(name, kind, flags, edns=False) if reply.rcode in {"FORMERR", "NOTIMP"} else reply
        except ReplyError as error:
            raise NoAnswerError(str(error)) from error

    def _keep(self, server: Endpoint, peer: _Peer) -> None:
        self._open[server] = peer
        self._open.move_to_end(server)
        if len(self._open) > OPEN_SOCKETS:
            idle = next((one for one, held in self._open.items() if held.idle and one != server), None)
            if idle is not None:
                self._open.pop(idle).close()


@dataclass(slots=True, eq=False)
class _Peer(asyncio.DatagramProtocol):
    """One server: its socket, its questions in flight, and whether it lives."""

    server: Endpoint
    waiting: dict[int, asyncio.Future[bytes]] = field(default_factory=dict)
    transport: asyncio.DatagramTransport | None = None
    answered: int = 0
    users: int = 0
    dead: str = ""
    gate: asyncio.Lock = field(default_factory=asyncio.Lock)
    window: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(IN_FLIGHT))

    @property
    def idle(self) -> bool:
        """Whether no question needs the socket."""
        return self.users == 0

    def close(self) -> None:
        """Close the socket; the next question opens another."""
        if self.transport is not None:
            self.transport.abort()
            self.transport = None

    async def ask(self, name: str, kind: str, flags: int, *, edns: bool) -> Reply:
        """Raises NoAnswerError, or ReplyError for an answer that cannot be read."""
        self.users += 1
        try:
            if not self.answered:
                # The first question shows whether the server lives, and the others wait for its result.
                async with self.gate:
                    if not self.answered:
                        return await self._exchange(name, kind, flags, edns=edns)
            async with self.window:
                return await self._exchange(name, kind, flags, edns=edns)
        finally:
            self.users -= 1

    async def _exchange(self, name: str, kind: str, flags: int, *, edns: bool) -> Reply:
        wire = question_wire(name, kind, edns=edns)
        answered = self.answered
        timeouts = RECURSIVE_TIMEOUTS_SECONDS if flags & _RD else TIMEOUTS_SECONDS
        for seconds in timeouts:
            if self.dead:
                raise NoAnswerError(self.dead)
            try:
                answer = await self._attempt(wire, flags, seconds)
            except TimeoutError:
                continue
            except OSError as error:
                self.dead = f"cannot be reached: {error.strerror or error}"
                raise NoAnswerError(self.dead) from error
            if _HEADER.unpack_from(answer)[1] & _TC:
                answer = await self._over_tcp(wire, flags)
            return read_reply(answer[2:], name, kind)
        problem = f"no answer within {sum(timeouts):g} s"
        if self.answered == answered and not flags & _RD:
            self.dead = problem
        raise NoAnswerError(problem)

    async def _attempt(self, wire: bytes, flags: int, seconds: float) -> bytes:
        loop = asyncio.get_running_loop()
        if self.transport is None:
            # Connected, so that the kernel drops datagrams from other addresses, and reports a closed port.
            await loop.create_datagram_endpoint(lambda: self, remote_addr=(self.server.address, self.server.port))
        if self.transport is None:
            raise ConnectionResetError("socket was closed")
        while (identifier := secrets.randbits(16)) in self.waiting:
            pass
        future: asyncio.Future[bytes] = loop.create_future()
        self.waiting[identifier] = future
        timer = loop.call_later(seconds, _expire, future)
        try:
            self.transport.sendto(_HEADER.pack(identifier, flags) + wire[4:])
            return await future
        finally:
            timer.cancel()
            del self.waiting[identifier]

    async def _over_tcp(self, wire: bytes, flags: int) -> bytes:
        query = dns.message.from_wire(_HEADER.pack(secrets.randbits(16), flags) + wire[4:])
        try:
            reply = await dns.asyncquery.tcp(
                query, self.server.address, port=self.server.port, timeout=TCP_SECONDS, ignore_trailing=True
            )
        except dns.exception.Timeout as error:
            raise NoAnswerError("answer too long for UDP, and none over TCP in time") from error
        except (dns.exception.DNSException, OSError, EOFError) as error:
            raise NoAnswerError(f"answer too long for UDP, and TCP failed: {type(error).__name__}") from error
        return bytes(reply.wire or b"")

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the first socket if two questions have opened one each."""
        if self.transport is None:
            self.transport = cast("asyncio.DatagramTransport", transport)
        else:
            cast("asyncio.DatagramTransport", transport).abort()

    def datagram_received(self, data: bytes, _addr: object) -> None:
        """Pass the message to the query that it answers; drop others."""
        if len(data) < 12:
            return
        future = self.waiting.get(_HEADER.unpack_from(data)[0])
        if future is not None and not future.done():
            self.answered += 1
            future.set_result(data)

    def error_received(self, exc: Exception) -> None:
        """The port is closed or unreachable: end the wait."""
        for future in self.waiting.values():
            if not future.done():
                future.set_exception(exc)


def _expire(future: asyncio.Future[bytes]) -> None:
    if not future.done():
        future.set_exception(TimeoutError())
