"""Zones, their delegation and their signatures, kept consistent over several servers."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import dns.dnssec
import dns.name
import dns.rdataset
import dns.rdatatype
import dns.rrset
import dns.zone
from cryptography.hazmat.primitives.asymmetric import ec
from dns.dnssectypes import Algorithm
from dns.rdtypes.ANY.DNSKEY import DNSKEY

from tests.nameservers.servers import Resolver, Server, free_port

__all__ = ["Internet"]

_SES_RANGE: Final = "199.255.192.0/22"


@dataclass(slots=True, eq=False)
class _Zone:
    """One zone: its own lines, who serves them, and what it says of the zones below it."""

    name: str
    text: str
    servers: tuple[Server, ...]
    names: tuple[str, ...]
    cuts: dict[str, list[str]] = field(default_factory=dict)
    key: ec.EllipticCurvePrivateKey | None = None


class Internet:
    """Name servers on addresses 127.53.0.1 and up, all on one free port, which needs no privilege.

    The root and `example` are signed; what is served below them is not, unless `sign` is called. `example` holds the addresses
    of all servers. A context manager: leaving ends every process.

    Attributes:
        root: serves the root, `example` and AWS' own domains.
        customer: ns1.dns.example and ns2.dns.example.
        ours: ns-1.awsdns.example to ns-4.awsdns.example.
        old: ns.old.example, of a provider that customers have left.
        resolver: recursive and validating.
        port: where all of them listen but the resolver.
    """

    def __init__(self, folder: Path) -> None:
        names = [
            "root.servers.example",
            *(f"ns{number}.dns.example" for number in (1, 2)),
            *(f"ns-{number}.awsdns.example" for number in (1, 2, 3, 4)),
            "ns.old.example",
        ]
        addresses = [f"127.53.0.{number}" for number, _ in enumerate(names, start=1)]
        self.port = free_port(addresses)
        servers = [
            Server(name, address, self.port, folder / name) for name, address in zip(names, addresses, strict=True)
        ]
        self.root = servers[0]
        self.customer = tuple(servers[1:3])
        self.ours = tuple(servers[3:7])
        self.old = servers[7]
        self._servers = servers
        self._hosts = {server.name: server.address for server in servers}
        self._serial = 0
        self._touched: dict[str, None] | None = None
        self._zones: dict[str, _Zone] = {
            "": _Zone("", "", (self.root,), (self.root.name,), key=ec.generate_private_key(ec.SECP256R1())),
            "example": _Zone(
                "example", "", (self.root,), (self.root.name,), key=ec.generate_private_key(ec.SECP256R1())
            ),
            "amazonses.com": _Zone(
                "amazonses.com", f'@ TXT "v=spf1 ip4:{_SES_RANGE} -all"', (self.root,), (self.root.name,)
            ),
        }
        for name in ("example", "amazonses.com"):
            self._zones[""].cuts[name] = self._cut(name, [self.root.name])
        self.resolver = Resolver(folder / "resolver", self.root.address, self.port, _key_text(self._zones[""]))

    def __enter__(self) -> Internet:
        """All servers, answering."""
        try:
            self._publish(list(self._zones))
            for server in self._servers:
                server.launch()
            for server in self._servers:
                server.await_start()
            self.resolver.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """End them all."""
        for server in self._servers:
            server.stop()
        self.resolver.stop()

    def serve(self, zone: str, text: str, servers: Iterable[Server], names: Iterable[str] = ()) -> None:
        """Serve `zone` from these servers, with the lines of `text` beside its SOA and NS; delegate it from the zone above.

        The NS records give `names`, which must lead to the servers, or else the servers' own.
        """
        self.serve_many({zone: text}, servers, names)

    def serve_many(self, zones: Mapping[str, str], servers: Iterable[Server], names: Iterable[str] = ()) -> None:
        """The same for many zones at once, each given by its text."""
        chosen = tuple(servers)
        chosen_names = tuple(names) or tuple(server.name for server in chosen)
        touched = dict.fromkeys(zones)
        for name, text in zones.items():
            held = self._zones.get(name)
            self._zones[name] = _Zone(
                name, text, chosen, chosen_names, held.cuts if held else {}, held.key if held else None
            )
            if held is None or held.names != chosen_names:
                parent = self._parent(name)
                parent.cuts[name] = self._cut(name, chosen_names)
                touched[parent.name] = None
        self._publish(touched)

    def serve_differently(
        self, server: Server, zone: str, text: str, *, primary: str = "root.servers.example", serial: int | None = None
    ) -> None:
        """Let one server of `zone` serve other lines than the rest, until the zone is served again.

        The SOA record names `primary`, as that of every zone here does, and a serial newer than all before it.
        """
        held = self._zones[zone]
        written = self._text(replace(held, text=text))
        if serial is not None:
            written = written.replace(f" {self._serial} ", f" {serial} ")
        server.load({zone: written.replace("SOA root.servers.example.", f"SOA {primary}.")})

    def serial(self) -> int:
        """The serial number that was given last."""
        return self._serial

    def next_serial(self) -> int:
        """A serial number newer than all before it, for several servers."""
        self._serial += 1
        return self._serial

    def address(self, name: str) -> str:
        """The address of a host that was given one; "" of any other."""
        return self._hosts.get(name, "")

    def has(self, zone: str) -> bool:
        """Whether `zone` is served, by whomever."""
        return zone in self._zones

    def text(self, zone: str) -> str:
        """The lines that `zone` was served with last."""
        return self._zones[zone].text

    def refuse(self, server: Server, zone: str) -> None:
        """Let one server refuse `zone`, though it is named for it: a lame delegation."""
        server.load({}, gone=[zone])

    def delegate(self, zone: str, name_servers: Sequence[str]) -> None:
        """Name these servers, or nobody, for `zone` in the zone above it."""
        parent = self._parent(zone)
        parent.cuts[zone] = self._cut(zone, name_servers)
        self._publish([parent.name])

    def remove(self, *zones: str) -> None:
        """Serve these zones nowhere, and delegate them no more."""
        gone: dict[Server, list[str]] = {}
        with self.at_once():
            for zone in zones:
                held = self._zones.pop(zone)
                parent = self._parent(zone)
                parent.cuts.pop(zone, None)
                for server in held.servers:
                    gone.setdefault(server, []).append(zone)
                self._publish([parent.name])
        for server, left in gone.items():
            server.load({}, gone=left)

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Publish what is served, delegated or removed within the block when it ends, each zone once."""
        self._touched = {}
        try:
            yield
        finally:
            touched, self._touched = self._touched, None
            self._publish(name for name in touched if name in self._zones)

    def host(self, name: str, address: str) -> None:
        """Give a name below `example` an address."""
        self._hosts[name] = address
        self._publish(["example"])

    def sign(self, zone: str) -> None:
        """Sign `zone`, and say so in the zone above."""
        held = self._zones[zone]
        held.key = ec.generate_private_key(ec.SECP256R1())
        self._publish([zone])
        self._announce(zone, held.key)

    def announce_other_key(self, zone: str) -> None:
        """Put a DS record of another key above `zone`: whatever it serves is bogus then."""
        self._announce(zone, ec.generate_private_key(ec.SECP256R1()))

    def flush(self) -> None:
        """Let the resolver forget what it knows."""
        self.resolver.flush()

    def _announce(self, zone: str, key: ec.EllipticCurvePrivateKey) -> None:
        parent = self._parent(zone)
        kept = [line for line in parent.cuts[zone] if " DS " not in line]
        parent.cuts[zone] = [*kept, _ds_line(zone, key)]
        self._publish([parent.name])

    def _cut(self, zone: str, name_servers: Sequence[str]) -> list[str]:
        lines = [f"{zone}. 60 IN NS {name}." for name in name_servers]
        held = self._zones.get(zone)
        return [*lines, _ds_line(zone, held.key)] if lines and held is not None and held.key is not None else lines

    def _parent(self, zone: str) -> _Zone:
        name = zone
        while True:
            name = name.partition(".")[2]
            if name in self._zones:
                return self._zones[name]

    def _publish(self, names: Iterable[str]) -> None:
        if self._touched is not None:
            self._touched.update(dict.fromkeys(names))
            return
        loads: dict[Server, dict[str, str]] = {}
        for name in names:
            text = self._text(self._zones[name])
            for server in self._zones[name].servers:
                loads.setdefault(server, {})[f"{name}."] = text
        for server, zones in loads.items():
            server.load({(zone if zone == "." else zone.rstrip(".")): text for zone, text in zones.items()})

    def _text(self, zone: _Zone) -> str:
        # Below 2**31 apart, so that every server takes it for newer. Source: RFC 1982.
        self._serial = max(self._serial + 1, int(time.time()))
        lines = [
            f"$ORIGIN {zone.name}.",
            "$TTL 60",
            f"{zone.name}. 60 IN SOA root.servers.example. hostmaster.example. {self._serial} 3600 600 86400 60",
            *(f"{zone.name}. 60 IN NS {name}." for name in zone.names),
            *(line for cut in zone.cuts.values() for line in cut),
            zone.text,
        ]
        if zone.name == "example":
            lines += [f"{name}. 60 IN A {address}" for name, address in self._hosts.items()]
        text = "\n".join(lines) + "\n"
        return text if zone.key is None else _signed(zone.name, text, zone.key)


