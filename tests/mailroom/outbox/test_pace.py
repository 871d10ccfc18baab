"""Tenants send more than SES takes of their account: all is sent once or refused, and none keeps another from sending."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest

from mailroom.outbox import OutboxState
from tests.mailroom.outbox.account import DAY, START, World

TENANTS = [f"tenant{number}" for number in range(10)]
HOUR = 3600


def check_all_ended(world: World) -> Counter[OutboxState]:
    """Every message is sent once, or refused and not sent; in doubt is only what a worker died at while it asked SES."""
    progress = world.progress()
    times = Counter(subject for _, _, subject in world.ses.sent)
    for subject, found in progress.items():
        match found.state:
            case OutboxState.SENT:
                assert (times[subject], found.reason) == (1, "")
            case OutboxState.REFUSED:
                assert (times[subject], found.reason) == (0, "quota")
            case OutboxState.IN_DOUBT:
                assert times[subject] <= 1
            case other:
                raise AssertionError(f"{subject} is {other}, and no queue holds anything")
    states = Counter(found.state for found in progress.values())
    assert states[OutboxState.IN_DOUBT] <= world.killed["send_email"] + world.killed["update_item"]
    # Whatever is among the dead letters has an end.
    assert len(world.dead) <= world.killed.total() // 100
    return states


@pytest.mark.slow
@pytest.mark.thorough
@pytest.mark.parametrize(("seed", "visibility"), [(1, 180.0), (2, 720.0)])
def test_thousand_messages_at_one_a_second_and_200_a_day(seed: int, visibility: float) -> None:
    """Of ten tenants, by workers that are killed at any point: shares and waits differ by a small factor, and none is lost."""
    world = World(per_second=1, per_day=200, seed=seed, dies=0.003, visibility=visibility)
    for tenant in TENANTS:
        for number in range(100):
            world.ask(tenant, number, deadline=timedelta(hours=1) if number >= 40 else None)
    world.run()
    states = check_all_ended(world)
    assert world.killed.total() > 1000
    assert states.total() == 1000
    # Nearly two days' quotas in 30 hours, and never more than SES takes in any 24 hours.
    assert states[OutboxState.SENT] >= 330
    assert states[OutboxState.IN_DOUBT] <= 30
    at = [time for time, _, _ in world.ses.sent]
    assert all(later - before >= DAY for before, later in zip(at, at[200:], strict=False))
    first_day = Counter(tenant for time, tenant, _ in world.ses.sent if time < START.timestamp() + DAY / 2)
    assert sum(first_day.values()) >= 160
    # An even share of what is sent at once is 200 / 11.
    assert min(first_day[tenant] for tenant in TENANTS) >= 9
    assert max(first_day.values()) <= 4 * min(first_day[tenant] for tenant in TENANTS)
    # Nobody waits for its ninth message much longer than ten tenants at one a second make it.
    assert max(world.waits(tenant)[8] for tenant in TENANTS) <= HOUR


@pytest.mark.slow
def test_burst_of_one_leaves_some_of_the_day_to_others() -> None:
    """One tenant asks for more than four days' quotas; what nine others ask for an hour later is sent within minutes."""
    world = World(per_second=1, per_day=200)
    for number in range(910):
        world.ask("burst", number, deadline=timedelta(hours=2))
    others = TENANTS[:9]
    for tenant in others:
        for number in range(10):
            world.ask(tenant, number, at=HOUR)
    world.run()
    check_all_ended(world)
    assert 90 <= len(world.waits("burst")) <= 110
    for tenant in others:
        waits = world.waits(tenant)
        assert len(waits) == 10
        assert max(waits) <= HOUR / 4


@pytest.mark.slow
def test_burst_of_one_leaves_some_of_the_rate_to_others() -> None:
    """At 14 a second, one tenant's 1,500 and nine others' 100 messages: who has a few more to send waits for seconds."""
    world = World(per_second=14, per_day=50_000)
    for number in range(1500):
        world.ask("burst", number)
    for tenant in TENANTS[:9]:
        for number in range(100):
            world.ask(tenant, number)
    for number in range(5):
        world.ask("few", number, at=20 + number)
    world.run()
    assert check_all_ended(world)[OutboxState.SENT] == 2405
    assert world.dead == []
    assert max(world.waits("few")) <= 60
    tenths = [world.waits(tenant)[9] for tenant in TENANTS[:9]]
    assert max(tenths) <= 60
    # 2,405 messages take 172 seconds at least.
    assert max(max(world.waits(tenant)) for tenant in world.tenants) <= 1200


def test_one_tenant_alone_is_as_fast_as_the_account() -> None:
    """A hundred messages in a sandbox's account: no dead letters, and the rate is used."""
    world = World(per_second=1, per_day=50_000)
    for number in range(100):
        world.ask("alone", number)
    world.run()
    assert check_all_ended(world)[OutboxState.SENT] == 100
    assert sorted(world.waits("alone"))[60] <= 300
    assert max(world.waits("alone")) <= 1200
