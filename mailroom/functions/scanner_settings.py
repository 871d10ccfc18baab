"""Settings of the scanner's function, from its environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from mailroom.functions.environment import required_variables
from mailroom.scanning.ledger import Ledger

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

__all__ = ["Settings"]

_CONCURRENT_RELOAD_MIB: Final = 4096
"""The official definitions take 1,149 MB, and 2,286 MB at most while a newer set is loaded beside them; a message of 40 MB some
650 MB more, and the runtime 100 MB. Together that leaves a twentieth of 3,008 MiB."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """The scanner's settings.

    Args:
        definitions_bucket: bucket of published definitions.
        max_receives: number of tries by the queue; the last one holds the mail.
        max_definitions_age: age of the last confirmation after which definitions are not used.
        scanner: name of the scanner in metrics.
        event_bus: bus for events of held mail.
        memory_mib: memory of the function, from Lambda; 0 if unknown.
        recall_days: days for which delivered mail is rescanned with newer definitions; 0 for none.
        slow_queue_url: queue of the slow lane, if this is the quick one; "" otherwise.
        own_queue_url: the scanner's own queue, if no sorter stands before it; "" otherwise.
    """

    definitions_bucket: str
    max_receives: int
    max_definitions_age: timedelta
    scanner: str
    event_bus: str
    memory_mib: int = 0
    recall_days: int = 0
    slow_queue_url: str = ""
    own_queue_url: str = ""

    @property
    def concurrent_reload(self) -> bool:
        """Whether memory holds the definitions twice, beside the largest message."""
        return self.memory_mib >= _CONCURRENT_RELOAD_MIB

    def ledger(self, s3: S3Client) -> Ledger | None:
        """The ledger of deliveries; None without recalls."""
        if not self.recall_days:
            return None
        return Ledger(s3=s3, bucket=self.definitions_bucket, scanner=self.scanner, days=self.recall_days)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """The settings that are in `environment`.

        Raises:
            ValueError: a variable is missing or no number.
        """
        with required_variables():
            return cls(
                definitions_bucket=environment["DEFINITIONS_BUCKET"],
                max_receives=int(environment["MAX_RECEIVES"]),
                max_definitions_age=timedelta(hours=int(environment["MAX_DEFINITIONS_AGE_HOURS"])),
                scanner=environment["SCANNER_NAME"],
                event_bus=environment["EVENT_BUS"],
                memory_mib=int(environment.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "0")),
                recall_days=int(environment.get("RECALL_DAYS", "0")),
                slow_queue_url=environment.get("SLOW_QUEUE_URL", ""),
                own_queue_url=environment.get("OWN_QUEUE_URL", ""),
            )