def _dnskey(key: ec.EllipticCurvePrivateKey) -> DNSKEY:
    return dns.dnssec.make_dnskey(key.public_key(), Algorithm.ECDSAP256SHA256, flags=257)


def _key_text(zone: _Zone) -> str:
    assert zone.key is not None
    return str(_dnskey(zone.key).to_text())


def _ds_line(zone: str, key: ec.EllipticCurvePrivateKey) -> str:
    return f"{zone}. 60 IN DS {dns.dnssec.make_ds(f'{zone}.', _dnskey(key), 'SHA256').to_text()}"


def _signed(name: str, text: str, key: ec.EllipticCurvePrivateKey) -> str:
    zone = dns.zone.from_text(text, origin=f"{name}.", relativize=False)
    now = datetime.now(UTC)
    with zone.writer() as transaction:
        dns.dnssec.sign_zone(
            zone,
            transaction,
            keys=[(key, _dnskey(key))],
            inception=now - timedelta(days=1),
            expiration=now + timedelta(days=30),
            add_dnskey=True,
            dnskey_ttl=60,
        )
    written = zone.to_text(relativize=False, want_origin=False)
    # The SOA goes first and in the form that its serial is read from.
    soa = zone.get_rdataset(f"{name}.", "SOA")
    assert soa is not None
    first = dns.rrset.from_rdata_list(dns.name.from_text(f"{name}."), 60, list(soa)).to_text()
    return f"{first}\n{written}"
