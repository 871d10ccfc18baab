"""Usage of the store by one message, as `benchmarks.store` measured it with the project's own code."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from email_stack.costs.prices import Price

__all__ = ["MEASURED", "Usage", "measured"]

MEASURED: Final = Path(__file__).parent / "measured.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class Usage:
    """Usage by one message.

    Args:
        requests: to DynamoDB.
        written: write units of the table.
        indexed: write units of its index.
        read: read units.
        stored: objects written to S3.
        opened: objects read from S3.
        sqs: requests to SQS.
        events: on EventBridge.
        invocations: of Lambda.
        seconds: of Lambda, times GB.
    """

    requests: float
    written: float
    indexed: float
    read: float
    stored: float
    opened: float
    sqs: float
    events: float
    invocations: float
    seconds: float

    @property
    def dollars(self) -> float:
        """Cost in dollars."""
        return (
            Price.TABLE_WRITE.of(self.written + self.indexed)
            + Price.TABLE_READ.of(self.read)
            + Price.S3_WRITE.of(self.stored)
            + Price.S3_READ.of(self.opened)
            + Price.SQS_REQUEST.of(self.sqs)
            + Price.EVENT.of(self.events)
            + Price.INVOCATION.of(self.invocations)
            + Price.ARM_SECOND.of(self.seconds)
        )


def measured() -> dict[str, Usage]:
    """Usage by the messages of the benchmark's table, by name."""
    found = json.loads(MEASURED.read_text(encoding="utf-8"))
    return {name: Usage(**said) for name, said in found.items()}
