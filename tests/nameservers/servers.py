"""Real name servers as child processes: Knot DNS for zones, BIND as the resolver."""

from __future__ import annotations

import base64
import ctypes
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import dns.exception
import dns.message
import dns.query
import dns.rcode

from tests.nameservers.control import send_command

__all__ = ["Resolver", "Server", "command", "free_port"]

_LOOPBACK: Final = "127.0.0.1"
_START_SECONDS: Final = 20.0
_PR_SET_PDEATHSIG: Final = 1


def command(name: str) -> str:
    """Path of a name server's program, which Debian keeps where not every user's PATH leads.

    Raises:
        RuntimeError: it is not installed.
    """
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if found is None:
        raise RuntimeError(f"{name}: not installed; run `make debian`, or install Debian's bind9, bind9-utils and knot")
    return found


def free_port(addresses: Iterable[str]) -> int:
    """A port that is free on all these addresses, over UDP and TCP."""
    for _ in range(100):
        port = 20_000 + secrets.randbelow(12_000)
        if all(_free(address, port, kind) for address in addresses for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM)):
            return port
    raise RuntimeError("no port from 20000 to 31999 is free on loopback")


def _free(address: str, port: int, kind: socket.SocketKind) -> bool:
    with socket.socket(socket.AF_INET, kind) as probe:
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True


@dataclass(slots=True, eq=False)
class _Process:
    """One child that does not outlive this process."""

    folder: Path
    arguments: list[str]
    child: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            # Ends with its parent, however that ends.
            self.child = subprocess.Popen(self.arguments, stdout=log, stderr=log, preexec_fn=_die_with_parent)  # noqa: PLW1509 - no threads here

    def stop(self) -> None:
        if self.child is not None:
            self.child.send_signal(signal.SIGCONT)
            self.child.kill()
            self.child.wait()
            self.child = None

    def signal(self, number: signal.Signals) -> None:
        assert self.child is not None, "not running"
        self.child.send_signal(number)

    def await_(self, ready: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while not ready():
            if (self.child is not None and self.child.poll() is not None) or time.monotonic() > deadline:
                raise RuntimeError(f"{what} in {self.folder}: {(self.folder / 'log').read_text()[-2000:]}")
            time.sleep(0.005)


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


@dataclass(slots=True, eq=False)
class Server:
    """An authoritative server: Knot DNS at an address of its own.

    Args:
        name: what delegations call it.
        address: an IPv4 address of loopback.
        port: where it listens.
        folder: for its files.
    """

    name: str
    address: str
    port: int
    folder: Path
    zones: dict[str, str] = field(default_factory=dict)
    process: _Process = field(init=False)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True)
        self.process = _Process(self.folder, [command("knotd"), "-c", str(self.folder / "knot.conf")])

    def start(self) -> None:
        """Run it with the zones it has."""
        self.launch()
        self.await_start()

    def launch(self) -> None:
        """Run it, and do not wait until it answers."""
        self._write_configuration()
        self.process.start()

    def await_start(self) -> None:
        """Wait until it answers for all zones it has."""
        self.process.await_(lambda: self._rcode("start.invalid", "SOA") is not None, f"{self.name} does not start")
        self._await_serials()

    def stop(self) -> None:
        """End it: its port is closed."""
        self.process.stop()

    def silence(self) -> None:
        """Halt it: packets reach it and nothing comes back."""
        self.process.signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Undo `silence`."""
        self.process.signal(signal.SIGCONT)

    def load(self, zones: dict[str, str], gone: Iterable[str] = ()) -> None:
        """Serve these zones too (their text by name), and none of `gone` any more."""
        self.zones.update(zones)
        left = [zone for zone in gone if self.zones.pop(zone, None) is not None]
        for zone, text in zones.items():
            self._file(zone).write_text(text)
        if self.process.child is None or not (zones or left):
            return
        self._write_configuration()
        # As `knotc reload`, without a process for it. Source: knotd(8), "Signals".
        self.process.signal(signal.SIGHUP)
        self._await_serials(zones)
        for zone in left:
            self._await_serial(zone, "")

    def _write_configuration(self) -> None:
        zones = "\n".join(f'  - domain: "{zone}"\n    file: "{self._file(zone)}"' for zone in self.zones)
        (self.folder / "knot.conf").write_text(
            f"""
