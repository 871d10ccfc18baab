"""Parses DNS messages into the facts for a check. Pure: bytes in, values out."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Final, cast

import dns.exception
import dns.flags
import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.wire

__all__ = ["Reply", "ReplyError", "question_wire", "read_reply"]

UDP_PAYLOAD_OCTETS: Final = 1232
"""Size that passes every path without fragments, as DNS Flag Day 2020 recommends."""

_MAX_CHAIN: Final = 8
"""CNAMEs followed in one message; a loop ends here too."""

_TTL_AT_MOST: Final = 2**31 - 1

_CNAME: Final = dns.rdatatype.CNAME
_SOA: Final = dns.rdatatype.SOA
_IN: Final = dns.rdataclass.IN
_HEADER: Final = struct.Struct("!HHHHHH")
_QUESTION: Final = struct.Struct("!HH")
_OPT: Final = b"\0" + struct.pack("!HHIH", dns.rdatatype.OPT, UDP_PAYLOAD_OCTETS, 0, 0)


class ReplyError(Exception):
    """The message is not an answer to the question; the text has the reason."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """The facts of one message about the queried name and type.

    Args:
        rcode: NOERROR, NXDOMAIN, SERVFAIL, REFUSED or another of RFC 6895's mnemonics.
        authoritative: whether the server answers from a zone of its own.
        values: of the queried type, at the queried name or the target of its CNAMEs, in the form of `DnsRecord.values`.
        chain: targets of CNAMEs from the name, in order, for other types than CNAME; empty without a CNAME.
        links: all CNAMEs at the name itself, for other types: one, unless a server allows several.
        beside: whether the name has other data beside its CNAME.
        dname: owner of the DNAME record that made the first CNAME; "" for none.
        soa: owner of the SOA record in the answer, or of that in the authority section; "" when there is none.
        referral: zone of a referral; "" without one.
        referral_servers: names of that zone's servers.
        bogus: whether a validating resolver withholds data. Source: RFC 4035 4.3 and 5.5.
        ttl_seconds: lifetime in caches; for a negative answer by its SOA record (RFC 2308 5).
    """

    rcode: str
    authoritative: bool = False
    values: tuple[str, ...] = ()
    chain: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    beside: bool = False
    dname: str = ""
    soa: str = ""
    referral: str = ""
    referral_servers: tuple[str, ...] = ()
    bogus: bool = False
    ttl_seconds: int = field(default=0, compare=False)

    @property
    def alias(self) -> str:
        """Target of a CNAME at the name itself; "" for none."""
        return self.chain[0] if self.chain else ""


@lru_cache(maxsize=4096)
def question_wire(name: str, kind: str, *, edns: bool) -> bytes:
    """The question as one message with identifier 0 and all flags clear.

    Raises:
        ReplyError: DNS cannot hold `name`.

    Source: RFC 1035 4.1; RFC 6891 6.1 for the OPT record.
    """
    header = _HEADER.pack(0, 0, 1, 0, 0, 1 if edns else 0)
    # None only for a name that is written to a file.
    owner = cast("bytes", _name(name).to_wire())
    return header + owner + _QUESTION.pack(dns.rdatatype.from_text(kind), _IN) + (_OPT if edns else b"")


@lru_cache(maxsize=4096)
def read_reply(body: bytes, name: str, kind: str) -> Reply:
    """Read a DNS message without its first two octets, the identifier.

    Servers of one zone send equal bytes, so most messages are read once. The authority section is read only if the answer is empty,
    and the additional section never.

    Args:
        body: the message from its third octet on.
        name: what was asked for, lower case, no trailing dot.
        kind: type that was asked for.

    Raises:
        ReplyError: malformed, not a reply, or a reply to something else.

    Source: RFC 1035 4.1; RFC 5452 9.1 for what must match.
    """
    try:
        parser = dns.wire.Parser(b"\0\0" + body)
        _, flags, questions, answers, authorities, _ = parser.get_struct(_HEADER.format)
        if not flags & dns.flags.QR:
            raise ReplyError("malformed answer: not a reply")
        rcode = dns.rcode.to_text(dns.rcode.from_flags(flags, 0))
        if not questions and rcode != "NOERROR":
            # Servers without EDNS answer FORMERR with a header only. Source: RFC 6891 7.
            return Reply(rcode=rcode)
        asked = (parser.get_name(decompress=True), *parser.get_struct(_QUESTION.format)) if questions == 1 else None
        if asked != (_name(name), dns.rdatatype.from_text(kind), _IN):
            raise ReplyError("malformed answer: to another question")
        ttls: _Ttls = {}
        found = _records(parser, answers, ttls)
        authority = {} if found else _records(parser, authorities, ttls)
        facts = _facts(found, authority, rcode, name, kind, authoritative=bool(flags & dns.flags.AA))
        negative = None if found else next((one[0] for (_, rdtype), one in authority.items() if rdtype == _SOA), None)
        return replace(facts, ttl_seconds=_cached_seconds(ttls, [*found, *authority], negative))
    except (dns.exception.DNSException, struct.error, ValueError) as error:
        raise ReplyError(f"malformed answer: {type(error).__name__}") from error


_Sections = dict[tuple[dns.name.Name, int], list[dns.rdata.Rdata]]
_Ttls = dict[tuple[dns.name.Name, int], int]


def _records(parser: dns.wire.Parser, count: int, ttls: _Ttls) -> _Sections:
    """The records of one section by owner and type, without other classes; puts the shortest TTL of each into `ttls`."""
    found: _Sections = {}
    for _ in range(count):
        owner = parser.get_name(decompress=True)
        kind, class_, ttl, size = parser.get_struct("!HHIH")
        with parser.restrict_to(size):
            rdata = dns.rdata.from_wire_parser(class_, kind, parser)
        if class_ == _IN:
            found.setdefault((owner, kind), []).append(rdata)
            # A TTL with its first bit set counts as zero. Source: RFC 2181 8.
            ttls[owner, kind] = min(ttls.get((owner, kind), _TTL_AT_MOST), ttl if ttl <= _TTL_AT_MOST else 0)
    return found


def _cached_seconds(ttls: _Ttls, used: Iterable[tuple[dns.name.Name, int]], negative: dns.rdata.Rdata | None) -> int:
    """Lifetime in caches of an answer from the records `used`; with the SOA record of a negative one."""
    limits = [ttls[one] for one in used if one in ttls]
    if negative is not None:
        limits.append(cast("Any", negative).minimum)
    return min(limits, default=0)


def _facts(found: _Sections, authority: _Sections, rcode: str, name: str, kind: str, *, authoritative: bool) -> Reply:
    asked = dns.rdatatype.from_text(kind)
    owner = end = _name(name)
    chain: list[str] = []
    if asked != _CNAME:
        for _ in range(_MAX_CHAIN):
            link = found.get((end, _CNAME))
            if link is None:
                break
            end = cast("Any", link[0]).target
            chain.append(_text(end))
    owners = {rdtype: owner for owner, rdtype in reversed(authority)}
    cut = owners.get(dns.rdatatype.NS)
    refers = cut is not None and not authoritative and rcode == "NOERROR" and _name(name).is_subdomain(cut)
    soa = end if (end, dns.rdatatype.SOA) in found else owners.get(dns.rdatatype.SOA)
    return Reply(
        rcode=rcode,
        authoritative=authoritative,
        values=_values(found.get((end, asked), [])),
        chain=tuple(chain),
        links=_values(found.get((owner, _CNAME), [])) if chain else (),
        beside=bool(chain) and (owner, asked) in found,
        dname=next(
            (_text(one) for one, rdtype in found if rdtype == dns.rdatatype.DNAME and owner.is_subdomain(one)), ""
        ),
        soa=_text(soa) if soa is not None else "",
        referral=_text(cut) if refers and cut is not None else "",
        referral_servers=_values(authority[cut, dns.rdatatype.NS]) if refers and cut is not None else (),
    )


def _values(rdatas: Iterable[dns.rdata.Rdata]) -> tuple[str, ...]:
    # A set: repeated records count once.
    return tuple(sorted(set(map(_value, rdatas))))


def _value(rdata: Any) -> str:
    if rdata.rdtype in {dns.rdatatype.TXT, dns.rdatatype.SPF}:
        return b"".join(rdata.strings).decode("ascii", "backslashreplace")
    if rdata.rdtype == dns.rdatatype.MX:
        return f"{rdata.preference} {_text(rdata.exchange)}"
    if rdata.rdtype in {_CNAME, dns.rdatatype.NS}:
        return _text(rdata.target)
    return str(rdata.to_text())


@lru_cache(maxsize=4096)
def _name(name: str) -> dns.name.Name:
    try:
        return dns.name.from_text(name)
    except dns.exception.DNSException as error:
        raise ReplyError(f"cannot be asked for: {error}") from error


def _text(name: dns.name.Name) -> str:
    return name.to_text(omit_final_dot=True).lower()
