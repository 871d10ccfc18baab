"""The verdict on one server's answer for one record. Pure: an expected record and a reply in, a judgement out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import permutations
from typing import Final

from constructs_lib.records import DnsRecord, Purpose
from email_stack.dnscheck import remedies
from email_stack.dnscheck.dmarc import dmarc_difference, dmarc_remark, dmarc_remarks
from email_stack.dnscheck.judgement import Judgement
from email_stack.dnscheck.model import Status
from email_stack.dnscheck.replies import Reply
from email_stack.dnscheck.spf import is_spf
from email_stack.dnscheck.spf_verdict import JudgedSpf, judge_spf
from mailroom.messages.dmarc_record import is_dmarc

__all__ = ["Budgets", "Judgement", "judge", "spf_texts"]

Budgets = Mapping[str, JudgedSpf]
"""Receivers' results of each SPF record seen at one name, by its text."""

_PIECES_AT_MOST: Final = 4
_SQUEEZED: Final = str.maketrans("", "", ' \t"\\')


_RIGHT: Final = Judgement(Status.OK)


def judge(record: DnsRecord, reply: Reply, *, zone: str, budgets: Budgets) -> Judgement:
    """The judgement of `reply`, which is not an error, on `record`. The values behind CNAMEs decide, not the CNAMEs themselves.

    Args:
        record: the expected record.
        reply: to the question for its name and type, followed through CNAMEs.
        zone: the record's zone, for the remedy.
        budgets: of every text in `spf_texts(record, reply)`.
    """
    if reply.beside:
        fix = (
            remedies.data_beside(record, zone)
            if record.type == "CNAME"
            else remedies.cname_beside(record, reply.alias, zone)
        )
        return Judgement(Status.CNAME_CONFLICT, fix)
    judgement = _direct(record, reply, zone, budgets)
    return _through(record, reply, zone, judgement) if reply.alias else judgement


def _direct(record: DnsRecord, reply: Reply, zone: str, budgets: Budgets) -> Judgement:
    if record.alias_zone_id is not None:
        # The target's addresses may change, so any address shows that the alias exists.
        return _RIGHT if reply.values else Judgement(Status.MISSING, remedies.missing(record, zone))
    if not reply.values:
        return Judgement(Status.MISSING, remedies.missing(record, zone))
    if record.type == "TXT":
        return _text(record, reply.values, zone, budgets)
    if record.type == "MX":
        return _mx(record, reply.values, zone)
    return _names(record, reply.values, zone)


def _through(record: DnsRecord, reply: Reply, zone: str, judgement: Judgement) -> Judgement:
    """The judgement on values behind CNAMEs: right as well, wrong at the target, or hidden by the CNAMEs."""
    if judgement.status is Status.MISSING or record.alias_zone_id is not None:
        return Judgement(Status.CNAME_CONFLICT, remedies.cname_conflict(record, reply.alias, zone))
    via = tuple(f"CNAME {name}" for name in reply.chain)
    if judgement.status is not Status.OK:
        return replace(judgement, fix=remedies.behind(record, reply.chain[-1], judgement.fix))
    note = remedies.through_names(record, reply.chain)
    return replace(judgement, note="; ".join(filter(None, [note, judgement.note])), via=(*via, *judgement.via))


def spf_texts(record: DnsRecord, reply: Reply) -> list[str]:
    """The SPF records in `reply` whose budget `judge` needs."""
    return [value for value in reply.values if is_spf(value)] if record.purpose is Purpose.SPF else []


def _names(record: DnsRecord, values: Sequence[str], zone: str) -> Judgement:
    expected, seen = set(map(_host, record.values)), set(map(_host, values))
    if expected == seen:
        return _RIGHT
    if expected < seen:
        return Judgement(Status.EXTRA, remedies.surplus(record, sorted(seen - expected)))
    if {f"{value}.{zone}" for value in expected} == seen:
        return Judgement(Status.WRONG, remedies.target_doubled(record, zone))
    return Judgement(Status.WRONG, remedies.wrong(record, values))


def _mx(record: DnsRecord, values: Sequence[str], zone: str) -> Judgement:
    expected = {_host(value.partition(" ")[2]) for value in record.values}
    seen = {_host(value.partition(" ")[2]): value for value in values}
    others = [value for host, value in seen.items() if host not in expected]
    if expected <= seen.keys() and others:
        return Judgement(Status.EXTRA, remedies.surplus(record, others))
    if expected == seen.keys():
        same = set(values) == set(record.values)
        # Preference decides between hosts, and there is only one. Source: RFC 5321 5.1.
        return _RIGHT if same else Judgement(Status.OK, note=remedies.serves_as_well(values))
    if {f"{host}.{zone}" for host in expected} == seen.keys():
        return Judgement(Status.WRONG, remedies.target_doubled(record, zone))
    return Judgement(Status.WRONG, remedies.wrong(record, values))


