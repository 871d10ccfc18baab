"""The alarms of a scanner, with their metrics and remedies."""

from __future__ import annotations

from typing import Final

from constructs_lib.alarms import Threshold
from mailroom.metric_names import DETECTIONS, HELD, NAMESPACE, OLDER_DEFINITIONS, SCANNER

__all__ = ["scanner_alarms", "slow_lane_alarms"]

_OLD_SECONDS: Final = 900


def scanner_alarms(
    scanner: str, function: str, dead_letters: str, queue: str, arrivals: str | None
) -> dict[str, Threshold]:
    """The alarms of a scanner, by name.

    Args:
        scanner: its name in metrics.
        function: name of its function.
        dead_letters: name of its dead-letter queue.
        queue: name of its queue.
        arrivals: name of the sorter's queue; None without a sorter.
    """

    def counted(metric: str, description: str) -> Threshold:
        return Threshold(
            namespace=NAMESPACE,
            metric=metric,
            dimension=(SCANNER, scanner),
            statistic="Sum",
            above=0,
            description=description,
        )

    alarms = {
        "Detections": counted(DETECTIONS, "Something was found in mail: see the tenant's alerts."),
        "HeldMail": counted(HELD, "Mail is held in quarantine: see the verdict, then `email-stack rescan`."),
        "DeadLettersWaiting": _of_queue(
            dead_letters,
            "ApproximateNumberOfMessagesVisible",
            above=0,
            description="Mail could be neither scanned nor held, or not be sorted: see the log of scanner and sorter, then "
            "`email-stack rescan`.",
        ),
        "OldestArrival": _oldest(queue, "Mail waits longer than 15 minutes for its scan: see the scanner's log."),
        "OlderDefinitions": counted(
            OLDER_DEFINITIONS,
            "Mail is scanned with definitions from before, since the newest cannot be fetched or do not load: see the "
            "logs of scanner and mirror. Once those are too old, nothing is scanned any more.",
        ),
        "Errors": _errors(function, "The scanner crashed, or ran out of time or memory: see its log."),
    }
    if arrivals is not None:
        alarms["OldestUnsorted"] = _oldest(
            arrivals,
            "S3's notifications of mail wait for the sorting function for more than 15 minutes: see the sorter's log.",
        )
    return alarms


def slow_lane_alarms(function: str, queue: str) -> dict[str, Threshold]:
    """The alarms of the slow lane, by name. Arguments are names of its function and queue."""
    return {
        "OldestSlow": _oldest(
            queue, "Slow mail waits for its scan for more than 15 minutes: the scanner's log names the tenants."
        ),
        "SlowErrors": _errors(
            function, "The scanner of slow mail crashed, or ran out of time or memory: see the scanner's log."
        ),
    }


def _errors(function: str, description: str) -> Threshold:
    return Threshold(
        namespace="AWS/Lambda",
        metric="Errors",
        dimension=("FunctionName", function),
        statistic="Sum",
        above=0,
        description=description,
    )


def _oldest(queue: str, description: str) -> Threshold:
    return _of_queue(queue, "ApproximateAgeOfOldestMessage", above=_OLD_SECONDS, description=description)


def _of_queue(queue: str, metric: str, *, above: float, description: str) -> Threshold:
    return Threshold(
        namespace="AWS/SQS",
        metric=metric,
        dimension=("QueueName", queue),
        statistic="Maximum",
        above=above,
        description=description,
    )
