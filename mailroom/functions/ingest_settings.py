"""Settings of the ingest function, from its environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from mailroom.functions.environment import required_variables
from mailroom.messages.joining import JoinBy

__all__ = ["Settings"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """The function's settings.

    Args:
        tenant: id of the tenant.
        table: name of the tenant's table.
        event_bus: bus for events of messages.
        retention: lifetime of messages; None without limit.
        join_by: further ways to join messages into threads, besides Message-IDs.
        configuration_set: name of the tenant's configuration set; "" without sending.
        region: where it runs.
        subdomain: domain of the tenant's addresses; "" if unknown.
        queue_url: its own queue, for mail that waits for SES; "" without sending.
    """

    tenant: str
    table: str
    event_bus: str
    retention: timedelta | None
    join_by: frozenset[JoinBy]
    configuration_set: str
    region: str
    subdomain: str = ""
    queue_url: str = ""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """The settings that are in `environment`.

        Raises:
            ValueError: a variable is missing or invalid.
        """
        with required_variables():
            days = environment["RETENTION_DAYS"]
            return cls(
                tenant=environment["TENANT"],
                table=environment["TABLE_NAME"],
                event_bus=environment["EVENT_BUS"],
                retention=timedelta(days=int(days)) if days else None,
                join_by=frozenset(JoinBy(word) for word in environment["JOIN_BY"].split()),
                configuration_set=environment["CONFIGURATION_SET"],
                region=environment["AWS_REGION"],
                subdomain=environment.get("SUBDOMAIN", ""),
                queue_url=environment["QUEUE_URL"] if environment["CONFIGURATION_SET"] else "",
            )
