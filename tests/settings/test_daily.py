"""Every domain is looked at each day: what is gone for three days is suspended, and what comes back is live again."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field, replace

import pytest

from email_stack.settings.daily import Checked, DailyCheck
from email_stack.settings.ownership import Proof
from email_stack.settings.service import Service
from mailroom.errors import RetryableError
from mailroom.events import DomainChanged
from mailroom.settings.claims import Status
from mailroom.settings.domains import Domains, Seen
from mailroom.settings.store import Actor, Change, SettingsStore
from mailroom.settings.table import make_table
from mailroom.store.table import Table
from tests.emulators import shared_emulator
from tests.mailroom.settings.conftest import Clock

pytestmark = pytest.mark.servers

_NUMBERS = itertools.count(1)
ANNA = Actor(organization="acme", user="anna")
HAS = Proof(seen=Seen(everywhere=True, nowhere=False, text="seen"))
HAS_NOT = Proof(seen=Seen(everywhere=False, nowhere=True, text="nowhere"))
UNKNOWN = Proof(seen=Seen(everywhere=False, nowhere=False, text="no answer"))


@dataclass
class World:
    """A table, a clock, and what DNS says of each domain."""

    store: SettingsStore
    clock: Clock
    dns: dict[str, Proof] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    told: list[tuple[str, str]] = field(default_factory=list)
    fails: str = ""

    def look(self, domain: str, _token: str) -> Proof:
        """As the check of a token."""
        self.asked.append(domain)
        if domain == self.fails:
            raise RetryableError("DNS")
        return self.dns.get(domain, UNKNOWN)

    def tell(self, event: DomainChanged) -> None:
        """Remember it."""
        self.told.append((event.organization, event.change))

    def run(self, seconds: float = 1000) -> Checked:
        """The check of one day."""
        return DailyCheck(service=Service(store=self.store, look=self.look, tell=self.tell)).run(lambda: seconds)

    def status(self, domain: str) -> Status:
        """Of a domain."""
        return Domains(store=self.store).one("acme", domain).status


@pytest.fixture
def world(request: pytest.FixtureRequest) -> World:
    """Three domains that are claimed."""
    client, name, clock = (
        shared_emulator(request).client("dynamodb", "eu-central-1"),
        f"daily-{next(_NUMBERS)}",
        Clock(),
    )
    make_table(client, name)
    store = SettingsStore(table=Table(client=client, name=name), clock=clock)
    for label in "abc":
        Domains(store=store).add(ANNA, f"{label}.acme.example", "acme.example")
    return World(store, clock)


def test_claims_prove_themselves(world: World) -> None:
    """Without anybody who asks; what could not be seen stays as it is."""
    world.dns = {"a.acme.example": HAS, "b.acme.example": HAS_NOT}
    assert world.run() == Checked(done=3)
    assert [world.status(f"{one}.acme.example").value for one in "abc"] == ["proven", "claimed", "claimed"]
    assert world.told == [("acme", "proven")]


def test_three_days_without_proof_suspend(world: World) -> None:
    """Only where servers say that it is gone; the first day that it is back, the domain is live again."""
    world.dns = {"a.acme.example": HAS, "b.acme.example": HAS}
    world.run()
    world.dns = {"a.acme.example": HAS_NOT, "b.acme.example": UNKNOWN}
    for _ in range(4):
        world.clock.forward(hours=24)
        world.run()
    assert (world.status("a.acme.example"), world.status("b.acme.example")) == (Status.SUSPENDED, Status.PROVEN)
    assert world.told[2:] == [("acme", "suspended")]
    world.dns["a.acme.example"] = HAS
    world.clock.forward(hours=24)
    world.run()
    assert world.status("a.acme.example") is Status.PROVEN
    assert world.told[3:] == [("acme", "proven")]


def test_each_once_a_day(world: World) -> None:
    """Those that wait longest first, as far as time reaches; one that fails stops no other."""
    world.fails = "b.acme.example"
    assert world.run() == Checked(done=3, failed=1)
    assert world.run() == Checked(done=1, failed=1)
    world.clock.forward(hours=21)
    world.asked.clear()
    assert world.run(seconds=10) == Checked(left=3)
    assert world.run() == Checked(done=3, failed=1)
    assert world.asked[0] == "b.acme.example"


def test_what_leaves_is_not_looked_at(world: World) -> None:
    """Its token may be gone as it should."""
    world.dns = {"a.acme.example": HAS}
    world.run()
    domains = Domains(store=world.store)
    claim = replace(domains.one("acme", "a.acme.example"), deployed=1)
    world.store.change(ANNA, lambda _: Change(result=None, operation="deployed", after=[claim]))
    domains.delete(ANNA, "a.acme.example")
    world.clock.forward(hours=24)
    world.asked.clear()
    world.run()
    assert "a.acme.example" not in world.asked
