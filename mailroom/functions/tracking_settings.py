"""What the tracking function is told by its environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

__all__ = ["Settings"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """The function's settings.

    Args:
        configuration_set: name of the tenant's.
        table: name of the tenant's table.
        retention: how long events are kept; None until somebody deletes them.
        plain_addresses: whether addresses that bounced or complained are kept, and not only their digests.
    """

    configuration_set: str
    table: str
    retention: timedelta | None
    plain_addresses: bool

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """The settings that are in `environment`.

        Raises:
            ValueError: a variable is missing, or says what it may not.
        """
        try:
            days = environment["RETENTION_DAYS"]
            return cls(
                configuration_set=environment["CONFIGURATION_SET"],
                table=environment["TABLE_NAME"],
                retention=timedelta(days=int(days)) if days else None,
                plain_addresses=environment["SUPPRESSED_ADDRESSES"] == "plain",
            )
        except KeyError as error:
            raise ValueError(f"environment: {error.args[0]} must be set") from error
