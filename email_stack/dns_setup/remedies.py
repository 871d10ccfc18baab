"""What the customer is to do about a finding, in the words of either language."""

from __future__ import annotations

from collections.abc import Callable

from constructs_lib.records import Purpose
from email_stack.dns_setup.wording import Texts
from email_stack.dnscheck.model import Finding, Report, Status

__all__ = ["Said", "notices", "remark", "remedy"]

Said = tuple[Callable[[Texts], str], dict[str, str]]
"""A text in the words of either language, and the names that are put into it."""

_CNAME = "CNAME "


def remedy(finding: Finding) -> Said:
    """The text of the remedy, and the names to put into it; an empty text if there is no remedy.

    An SPF record that is there may allow other senders, and a CNAME that is there may serve other records: neither is to go.
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
    """What goes into the text `kept`, of a record that is right because something leads to it; empty for all others."""
    return {"via": ", ".join(finding.via)} if finding.via and finding.status in {Status.OK, Status.PENDING} else {}


def notices(report: Report) -> list[Said]:
    """What is to be done about zones rather than records: names that are delegated away, and servers that one side only names."""
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
