"""Judges the facts: one check per part. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from constructs_lib.naming import receipt_rule_name, receipt_rule_set_name
from constructs_lib.records import Purpose
from email_stack.config import Cell, Tenant
from email_stack.config.cross_validation import receipt_rules_of
from email_stack.dnscheck.model import Finding, Report, SesState, Status
from email_stack.operations.quarantine import WAITING, QuarantinedMessage
from email_stack.operations.revisions import Revisions
from email_stack.status.model import Check, Part, QueueCount, State, worst
from mailroom.scanning.verdicts import Verdict

__all__ = [
    "ALARM_AGE",
    "alerts",
    "definitions",
    "dns",
    "held",
    "last_mail",
    "queues",
    "rule",
    "rule_set",
    "shown_age",
]

ALARM_AGE: Final = timedelta(hours=24)
"""Age of unconfirmed definitions at which the cell's alarm goes off: docs/scanning.md, "Stale"."""

_WAITS_LONG: Final = timedelta(minutes=15)
"""Wait of a message at which the cell's alarm goes off: docs/scanning.md, "OldestArrival"."""

_PARTS: Final = {
    Purpose.DELEGATION: Part.DELEGATION,
    Purpose.INBOUND: Part.INBOUND,
    Purpose.DKIM: Part.DKIM,
    Purpose.MAIL_FROM: Part.MAIL_FROM,
    Purpose.SPF: Part.SPF,
    Purpose.DMARC: Part.DMARC,
}
"""Records that mail needs; `dns-check` reports optional ones."""

_STATES: Final = {
    **dict.fromkeys(Status, State.WRONG),
    Status.OK: State.OK,
    Status.PENDING: State.PENDING,
    Status.MISSING: State.ABSENT,
    Status.DELEGATION_MISSING: State.ABSENT,
}


def dns(report: Report) -> dict[Part, Check]:
    """A check for each purpose that mail needs, from DNS and from SES's state."""
    found: dict[Part, list[Finding]] = {}
    for finding in report.findings:
        part = _PARTS.get(finding.record.purpose)
        if part is not None and finding.record.required:
            found.setdefault(part, []).append(finding)
    return {part: _records(part, findings, report.ses) for part, findings in found.items()}


def settings(tenant_id: str, revisions: Revisions) -> Check:
    """Whether the wanted revision of a tenant's settings is deployed, and the snapshot has it."""
    if revisions.gone:
        return Check(
            state=State.PENDING,
            said="given up",
            reason=f"{revisions.text}: remove it from the config when `email-stack settings show` lists it no more",
        )
    if revisions.failed:
        return Check(
            state=State.WRONG,
            said="failed",
            reason=f"{revisions.text}: `email-stack settings show --json` has the reason",
        )
    if revisions.wanted is not None and revisions.wanted > revisions.deployed:
        return Check(
            state=State.PENDING,
            said=f"{revisions.deployed} of {revisions.wanted}",
            reason=f"{revisions.text}: the settings API deploys it, or `email-stack settings pull {tenant_id}` and `deploy` do",
        )
    if revisions.pulled < revisions.deployed:
        return Check(
            state=State.PENDING,
            said=f"pulled {revisions.pulled}",
            reason=f"{revisions.text}: run `email-stack settings pull {tenant_id}`",
        )
    if revisions.pulled > revisions.deployed:
        return Check(
            state=State.PENDING,
            said=f"{revisions.deployed} of {revisions.pulled}",
            reason=f"{revisions.text}: run `email-stack deploy {tenant_id} --yes`",
        )
    return Check(state=State.OK, said=str(revisions.deployed))


def rule_set(cell: Cell, active: str | None) -> Check:
    """Whether the cell's receipt rule set is the active one; `active` is that set's name, if there is one."""
    own = receipt_rule_set_name(cell.id)
    if active == own:
        return Check(state=State.OK, said="active")
    instead = f'"{active}" is' if active is not None else "none is"
    return Check(
        state=State.WRONG,
        said="not active",
        reason=f'receipt rule set "{own}" is not active in {cell.region}, {instead}: no mail arrives; activate it again',
    )


def rule(tenant: Tenant, cell: Cell, rules: Mapping[str, bool], active: str | None) -> Check:
    """Whether the receipt rules receive mail as configured.

    Args:
        tenant: the tenant.
        cell: its cell.
        rules: of the active rule set: whether each is enabled, by name.
        active: name of that set; None without one.
    """
    set_check = rule_set(cell, active)
    if set_check.state is not State.OK:
        return set_check
    names = [receipt_rule_name(tenant.id, index) for index in range(receipt_rules_of(tenant, cell))]
    missing = [name for name in names if name not in rules]
    if missing:
        return Check(
            state=State.ABSENT,
            reason=f"receipt rule {', '.join(missing)} is not in the active rule set; run `email-stack deploy {tenant.id} --yes`",
        )
    other = [name for name in names if rules[name] is not tenant.live]
    if other:
        is_so, says = ("disabled", "true") if tenant.live else ("enabled", "false")
        return Check(
            state=State.WRONG,
            said=is_so,
            reason=f"receipt rule {', '.join(other)} is {is_so}, and the config says live: {says}; "
            f"run `email-stack deploy {tenant.id} --yes`",
        )
    if not names:
        return Check(state=State.OK, said="none")
    return Check(state=State.OK, said="" if tenant.live else "off")


