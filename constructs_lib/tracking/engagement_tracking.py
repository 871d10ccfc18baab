"""Records SES's events of all tenants' mail in the tenants' tables, without personal data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from aws_cdk import aws_events as events
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from constructs import Construct

from constructs_lib import rules
from constructs_lib.checks import Rule, check_props, optional
from constructs_lib.event_bus import allow_publishing_events
from constructs_lib.intrinsics import account_id, arn
from constructs_lib.statements import allow_to
from constructs_lib.wildcards import explain_wildcard
from constructs_lib.worker import MAX_RECEIVES, QueueWorker, QueueWorkerProps
from mailroom.tracking.lines import EVENT_TYPES, PATHS, template
from mailroom.tracking.tag import TAG

__all__ = ["EngagementTracking", "EngagementTrackingProps"]

_RETRY_SECONDS: Final = 24 * 60 * 60


@dataclass(frozen=True, kw_only=True, slots=True)
class EngagementTrackingProps:
    """Props of `EngagementTracking`.

    Args:
        registry_path: prefix of the names of tenants' entries, with a slash at both ends.
        alarm_topic: receives the alarms. Default: None, no actions.
        encryption_key: key of queues and log group; the role may also use it for tenants' tables. Default: None, AWS's own keys.
    """

    registry_path: str
    alarm_topic: sns.ITopic | None = None
    encryption_key: kms.IKey | None = None


class EngagementTracking(Construct):
    """Records SES's events of tenants' mail: event, message, time, subtype of a bounce or complaint, link of a click; nothing else.

    One per account and region. Creates 1 rule whose input transformer lists the kept fields, 1 `QueueWorker` that writes them, and
    1 role that the worker assumes for one tenant at a time. The template does not depend on the tenants. The rule drops addresses
    of recipients and networks, programs, headers and SES's own tags: they reach no queue, no log and no table. For the same reason
    its target has no dead-letter queue: EventBridge would put the whole event there. Events that it cannot deliver for 24 hours are
    lost.

    The configuration set names the tenant. The rule takes SES's events of this account alone, with the ARN of the set. The worker
    looks up the set in the tenants' entries (`TenantEntry`), and assumes the role with the set's name as session tag. The role has
    no right to any table: each tenant's table admits it for its own set, to tracking items.

    SQS gives tenants their turns. An event of an unknown set is tried for some six minutes, then dropped.

    Raises:
        ValueError: a text holds `{{` or a `${` that is no token (`check_texts`).

    Source: SES developer guide, "Monitoring email sending using event publishing"; EventBridge user guide, "Input transformation"
    and "Using dead-letter queues"; EventBridge API reference, PutEvents: only AWS puts events whose source begins with "aws.".
    """

    def __init__(self, scope: Construct, id: str, props: EngagementTrackingProps) -> None:
        super().__init__(scope, id)
        check_props(self, "engagement tracking", _RULES, props)
        entries = arn("ssm", f"parameter{props.registry_path}*")
        worker = QueueWorker(
            self,
            "Noting",
            QueueWorkerProps(
                where="engagement tracking",
                description="Records SES's events of tenants' mail",
                handler="mailroom.functions.tracking.on_event",
                environment={
                    "CONFIGURATION_SETS_ARN": arn("ses", "configuration-set/"),
                    "EVENT_BUS": "default",
                    "MAX_RECEIVES": str(MAX_RECEIVES),
                    "REGISTRY_PATH": props.registry_path,
                },
                statements=[allow_to(["ssm:GetParameter"], entries), allow_publishing_events()],
                dead_description="Events of mail that a tenant sent could not be noted: see the function's log, then redrive "
                "the dead letters.",
                waiting_description="Events of tenants' mail wait longer than 15 minutes to be noted: see the function's log.",
                puts_back=True,
                takes_role_for=TAG,
                alarm_topic=props.alarm_topic,
                timeout_seconds=60,
                batch_size=10,  # lines of a few hundred octets
                encryption_key=props.encryption_key,
            ),
        )
        explain_wildcard(worker.role, entries, "one entry a tenant, and the cell does not know them")
        self.role_arn: str = worker.tables_role_arn
        rule = events.CfnRule(
            self,
            "Rule",
            description="Keeps event, message, time and link of mail that tenants sent",
            event_pattern={
                "source": ["aws.ses"],
                # The bus of another account may forward its own events of SES.
                "account": [account_id()],
                "detail": {"eventType": list(EVENT_TYPES)},
            },
            targets=[
                events.CfnRule.TargetProperty(
                    id="Noting",
                    arn=worker.queue_arn,
                    input_transformer=events.CfnRule.InputTransformerProperty(
                        input_paths_map=dict(PATHS), input_template=template()
                    ),
                    retry_policy=events.CfnRule.RetryPolicyProperty(maximum_event_age_in_seconds=_RETRY_SECONDS),
                )
            ],
        )
        worker.allow_service_to_send("events.amazonaws.com", {"ArnEquals": {"aws:SourceArn": rule.attr_arn}})


_RULES: Final[dict[str, Rule]] = {
    "registry_path": rules.REGISTRY_PATH,
    "alarm_topic": optional(rules.TOPIC),
    "encryption_key": optional(rules.KEY),
}