def _text(record: DnsRecord, values: Sequence[str], zone: str, budgets: Budgets) -> Judgement:
    judgement = _TEXTS.get(record.purpose, _tagged)(record, values, budgets)
    if judgement.status in {Status.WRONG, Status.MISSING} and _split(record.values[0], values):
        return Judgement(Status.SPLIT_WRONG, remedies.split_wrong(record))
    if judgement.status is Status.MISSING:
        return Judgement(Status.MISSING, remedies.missing(record, zone))
    return judgement


def _spf(record: DnsRecord, values: Sequence[str], budgets: Budgets) -> Judgement:
    found = [value for value in values if is_spf(value)]
    if len(found) > 1:
        return Judgement(Status.DUPLICATE_SPF, remedies.duplicate_spf(record, found))
    if not found:
        return _near(record, values, "spf1")
    return judge_spf(record, found[0], budgets[found[0]])


def _dmarc(record: DnsRecord, values: Sequence[str], _: Budgets) -> Judgement:
    found = [value for value in values if is_dmarc(value)]
    if len(found) > 1:
        return Judgement(Status.DUPLICATE_DMARC, remedies.duplicate_dmarc(record, found))
    if not found:
        return _near(record, values, "dmarc1")
    difference = dmarc_difference(record.values[0], found[0])
    if difference:
        return Judgement(Status.WRONG, remedies.dmarc_differs(record, difference))
    note = "" if found[0] == record.values[0] else remedies.serves_as_well(found)
    remarks = [*dmarc_remarks(found[0]), dmarc_remark(record.values[0], found[0])]
    return Judgement(Status.OK, note="; ".join(filter(None, [note, *remarks])))


def _report_authorization(_record: DnsRecord, values: Sequence[str], _: Budgets) -> Judgement:
    # Any record with the version suffices. Source: RFC 9990 4, steps 6 and 8.
    return _RIGHT if any(map(is_dmarc, values)) else Judgement(Status.MISSING)


def _tls_reports(record: DnsRecord, values: Sequence[str], budgets: Budgets) -> Judgement:
    wanted = set(record.values[0].partition("rua=")[2].split(","))
    found = [value for value in values if value.startswith("v=TLSRPTv1;")]
    if len(found) == 1 and wanted <= set(found[0].translate(_SQUEEZED).rstrip(";").partition("rua=")[2].split(",")):
        return Judgement(Status.OK, note="" if found[0] == record.values[0] else remedies.serves_as_well(found))
    return _tagged(record, values, budgets)


def _tagged(record: DnsRecord, values: Sequence[str], _: Budgets) -> Judgement:
    """TXT records with a version in front. A name may have one of them. Source: RFC 8460 3, RFC 8461 3.1."""
    expected = record.values[0]
    version = expected.partition(";")[0]
    found = [value for value in values if value.partition(";")[0].strip() == version]
    same = [value for value in found if _plain(value) == _plain(expected)]
    if same and len(found) > 1:
        return Judgement(Status.EXTRA, remedies.surplus(record, [value for value in found if value != same[0]]))
    if same:
        return _RIGHT
    return Judgement(Status.WRONG, remedies.wrong(record, found)) if found else Judgement(Status.MISSING)


_TEXTS: Final[Mapping[Purpose, Callable[[DnsRecord, Sequence[str], Budgets], Judgement]]] = {
    Purpose.SPF: _spf,
    Purpose.DMARC: _dmarc,
    Purpose.DMARC_REPORTS: _report_authorization,
    Purpose.TLS_REPORTS: _tls_reports,
}


def _near(record: DnsRecord, values: Sequence[str], mark: str) -> Judgement:
    """A missing record, or a wrong one if a value resembles it."""
    meant = [value for value in values if mark in value.lower()]
    return Judgement(Status.WRONG, remedies.wrong(record, meant)) if meant else Judgement(Status.MISSING)


def _split(expected: str, values: Sequence[str]) -> bool:
    """Whether `values` have the characters of `expected` in pieces, with more spaces, or with more quotes."""
    whole = expected.translate(_SQUEEZED)
    squeezed = [value.translate(_SQUEEZED) for value in values]
    if whole in squeezed:
        return True
    pieces = [piece for piece in squeezed if piece and piece in whole]
    if not 1 < len(pieces) <= _PIECES_AT_MOST or sum(map(len, pieces)) != len(whole):
        return False
    return any("".join(order) == whole for order in permutations(pieces))


def _plain(value: str) -> str:
    return "".join(value.split()).rstrip(";")


def _host(name: str) -> str:
    return name.rstrip(".").lower()
