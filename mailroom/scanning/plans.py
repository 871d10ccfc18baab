"""Plans the remaining steps for one object after the decisions, deliveries and alerts of earlier tries. Pure.

Between two tries the definitions may change, and with them the decision. Finished steps stay, and
alerts report them: mail under `clean/` counts as delivered, even with new findings; mail reported as held or deleted stays so. A
release by an operator depends on the present scan and on the recorded verdict.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from mailroom.errors import PermanentError
from mailroom.scanning.alerts import findings_of
from mailroom.scanning.arrived import Arrived
from mailroom.scanning.clean_objects import Standing, has_place
from mailroom.scanning.delivery import Delivery
from mailroom.scanning.events import RawObject
from mailroom.scanning.records import VerdictRecord
from mailroom.scanning.release import RELEASED, Release, covers, released
from mailroom.scanning.verdicts import Action, Policy, ScanResult, Verdict

__all__ = ["DELIVERED_BEFORE", "HELD_BEFORE", "OUTDATED", "Case", "Plan", "plans_for"]

DELIVERED_BEFORE: Final = "it was delivered before this was found"
HELD_BEFORE: Final = "it was held before"
OUTDATED: Final = "a newer version was delivered before"
_TAKEN_BEFORE: Final = "the same message was taken before"


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """The planned action on an object, and its alert.

    Args:
        result: result of the scan.
        delivery: the decided action.
        delivered: SHA-256 of the delivered message, in hexadecimal; "" without one.
        findings: number of findings for alerts, if `result` may not have all; 0 if it has.
        told: whether operators already got the alert.
        recorded: whether the recorded verdict is complete.
        release: the request for its release, with its result; None without one.
        discard: an application's request for its deletion; None without one.
    """

    result: ScanResult
    delivery: Delivery
    delivered: str = ""
    findings: int = 0
    told: bool = False
    recorded: bool = False
    release: Release | None = None
    discard: Release | None = None

    @property
    def total(self) -> int:
        """Number of findings for alerts."""
        return self.findings or findings_of(self.result)

    @property
    def corrects(self) -> bool:
        """Whether a held message is delivered now without findings, which needs an alert of its own."""
        return not self.result.found and (self.released or self.delivery.reason == HELD_BEFORE)

    @property
    def held(self) -> bool:
        """Whether the message waits in quarantine, which is published."""
        return self.delivery.action is Action.HOLD

    @property
    def released(self) -> bool:
        """Whether a release delivers the message, which is published."""
        return self.delivery.reason == RELEASED

    @property
    def silent(self) -> bool:
        """Whether there is no alert and no event to send."""
        return not (self.total or self.held or self.corrects or self.discard is not None)

    @classmethod
    def of(cls, record: VerdictRecord) -> Plan:
        """The plan of a recorded verdict."""
        return cls(
            result=record.result,
            delivery=Delivery(action=record.action, reason=record.reason, removed=record.removed, risks=record.risks),
            delivered=record.delivered,
            findings=record.findings,
            told=record.told,
            recorded=record.told,
            release=record.release,
            discard=record.discard,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """An object, and the results of earlier tries.

    Args:
        item: the object.
        arrived: its raw version.
        once: whether it is a message, which is delivered once; a newer file replaces an older one.
        policy: of the tenant.
        scan_delivered: scans the delivered object.
        known: the recorded verdict. Default: None, none is known.
        standing: the object at the place of delivery. Default: None, none is known.
    """

    item: RawObject
    arrived: Arrived
    once: bool
    policy: Policy
    scan_delivered: Callable[[Standing], ScanResult]
    known: VerdictRecord | None = None
    standing: Standing | None = None

    @property
    def where(self) -> str:
        """Name of the object in errors."""
        return f"{self.item.bucket}/{self.item.key} version {self.item.version}"

    def delivered(self, fresh: Plan) -> Standing | None:
        """The delivered object, if it is this message: this version, or the same bytes in another one."""
        standing = self.standing
        if standing is None or standing.notice is not None:
            return None
        if standing.raw_version == self.item.version:
            return standing
        same = (standing.raw_sha256, self.arrived.sha256), (standing.sha256, fresh.delivered)
        return standing if self.once and any(there and there == own for there, own in same) else None

    @property
    def refused(self) -> bool:
        """Whether the same bytes were deleted in an earlier version, and the requester was notified."""
        standing = self.standing
        if standing is None or standing.notice is not Action.DELETE or standing.raw_version == self.item.version:
            return False
        return bool(self.arrived.sha256) and standing.raw_sha256 == self.arrived.sha256

    @property
    def replaced(self) -> Standing | None:
        """The object that the delivery replaces: a notice, or an older version of the file; None for none."""
        standing = self.standing
        return standing if standing is not None and (standing.notice is not None or not self.once) else None

    @property
    def outdated(self) -> bool:
        """Whether a newer version of the file was delivered before."""
        standing = self.standing
        if self.once or standing is None or standing.modified is None or standing.raw_version == self.item.version:
            return False
        return self.item.version in standing.older or standing.modified > self.arrived.modified


def plans_for(fresh: Plan, case: Case) -> tuple[Plan, ...]:
    """The remaining plans, in order; usually the one of the present scan.

    Raises:
        PermanentError: the scan failed, and the object cannot be held or delivered, because another message is in its place.
    """
    if case.known is not None and case.known.discard is not None:
        return (Plan.of(case.known),)
    if fresh.discard is not None:
        return (fresh,)
    fresh = _by_release(fresh, case)
    if case.outdated and fresh.delivery.message is not None:
        # Its findings are reported all the same.
        fresh = Plan(
            result=fresh.result,
            delivery=Delivery(action=Action.DELETE, reason=OUTDATED),
            release=case.item.release,
        )
    delivered = case.delivered(fresh)
    if delivered is not None:
        failed = fresh.result.verdict is Verdict.ERROR
        return _as_recorded(fresh, case, delivered) if failed else _delivered_before(fresh, case, delivered)
    if case.refused:
        delivery = Delivery(action=Action.DELETE, reason=_TAKEN_BEFORE)
        # The requester of a release has no alert yet.
        told = case.item.release is None
        return (Plan(result=fresh.result, delivery=delivery, told=told, release=case.item.release),)
    if case.known is None:
        return (fresh,)
    return (_after(case.known, fresh, case),)


def _by_release(fresh: Plan, case: Case) -> Plan:
    """A delivery unchanged, if the message is released; else the plan.

    A release needs a recorded verdict without malware, in this scan too. An unscanned message is released only if it is held for a
    failed scan. A request is decided once: a duplicate does not count.
    """
    release, known = case.item.release, case.known
    if release is None:
        return fresh
    plan = replace(fresh, release=release)
    if known is None or known.result.infected or known.refuses(case.item):
        return plan
    unscanned = fresh.result.verdict is Verdict.ERROR and known.result.verdict is not Verdict.ERROR
    if unscanned or not case.arrived.sha256 or not has_place(case.item):
        return plan
    delivery = released(release, case.arrived.data, fresh.result)
    if delivery is None:
        return plan
    delivery = replace(delivery, risks=case.policy.active_content.noted(fresh.result.risks))
    return replace(plan, delivery=delivery, delivered=case.arrived.sha256, release=replace(release, applied=True))


def _after(known: VerdictRecord, fresh: Plan, case: Case) -> Plan:
    """The plan for an object with a verdict and without a delivery."""
    if fresh.result.verdict is Verdict.ERROR:
        another = case.once and case.standing is not None and case.standing.notice is None
        if another and known.action in {Action.DELIVER, Action.STRIP}:
            raise PermanentError(f"{case.where}: was to be {known.action.value}, which cannot be done")
        if known.result.infected:
            return _still_infected(known, fresh, case)
    if not known.answers(case.item):
        return fresh
    if known.action in {Action.HOLD, Action.DELETE} and known.result.verdict is not Verdict.ERROR:
        # Operators have the alert, or may have it. A rescan decides anew.
        return Plan.of(known)
    if known.told and _same(known, fresh):
        return replace(fresh, told=True, recorded=True)
    held = known.action is Action.HOLD or known.reason == HELD_BEFORE
    if held and fresh.delivery.action is Action.DELIVER and not fresh.result.found:
        return replace(fresh, delivery=replace(fresh.delivery, reason=HELD_BEFORE))
    return fresh


def _still_infected(known: VerdictRecord, fresh: Plan, case: Case) -> Plan:
    """The plan for a known infected object: it stays held or deleted, also after a failed scan."""
    if known.action is Action.HOLD or (known.action is Action.DELETE and known.answers(case.item)):
        return Plan.of(known)
    return replace(fresh, result=known.result, findings=known.findings)


def _as_recorded(fresh: Plan, case: Case, delivered: Standing) -> tuple[Plan, ...]:
    """The decision at its delivery."""
    if delivered.raw_version != case.item.version:
        return (_taken_before(fresh, case, delivered),)
    if case.known is None or case.known.delivered != delivered.sha256:
        raise PermanentError(f"{case.where}: was delivered, and its findings are not known")
    return (Plan.of(case.known),)


def _delivered_before(fresh: Plan, case: Case, delivered: Standing) -> tuple[Plan, ...]:
    """The decision at its delivery, if its alert is missing; then new findings in the delivered message."""
    done = delivered.action(case.arrived.sha256)
    plans = [Plan.of(case.known)] if case.known is not None and case.known.delivered == delivered.sha256 else []
    now = fresh.result if done is Action.DELIVER else case.scan_delivered(delivered)
    release = plans[0].release if plans else case.item.release
    known_then = release is not None and release.applied and covers(release, now)
    if not known_then and any(case.policy.action_on(part) is not Action.DELIVER for part in now.found):
        delivery = Delivery(action=Action.DELIVER, reason=DELIVERED_BEFORE)
        late = Plan(result=now, delivery=delivery, delivered=delivered.sha256, release=release)
        if not plans or not _same_findings(plans[0], late):
            plans.append(late)
    elif not plans:
        plans.append(_taken_before(fresh, case, delivered))
    return tuple(plans)


def _taken_before(fresh: Plan, case: Case, delivered: Standing) -> Plan:
    """The same bytes were delivered, in this version or another, and operators got the alert."""
    delivery = Delivery(action=delivered.action(case.arrived.sha256), reason=_TAKEN_BEFORE)
    return Plan(
        result=fresh.result, delivery=delivery, delivered=delivered.sha256, told=True, release=case.item.release
    )


def _same(known: VerdictRecord, fresh: Plan) -> bool:
    return (known.result.verdict, known.action, known.delivered) == (
        fresh.result.verdict,
        fresh.delivery.action,
        fresh.delivered,
    )


def _same_findings(before: Plan, late: Plan) -> bool:
    """Whether an earlier, unfinished try had the same findings."""
    if before.delivery.reason != DELIVERED_BEFORE or before.total != late.total:
        return False
    # A record may list only some of them.
    recorded, found = ({(one.signature, one.sha256) for one in plan.result.found} for plan in (before, late))
    return recorded <= found
