"""What the scanner's function is told by its environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

__all__ = ["Settings"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """The scanner's settings.

    Args:
        definitions_bucket: where the mirror publishes definitions.
        max_receives: how often the queue hands a message out before it gives up: at the last, the mail is held.
        max_definitions_age: with definitions that nobody confirmed for longer, nothing is scanned.
        scanner: name that the metrics are counted under.
        event_bus: where others are told of held mail.
        queue_url: of the queue that the function works on; "" where tenants have no turns.
    """

    definitions_bucket: str
    max_receives: int
    max_definitions_age: timedelta
    scanner: str
    event_bus: str
    queue_url: str

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """The settings that are in `environment`.

        Raises:
            ValueError: a variable is missing or no number.
        """
        try:
            return cls(
                definitions_bucket=environment["DEFINITIONS_BUCKET"],
                max_receives=int(environment["MAX_RECEIVES"]),
                max_definitions_age=timedelta(hours=int(environment["MAX_DEFINITIONS_AGE_HOURS"])),
                scanner=environment["SCANNER_NAME"],
                event_bus=environment["EVENT_BUS"],
                queue_url=environment.get("QUEUE_URL", ""),
            )
        except KeyError as error:
            raise ValueError(f"environment: {error.args[0]} must be set") from error
