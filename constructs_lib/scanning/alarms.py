"""The alarms of a scanner: what each watches, and what to do then."""

from __future__ import annotations

from typing import Final

from constructs_lib.alarms import Threshold
from mailroom.metric_names import DETECTIONS, HELD, NAMESPACE, OLDER_DEFINITIONS, SCANNER

__all__ = ["scanner_alarms", "slow_lane_alarms"]

_OLD_SECONDS: Final = 900


def scanner_alarms(
    scanner: str, function: str, dead_letters: str, queue: str, arrivals: str | None
) -> dict[str, Threshold]:
    """By name, for a scanner.

    Args:
        scanner: its name in metrics.
        function: its name.
        dead_letters: name of that queue.
        queue: name of the queue that it works off.
        arrivals: name of the queue that a sorter works off; None without one.
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
            "What S3 told of mail waits longer than 15 minutes to be put into the scanner's queue: see the sorter's log.",
        )
    return alarms


def slow_lane_alarms(function: str, queue: str) -> dict[str, Threshold]:
    """By name, for the slow lane; function and queue by their names."""
    return {
        "OldestSlow": _oldest(
            queue, "Mail whose scan takes long waits more than 15 minutes for it: see in the scanner's log whose it is."
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
