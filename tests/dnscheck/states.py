"""States of a customer's DNS, an oracle that knows nothing of the checker, and hands that carry out what advice says."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Final

import dns.flags
import dns.message
import dns.query
import dns.rdatatype

from constructs_lib.records import DnsRecord, Purpose
from email_stack.dnscheck.model import Report, Status
from tests.dnscheck.customers import records
from tests.dnscheck.spf_worlds import Receiver, World
from tests.nameservers import Internet

__all__ = ["RECORDS", "ZONE", "S", "State", "all_states", "carry_out", "publish", "receivers_get"]

ZONE: Final = "harbor.example"
S: Final = f"tickets.{ZONE}"
RECORDS: Final = records(S, dmarc_policy="reject", dmarc_rua=[f"dmarc@{ZONE}"])
PASSES: Final = 30
NS1, NS2, OLD = "ns1.dns.example", "ns2.dns.example", "ns.old.example"

Line = tuple[str, str, str]
"""Owner and type of a record, and its data as a zone file has it; names absolute without their last dot but in the data."""


def _data(record: DnsRecord) -> list[str]:
    if record.type == "TXT":
        return list(record.rdata())
    return [f"{value}." for value in record.values]


def _lines(record: DnsRecord, name: str = "") -> list[Line]:
    return [(name or record.name, record.type, data) for data in _data(record)]


@dataclass(frozen=True)
class State:
    """Zones of each server, and name servers in the zone above and in the zone itself.

    Args:
        name: of the state.
        record: the one that is varied.
        lines: of each server, by its name.
        registry: servers that the zone above names.
    """

    name: str
    record: DnsRecord
    lines: dict[str, tuple[Line, ...]] = field(default_factory=dict)
    registry: tuple[str, ...] = (NS1, NS2)

    def changed(self, lines: dict[str, tuple[Line, ...]]) -> State:
        """The state with other lines."""
        return replace(self, lines=lines)


FORMS: Final = (
    "right",
    "missing",
    "moved above",
    "subdomain twice",
    "zone twice",
    "one more value",
    "another value",
    "another type",
    "wildcard CNAME",
    "wildcard of its type",
    "delegated to who refuses",
    "subdomain delegated away",
    "CNAME to the right",
    "CNAME to nothing",
    "DNAME to the right",
    "DNAME to nothing",
)
SERVERS: Final = ("both", "one", "other provider")
SIDES: Final = ("agree", "old one lacks it", "old one has it")
VARIED: Final = ("DKIM", "MX", "MAIL FROM", "SPF", "DMARC")


def _varied(kind: str) -> DnsRecord:
    wanted = {
        "DKIM": (Purpose.DKIM, "CNAME", "a."),
        "MX": (Purpose.INBOUND, "MX", S),
        "MAIL FROM": (Purpose.MAIL_FROM, "MX", "mail."),
        "SPF": (Purpose.SPF, "TXT", S),
        "DMARC": (Purpose.DMARC, "TXT", "_dmarc."),
    }[kind]
    return next(one for one in RECORDS if (one.purpose, one.type) == wanted[:2] and one.name.startswith(wanted[2]))


def _other_data(record: DnsRecord) -> str:
    return {
        Purpose.SPF: '"v=spf1 -all"',
        Purpose.DMARC: '"v=DMARC1; p=none"',
        Purpose.DKIM: "other.vendor.example.",
    }.get(record.purpose, "5 mx.vendor.example.")


def _formed(form: str, record: DnsRecord) -> list[Line] | None:
    """The record's replacement; None if the record has no such form."""
    right, name = _lines(record), record.name
    below = name.removesuffix(S)
    other = (name, record.type, _other_data(record))
    end = f"end.{ZONE}"
    covered = name.partition(".")[2]
    alone = sum(one.name == name for one in RECORDS) == 1
    forms: dict[str, list[Line] | None] = {
        "right": right,
        "missing": [],
        "moved above": _lines(record, f"{below}{ZONE}") if below else None,
        "subdomain twice": _lines(record, f"{below}tickets.{S}"),
        "zone twice": _lines(record, f"{name}.{ZONE}"),
        "one more value": None if record.type == "CNAME" else [*right, other],
        "another value": [other],
        "another type": [(name, "TXT", f'"{record.values[0]}"')]
        if record.type != "TXT"
        else [(name, "A", "192.0.2.9")],
        "wildcard CNAME": [(f"*.{ZONE}", "CNAME", f"www.{ZONE}.")],
        "wildcard of its type": [(f"*.{ZONE}", record.type, _other_data(record))],
        "delegated to who refuses": [
            *right,
            (covered if record.type == "CNAME" else name, "NS", "ns-1.awsdns.example."),
        ]
        if below
        else None,
        "subdomain delegated away": [*right, (S, "NS", f"ns1.{S}.")],
        "CNAME to the right": [(name, "CNAME", f"{end}."), *_lines(record, end)] if alone else None,
        "CNAME to nothing": [(name, "CNAME", f"{end}.")] if alone else None,
        "DNAME to the right": [(covered, "DNAME", f"keys.{ZONE}."), *_keys()] if record.type == "CNAME" else None,
        "DNAME to nothing": [(covered, "DNAME", f"keys.{ZONE}.")] if record.type == "CNAME" else None,
    }
    return forms[form]


