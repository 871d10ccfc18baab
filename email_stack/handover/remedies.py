"""What the customer is to do about a finding, in the words of either language."""

from __future__ import annotations

from collections.abc import Callable

from constructs_lib.records import Purpose
from email_stack.dnscheck.model import Finding, Status
from email_stack.handover.wording import Texts

__all__ = ["remark", "remedy"]

_CNAME = "CNAME "


def remedy(finding: Finding) -> tuple[Callable[[Texts], str], dict[str, str]]:
    """The text that says what to do, and the names that are put into it; an empty text where nothing is to do.

    An SPF record that is there may allow other senders, and a CNAME that is there may serve other records: neither is to go.
    """
    if finding.found_at is not None and finding.status is not Status.WRONG_LEVEL:
        values = {"name": finding.found_at.name, "type": finding.found_at.type}
        return (lambda texts: texts.ui["fix_found"]), values
    if finding.status is Status.MISSING and finding.via:
        return (lambda texts: texts.ui["fix_behind"]), {"name": finding.via[-1].removeprefix(_CNAME)}
    if finding.cut:
        text = "fix_delegated_away" if finding.status is Status.DELEGATED_AWAY else "fix_cut"
        return (lambda texts: texts.ui[text]), {"name": finding.cut}
    if finding.status is Status.WRONG and finding.record.purpose is Purpose.SPF:
        return (lambda texts: texts.ui["fix_spf"]), {}
    return (lambda texts: texts.status_fixes[finding.status]), {}


def remark(finding: Finding) -> dict[str, str]:
    """What goes into the text `kept`, of a record that is right because something leads to it; empty for all others."""
    return {"via": ", ".join(finding.via)} if finding.via and finding.status in {Status.OK, Status.PENDING} else {}
