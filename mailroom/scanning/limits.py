"""Objects beyond the limits of size and key, found before a scan. Pure."""

from __future__ import annotations

from mailroom.layout import MAX_KEY_BYTES, MAX_MESSAGE_OCTETS
from mailroom.scanning.arrived import Arrived
from mailroom.scanning.clean_objects import has_place
from mailroom.scanning.delivery import Delivery
from mailroom.scanning.events import RawObject
from mailroom.scanning.plans import Plan
from mailroom.scanning.verdicts import Action, PartVerdict, Policy, ScanResult, Verdict

__all__ = ["beyond_limits"]


def beyond_limits(item: RawObject, arrived: Arrived, policy: Policy) -> Plan | None:
    """Action on an object that is too big or has too long a key; None for others.

    It is held, or deleted if the policy deletes on `over-limit`. It is never stripped or delivered.
    """
    if arrived.size > MAX_MESSAGE_OCTETS:
        signature, reason = "Object.TooBig", f"it has more than {MAX_MESSAGE_OCTETS:,} bytes"
    elif not has_place(item):
        signature, reason = "Object.KeyTooLong", f"its key under clean/ has more than {MAX_KEY_BYTES:,} bytes"
    else:
        return None
    part = PartVerdict(
        path="",
        filename="",
        verdict=Verdict.OVER_LIMIT,
        signature=signature,
        sha256=arrived.sha256,
        size=arrived.size,
    )
    result = ScanResult(verdict=Verdict.OVER_LIMIT, parts=(part,), definitions="")
    action = Action.DELETE if policy.over_limit is Action.DELETE else Action.HOLD
    return Plan(result=result, delivery=Delivery(action=action, reason=reason))
