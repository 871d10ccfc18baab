"""Notifications to operators when SES pauses a tenant, and when the pause ends."""

from __future__ import annotations

import json
from typing import Final

from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from constructs import Construct

from constructs_lib.alerts.security_alerts import SecurityAlerts
from constructs_lib.checks import Rule, check_props, instance
from constructs_lib.flags import bring_flags
from constructs_lib.intrinsics import account_id

__all__ = ["PAUSE_EVENTS", "SendingPauses"]

PAUSE_EVENTS: Final = ("Sending Status Disabled", "Sending Status Enabled")
"""Detail types of SES's events on the default bus about changes of an SES tenant's sending."""

_PATHS: Final = {
    "at": "$.time",
    "cause": "$.detail.data.record.cause",
    "event": "$.detail-type",
    "origin": "$.detail.data.origin",
    "status": "$.detail.data.record.status",
    "tenant": "$.resources[0]",
}
_REMEDY: Final = (
    "DISABLED: SES sends nothing of this tenant. Run `email-stack status` with its name for its rates, have its cause mended, and "
    "resume its sending in the SES console, Tenants; where the origin is AWS_MANAGED, AWS Support has a case. "
    "ENABLED or REINSTATED: it sends again, and there is nothing to do."
)
_RETRY_SECONDS: Final = 24 * 60 * 60
_RULES: Final[dict[str, Rule]] = {"alerts": instance(SecurityAlerts, "pass the operators' alerts, SecurityAlerts(...)")}


class SendingPauses(Construct):
    """Publishes to the operators' topic when SES pauses an SES tenant of this account and region, and when the pause ends.

    Creates 1 rule on EventBridge's default bus, for all tenants, and 1 role with which the rule publishes to the topic. A message
    is one JSON object: the event, the ARN of the SES tenant, with its name as second part, its status, SES's cause and origin, and
    the remedy. It contains no personal data. Holds no state.

    The role replaces a topic policy, because EventBridge supports no conditions there or in the policy of a key.

    Args:
        alerts: the construct with the topic.

    Source: SES developer guide, "Tenants", "Setting up EventBridge notifications"; EventBridge user guide, "Using
    resource-based policies" and "Input transformation".
    """

    def __init__(self, scope: Construct, id: str, *, alerts: SecurityAlerts) -> None:
        super().__init__(scope, id)
        bring_flags(self)
        check_props(self, "sending pauses", _RULES, alerts=alerts)
        role = iam.Role(
            self,
            "Role",
            description="Lets EventBridge tell operators that SES paused a tenant",
            assumed_by=iam.ServicePrincipal(
                "events.amazonaws.com", conditions={"StringEquals": {"aws:SourceAccount": account_id()}}
            ),
        )
        granted = alerts.grant_publish(role)
        rule = events.CfnRule(
            self,
            "Rule",
            description="Tells operators that SES paused a tenant's sending, or resumed it",
            event_pattern={"source": ["aws.ses"], "detail-type": list(PAUSE_EVENTS)},
            targets=[
                events.CfnRule.TargetProperty(
                    id="Operators",
                    arn=alerts.topic_arn,
                    role_arn=role.role_arn,
                    input_transformer=events.CfnRule.InputTransformerProperty(
                        input_paths_map=dict(_PATHS), input_template=_template()
                    ),
                    retry_policy=events.CfnRule.RetryPolicyProperty(maximum_event_age_in_seconds=_RETRY_SECONDS),
                )
            ],
        )
        granted.apply_before(rule)


def _template() -> str:
    """JSON with its variables outside of strings, where EventBridge quotes and escapes their values."""
    said = ", ".join(f'"{name}": <{name}>' for name in ("event", "tenant", "status", "cause", "origin", "at"))
    return f'{{{said}, "what_to_do": {json.dumps(_REMEDY)}}}'
