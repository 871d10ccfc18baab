"""What is told of a plan once it is carried out: alerts to operators, and an event to others of what is held or let go. Pure."""

from __future__ import annotations

from datetime import datetime

from mailroom.events.inbound import MessageDiscarded, MessageHeld, MessageReleased
from mailroom.scanning.alerts import Alert, alerts_of, release_alert
from mailroom.scanning.events import RawObject
from mailroom.scanning.plans import Plan

__all__ = ["alerts_on", "event_on"]


def alerts_on(plan: Plan, item: RawObject, *, tenant: str, raw: bytes, now: datetime) -> list[Alert]:
    """What operators are told: what was found and what becomes of it; of what was held and has nothing, that it is delivered.

    Args:
        plan: what becomes of the object.
        item: the object.
        tenant: whose it is.
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
    """What others are told; None of what takes its way. Why somebody asked stays in the record: it may name people.

    Args:
        plan: what becomes of the object.
        item: the object.
        tenant: whose it is.
        now: with a time zone.
        held_id: names it among held mail. Default: "", it is no mail.
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