def alerts(addresses: Sequence[str], confirmed: Collection[str], unconfirmed: Collection[str]) -> Check:
    """Check of the operators' subscriptions to alerts.

    Args:
        addresses: from the config.
        confirmed: addresses with a confirmed subscription.
        unconfirmed: addresses with an unconfirmed one.
    """
    if not addresses:
        return Check(state=State.OK, said="none")
    waiting = [one for one in addresses if one in unconfirmed]
    gone = [one for one in addresses if one not in unconfirmed and one not in confirmed]
    told = f"{len(addresses) - len(waiting) - len(gone)} of {len(addresses)}"
    said, state = [], State.OK
    if gone:
        # SNS drops subscriptions that are unconfirmed for 48 hours, and CloudFormation does not notice. SNS "What's new", May 2023.
        said.append(
            f"{', '.join(gone)} is not subscribed, or was not confirmed in time; subscribe it to the topic again"
        )
        state = State.WRONG
    if waiting:
        said.append(f"{', '.join(waiting)} has not confirmed its subscription yet; SNS sent it a link")
        state = worst((state, State.PENDING))
    return Check(state=state, said=told, reason="; ".join(said))


def definitions(confirmed: datetime | None, now: datetime) -> Check:
    """Check of the age of the virus definitions since their last confirmation. None: there are none."""
    if confirmed is None:
        return Check(
            state=State.ABSENT,
            reason="no virus definitions were published yet: nothing is scanned; see the mirror's log",
        )
    age = now - confirmed
    if age > ALARM_AGE:
        return Check(
            state=State.WRONG,
            said=shown_age(age),
            reason=f"virus definitions were not confirmed for {shown_age(age)}, more than 24 h; see the mirror's log",
        )
    return Check(state=State.OK, said=shown_age(age))


def queues(counts: Sequence[QueueCount]) -> Check:
    """Check of waiting messages and dead letters."""
    waiting, dead = sum(one.waiting for one in counts), sum(one.dead for one in counts)
    if not dead:
        return Check(state=State.OK, said=str(waiting))
    named = ", ".join(f"{one.name} {one.dead}" for one in counts if one.dead)
    return Check(
        state=State.WRONG,
        said=f"{waiting}, {dead} dead",
        reason=f"dead letters: {named}; see the function's log, then redrive or purge the dead-letter queue",
    )


def held(messages: Sequence[QuarantinedMessage], now: datetime) -> Check:
    """Check of the quarantine. Mail held by the tenant's policy is ok; a failed scan or a long wait is not."""
    by = Counter(one.verdict for one in messages)
    overdue = sum(one.verdict == WAITING and now - one.arrived > _WAITS_LONG for one in messages)
    said = []
    if by[Verdict.ERROR]:
        said.append(f"{_messages(by[Verdict.ERROR])} could not be scanned")
    if overdue:
        said.append(f"{_messages(overdue)} waited for more than 15 minutes")
    if not said:
        return Check(state=State.OK, said=str(len(messages)))
    return Check(
        state=State.WRONG,
        said=str(len(messages)),
        reason=f"{' and '.join(said)}; see `email-stack rescan` and the scanner's log",
    )


def last_mail(moment: datetime | None, now: datetime) -> Check:
    """Age of the last mail. No mail is no fault."""
    return Check(state=State.OK, said=shown_age(now - moment) if moment is not None else "-")


def shown_age(age: timedelta) -> str:
    """A length of time in its largest unit of which it has at least two, such as 90 min, 36 h or 3 d."""
    minutes = max(int(age.total_seconds()) // 60, 0)
    if minutes < 120:
        return f"{minutes} min"
    hours = minutes // 60
    return f"{hours} h" if hours < 48 else f"{hours // 24} d"


def _records(part: Part, findings: Sequence[Finding], ses: SesState | None) -> Check:
    said = [
        f"{one.record.name} {one.record.type} is {one.status}: {one.fix}".removesuffix(": ")
        for one in findings
        if one.status is not Status.OK
    ]
    states = [_STATES[one.status] for one in findings]
    for what, word in _words_of_ses(part, ses):
        if word != "SUCCESS":
            states.append(State.WRONG if word == "FAILED" else State.PENDING)
            said.append(f"SES says {word} of the {what}")
    return Check(state=worst(states), reason="; ".join(said))


def _words_of_ses(part: Part, ses: SesState | None) -> Sequence[tuple[str, str]]:
    if ses is None:
        return ()
    # An identity is verified by its DKIM records.
    named = {
        Part.DKIM: (("identity", ses.identity), ("DKIM signature", ses.dkim)),
        Part.MAIL_FROM: (("MAIL FROM domain", ses.mail_from),),
    }
    return named.get(part, ())


def _messages(count: int) -> str:
    return f"{count} message{'s' if count > 1 else ''}"
