"""The rates that SES publishes for each configuration set, and its event on EventBridge when an SES tenant's sending changes.

A rate is over all messages with the set since the emulator's start; SES uses a volume that it considers representative.
Mail to the mailbox simulator, and bounces off a suppression list, are left out, as SES leaves them out.

Source: SES developer guide, "Using reputation metrics to track bounce and complaint rates", "Using the mailbox simulator manually",
"Using the Amazon SES account-level suppression list" and "Tenants", "Setting up EventBridge notifications".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from emulator import sending
from emulator.extension import eventbridge, ses_suppression, upstream

V2 = "services.ses_v2"
NAMESPACE: Final = "AWS/SES"
DIMENSION: Final = "ses:configuration-set"
RATES: Final = {"Bounce": "Reputation.BounceRate", "Complaint": "Reputation.ComplaintRate"}
_counts: Any = None


def install() -> None:
    """Begin to count. A reset of ministack forgets the counts."""
    global _counts  # noqa: PLW0603 - ministack keeps its own by account and region, in a class of its own
    _counts = upstream.attribute("core.responses", "AccountRegionScopedDict")()
    upstream.replace(V2, "reset", _with_forgetting)


def note(sent: sending.Sent, kind: str, detail: Mapping[str, Any]) -> None:
    """Count one event, and publish both rates of its configuration set if it has reputation metrics."""
    name = sent.configuration_set
    record = upstream.attribute(V2, "_config_sets").get(name) or {}
    if not name or not (record.get("ReputationOptions") or {}).get("ReputationMetricsEnabled"):
        return
    if any(address.lower().endswith(f"@{sending.SIMULATOR}") for address in sent.recipients):
        return
    if kind not in {"Send", *RATES} or (kind == "Bounce" and not _counts_as_bounce(detail["bounce"])):
        return
    counts = {**(_counts.get(name) or {})}
    counts[kind] = counts.get(kind, 0) + 1
    _counts[name] = counts
    for counted, metric in RATES.items():
        rate = counts.get(counted, 0) / max(1, counts.get("Send", 0))
        upstream.attribute("services.cloudwatch", "record_metric")(
            NAMESPACE, metric, rate, dimensions={DIMENSION: name}
        )


def _counts_as_bounce(bounce: Mapping[str, Any]) -> bool:
    return bounce["bounceType"] == "Permanent" and bounce["bounceSubType"] not in ses_suppression.SUBTYPES.values()


def tell_status(tenant_arn: str, status: str) -> None:
    """Put SES's event of a paused or resumed tenant on the default bus."""
    now = datetime.now(UTC)
    moment = [now.year, now.month, now.day, now.hour, now.minute, now.second, now.microsecond * 1000]
    record = {"status": status, "cause": "Status manually updated.", "lastUpdatedTimestamp": moment}
    detail = {"version": "1.0.0", "data": {"origin": "CUSTOMER_MANAGED", "record": record}}
    detail_type = "Sending Status Disabled" if status == "DISABLED" else "Sending Status Enabled"
    eventbridge.put("aws.ses", detail_type, detail, [tenant_arn])


def _with_forgetting(original: Callable[[], None]) -> Callable[[], None]:
    def reset() -> None:
        original()
        _counts.clear()

    return reset
