"""Tables of settings on one emulator, each with a clock that a test turns."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from mailroom.settings.lifetimes import Limits
from mailroom.settings.store import SettingsStore
from mailroom.settings.table import make_table
from mailroom.store.table import Table
from tests.emulators import shared_emulator

START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
_NUMBERS = itertools.count(1)


@dataclass(slots=True)
class Clock:
    """The time, which goes on when it is told to."""

    now: datetime = field(default=START)

    def __call__(self) -> datetime:
        """The time now."""
        return self.now

    def forward(self, **spans: float) -> None:
        """Let some time pass."""
        self.now += timedelta(**spans)


MakeStore = Callable[..., tuple[SettingsStore, Clock]]


@pytest.fixture(scope="session")
def make_store(request: pytest.FixtureRequest) -> MakeStore:
    """Makes stores, each with a table of its own."""
    client = shared_emulator(request).client("dynamodb", "eu-central-1")

    def make(limits: Limits | None = None) -> tuple[SettingsStore, Clock]:
        name, clock = f"settings-{next(_NUMBERS)}", Clock()
        make_table(client, name)
        return SettingsStore(table=Table(client=client, name=name), limits=limits or Limits(), clock=clock), clock

    return make


@pytest.fixture
def store_and_clock(make_store: MakeStore) -> tuple[SettingsStore, Clock]:
    """A store with nothing in it, and its clock."""
    return make_store()