server:
    rundir: "{self.folder}"
    listen: {self.address}@{self.port}
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
control:
    listen: "{self.folder}/socket"
log:
  - target: stderr
    any: warning
database:
    storage: "{self.folder}"
template:
  - id: default
    journal-content: none
    zonefile-load: whole
    zonefile-sync: -1
    semantic-checks: off
zone:
{zones}
"""
        )

    def _file(self, zone: str) -> Path:
        return self.folder / f"{zone.rstrip('.') or 'root'}.zone"

    def _await_serials(self, zones: Iterable[str] | None = None) -> None:
        for zone in self.zones if zones is None else zones:
            self._await_serial(zone, self.zones[zone].partition(" SOA ")[2].split()[2])

    def _await_serial(self, zone: str, serial: str) -> None:
        self.process.await_(lambda: self._serial(zone) == serial, f"{self.name} does not take up {zone}")

    def _serial(self, zone: str) -> str | None:
        """The zone's serial number here; "" of a zone that is not served, None without an answer."""
        reply = self._ask(zone, "SOA")
        if reply is None:
            return None
        return reply.answer[0].to_text().split()[6] if reply.answer else ""

    def _rcode(self, name: str, kind: str) -> str | None:
        reply = self._ask(name, kind)
        return dns.rcode.to_text(reply.rcode()) if reply is not None else None

    def _ask(self, name: str, kind: str) -> dns.message.Message | None:
        query = dns.message.make_query(name or ".", kind)
        try:
            return dns.query.udp(query, self.address, port=self.port, timeout=0.2)
        except (dns.exception.DNSException, OSError):
            return None


@dataclass(slots=True, eq=False)
class Resolver:
    """A validating recursive resolver: BIND, which asks all servers at `server_port`.

    Args:
        folder: for its files.
        root: address of the root's server.
        server_port: where authoritative servers listen.
        trust_anchor: the root's key signing key in presentation form.
    """

    folder: Path
    root: str
    server_port: int
    trust_anchor: str
    address: str = _LOOPBACK
    port: int = 0
    control_port: int = 0
    _secret: bytes = field(init=False, default_factory=lambda: secrets.token_bytes(32), repr=False)
    process: _Process = field(init=False)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True)
        self.port = free_port([self.address])
        self.control_port = free_port([self.address])
        self.process = _Process(self.folder, [command("named"), "-g", "-n", "1", "-c", str(self.folder / "named.conf")])

    def start(self) -> None:
        """Run it, its cache empty."""
        flags, protocol, algorithm, key = self.trust_anchor.split(None, 3)
        rndc_key = f'key "rndc" {{ algorithm hmac-sha256; secret "{base64.b64encode(self._secret).decode()}"; }};'
        (self.folder / "hints").write_text(
            f". 3600 NS root.servers.example.\nroot.servers.example. 3600 A {self.root}\n"
        )
        (self.folder / "named.conf").write_text(
            f"""
{rndc_key}
controls {{ inet {self.address} port {self.control_port} allow {{ {self.address}; }} keys {{ "rndc"; }}; }};
trust-anchors {{ . static-key {flags} {protocol} {algorithm} "{key.replace(" ", "")}"; }};
options {{
    directory "{self.folder}";
    pid-file "{self.folder}/pid";
    session-keyfile "{self.folder}/session.key";
    port {self.server_port};
    listen-on port {self.port} {{ {self.address}; }};
    listen-on-v6 {{ none; }};
    recursion yes;
    allow-query {{ any; }};
    dnssec-validation yes;
    empty-zones-enable no;
    qname-minimization off;
    prefetch 0;
    servfail-ttl 0;
    lame-ttl 0;
    resolver-query-timeout 2000;
}};
zone "." {{ type hint; file "hints"; }};
"""
        )
        self.process.start()
        self.process.await_(self._answers, "the resolver does not start")

    def stop(self) -> None:
        """End it."""
        self.process.stop()

    def flush(self) -> None:
        """Forget all answers."""
        send_command(self.address, self.control_port, self._secret, "flush")

    def _answers(self) -> bool:
        query = dns.message.make_query(".", "NS")
        try:
            return dns.query.udp(query, self.address, port=self.port, timeout=0.1).rcode() == dns.rcode.NOERROR
        except (dns.exception.DNSException, OSError):
            return False
