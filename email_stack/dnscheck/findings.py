"""Makes one finding of all servers' answers on one record. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from constructs_lib.records import DnsRecord
from email_stack.dnscheck import remedies
from email_stack.dnscheck.directory import Answer
from email_stack.dnscheck.model import Finding, Observation, Status
from email_stack.dnscheck.replies import Reply
from email_stack.dnscheck.verdicts import Judgement

__all__ = ["RESOLVER", "Resolved", "Survey", "find", "observe", "survey"]

RESOLVER: Final = "resolver"
"""The recursive server's name in observations."""

_ANSWERS: Final = {"NOERROR", "NXDOMAIN"}
_ABSENT: Final = {Status.MISSING, Status.DELEGATION_MISSING}


@dataclass(frozen=True, slots=True)
class Resolved:
    """The recursive server's answer.

    Args:
        address: its IP address.
        reply: its reply; None without one to this question.
        problem: reason of a missing reply.
    """

    address: str
    reply: Reply | None
    problem: str = ""

    @property
    def trouble(self) -> str:
        """Reason why the answer is useless for the record; "" for a useful one."""
        if self.reply is None:
            return self.problem
        return "" if self.reply.rcode in _ANSWERS else self.reply.rcode


@dataclass(frozen=True, slots=True)
class Survey:
    """The servers of a zone, by their answers to one question.

    Args:
        answered: servers that answered from the zone.
        lame: names of servers that answered, but not from the zone.
        silent: names of servers without an answer.
    """

    answered: tuple[tuple[str, Reply], ...]
    lame: tuple[str, ...]
    silent: tuple[str, ...]


def survey(answers: Sequence[Answer]) -> Survey:
    """Servers by their answers. A referral is an answer, of the zone above."""
    answered, lame, silent = [], [], []
    for answer in answers:
        if answer.reply is None:
            silent.append(answer.server.name)
        elif _trouble(answer.reply):
            lame.append(answer.server.name)
        else:
            answered.append((answer.server.name, answer.reply))
    return Survey(tuple(answered), tuple(lame), tuple(silent))


def observe(
    answers: Sequence[Answer], resolved: Resolved, values: Callable[[Reply], tuple[str, ...]]
) -> tuple[Observation, ...]:
    """Each server's observation, the resolver's last."""
    seen = [
        Observation(
            server=answer.server.name,
            address=answer.server.address,
            values=values(answer.reply) if answer.reply is not None else (),
            problem=answer.problem if answer.reply is None else _trouble(answer.reply),
        )
        for answer in answers
    ]
    reply = resolved.reply
    bogus = "not valid under DNSSEC" if reply is not None and reply.bogus else ""
    seen.append(
        Observation(
            server=RESOLVER,
            address=resolved.address,
            values=values(reply) if reply is not None else (),
            problem=bogus or resolved.trouble,
        )
    )
    return tuple(seen)


def find(
    record: DnsRecord,
    *,
    zone: str,
    answers: Sequence[Answer],
    resolved: Resolved,
    judge: Callable[[Reply], Judgement],
    seen: tuple[Observation, ...],
) -> Finding:
    """The verdict on one record.

    The servers that answered decide. A server that does not serve the zone makes a right record lame. A silent server gives a note,
    because resolvers ask the others.

    Args:
        record: the expected record.
        zone: name of its zone.
        answers: answers of all servers of the zone.
        resolved: the resolver's answer.
        judge: judges one reply.
        seen: the observations to show.
    """
    servers = survey(answers)
    judged = [(server, judge(reply)) for server, reply in servers.answered]
    right = [judgement for _, judgement in judged if judgement.status is Status.OK]
    if not judged:
        status = Status.LAME if servers.lame else Status.UNREACHABLE
        fix = remedies.lame(zone, servers.lame) if servers.lame else remedies.unreachable(zone, servers.silent)
        return Finding(record=record, status=status, seen=seen, fix=fix)
    if not right:
        worst = _prevailing([judgement for _, judgement in judged])
        return Finding(record=record, status=worst.status, seen=seen, fix=worst.fix, note=worst.note)
    note = "; ".join(filter(None, [right[0].note, remedies.silent(servers.silent) if servers.silent else ""]))
    status, fix = Status.OK, ""
    behind = tuple(dict.fromkeys(server for server, judgement in judged if judgement.status is not Status.OK))
    if behind:
        # Their SOA records tell whether waiting helps: see `disagreement`.
        status, fix = Status.PENDING, remedies.not_everywhere(behind)
    elif servers.lame:
        status, fix = Status.LAME, remedies.lame(zone, servers.lame)
    elif resolved.reply is not None and resolved.reply.bogus:
        status, fix = Status.DNSSEC_BOGUS, remedies.bogus(zone)
    elif resolved.reply is None or resolved.trouble or judge(resolved.reply).status is not Status.OK:
        status, fix = Status.PENDING, _behind_at_resolver(resolved)
    return Finding(record=record, status=status, seen=seen, fix=fix, note=note, via=right[0].via, behind=behind)


def _behind_at_resolver(resolved: Resolved) -> str:
    reply = resolved.reply
    if reply is None or resolved.trouble:
        return remedies.resolver_fails(resolved.address, resolved.trouble)
    none = not reply.values and not reply.chain
    return remedies.not_yet_at_resolver(resolved.address, reply.ttl_seconds, none=none)


def _trouble(reply: Reply) -> str:
    if reply.rcode not in _ANSWERS:
        return reply.rcode
    return "" if reply.authoritative or reply.referral else "not authoritative"


def _prevailing(judgements: Sequence[Judgement]) -> Judgement:
    """The judgement of most servers. A missing record counts only if all servers lack it: an existing one must be changed."""
    counts = Counter(judgement.status for judgement in judgements)
    return max(judgements, key=lambda judgement: (judgement.status not in _ABSENT, counts[judgement.status]))
