"""Checking 1,000 tenants' records, beside who asks one question after the other, in one run, as ratios.

All ask the same name servers: Knot DNS and BIND on loopback, as they are and behind a relay that answers 20 ms later, which is
what a name server on the same continent takes. Each figure is the best of its turns, and the resolver forgets everything before
each. Who goes one by one is measured on fewer tenants where 1,000 would take many minutes; the figures are per tenant.
Writes docs/benchmarks/dns.md.

    make bench                     this and benchmarks.synth
    python -m benchmarks.dns 100   with that many tenants
"""

from __future__ import annotations

import logging
import os
import platform
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import checkdmarc.dmarc  # type: ignore[import-untyped]
import checkdmarc.dnssec  # type: ignore[import-untyped]
import checkdmarc.smtp  # type: ignore[import-untyped]
import checkdmarc.spf  # type: ignore[import-untyped]
import checkdmarc.utils  # type: ignore[import-untyped]
import dns.message
import dns.nameserver
import dns.query
import dns.resolver

from benchmarks.delay import Address, relayed
from email_stack.dnscheck.check import check_subdomains
from email_stack.dnscheck.model import Endpoint, Status, Subject
from email_stack.synthesis.toolchain import PROJECT_ROOT
from tests.dnscheck.customers import eight, zone_text
from tests.nameservers import Internet

TENANTS: Final = 1000
ONE_BY_ONE: Final = {0.0: 200, 0.020: 20}
"""Tenants that the sequential contestants are measured on, by delay in seconds."""

TURNS: Final = 3
REGION_HOSTS: Final = "inbound-smtp.eu-central-1 A 192.0.2.1"


@dataclass(frozen=True, kw_only=True)
class World:
    """Where to ask."""

    resolver: Address
    port: int


def main() -> None:
    """Measure, print, and write the report."""
    # What the comparison prints of name servers that it has no DNSSEC answer from is not measured here.
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    count = int(sys.argv[1]) if len(sys.argv) > 1 else TENANTS
    subjects = [
        Subject(subdomain=name, records=eight(name)) for name in (f"post.customer{n}.example" for n in range(count))
    ]
    contestants: dict[str, Callable[[Sequence[Subject], World], None]] = {
        "platform": _platform,
        "plain resolver": _plain,
        "checkdmarc": _checkdmarc,
    }
    figures: dict[float, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as folder, Internet(Path(folder) / "internet") as internet:
        internet.serve("amazonaws.com", REGION_HOSTS, [internet.root])
        internet.serve_many(
            {one.subdomain.partition(".")[2]: zone_text(one.records) for one in subjects}, internet.customer
        )
        for delay, fewer in ONE_BY_ONE.items():
            figures[delay] = dict.fromkeys(contestants, float("inf"))
            with ExitStack() as stack:
                world = _world(internet, delay, stack)
                for _ in range(TURNS):
                    for name, run in contestants.items():
                        chosen = subjects if name == "platform" else subjects[:fewer]
                        internet.flush()
                        started = time.perf_counter()
                        run(chosen, world)
                        each = (time.perf_counter() - started) / len(chosen)
                        figures[delay][name] = min(figures[delay][name], each)
            for name, each in figures[delay].items():
                print(f"{delay * 1000:3.0f} ms  {name:16} {each * 1000:8.2f} ms a tenant")
    _write(figures, count)


def _world(internet: Internet, delay: float, stack: ExitStack) -> World:
    resolver = (internet.resolver.address, internet.resolver.port)
    if not delay:
        return World(resolver=resolver, port=internet.port)
    outside = {server.name: server.address.replace("127.53.", "127.54.") for server in internet.customer}
    routes = {(outside[one.name], internet.port): (one.address, internet.port) for one in internet.customer}
    far_resolver = ("127.54.0.100", internet.resolver.port)
    stack.enter_context(relayed({**routes, far_resolver: resolver}, delay))
    for name, address in outside.items():
        internet.host(name, address)
    return World(resolver=far_resolver, port=internet.port)


def _platform(subjects: Sequence[Subject], world: World) -> None:
    reports = check_subdomains(subjects, resolver=Endpoint(*world.resolver), port=world.port)
    assert {report.status for report in reports} == {Status.OK}


def _plain(subjects: Sequence[Subject], world: World) -> None:
    """The same questions: the zone, its servers, and each record of each of them and of the resolver."""
    resolver = _resolver(world)
    for subject in subjects:
        zone = dns.resolver.zone_for_name(subject.subdomain, resolver=resolver)
        servers = [str(one) for ns in resolver.resolve(zone, "NS") for one in resolver.resolve(ns.target, "A")]
        for record in subject.records:
            resolver.resolve(record.name, record.type)
            query = dns.message.make_query(record.name, record.type)
            for server in servers:
                dns.query.udp(query, server, port=world.port, timeout=5)
        resolver.resolve("amazonses.com", "TXT")


def _checkdmarc(subjects: Sequence[Subject], world: World) -> None:
    """What it knows of: SPF twice, DMARC and MX; no DKIM, no expected values, and the resolver alone."""
    for cache in (checkdmarc.utils.DNS_CACHE, checkdmarc.dnssec.DNSSEC_CACHE, checkdmarc.dnssec.DNSKEY_CACHE):
        cache.clear()
    options: dict[str, Any] = {"nameservers": [dns.nameserver.Do53Nameserver(*world.resolver)], "timeout": 5.0}
    for subject in subjects:
        for domain in (subject.subdomain, f"mail.{subject.subdomain}"):
            assert checkdmarc.spf.check_spf(domain, **options)["valid"]
        assert checkdmarc.dmarc.check_dmarc(subject.subdomain, **options)["valid"]
        checkdmarc.smtp.check_mx(subject.subdomain, **options)


def _resolver(world: World) -> dns.resolver.Resolver:
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers = [dns.nameserver.Do53Nameserver(*world.resolver)]
    resolver.cache = dns.resolver.LRUCache()
    return resolver


def _write(figures: dict[float, dict[str, float]], count: int) -> None:
    machine = f"{os.cpu_count()} cores, Python {platform.python_version()}"
    lines = [
        "# DNS checks",
        "",
        f"Written by `make bench` on {machine}. Milliseconds a tenant, each the best of {TURNS} turns. A tenant is its",
        "eight records, each asked of two name servers and of a resolver that has forgotten everything; all servers are on",
        "loopback, as they are or behind a relay that answers later. The last two contestants go one by one; in brackets, how",
        "many times as long they take.",
        "",
        f"| answers take | platform, {count:,} tenants | plain resolver, same questions | checkdmarc, fewer questions |",
        "|---:|---:|---:|---:|",
    ]
    for delay, row in figures.items():
        base = row["platform"]
        lines.append(
            f"| {delay * 1000:.0f} ms | {base * 1000:.1f} "
            + "".join(
                f"| {row[name] * 1000:.1f} ({row[name] / base:.1f}x) " for name in ("plain resolver", "checkdmarc")
            )
            + "|"
        )
    lines += [
        "",
        "At 0 ms everybody is bound by the processor; the platform reads an answer once for all servers that send the same",
        "octets. At 20 ms the others wait, while the platform has the questions of sixty tenants on their way. checkdmarc asks",
        "less: SPF, DMARC and MX of the resolver alone, no DKIM, and nothing about what should stand there.",
        "",
    ]
    (PROJECT_ROOT / "docs" / "benchmarks" / "dns.md").write_text("\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
