"""Alerts to operators after a plan is carried out, and events of held, released and discarded messages. Pure."""

from __future__ import annotations

from datetime import datetime

from mailroom.events.inbound import MessageDiscarded, MessageHeld, MessageReleased
from mailroom.scanning.alerts import Alert, alerts_of, release_alert
from mailroom.scanning.events import RawObject
from mailroom.scanning.plans import Plan

__all__ = ["alerts_on", "event_on"]


def alerts_on(plan: Plan, item: RawObject, *, tenant: str, raw: bytes, now: datetime) -> list[Alert]:
    """Alerts for operators: findings with the action; or the delivery of a held message without findings.

    Args:
        plan: the executed plan.
        item: the object.
        tenant: id of the tenant.
        raw: the message, or its beginning.
        now: with a time zone.
    """
    if plan.corrects:
        return [release_alert(item, tenant=tenant, raw=raw, delivery=plan.delivery, now=now)]
    return list(
        alerts_of(
            item,
            tenant=tenant,
            raw=raw,
            result=plan.result,
            delivery=plan.delivery,
            now=now,
            findings=plan.total,
        )
    )


def event_on(
    plan: Plan, item: RawObject, *, tenant: str, now: datetime, held_id: str = ""
) -> MessageHeld | MessageReleased | MessageDiscarded | None:
    """The event of a held, released or discarded message; None for others. Reasons stay in the record: they may name people.

    Args:
        plan: the executed plan.
        item: the object.
        tenant: id of the tenant.
        now: with a time zone.
        held_id: its id among held mail. Default: "", for a file.
    """
    verdict = plan.result.verdict.value
    if plan.held:
        return MessageHeld(
            tenant=tenant,
            delivery=item.message_id,
            verdict=verdict,
            reason=plan.delivery.reason,
            held=now,
            risks=[risk.value for risk in plan.delivery.risks],
            held_id=held_id,
        )
    if plan.discard is not None:
        return MessageDiscarded(
            tenant=tenant, delivery=item.message_id, verdict=verdict, discarded=now, held_id=held_id
        )
    if plan.released:
        return MessageReleased(tenant=tenant, delivery=item.message_id, verdict=verdict, released=now, held_id=held_id)
    return None
