"""Looks bring what is due, and read no more than that: runs, and what holds without a deployment."""

from __future__ import annotations

import itertools
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from constructs_lib.naming import tenant_stack_name
from email_stack.deploying.loop import Loop, Turns, into_tables
from email_stack.deploying.stacks import Stacks
from emulator import Emulator
from mailroom.errors import RetryableError
from mailroom.settings.claims import Claim, proven
from mailroom.settings.deployments import begun, done, failed, look_at, waiting
from mailroom.settings.designated import AddressChange, Addresses
from mailroom.settings.domains import Domains, Seen
from mailroom.settings.operating import Operating
from mailroom.settings.running import Running
from mailroom.settings.store import Actor, Change, SettingsStore
from mailroom.settings.table import make_table
from mailroom.store.run_time import RunTime, Signature, read_run_time
from mailroom.store.table import Table
from tests.emulators import shared_emulator
from tests.mailroom.settings.conftest import Clock
from tests.mailroom.settings.test_claims import NONE_HELD, START, claim_of

REGION = "eu-central-1"
SEEN = Seen(everywhere=True, nowhere=False, text="seen")
_NUMBERS = itertools.count(1)


@dataclass
class World:
    """A table of settings with its clock, and what was stepped and brought."""

    emulator: Emulator
    store: SettingsStore
    clock: Clock
    stepped: list[str] = field(default_factory=list)
    brought: list[tuple[str, RunTime]] = field(default_factory=list)
    fails: str = ""

    @property
    def operating(self) -> Operating:
        """The table, for operators."""
        return Operating(store=self.store)

    def proven(self, organization: str) -> Claim:
        """A domain of an organisation, proven just now."""
        actor, domain = Actor(organization=organization, user="u"), f"mail.{organization}.example"
        claim = Domains(store=self.store).add(actor, domain, f"{organization}.example")
        return Domains(store=self.store).checked(actor, claim, SEEN)

    def write(self, organization: str, after: Claim) -> None:
        """As a run writes what became of it."""
        actor = Actor(organization=organization, user="platform")
        self.store.change(actor, lambda _: Change(result=None, operation="run", after=[after]))

    def deployed(self, organization: str) -> Claim:
        """A domain that is deployed, and of which nothing more is wanted."""
        made = done(begun(self.proven(organization), self.clock()), 1, name_servers=(), records=(), now=self.clock())
        self.write(organization, made)
        return made

    def put(self, tenant: str, now: RunTime, _signatures: Sequence[Signature]) -> bool:
        """As the function that writes to tenants' tables."""
        if tenant.startswith(self.fails or "-"):
            raise RetryableError(f"tenant {tenant}: throttled")
        self.brought.append((tenant, now))
        return True

    def look(self) -> int:
        """As `Runs.look` finds its work, with nothing behind it."""
        found = [*self.operating.running(), *self.operating.waiting()]
        self.stepped += [one.organization for one in found]
        return len(found)

    def turns(self) -> Turns:
        """The collaborators of one process."""
        return Turns(runs=self, running=Running(store=self.store, put=self.put))  # type: ignore[arg-type]


@pytest.fixture
def world(request: pytest.FixtureRequest) -> World:
    """A table with nothing in it."""
    emulator, name, clock = shared_emulator(request), f"loop-{next(_NUMBERS)}", Clock()
    client = emulator.client("dynamodb", REGION)
    make_table(client, name)
    return World(emulator, SettingsStore(table=Table(client=client, name=name), clock=clock), clock)


@contextmanager
def calls(client: Any) -> Iterator[Counter[str]]:
    """Counts what a client asks AWS for."""
    found: Counter[str] = Counter()

    def count(model: Any, **_: Any) -> None:
        found[model.name] += 1

    client.meta.events.register("before-call.dynamodb", count)
    yield found
    client.meta.events.unregister("before-call.dynamodb", count)


PROVEN, _ = proven(claim_of("a"), NONE_HELD, START)
RUNNING = begun(PROVEN, START)
DEPLOYED = done(RUNNING, 1, name_servers=(), records=(), now=START)
FAILED = failed(RUNNING, 1, "why", START)
LEAVING = waiting(RUNNING, "is still delegated", START + timedelta(hours=2))


@pytest.mark.parametrize(
    ("claim", "at"),
    [
        (claim_of("a"), None),
        (PROVEN, PROVEN.updated_at),
        (RUNNING, START),
        (DEPLOYED, None),
        (replace(DEPLOYED, wanted=2), START),
        (FAILED, START + timedelta(minutes=1)),
        (replace(FAILED, tries=2), START + timedelta(minutes=10)),
        (replace(FAILED, tries=3), None),
        (LEAVING, START + timedelta(hours=2, minutes=12)),
    ],
)
def test_when_a_look_has_something_to_do(claim: Claim, at: object) -> None:
    """A claim without proof, and one that is as it is wanted, has nothing."""
    assert look_at(claim) == at


def test_what_waits_for_its_owner_is_asked_seldomer() -> None:
    """A tenth of the time that it has waited, at least five seconds, at most an hour."""
    waits = [waiting(RUNNING, "x", START + timedelta(hours=hours)) for hours in (0, 1, 500)]
    found = [
        (one.waits_until or START) - START - timedelta(hours=hours)
        for one, hours in zip(waits, (0, 1, 500), strict=True)
    ]
    assert found == [timedelta(seconds=5), timedelta(minutes=6), timedelta(hours=1)]


