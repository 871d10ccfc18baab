"""SES's events of a tenant's mail, sent to EventBridge."""

from __future__ import annotations

from typing import Final

from aws_cdk import aws_ses as ses
from constructs import Construct

from constructs_lib import rules
from constructs_lib.checks import Rule, check_props
from constructs_lib.intrinsics import arn
from constructs_lib.sections import ALL_EVENTS, Tracking

__all__ = ["EngagementEvents"]

_ALWAYS: Final = ("SEND", "REJECT", "BOUNCE", "COMPLAINT", "DELIVERY", "DELIVERY_DELAY", "RENDERING_FAILURE")

_RULES: Final[dict[str, Rule]] = {
    "configuration_set_name": rules.CONFIGURATION_SET,
    "tracking": rules.TRACKING,
}


class EngagementEvents(Construct):
    """Makes SES send the events of one configuration set to EventBridge, for `EngagementTracking`.

    Creates 1 event destination (EventBridge's default bus, the only one that SES supports). Without opens or
    clicks in `tracking`, SES adds no pixel or rewrites no links, and reports none.

    Args:
        configuration_set_name: configuration set of all the tenant's mail.
        tracking: whether to report opens and clicks. Default: both.

    Raises:
        ValueError: a prop breaks its rule; the name holds `{{` or a `${` that is no token (`check_texts`).

    Source: SES developer guide, "Monitoring email sending using event publishing".
    """

    def __init__(
        self, scope: Construct, id: str, *, configuration_set_name: str, tracking: Tracking = ALL_EVENTS
    ) -> None:
        super().__init__(scope, id)
        check_props(
            self,
            "engagement events",
            _RULES,
            configuration_set_name=configuration_set_name,
            tracking=tracking,
        )
        self.destination = ses.CfnConfigurationSetEventDestination(
            self,
            "Destination",
            configuration_set_name=configuration_set_name,
            event_destination=ses.CfnConfigurationSetEventDestination.EventDestinationProperty(
                enabled=True,
                matching_event_types=[
                    *_ALWAYS,
                    *(["OPEN"] if tracking.opens else []),
                    *(["CLICK"] if tracking.clicks else []),
                ],
                event_bridge_destination=ses.CfnConfigurationSetEventDestination.EventBridgeDestinationProperty(
                    event_bus_arn=arn("events", "event-bus/default")
                ),
            ),
        )
