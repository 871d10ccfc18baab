"""DNS messages as the few facts that a check needs. Pure: bytes in, values out."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

__all__ = ["Reply", "ReplyError", "question_wire", "read_reply"]

UDP_PAYLOAD_OCTETS: Final = 1232
"""What fits every path without fragments, as DNS Flag Day 2020 recommends."""

_MAX_CHAIN: Final = 8
_CNAME: Final = dns.rdatatype.CNAME


class ReplyError(Exception):
    """The message is not an answer to the question; its text says why."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """What one message says of the name and type that were asked.

    Args:
        rcode: NOERROR, NXDOMAIN, SERVFAIL, REFUSED or another of RFC 6895's mnemonics.
        authoritative: whether the server answers from a zone of its own.
        values: of the type asked, at the name asked or where its CNAMEs lead, in the form of `DnsRecord.values`.
        alias: what a CNAME at the name itself leads to, when another type was asked; "" when there is none.
        soa: owner of the SOA record in the answer, or of that in the authority section; "" when there is none.
        referral: zone that the server delegates the name with; "" when it does not.
        referral_servers: names of that zone's servers.
        bogus: whether a validating resolver holds back data that it has. Source: RFC 4035 4.3 and 5.5.
    """

    rcode: str
    authoritative: bool = False
    values: tuple[str, ...] = ()
    alias: str = ""
    soa: str = ""
    referral: str = ""
    referral_servers: tuple[str, ...] = ()
    bogus: bool = False


@lru_cache(maxsize=4096)
def question_wire(name: str, kind: str, *, edns: bool) -> bytes:
    """The question as one message with identifier 0 and all flags clear.

    Raises:
        ReplyError: `name` is none that DNS can hold.
    """
    try:
        query = dns.message.make_query(
            name, kind, use_edns=0 if edns else False, payload=UDP_PAYLOAD_OCTETS, flags=0, id=0
        )
        return query.to_wire()
    except dns.exception.DNSException as error:
        raise ReplyError(f"cannot be asked for: {error}") from error


@lru_cache(maxsize=4096)
def read_reply(body: bytes, name: str, kind: str) -> Reply:
    """What a message says, its first two octets (the identifier) cut off.

    Servers of one zone send the same octets, so most messages are read once.

    Args:
        body: the message from its third octet on.
        name: what was asked for, lower case, no trailing dot.
        kind: type that was asked for.

    Raises:
        ReplyError: malformed, not a reply, or a reply to something else.

    Source: RFC 1035 4.1; RFC 5452 9.1 for what must match.
    """
    try:
        message = dns.message.from_wire(b"\0\0" + body, ignore_trailing=True)
        asked = message.question[0] if len(message.question) == 1 else None
        if not message.flags & dns.flags.QR:
            raise ReplyError("malformed answer: not a reply")
        rcode = dns.rcode.to_text(message.rcode())
        if asked is None and rcode != "NOERROR":
            # Servers that do not take EDNS answer FORMERR with nothing but a header. Source: RFC 6891 7.
            return Reply(rcode=rcode)
        if asked is None or asked.name != dns.name.from_text(name) or dns.rdatatype.to_text(asked.rdtype) != kind:
            raise ReplyError("malformed answer: to another question")
        return _facts(message, rcode, asked.name, asked.rdtype)
    except (dns.exception.DNSException, ValueError) as error:
        raise ReplyError(f"malformed answer: {type(error).__name__}") from error


def _facts(message: dns.message.Message, rcode: str, name: dns.name.Name, kind: dns.rdatatype.RdataType) -> Reply:
    found = {(rrset.name, rrset.rdtype): rrset for rrset in message.answer if rrset.rdclass == dns.rdataclass.IN}
    alias, end = "", name
    if kind != _CNAME:
        for _ in range(_MAX_CHAIN):
            link = found.get((end, _CNAME))
            if link is None:
                break
            end = link[0].target
            alias = alias or _text(end)
    rrset = found.get((end, kind))
    authority = {kind: rrset for rrset in reversed(message.authority) for kind in [rrset.rdtype]}
    soa = found.get((end, dns.rdatatype.SOA)) or authority.get(dns.rdatatype.SOA)
    cut = authority.get(dns.rdatatype.NS)
    authoritative = bool(message.flags & dns.flags.AA)
    refers = cut is not None and not authoritative and not found and rcode == "NOERROR" and name.is_subdomain(cut.name)
    return Reply(
        rcode=rcode,
        authoritative=authoritative,
        values=_values(rrset) if rrset is not None else (),
        alias=alias,
        soa=_text(soa.name) if soa is not None else "",
        referral=_text(cut.name) if refers and cut is not None else "",
        referral_servers=_values(cut) if refers and cut is not None else (),
    )


def _values(rrset: dns.rrset.RRset) -> tuple[str, ...]:
    return tuple(sorted(map(_value, rrset)))


def _value(rdata: Any) -> str:
    kind = dns.rdatatype.to_text(rdata.rdtype)
    if kind == "TXT":
        return b"".join(rdata.strings).decode("ascii", "backslashreplace")
    if kind == "MX":
        return f"{rdata.preference} {_text(rdata.exchange)}"
    if kind in {"CNAME", "NS"}:
        return _text(rdata.target)
    return str(rdata.to_text())


def _text(name: dns.name.Name) -> str:
    return name.to_text(omit_final_dot=True).lower()
