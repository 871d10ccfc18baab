"""What the tracking function is told by its environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mailroom.functions.environment import required_variables

__all__ = ["Settings"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """The function's settings; none of them is a tenant's.

    Args:
        event_bus: where others are told of what became of mail.
        sets_arn: what the ARNs of configuration sets begin with, in this account and region.
        registry_path: what the names of the tenants' parameters begin with.
        role_arn: role that writes to tenants' tables.
        queue_url: of the function's own queue.
        max_receives: how often the queue hands one message out.
    """

    event_bus: str
    sets_arn: str
    registry_path: str
    role_arn: str
    queue_url: str
    max_receives: int

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """The settings that are in `environment`.

        Raises:
            ValueError: a variable is missing, or says what it may not.
        """
        with required_variables():
            return cls(
                event_bus=environment["EVENT_BUS"],
                sets_arn=environment["CONFIGURATION_SETS_ARN"],
                registry_path=environment["REGISTRY_PATH"],
                role_arn=environment["TABLES_ROLE_ARN"],
                queue_url=environment["QUEUE_URL"],
                max_receives=int(environment["MAX_RECEIVES"]),
            )
