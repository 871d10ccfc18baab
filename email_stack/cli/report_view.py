"""A check's report, as a person reads it and as a script does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Final

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from email_stack.dnscheck.model import Finding, Observation, Report, Status
from email_stack.output.printable import counted, escaped

__all__ = ["changes", "print_report", "report_json", "summary"]

_STYLES: Final = {Status.OK: "green", Status.PENDING: "yellow"}
_NOTHING: Final = "nothing"


def print_report(tenant: str, report: Report, console: Console) -> None:
    """Print every record with its verdict; for faults also the expected and seen values and the fix."""
    console.print(Text.assemble((f"{tenant}: {report.subdomain}", "bold"), "  ", _word(report.status)))
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    for _ in range(3):
        table.add_column(overflow="fold")
    before: Finding | None = None
    for finding in report.findings:
        record = finding.record
        optional = "" if record.required else "  (optional)"
        table.add_row(_word(finding.status), record.type, Text(f"{record.name}{optional}"))
        if before is not None and _same_cause(before, finding):
            table.add_row("", "", "as above")
        elif finding.status is not Status.OK or finding.note:
            table.add_row("", "", _details(finding))
        before = finding
    for zone in report.zones:
        table.add_row(_word(zone.status), "NS", Text(f"{zone.zone}  (name servers on both sides)"))
        table.add_row("", "", Text(zone.fix or zone.note))
    for cut in report.cuts:
        if cut.served:
            table.add_row("", "NS", Text(f"{cut.name}  (delegated by {cut.parent})"))
            table.add_row("", "", Text(cut.fix))
    console.print(Padding(table, (0, 0, 0, 2)))
    console.print(Text(f"  {summary(report)}"), soft_wrap=True)


def summary(report: Report) -> str:
    """SES's states and the count of each verdict, in one line."""
    required = [finding.status for finding in report.findings if finding.record.required]
    optional = [finding.status for finding in report.findings if not finding.record.required]
    parts = [f"{counted(len(required), 'required record')}: {_counts(required)}"]
    if optional:
        parts.append(f"{len(optional)} optional: {_counts(optional)}")
    if report.ses is not None:
        ses = report.ses
        parts.append(f"SES: identity {ses.identity}, DKIM {ses.dkim}, MAIL FROM {ses.mail_from}")
    return "; ".join(parts)


def changes(before: Report | None, after: Report) -> list[str]:
    """One line for each record, and for SES, whose state is not what it was; all of them when there was no state."""
    old = {(one.record.name, one.record.type): one.status for one in before.findings} if before is not None else {}
    lines = []
    for finding in after.findings:
        was = old.get((finding.record.name, finding.record.type))
        if was is not finding.status:
            lines.append(f"{finding.record.name} {finding.record.type}: {f'{was} -> ' if was else ''}{finding.status}")
    if after.ses is not None and (before is None or before.ses != after.ses):
        lines.append(f"SES: identity {after.ses.identity}, DKIM {after.ses.dkim}, MAIL FROM {after.ses.mail_from}")
    return lines


def report_json(tenant: str, report: Report) -> dict[str, Any]:
    """The report as one JSON object."""
    ses = report.ses
    return {
        "tenant": tenant,
        "subdomain": report.subdomain,
        "status": report.status.value,
        "ses": {"identity": ses.identity, "dkim": ses.dkim, "mail_from": ses.mail_from} if ses is not None else None,
        "records": [_finding_json(finding) for finding in report.findings],
        "zones": [
            {
                "zone": one.zone,
                "parent": one.parent,
                "status": one.status.value,
                "only_parent_names": list(one.named),
                "only_zone_names": list(one.own),
                "fix": one.fix,
                "note": one.note,
            }
            for one in report.zones
        ],
        "cuts": [
            {
                "zone": one.name,
                "parent": one.parent,
                "servers": list(one.servers),
                "served": one.served,
                "fix": one.fix,
            }
            for one in report.cuts
        ],
    }


def _finding_json(finding: Finding) -> dict[str, Any]:
    record = finding.record
    return {
        "name": record.name,
        "type": record.type,
        "purpose": record.purpose.value,
        "required": record.required,
        "status": finding.status.value,
        "expected": list(record.values),
        "seen": [
            {"server": one.server, "address": one.address, "values": list(one.values), "problem": one.problem}
            for one in finding.seen
        ],
        "fix": finding.fix,
        "note": finding.note,
        "via": list(finding.via),
        "found_at": {"name": finding.found_at.name, "type": finding.found_at.type} if finding.found_at else None,
    }


def _same_cause(one: Finding, other: Finding) -> bool:
    """Whether the same is to be done about both, or the same known of both: servers that fail, fail for every record."""
    said = bool(one.fix or one.note)
    return said and (one.status, one.fix, one.note) == (other.status, other.fix, other.note)


def _details(finding: Finding) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    if finding.status is not Status.OK:
        table.add_row("expected", Text("\n".join(finding.record.values)))
        for number, (said, servers) in enumerate(_grouped(finding.seen)):
            table.add_row("" if number else "seen", Text(f"{said}\n  by {servers}"))
    if finding.fix:
        table.add_row("fix", Text(_own_fix(finding)))
    if finding.note:
        table.add_row("note", Text(finding.note))
    return table


def _own_fix(finding: Finding) -> str:
    """The remedy without the part that is printed once for all records of a name that is delegated away."""
    if finding.cut is None or finding.fix == finding.cut.fix:
        return finding.fix
    return f"{finding.fix.removesuffix(finding.cut.fix).rstrip('; ')}."


def _grouped(seen: Sequence[Observation]) -> Iterable[tuple[str, str]]:
    """The answers with their servers; servers with equal answers are grouped."""
    groups: dict[str, list[str]] = {}
    for one in seen:
        values = "\n".join(map(escaped, one.values)) or ("" if one.problem else _NOTHING)
        said = "\n".join(filter(None, [values, escaped(one.problem)]))
        groups.setdefault(said, []).append(
            f"{escaped(one.server)} ({one.address})" if one.address else escaped(one.server)
        )
    return ((said, ", ".join(servers)) for said, servers in groups.items())


def _counts(statuses: Iterable[Status]) -> str:
    counts = Counter(statuses)
    return ", ".join(f"{counts[status]} {status.value}" for status in Status if counts[status]) or "none"


def _word(status: Status) -> Text:
    return Text(status.value, style=_STYLES.get(status, "red"))