@pytest.mark.servers
def test_a_look_reads_what_is_due(world: World) -> None:
    """Three queries, and one item for each claim that is due, however many domains, addresses and notes there are."""
    for number in range(12):
        claim = world.deployed(f"idle{number}")
        actor = Actor(organization=claim.organization, user="u")
        Addresses(store=world.store).add(actor, f"info@{claim.domain}", AddressChange())
        world.write(claim.organization, replace(claim, wanted=2, deployed=2))
    world.turns().turn()
    world.stepped.clear()
    with calls(world.store.table.client) as idle:
        assert world.turns().turn() == 0
    assert idle == {"Query": 3}
    world.proven("busy")
    with calls(world.store.table.client) as busy:
        world.look()
    assert (busy, world.stepped) == ({"Query": 2, "GetItem": 1}, ["busy"])


@pytest.mark.servers
def test_a_daily_check_reads_what_is_due(world: World) -> None:
    """What was checked today is not read."""
    for number in range(4):
        world.deployed(f"org{number}")
    with calls(world.store.table.client) as none:
        assert list(world.operating.unchecked()) == []
    world.clock.forward(hours=21)
    world.proven("late")
    with calls(world.store.table.client) as some:
        found = [one.organization for one in world.operating.unchecked()]
    assert (none, sorted(found)) == ({"Query": 1}, [f"org{number}" for number in range(4)])
    assert some == {"Query": 1, "GetItem": 4}


@pytest.mark.servers
def test_what_holds_is_brought_once_for_each_change(world: World) -> None:
    """Also by the next process, which remembers nothing; and not while nothing has changed."""
    world.deployed("acme")
    for _ in range(2):
        world.turns().turn()
    assert [tenant for tenant, _ in world.brought] == [Domains(store=world.store).all("acme")[0].tenant]
    Addresses(store=world.store).add(
        Actor(organization="acme", user="u"), "info@mail.acme.example", AddressChange(name="Info")
    )
    for _ in range(2):
        world.turns().turn()
    assert [sorted(now.addresses) for _, now in world.brought] == [[], ["info@mail.acme.example"]]


@pytest.mark.servers
def test_confinement_is_brought(world: World) -> None:
    """It is the platform's word, and no change of the organisation's; of one without settings nothing is brought."""
    world.deployed("acme")
    world.turns().turn()
    world.store.confine("acme", True)
    world.store.confine("nobody", True)
    world.turns().turn()
    assert [now.allowed for _, now in world.brought] == [None, frozenset()]
    assert list(world.operating.changed()) == []


@pytest.mark.servers
def test_one_that_fails_stops_no_other(world: World) -> None:
    """It is said, and the next look brings it."""
    world.deployed("acme")
    world.deployed("globex")
    world.fails = "acme"
    with pytest.raises(RetryableError, match="throttled"):
        world.turns().turn()
    assert [tenant.partition("-")[0] for tenant, _ in world.brought] == ["globex"]
    world.fails = ""
    world.turns().turn()
    assert [tenant.partition("-")[0] for tenant, _ in world.brought] == ["globex", "acme"]


@pytest.mark.servers
def test_a_change_meanwhile_is_brought_again(world: World) -> None:
    """What is noted as brought is the revision that was read, and no later one."""
    world.deployed("acme")
    revision = world.store.state("acme").revision
    world.store.brought("acme", revision - 1)
    assert list(world.operating.changed()) == ["acme"]
    world.store.brought("acme", revision)
    assert list(world.operating.changed()) == []


@pytest.mark.servers
def test_tables_are_found_by_outputs(world: World) -> None:
    """Of a tenant that is not there yet, nothing is written."""
    claim = world.deployed("acme")
    cloudformation, dynamodb = (world.emulator.client(name, REGION) for name in ("cloudformation", "dynamodb"))
    put = into_tables(
        Stacks(cloudformation=cloudformation), lambda name: Table(client=dynamodb, name=name), world.clock
    )
    running = Running(store=world.store, put=put)
    assert running.bring("acme") == 0
    table = f"tenant-{next(_NUMBERS)}"
    make_table(dynamodb, table)
    template = {"Resources": {"T": {"Type": "AWS::SNS::Topic"}}, "Outputs": {"MessagesTableName": {"Value": table}}}
    cloudformation.create_stack(StackName=tenant_stack_name(claim.tenant), TemplateBody=json.dumps(template))
    until(lambda: running.bring("acme") == 1)
    found = read_run_time(Table(client=dynamodb, name=table))
    assert found is not None
    assert (found.live, found.revision) == (True, world.store.state("acme").revision)


@pytest.mark.servers
def test_the_loop_goes_on_after_a_failure(world: World) -> None:
    """And ends with its block."""
    world.deployed("acme")
    world.fails = "acme"
    with Loop(world.turns()):
        time.sleep(1.2)
        world.fails = ""
        until(lambda: world.brought)
    world.deployed("globex")
    time.sleep(1)
    assert [tenant.partition("-")[0] for tenant, _ in world.brought] == ["acme"]


def until(there: Callable[[], object]) -> None:
    """Wait for it, ten seconds at most."""
    deadline = time.monotonic() + 10
    while not there():
        assert time.monotonic() < deadline
        time.sleep(0.1)
