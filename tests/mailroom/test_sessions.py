"""Sessions of a role, one for each tenant, kept as long as they last."""

from __future__ import annotations

import json
import tracemalloc
from datetime import UTC, datetime, timedelta
from typing import Any

import botocore.session
import pytest
from botocore.loaders import create_loader

from emulator import Emulator
from mailroom import sessions
from mailroom.errors import RetryableError
from mailroom.sessions import Sessions
from tests.emulators import shared_emulator

REGION = "eu-central-1"


@pytest.fixture
def emulator(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Emulator:
    """The worker's, which clients of a session find as well."""
    found = shared_emulator(request)
    for name, value in found.environment(REGION).items():
        monkeypatch.setenv(name, value)
    return found


@pytest.fixture
def role(emulator: Emulator) -> str:
    """ARN of a role that anybody may take."""
    iam = emulator.client("iam", REGION)
    trust = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": ["sts:AssumeRole", "sts:TagSession"]}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    try:
        return str(iam.create_role(RoleName="sessions", AssumeRolePolicyDocument=document)["Role"]["Arn"])
    except iam.exceptions.EntityAlreadyExistsException:
        return str(iam.get_role(RoleName="sessions")["Role"]["Arn"])


class Counting:
    """An STS that notes which sessions it was asked for."""

    def __init__(self, sts: Any) -> None:
        self.sts, self.asked = sts, []

    asked: list[list[dict[str, str]]]

    def assume_role(self, **request: Any) -> Any:
        """Note it, and hand it on."""
        self.asked.append(request["Tags"])
        return self.sts.assume_role(**request)


def test_each_tenant_has_a_session(emulator: Emulator, role: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With its one tag; the same one again until it ends soon, and no more than a few at once."""
    sts, now = Counting(emulator.client("sts", REGION)), [datetime.now(UTC)]
    taken = Sessions(sts=sts, role_arn=role, tag="configuration-set", clock=lambda: now[0])  # type: ignore[arg-type]
    first = taken.dynamodb("first")
    assert taken.dynamodb("first") is first
    assert taken.dynamodb("second") is not first
    assert sts.asked == [[{"Key": "configuration-set", "Value": value}] for value in ("first", "second")]
    assert first.list_tables()["TableNames"] is not None
    now[0] += timedelta(minutes=51)
    assert taken.dynamodb("first") is not first
    monkeypatch.setattr(sessions, "_MOST", 4)
    for number in range(4):
        taken.dynamodb(f"set-{number}")
    assert len(taken.kept) == 4
    assert "first" not in taken.kept


def test_sessions_of_many_tenants_fit_into_a_function(
    emulator: Emulator, role: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """botocore's descriptions of DynamoDB, some megabytes, are there once: functions have 256 MB in all."""
    # Tests share what each session reads in a function.
    monkeypatch.setattr(botocore.session, "create_loader", create_loader)
    taken = Sessions(sts=emulator.client("sts", REGION), role_arn=role, tag="stack", clock=lambda: datetime.now(UTC))
    taken.dynamodb("first")
    tracemalloc.start()
    for number in range(4):
        taken.dynamodb(f"set-{number}")
    grown, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert grown / 4 * sessions._MOST < 64 * 2**20


def test_role_that_cannot_be_taken(emulator: Emulator) -> None:
    """Is tried again: its rights may be seconds old."""
    sts = emulator.client("sts", REGION)
    taken = Sessions(sts=sts, role_arn="arn:aws:iam::1:role/none", tag="stack", clock=lambda: datetime.now(UTC))
    with pytest.raises(RetryableError, match="role of stack x: cannot be taken"):
        taken.dynamodb("x")
