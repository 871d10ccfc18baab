"""SES's events of a tenant's mail, without personal data, in the tenant's table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_ses as ses
from constructs import Construct

from constructs_lib import rules
from constructs_lib.checks import FLAG, Rule, check_props, optional
from constructs_lib.faults import shown
from constructs_lib.intrinsics import arn
from constructs_lib.statements import allow_to
from constructs_lib.worker import QueueWorker, QueueWorkerProps
from mailroom.store.keys import SENT_PREFIX, SUPPRESSED
from mailroom.tracking.lines import PATHS, template_of

__all__ = ["EngagementTracking", "EngagementTrackingProps"]

_ALWAYS: Final = ("SEND", "REJECT", "BOUNCE", "COMPLAINT", "DELIVERY", "DELIVERY_DELAY", "RENDERING_FAILURE")
_RETRY_SECONDS: Final = 24 * 60 * 60


@dataclass(frozen=True, kw_only=True, slots=True)
class EngagementTrackingProps:
    """What engagement tracking is made from.

    Args:
        tenant_id: permanent id; logs and alarms name it.
        configuration_set_name: that all of the tenant's mail is sent with.
        table_name: of the tenant's messages.
        table_arn: of the same.
        opens: whether it is recorded that a message was opened. SES then puts a pixel into HTML. Default: True.
        clicks: whether it is recorded that a link was followed. SES then rewrites links. Default: True.
        plain_addresses: whether addresses that bounced or complained are kept as they are. Default: False, only a digest is.
        retention: how long events are kept; whole days. Default: None, until somebody deletes them.
        alarm_topic_arn: told by the alarms. Default: None, nobody is.
    """

    tenant_id: str
    configuration_set_name: str
    table_name: str
    table_arn: str
    opens: bool = True
    clicks: bool = True
    plain_addresses: bool = False
    retention: cdk.Duration | None = None
    alarm_topic_arn: str | None = None


class EngagementTracking(Construct):
    """What SES tells of a tenant's mail: event, message, time, subtype of a bounce or complaint, link of a click; nothing else.

    Creates 1 event destination (EventBridge's default bus, the only one that SES takes), 1 rule whose input transformer names what
    is kept, and 1 `QueueWorker` that writes it. Addresses of recipients and of networks, programs, headers and SES's own tags end
    at the rule: they reach no queue, no log and no table. The rule's target has no dead-letter queue for the same reason:
    EventBridge would put the whole event there. What it cannot deliver for 24 hours is lost instead.

    Bounces and complaints are put down to the recipient whom the tenant's own outbox wrote down, by a digest of the address.

    Without `opens` or `clicks` SES neither reports nor prepares for them.

    Raises:
        ValueError: `tenant_id` is no identifier, or a text holds `{{` or a `${` that is no token (`check_texts`).

    Source: SES developer guide, "Monitoring email sending using event publishing"; EventBridge user guide, "Input transformation"
    and "Using dead-letter queues".
    """

    def __init__(self, scope: Construct, id: str, props: EngagementTrackingProps) -> None:
        super().__init__(scope, id)
        where = f"engagement tracking of tenant {shown(props.tenant_id)}"
        check_props(self, where, _RULES, props)
        worker = QueueWorker(
            self,
            "Noting",
            QueueWorkerProps(
                where=where,
                description=f"Notes what became of mail that {props.tenant_id} sent",
                handler="mailroom.functions.tracking.on_event",
                environment={
                    "CONFIGURATION_SET": props.configuration_set_name,
                    "RETENTION_DAYS": str(int(props.retention.to_days())) if props.retention is not None else "",
                    "SUPPRESSED_ADDRESSES": "plain" if props.plain_addresses else "hashed",
                    "TABLE_NAME": props.table_name,
                },
                statements=[_note_in(props.table_arn)],
                says_dead=f"An event of mail that {props.tenant_id} sent could not be noted: see the function's log.",
                says_waiting=f"Events of {props.tenant_id} wait longer than 15 minutes to be noted: see the function's log.",
                alarm_topic_arn=props.alarm_topic_arn,
                timeout_seconds=30,
            ),
        )
        rule = events.CfnRule(
            self,
            "Rule",
            description=f"Keeps event, message, time and link of mail that {props.tenant_id} sent",
            event_pattern={
                "source": ["aws.ses"],
                "detail": {"mail": {"tags": {"ses:configuration-set": [props.configuration_set_name]}}},
            },
            targets=[
                events.CfnRule.TargetProperty(
                    id="Noting",
                    arn=worker.queue_arn,
                    input_transformer=events.CfnRule.InputTransformerProperty(
                        input_paths_map=dict(PATHS), input_template=template_of(props.configuration_set_name)
                    ),
                    retry_policy=events.CfnRule.RetryPolicyProperty(maximum_event_age_in_seconds=_RETRY_SECONDS),
                )
            ],
        )
        ready = worker.let_send("events.amazonaws.com", {"ArnEquals": {"aws:SourceArn": rule.attr_arn}})
        kinds = [*_ALWAYS, *(["OPEN"] if props.opens else []), *(["CLICK"] if props.clicks else [])]
        destination = ses.CfnConfigurationSetEventDestination(
            self,
            "Destination",
            configuration_set_name=props.configuration_set_name,
            event_destination=ses.CfnConfigurationSetEventDestination.EventDestinationProperty(
                enabled=True,
                matching_event_types=kinds,
                event_bridge_destination=ses.CfnConfigurationSetEventDestination.EventBridgeDestinationProperty(
                    event_bus_arn=arn("events", "event-bus/default")
                ),
            ),
        )
        destination.add_resource_dependency(ready)


def _note_in(table_arn: str) -> dict[str, Any]:
    """Let it write of what was sent and of who is suppressed, and read that; no mail."""
    return {
        **allow_to(["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"], table_arn),
        "Condition": {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": [f"{SENT_PREFIX}*", SUPPRESSED]}},
    }


_RULES: Final[dict[str, Rule]] = {
    "tenant_id": rules.IDENTIFIER,
    "configuration_set_name": rules.CONFIGURATION_SET,
    "table_name": rules.TABLE_NAME,
    "table_arn": rules.TABLE_ARN,
    "opens": FLAG,
    "clicks": FLAG,
    "plain_addresses": FLAG,
    "retention": optional(rules.MESSAGE_RETENTION),
    "alarm_topic_arn": optional(rules.TOPIC_ARN),
}
