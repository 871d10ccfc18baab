"""Limits of an SES account per second and per day, and its answers about them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from emulator import Emulator

from .conftest import REGION, Stacks
from .outgoing import message, send, sender


def quota(client: Any) -> dict[str, float]:
    """As GetAccount tells it."""
    found: dict[str, float] = client.get_account()["SendQuota"]
    return found


def refusal(client: Any, raw: bytes) -> tuple[str, str, int]:
    """Code, text and status of SES's answer."""
    with pytest.raises(ClientError) as caught:
        send(client, raw)
    error = caught.value.response
    return error["Error"]["Code"], error["Error"]["Message"], error["ResponseMetadata"]["HTTPStatusCode"]


@pytest.fixture
def limited(emulator: Emulator) -> Iterator[Emulator]:
    """An emulator whose limits are as before when the test is over."""
    yield emulator
    emulator.limit_sending(REGION)


def test_nobody_meets_the_limits_unless_told(stacks: Stacks) -> None:
    """GetAccount tells them, and how many recipients there were."""
    domain, _, _ = sender(stacks)
    ses = stacks.client("sesv2")
    before = quota(ses)
    assert (before["MaxSendRate"], before["Max24HourSend"]) == (10_000, 10_000_000)
    send(ses, message(f"support@{domain}", to="anna@example.net, bert@example.net"))
    assert quota(ses)["SentLast24Hours"] == before["SentLast24Hours"] + 2


def test_day_is_used_up(stacks: Stacks, limited: Emulator) -> None:
    """One more recipient is refused, and not counted; with a higher quota it is sent."""
    domain, _, _ = sender(stacks)
    ses = stacks.client("sesv2")
    raw = message(f"support@{domain}")
    sent = quota(ses)["SentLast24Hours"]
    limited.limit_sending(REGION, per_day=sent + 1)
    send(ses, raw)
    for _ in range(2):
        assert refusal(ses, raw) == ("LimitExceededException", "Daily message quota exceeded.", 400)
    assert quota(ses) == {"MaxSendRate": 10_000, "Max24HourSend": sent + 1, "SentLast24Hours": sent + 1}
    limited.limit_sending(REGION, per_day=sent + 2)
    assert send(ses, raw)


def test_second_is_used_up(stacks: Stacks, limited: Emulator) -> None:
    """At one a second the second message at once is refused, and taken a second later; one to three takes three seconds."""
    domain, _, _ = sender(stacks)
    ses = stacks.client("sesv2")
    raw = message(f"support@{domain}")
    limited.limit_sending(REGION, per_second=1)
    send(ses, raw)
    assert refusal(ses, raw) == ("TooManyRequestsException", "Maximum sending rate exceeded.", 429)
    time.sleep(1.1)
    send(ses, message(f"support@{domain}", to="anna@example.net, bert@example.net, carl@example.net"))
    time.sleep(1.1)
    assert refusal(ses, raw)[0] == "TooManyRequestsException"
    time.sleep(2.1)
    assert send(ses, raw)
