"""Follows CNAMEs as a resolver does, by questions to the servers of their targets."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from constructs_lib.records import DnsRecord, Purpose, in_zone
from email_stack.dnscheck.directory import Answer, Directory, NameServer, Zone
from email_stack.dnscheck.findings import survey
from email_stack.dnscheck.replies import Reply
from email_stack.dnscheck.transport import NoAnswerError

__all__ = ["Followed", "follow", "follow_resolver", "type_beside"]

MAX_LINKS: Final = 8
"""CNAMEs followed before a chain counts as one that leads nowhere; resolvers give up at 8 to 16."""

_NOTHING: Final = Reply(rcode="NOERROR", authoritative=True)


@dataclass(frozen=True, slots=True)
class Followed:
    """The answers to one question, with CNAMEs followed.

    Args:
        answers: the deciding answers: direct ones without a CNAME, and else those at the CNAME's target.
        zone: name of the zone whose servers decide.
        beyond: unchanged answers of the servers on the way.
    """

    answers: tuple[Answer, ...]
    zone: str
    beyond: tuple[Answer, ...] = ()


def type_beside(record: DnsRecord) -> str:
    """Type of the data that may be beside the CNAME of a record; "" for records of other types."""
    if record.type != "CNAME":
        return ""
    return "TXT" if record.purpose is Purpose.DKIM else "A"


async def follow(record: DnsRecord, zone: Zone, answers: Sequence[Answer], directory: Directory) -> Followed:
    """The answers of the servers of `zone`, followed through CNAMEs as a resolver does. Raises `ResolverError`.

    Each chain is followed once, through at most 8 names. A longer chain, or a loop, has no target. A CNAME record is right if the
    expected target is one of the names on the way.

    Source: RFC 1034 3.6.2 and 5.2.2; RFC 5321 5.1 for the name of a mail domain.
    """
    marked = await _with_data_beside(record, zone, answers, directory)
    own = [answer for answer in marked if not _onward(record, answer, zone.name)]
    chains = dict.fromkeys(chain for answer in marked if (chain := _onward(record, answer, zone.name)))
    if not chains:
        return Followed(tuple(own), zone.name)
    ends = await asyncio.gather(*(_behind(record, chain, directory) for chain in chains))
    behind = [answer for end in ends for answer in end.answers]
    seen = {(answer.server, answer.reply) for answer in answers}
    beyond = [answer for end in ends for answer in end.beyond if (answer.server, answer.reply) not in seen]
    if record.type == "CNAME" and not behind:
        return Followed(tuple(marked), zone.name)
    return Followed((*own, *behind), zone.name if own else ends[0].zone, tuple(beyond))


async def follow_resolver(record: DnsRecord, reply: Reply, directory: Directory) -> Reply:
    """The resolver's answer, followed to the expected target of a CNAME record. For other types, the resolver itself follows."""
    links: tuple[str, ...] = ()
    found = reply
    while record.type == "CNAME" and (chain := _leads(record, found, "")):
        if len(links) >= MAX_LINKS or chain[0] in links:
            return reply
        links += chain
        try:
            found = await directory.recursive(chain[0], record.type)
        except NoAnswerError:
            return reply
    return replace(found, chain=links) if links and _expected(record) & set(found.values) else reply


def _onward(record: DnsRecord, answer: Answer, zone: str) -> tuple[str, ...]:
    """The targets in the answer of a zone's server; only answers from the zone itself count."""
    return () if answer.reply is None or not answer.reply.authoritative else _leads(record, answer.reply, zone)


def _leads(record: DnsRecord, reply: Reply | None, zone: str) -> tuple[str, ...]:
    """The targets in the answer; none if it has the queried record, or is no answer."""
    if reply is None or reply.beside or reply.bogus:
        return ()
    if record.type == "CNAME":
        return reply.values if len(reply.values) == 1 and not _expected(record) & set(reply.values) else ()
    outside = next((at for at, name in enumerate(reply.chain) if not in_zone(name, zone)), len(reply.chain))
    # Resolvers ignore records that a server adds from a zone that it does not serve. Source: RFC 2181 5.4.1.
    return () if reply.values and outside == len(reply.chain) else reply.chain[: outside + 1]


def _expected(record: DnsRecord) -> set[str]:
    return {value.rstrip(".").lower() for value in record.values}


async def _behind(record: DnsRecord, chain: tuple[str, ...], directory: Directory) -> Followed:
    links, beyond = chain, list[Answer]()
    while True:
        end = links[-1]
        if len(links) > MAX_LINKS or end in links[:-1]:
            nothing = replace(_NOTHING, chain=links)
            return Followed(() if record.type == "CNAME" else (Answer(NameServer(end, ""), nothing),), end)
        try:
            zone = await directory.zone_of(end)
        except NoAnswerError as error:
            return Followed((Answer(NameServer(end, ""), None, str(error)),), end)
        answers = await directory.authoritative(zone, end, record.type)
        beyond += answers
        onward = next((more for answer in answers if (more := _onward(record, answer, zone.name))), ())
        if onward:
            links += onward
            continue
        if record.type == "CNAME" and not any(
            one.reply and _expected(record) & set(one.reply.values) for one in answers
        ):
            return Followed((), zone.name, tuple(beyond))
        return Followed(tuple(_led(answer, links) for answer in _usable(answers)), zone.name, tuple(beyond))


def _usable(answers: Sequence[Answer]) -> Sequence[Answer]:
    """The answers without lame servers, if others answer: resolvers ask those, and the zone's owner mends it."""
    servers = survey(answers)
    return [one for one in answers if one.server.name not in servers.lame] if servers.answered else answers


def _led(answer: Answer, links: tuple[str, ...]) -> Answer:
    reply = answer.reply
    return answer if reply is None else replace(answer, reply=replace(reply, chain=(*links, *reply.chain)))


async def _with_data_beside(
    record: DnsRecord, zone: Zone, answers: Sequence[Answer], directory: Directory
) -> Sequence[Answer]:
    """The answers, marked where the name holds both a CNAME and other data, which some servers allow.

    Such a server gives both by their own types, so one of them is asked for the other type as well.
    """
    kind = type_beside(record) or "CNAME"
    first = next((one for one in answers if one.reply and one.reply.values and one.reply.authoritative), None)
    if first is None or first.reply is None or first.reply.chain or record.type not in {"CNAME", "MX", "TXT"}:
        return answers
    if kind == "CNAME" and await _no_cname(zone, first.server, record.name, directory):
        return answers
    other = await directory.one_says(zone, first.server, record.name, kind)
    if other.reply is None or not other.reply.values or other.reply.chain:
        return answers
    chain = other.reply.values[:1] if kind == "CNAME" else first.reply.values[:1]
    return [
        replace(answer, reply=replace(answer.reply, chain=chain, beside=True))
        if answer.reply is not None and answer.reply.values
        else answer
        for answer in answers
    ]


async def _no_cname(zone: Zone, server: NameServer, name: str, directory: Directory) -> bool:
    """Whether the way down to the zone showed that the name has no CNAME: a question for NS records at a CNAME gets the CNAME."""
    known = await directory.one_said(zone, server, name, "NS")
    reply = known.reply if known is not None else None
    # NODATA: existing NS records would be in the answer.
    return reply is not None and reply.authoritative and reply.rcode == "NOERROR" and not (reply.chain or reply.values)
