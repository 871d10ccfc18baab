"""A name server that serves what Knot and BIND refuse to load: a CNAME beside other data at one name, as some providers do."""

from __future__ import annotations

import socket
import threading
from types import TracebackType

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rdatatype
import dns.rrset
import dns.zone

__all__ = ["LaxServer"]


class LaxServer:
    """Answers over UDP from one zone: the type asked where the name has it, else the name's CNAME. A context manager.

    Args:
        address: an IPv4 address of loopback.
        port: where it listens.
        zone: name of the zone, no trailing dot.
        text: its lines, as a zone file has them.
        servers: what its NS records name.
    """

    def __init__(self, address: str, port: int, zone: str, text: str, servers: tuple[str, ...]) -> None:
        head = [f"@ 60 IN SOA {servers[0]}. hostmaster.{zone}. 1 3600 600 86400 60"]
        lines = [*head, *(f"@ 60 IN NS {server}." for server in servers), *text.splitlines()]
        self._origin = dns.name.from_text(zone)
        self._sets: dict[tuple[dns.name.Name, int], dns.rrset.RRset] = {}
        for line in filter(str.strip, lines):
            # One at a time: a zone as a whole may not hold a CNAME beside other data.
            [(name, rdataset)] = dns.zone.from_text(
                f"$TTL 60\n{line}\n", origin=self._origin, relativize=False, check_origin=False
            ).iterate_rdatasets()
            held = self._sets.setdefault(
                (name, rdataset.rdtype), dns.rrset.RRset(name, rdataset.rdclass, rdataset.rdtype)
            )
            for rdata in rdataset:
                held.add(rdata)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((address, port))
        self._socket.settimeout(0.1)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> LaxServer:
        """It answers."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """It is gone."""
        self._over.set()
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        while not self._over.is_set():
            try:
                data, peer = self._socket.recvfrom(4096)
                self._socket.sendto(self._answer(dns.message.from_wire(data)).to_wire(), peer)
            except (TimeoutError, dns.exception.DNSException):
                continue

    def _answer(self, query: dns.message.Message) -> dns.message.Message:
        reply = dns.message.make_response(query)
        reply.flags |= dns.flags.AA
        [question] = query.question
        found = self._sets.get((question.name, question.rdtype)) or self._sets.get((question.name, dns.rdatatype.CNAME))
        if found is not None:
            reply.answer.append(found)
        else:
            reply.authority.append(self._sets[self._origin, dns.rdatatype.SOA])
        return reply
