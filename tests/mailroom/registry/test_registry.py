"""Whose configuration set it is, as the emulator's parameters say."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from emulator import Emulator
from mailroom.errors import RetryableError
from mailroom.registry import Entry, Registry
from tests.mailroom.store.conftest import REGION

PATH = "/registry-test/configuration-sets/"
ACME = Entry(tenant="acme", stack="stack", table="table")


class Clock:
    """A clock that stands still until it is set."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 23, tzinfo=UTC)

    def __call__(self) -> datetime:
        """The time now."""
        return self.now


@pytest.fixture
def ssm(emulator: Emulator) -> Any:
    """Of parameters of this test's."""
    return emulator.client("ssm", REGION)


def put(ssm: Any, name: str, value: str) -> None:
    """Write a parameter of the registry."""
    ssm.put_parameter(Name=f"{PATH}{name}", Value=value, Type="String", Overwrite=True)


def test_tenant_of_a_set(ssm: Any) -> None:
    """Is remembered for five minutes; a set that is nobody's is asked for again each time."""
    clock = Clock()
    registry = Registry(ssm=ssm, path=PATH, clock=clock)
    assert registry.of("first") is None
    put(ssm, "first", json.dumps(ACME.as_json()))
    assert registry.of("first") == ACME
    other = Entry(tenant="acme", stack="stack", table="another")
    put(ssm, "first", json.dumps(other.as_json()))
    clock.now += timedelta(minutes=4)
    assert registry.of("first") == ACME
    clock.now += timedelta(minutes=1)
    assert registry.of("first") == other


@pytest.mark.parametrize("value", ["x", "{}", "[]"])
def test_parameter_that_is_no_entry(ssm: Any, value: str) -> None:
    """Somebody must look at it: the event is tried again, and ends with the dead letters."""
    put(ssm, "broken", value)
    with pytest.raises(RetryableError, match="configuration set broken: its tenant cannot be read: ValueError"):
        Registry(ssm=ssm, path=PATH, clock=Clock()).of("broken")


def test_all_entries(ssm: Any) -> None:
    """Of every page, and of this path alone."""
    path = "/registry-test-all/configuration-sets/"
    names = [f"{path}set-{number:02}" for number in range(23)]
    for name in names:
        ssm.put_parameter(Name=name, Value=json.dumps(ACME.as_json()), Type="String")
    ssm.put_parameter(Name="/registry-test-all/configuration-setsx", Value="x", Type="String")
    assert sorted(name for name, _ in Registry(ssm=ssm, path=path, clock=Clock()).all()) == names
