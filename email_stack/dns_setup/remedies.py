"""The customer's remedy for a finding, in both languages."""

from __future__ import annotations

from collections.abc import Callable

from constructs_lib.records import Purpose
from email_stack.dns_setup.wording import Texts
from email_stack.dnscheck.model import Finding, Report, Status

__all__ = ["Said", "notices", "remark", "remedy"]

Said = tuple[Callable[[Texts], str], dict[str, str]]
"""A function that picks the text of a language, and the names to put into the text."""

_CNAME = "CNAME "


def remedy(finding: Finding) -> Said:
    """The text of the remedy, and the names to put into it; an empty text if there is no remedy.

    An existing SPF record may allow other senders, and an existing CNAME may serve other records, so both stay.
    """
    if finding.found_at is not None and finding.status is not Status.WRONG_LEVEL:
        values = {"name": finding.found_at.name, "type": finding.found_at.type}
        return (lambda texts: texts.ui["fix_found"]), values
    if finding.status is Status.MISSING and finding.via:
        return (lambda texts: texts.ui["fix_behind"]), {"name": finding.via[-1].removeprefix(_CNAME)}
    if finding.cut is not None:
        text = "fix_cut" if finding.cut.served else "fix_delegated_away"
        return (lambda texts: texts.ui[text]), {"name": finding.cut.name}
    if finding.status is Status.WRONG and finding.record.purpose is Purpose.SPF:
        return (lambda texts: texts.ui["fix_spf"]), {}
    return (lambda texts: texts.status_fixes[finding.status]), {}


def remark(finding: Finding) -> dict[str, str]:
    """Values for the text `kept` of a record that is right by way of another name; empty for other records."""
    return {"via": ", ".join(finding.via)} if finding.via and finding.status in {Status.OK, Status.PENDING} else {}


def notices(report: Report) -> list[Said]:
    """Remedies for zones: names with a leftover delegation, and servers that one side of a cut names alone."""
    said: list[Said] = []
    for cut in report.cuts:
        values = {"name": cut.name, "parent": cut.parent, "servers": ", ".join(cut.servers)}
        said.append((_cut_served if cut.served else _cut_left, values))
    for zone in report.zones:
        if zone.status is Status.OK:
            continue
        for pick, servers in ((_named_above, zone.named), (_named_inside, zone.own)):
            if servers:
                said.append((pick, {"zone": zone.zone, "parent": zone.parent, "servers": ", ".join(servers)}))
    return said


def _cut_served(texts: Texts) -> str:
    return texts.ui["cut_served"]


def _cut_left(texts: Texts) -> str:
    return texts.ui["cut_left"]


def _named_above(texts: Texts) -> str:
    return texts.ui["named_above"]


def _named_inside(texts: Texts) -> str:
    return texts.ui["named_inside"]
