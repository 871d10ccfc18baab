"""The time of one message in an invocation, so that each message gets a verdict."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, replace

import pytest

from mailroom.errors import RetryableError
from mailroom.scanning.clamd import Clamd, Submitted
from mailroom.scanning.intake import Outcome
from tests.mailroom.scanning.conftest import Quarantine
from tests.mailroom.scanning.hiding import encoded, mixed
from tests.mailroom.scanning.sessions import OwnSession


def test_message_that_takes_too_long_is_held_at_once(quarantine: Quarantine) -> None:
    """It is over the limit, with a verdict and an alert, and nothing is tried again."""
    item = quarantine.put(mixed(encoded(b"harmless")))
    intake = replace(quarantine.intake, engine=Slow(quarantine.clamd.client), most_seconds=0.1)
    assert intake.take(item) is Outcome.HELD
    assert (quarantine.record(item)["verdict"], quarantine.keys("clean/")) == ("over-limit", [])
    (alert,) = quarantine.alerts()
    assert json.loads(alert["Message"])["signature"] == "Limits.Time"


def test_nothing_is_begun_when_the_invocation_is_nearly_over(quarantine: Quarantine) -> None:
    """It is tried again in the next one, which finds the engine warm."""
    item = quarantine.put(mixed())
    with pytest.raises(RetryableError, match="too little time"):
        replace(quarantine.intake, seconds_left=lambda: 160.0).take(item)
    assert quarantine.keys("verdicts/") == []
    assert replace(quarantine.intake, seconds_left=lambda: 180.0).take(item) is Outcome.DELIVERED


@dataclass(frozen=True)
class Slow(OwnSession):
    """An engine that takes its time."""

    engine: Clamd

    def submit(self, data: bytes) -> Submitted:
        """Hand it over, later."""
        time.sleep(0.06)
        return self.engine.submit(data)

    def version(self) -> str:
        """Of the engine."""
        return self.engine.version()
