"""Settings of the tracking function, from its environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mailroom.functions.environment import required_variables

__all__ = ["Settings"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """The function's settings, for all tenants.

    Args:
        event_bus: bus for events of sent mail.
        sets_arn: prefix of the ARNs of configuration sets in this account and region.
        registry_path: prefix of the names of tenants' parameters.
        role_arn: role that writes to tenants' tables.
        queue_url: URL of the function's own queue.
        max_receives: number of tries by the queue.
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
            ValueError: a variable is missing or invalid.
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
