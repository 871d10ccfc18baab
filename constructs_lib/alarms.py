"""Alarms of one form, on a service's own metric of one resource or on one of ours."""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sns as sns
from constructs import Construct

__all__ = ["Threshold", "add_alarm"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Threshold:
    """The threshold of an alarm.

    Args:
        namespace: such as "AWS/SQS".
        metric: name of the metric.
        dimension: its name and its value, which may be a token.
        statistic: over one period, such as "Maximum".
        above: the alarm goes off at a greater value.
        description: what has happened, and what to do.
        period_seconds: Default: five minutes.
        silence_alarms: whether missing data raise the alarm. A new alarm without data raises none: it begins as INSUFFICIENT_DATA,
            and acts on a change of its state only. Default: False, missing data are fine.
    """

    namespace: str
    metric: str
    dimension: tuple[str, str]
    statistic: str
    above: float
    description: str
    period_seconds: int = 300
    silence_alarms: bool = False


def add_alarm(
    scope: Construct, id: str, threshold: Threshold, topic: sns.ITopic | None, *, nested: bool = False
) -> None:
    """Add an alarm that notifies the topic when it goes off, and when it ends.

    Args:
        scope: parent.
        id: of the construct.
        threshold: its metric, limit and description.
        topic: receives the notifications. None makes the alarm silent, but visible.
        nested: whether the resource is a child of the construct, as in the CDK's own `Alarm`, with another logical id. Default:
            False.
    """
    place = (Construct(scope, id), "Resource") if nested else (scope, id)
    name, value = threshold.dimension
    actions = [topic.topic_arn] if topic is not None else None
    cloudwatch.CfnAlarm(
        *place,
        namespace=threshold.namespace,
        metric_name=threshold.metric,
        dimensions=[cloudwatch.CfnAlarm.DimensionProperty(name=name, value=value)],
        statistic=threshold.statistic,
        period=threshold.period_seconds,
        evaluation_periods=1,
        threshold=threshold.above,
        comparison_operator="GreaterThanThreshold",
        treat_missing_data="missing" if threshold.silence_alarms else "notBreaching",
        alarm_description=threshold.description,
        alarm_actions=actions,
        insufficient_data_actions=actions if threshold.silence_alarms else None,
        ok_actions=actions,
    )
