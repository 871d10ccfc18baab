"""What SES is to tell of a tenant's mail."""

from __future__ import annotations

from typing import Final

from aws_cdk import aws_ses as ses
from constructs import Construct

from constructs_lib import rules
from constructs_lib.checks import FLAG, Rule, check_props
from constructs_lib.intrinsics import arn

__all__ = ["EngagementEvents"]

_ALWAYS: Final = ("SEND", "REJECT", "BOUNCE", "COMPLAINT", "DELIVERY", "DELIVERY_DELAY", "RENDERING_FAILURE")

_RULES: Final[dict[str, Rule]] = {
    "configuration_set_name": rules.CONFIGURATION_SET,
    "opens": FLAG,
    "clicks": FLAG,
}


class EngagementEvents(Construct):
    """Has SES tell EventBridge what becomes of the mail of one configuration set, for `EngagementTracking` to note.

    Creates 1 event destination (EventBridge's default bus, the only one that SES takes). Without `opens` or `clicks` SES neither
    reports nor prepares for them.

    Args:
        configuration_set_name: that all of the tenant's mail is sent with.
        opens: whether it is told that a message was opened. SES then puts a pixel into HTML. Default: True.
        clicks: whether it is told that a link was followed. SES then rewrites links. Default: True.

    Raises:
        ValueError: a prop breaks its rule; the name holds `{{` or a `${` that is no token (`check_texts`).

    Source: SES developer guide, "Monitoring email sending using event publishing".
    """

    def __init__(
        self, scope: Construct, id: str, *, configuration_set_name: str, opens: bool = True, clicks: bool = True
    ) -> None:
        super().__init__(scope, id)
        check_props(
            self,
            "engagement events",
            _RULES,
            configuration_set_name=configuration_set_name,
            opens=opens,
            clicks=clicks,
        )
        self.destination = ses.CfnConfigurationSetEventDestination(
            self,
            "Destination",
            configuration_set_name=configuration_set_name,
            event_destination=ses.CfnConfigurationSetEventDestination.EventDestinationProperty(
                enabled=True,
                matching_event_types=[*_ALWAYS, *(["OPEN"] if opens else []), *(["CLICK"] if clicks else [])],
                event_bridge_destination=ses.CfnConfigurationSetEventDestination.EventBridgeDestinationProperty(
                    event_bus_arn=arn("events", "event-bus/default")
                ),
            ),
        )