def _keys() -> list[Line]:
    return [(f"{one}.keys.{ZONE}", "CNAME", f"{one}.dkim.amazonses.com.") for one in "abc"]


def all_states() -> Iterator[State]:
    """Every record in every form, at one server or two, with both sides of the cut agreeing or not."""
    for kind, form, servers, side in product(VARIED, FORMS, SERVERS, SIDES):
        record = _varied(kind)
        formed = _formed(form, record)
        if formed is None:
            continue
        hidden = form.startswith("DNAME")
        rest = [
            line
            for one in RECORDS
            if one is not record and not (hidden and one.purpose is Purpose.DKIM)
            for line in _lines(one)
        ]
        whole = (*rest, *formed, (f"www.{ZONE}", "A", "192.0.2.1"))
        lacking = (*rest, (f"www.{ZONE}", "A", "192.0.2.1"))
        lines = {NS1: whole, NS2: whole if servers == "both" else lacking}
        registry: tuple[str, ...] = (NS1, NS2)
        if side != "agree":
            lines[OLD] = lacking if side == "old one lacks it" else whole
            registry = (NS1, NS2, OLD)
        yield State(name=f"{kind}, {form}, {servers}, {side}", record=record, lines=lines, registry=registry)


def publish(internet: Internet, state: State) -> None:
    """Serve the state: one version everywhere, but for another provider's, whose SOA record is its own."""
    internet.serve(ZONE, "", internet.customer)
    internet.delegate(ZONE, state.registry)
    serial = internet.next_serial()
    foreign = "other provider" in state.name
    for server in (*internet.customer, internet.old):
        if server.name not in state.lines:
            server.load({}, gone=[ZONE])
            continue
        text = "\n".join(f"{name}. 60 IN {kind} {data}" for name, kind, data in state.lines[server.name])
        primary = "ns2.dns.example" if foreign and server.name == NS2 else "root.servers.example"
        internet.serve_differently(server, ZONE, text, primary=primary, serial=serial)


class _Stub:
    """A resolver with an empty cache: it begins at the root, and follows whichever server it happens to choose."""

    def __init__(self, internet: Internet, choice: random.Random) -> None:
        self.internet = internet
        self.choice = choice

    def find(self, name: str, kind: str) -> tuple[list[str], list[str]]:
        """The values, and the names that CNAMEs led to."""
        chain: list[str] = []
        while len(chain) < 9:
            values, alias = self._asked(name, kind)
            if values or not alias:
                return values, chain
            name = alias
            chain.append(alias)
        return [], chain

    def _asked(self, name: str, kind: str) -> tuple[list[str], str]:
        servers, cut = ["root.servers.example"], ""
        for _ in range(12):
            order = self.choice.sample(servers, len(servers))
            reply = next((one for one in (self._ask(server, name, kind) for server in order) if one is not None), None)
            if reply is None:
                return [], ""
            if reply.answer:
                wanted = dns.rdatatype.from_text(kind)
                own = [one for one in reply.answer if str(one.name).lower() == f"{name}."]
                values = [str(rdata) for one in own if one.rdtype == wanted for rdata in one]
                alias = next((str(one[0].target) for one in own if one.rdtype == dns.rdatatype.CNAME), "")
                return values, alias.rstrip(".").lower()
            below = next((one for one in reply.authority if one.rdtype == dns.rdatatype.NS), None)
            if below is None or reply.flags & dns.flags.AA:
                return [], ""
            cut, servers = str(below.name), [str(one.target).rstrip(".") for one in below]
            servers = self._preferred(cut, servers)
        return [], ""

    def _preferred(self, cut: str, servers: list[str]) -> list[str]:
        """Some resolvers go on with what the zone itself names, once they were led there."""
        if self.choice.random() < 0.5:
            return servers
        for server in self.choice.sample(servers, len(servers)):
            reply = self._ask(server, cut.rstrip("."), "NS")
            if reply is not None and reply.flags & dns.flags.AA and reply.answer:
                return [str(one.target).rstrip(".") for one in reply.answer[0]]
        return servers

    def _ask(self, server: str, name: str, kind: str) -> dns.message.Message | None:
        address = self.internet.address(server)
        if not address:
            return None
        query = dns.message.make_query(name, kind, flags=0)
        reply = dns.query.udp(query, address, port=self.internet.port, timeout=5)
        return reply if reply.rcode() in {0, 3} else None


