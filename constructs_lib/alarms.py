"""An alarm on a service's own metric, of one resource."""

from __future__ import annotations

from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

__all__ = ["Threshold", "add_alarm"]

_PERIOD_SECONDS = 300


@dataclass(frozen=True, kw_only=True, slots=True)
class Threshold:
    """What is too much.

    Args:
        namespace: such as "AWS/SQS".
        metric: name of the metric.
        dimension: its name and its value, which may be a token.
        statistic: over five minutes, such as "Maximum".
        above: the alarm goes off when it is greater; no data is none.
        says: what has happened, and what to do.
    """

    namespace: str
    metric: str
    dimension: tuple[str, str]
    statistic: str
    above: float
    says: str


def add_alarm(scope: Construct, id: str, threshold: Threshold, topic_arn: str | None) -> None:
    """An alarm that tells the topic when it goes off and when that is over; None makes it silent, but visible."""
    name, value = threshold.dimension
    actions = [topic_arn] if topic_arn is not None else None
    alarm = cloudwatch.CfnAlarm(
        scope,
        id,
        namespace=threshold.namespace,
        metric_name=threshold.metric,
        dimensions=[cloudwatch.CfnAlarm.DimensionProperty(name=name, value=value)],
        statistic=threshold.statistic,
        period=_PERIOD_SECONDS,
        evaluation_periods=1,
        threshold=threshold.above,
        comparison_operator="GreaterThanThreshold",
        treat_missing_data="notBreaching",
        alarm_description=threshold.says,
        alarm_actions=actions,
        ok_actions=actions,
    )
    if actions is None:
        cdk.Validations.of(alarm).acknowledge(
            cdk.Acknowledgment(id="AwsSolutions-CW1", reason="whoever composes passes the topic to tell")
        )
