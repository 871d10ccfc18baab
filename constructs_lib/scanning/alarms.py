"""Alarms that read alike wherever they stand."""

from __future__ import annotations

from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns
from constructs import Construct

__all__ = ["Watch", "add_alarms"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Watch:
    """One alarm.

    Args:
        id: of the construct.
        metric: with its statistic and period.
        above: the alarm goes off when the metric is greater.
        says: what has happened, and what to do.
        silence_alarms: whether no data any more is a reason to tell the topic. A new alarm has none yet, which tells nobody: an
            alarm begins as INSUFFICIENT_DATA, and only a change of its state acts. Default: False.
    """

    id: str
    metric: cloudwatch.Metric
    above: float
    says: str
    silence_alarms: bool = False


def add_alarms(scope: Construct, topic: sns.ITopic | None, *watches: Watch) -> None:
    """An alarm for each, which tells `topic` when it goes off and when that is over; None makes them silent, but visible."""
    for watch in watches:
        alarm = cloudwatch.Alarm(
            scope,
            watch.id,
            metric=watch.metric,
            threshold=watch.above,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            evaluation_periods=1,
            treat_missing_data=cloudwatch.TreatMissingData.MISSING
            if watch.silence_alarms
            else cloudwatch.TreatMissingData.NOT_BREACHING,
            alarm_description=watch.says,
        )
        if topic is not None:
            action = actions.SnsAction(topic)
            alarm.add_alarm_action(action)
            alarm.add_ok_action(action)
            if watch.silence_alarms:
                alarm.add_insufficient_data_action(action)
        else:
            cdk.Validations.of(alarm).acknowledge(
                cdk.Acknowledgment(id="AwsSolutions-CW1", reason="whoever composes passes the topic to tell")
            )