class _Seen(World):
    """Answers of the stub in one pass, for a receiver of SPF."""

    def __init__(self, stub: _Stub) -> None:
        super().__init__({})
        self.stub = stub

    def values(self, name: str, kind: str) -> list[str]:
        """The values of one type."""
        found, _ = self.stub.find(name, kind)
        return ["".join(re.findall(r'"([^"]*)"', value)) if kind == "TXT" else value.rstrip(".") for value in found]


def receivers_get(internet: Internet, record: DnsRecord, seed: int) -> bool:
    """Whether receivers get what was asked for, thirty times out of thirty, each time with nothing remembered."""
    choice = random.Random(seed)
    return all(_gets(_Stub(internet, choice), record) for _ in range(PASSES))


def _gets(stub: _Stub, record: DnsRecord) -> bool:
    if record.purpose is Purpose.DKIM:
        values, chain = stub.find(record.name, "CNAME")
        while values and values[0].rstrip(".").lower() != record.values[0] and len(chain) < 9:
            chain.append(values[0])
            values, _ = stub.find(values[0].rstrip(".").lower(), "CNAME")
        return [value.rstrip(".").lower() for value in values] == list(record.values)
    seen = _Seen(stub)
    if record.purpose is Purpose.SPF:
        ses, other = (Receiver(seen, address).check_host(record.name) for address in ("199.255.193.7", "203.0.113.200"))
        return ses == "pass" and other in {"fail", "softfail"}
    if record.type == "MX":
        hosts = {value.partition(" ")[2] for value in seen.values(record.name, "MX")}
        return hosts == {value.partition(" ")[2] for value in record.values}
    policies = [value for value in seen.values(record.name, "TXT") if value.startswith("v=DMARC1")]
    return len(policies) == 1 and "p=reject" in policies[0]


def carry_out(state: State, report: Report) -> State:
    """The state after somebody has done what the report says, word by word, and nothing else."""
    for finding in report.findings:
        if finding.status not in {Status.OK, Status.PENDING}:
            state = _done(state, finding.record, finding.fix)
    return state


_NAME: Final = r"(\S+?)"


def _done(state: State, record: DnsRecord, fix: str) -> State:
    name, kind = record.name, record.type
    if found := re.match(rf"Take {_NAME} out of the name servers of {_NAME} in the zone", fix):
        lines = {server: held for server, held in state.lines.items() if server != found[1]}
        return replace(state, registry=tuple(one for one in state.registry if one != found[1]), lines=lines)
    servers: Iterable[str] = state.lines
    gone: list[tuple[str, str]] = [(name, kind)]
    more = _lines(record)
    if found := re.match(rf"Enter {_NAME} {kind} .* (?:at the provider of|in the zone \S+ of) (.+) as well", fix):
        servers = re.split(r", | and ", found[2])
        if also := re.search(r"enter there too the others' records of (.+), to which", fix):
            names = set(re.split(r", | and ", also[1]))
            more += [line for lines in state.lines.values() for line in lines if line[0] in names]
    elif found := re.match(rf"Remove the NS records of {_NAME} from the zone", fix):
        gone, more = [(found[1], "NS")], []
    elif found := re.match(rf"Rename the {kind} record {_NAME} to {_NAME}:", fix):
        gone = [(found[1], kind)]
    elif found := re.match(rf"(?:Found at|Make it a \S+: found at) {_NAME} as ([A-Z]+)", fix):
        gone = [(found[1], found[2])]
    elif found := re.match(rf"Remove the DNAME record of {_NAME},", fix):
        gone = [(found[1], "DNAME")]
    elif fix.startswith("Remove the CNAME of"):
        gone = [(name, "CNAME")]
    elif fix.startswith("Add to the zone"):
        gone = []
    else:
        verbs = ("Change the", "Merge the", "Keep one of", "Remove from", "Enter the TXT", 'Add "include:')
        assert fix.startswith(verbs), fix
    return _edited(state, servers, gone=gone, more=more)


def _edited(
    state: State, servers: Iterable[str], *, gone: Sequence[tuple[str, str]] = (), more: Sequence[Line] = ()
) -> State:
    chosen = set(servers)
    edited = {}
    for server, lines in state.lines.items():
        kept = [line for line in lines if line[:2] not in set(gone)] if server in chosen else list(lines)
        edited[server] = tuple(dict.fromkeys([*kept, *(more if server in chosen else ())]))
    return state.changed(edited)
