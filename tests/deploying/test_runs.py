"""Runs end where they should, whatever is killed on the way: on CloudFormation of the emulator, with small templates."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass, field, replace
from typing import Any

import jsonschema
import pytest

from constructs_lib.naming import tenant_stack_name
from email_stack.config.snapshots import Snapshot
from email_stack.deploying.judge import Judge
from email_stack.deploying.runs import Made, Runs
from email_stack.deploying.shelf import Shelf
from email_stack.deploying.stacks import Stacks
from email_stack.deploying.synthesis import SynthesisError
from emulator import Emulator
from mailroom.events import DomainChanged
from mailroom.events.form import schema_of
from mailroom.settings.claims import Claim, Ownership, Status
from mailroom.settings.designated import AddressChange, Addresses
from mailroom.settings.domains import Domains, Seen
from mailroom.settings.operating import Operating
from mailroom.settings.refusals import RefusedError
from mailroom.settings.store import Actor, Change, SettingsStore
from mailroom.settings.table import make_table
from mailroom.store.table import Table
from tests.emulators import shared_emulator
from tests.mailroom.settings.conftest import Clock

pytestmark = pytest.mark.servers

REGION = "eu-central-1"
SEEN = Seen(everywhere=True, nowhere=False, text="seen")
_NUMBERS = itertools.count(1)


class KilledError(BaseException):
    """The process ended here."""


class Lenient(Judge):
    """Templates of this file are none of a tenant's; what one says is wrong with it, is."""

    def faults(self, template: Any, snapshot: Snapshot) -> list[str]:
        """Those that it was told."""
        return [*template.get("Faults", [])]


@dataclass
class Mortal:
    """Calls of something else, of which one is the last of the process: just before it, or just after."""

    inner: Any
    world: World

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.inner, name)
        if not callable(method):
            return method

        def call(*arguments: Any, **named: Any) -> Any:
            self.world.tick()
            answer = method(*arguments, **named)
            self.world.tick()
            return answer

        return call


@dataclass
class World:
    """One organisation with one domain, and what works on it."""

    emulator: Emulator
    store: SettingsStore
    clock: Clock
    bucket: str
    organization: str
    events: list[DomainChanged] = field(default_factory=list)
    synthesized: list[int] = field(default_factory=list)
    led: str = ""
    deleted_zones: list[str] = field(default_factory=list)
    broken: str = ""
    ends_after: int = -1

    @property
    def domain(self) -> str:
        """Its domain."""
        return f"mail.{self.organization}.example"

    @property
    def actor(self) -> Actor:
        """Its user."""
        return Actor(organization=self.organization, user="anna")

    @property
    def domains(self) -> Domains:
        """Domains of the table."""
        return Domains(store=self.store)

    def tick(self) -> None:
        """One call more, or the end of the process."""
        if self.ends_after == 0:
            self.ends_after = -1
            raise KilledError
        self.ends_after -= 1

    def claim(self) -> Claim:
        """As it is now."""
        return self.domains.one(self.organization, self.domain)

    def synthesize(self, snapshot: Snapshot) -> bytes:
        """A stack of one topic, or of what CloudFormation cannot make."""
        self.synthesized.append(snapshot.revision)
        if self.broken == "synthesis":
            raise SynthesisError("synthesis: tenants.yaml: is not valid")
        resources: dict[str, Any] = {
            "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": f"r{snapshot.revision}"}}
        }
        if self.broken == "deployment":
            rule = {"RuleSetName": "no-such-rule-set", "Rule": {"Name": "x", "Enabled": True}}
            resources["Wrong"] = {"Type": "AWS::SES::ReceiptRule", "Properties": rule}
        made: dict[str, Any] = {
            "Resources": resources,
            "Outputs": {"SettingsRevision": {"Value": str(snapshot.revision)}, "HostedZoneId": {"Value": "Z1"}},
        }
        if self.broken == "judge":
            made["Faults"] = ["X: must not be there"]
        return json.dumps(made).encode()

    def led_to(self, _claim: Claim) -> str:
        """Whether anybody is led to the zone."""
        return self.led

    def delete(self, zone: str) -> None:
        """As Route 53 does."""
        self.deleted_zones.append(zone)

    def runs(self) -> Runs:
        """A process that works on it."""
        cloudformation, s3 = (self.emulator.client(name, REGION) for name in ("cloudformation", "s3"))
        return Runs(
            operating=Operating(store=self.store),
            shelf=Mortal(Shelf(s3=s3, bucket=self.bucket), self),  # type: ignore[arg-type]
            stacks=Mortal(Stacks(cloudformation=cloudformation), self),  # type: ignore[arg-type]
            synthesize=self.synthesize,
            judge=Lenient(cell="eu"),
            release="1-0-0",
            tags=lambda snapshot: {"tenant": snapshot.tenant},
            made=lambda _, outputs: Made(zone=outputs["HostedZoneId"], records=("r",)),
            zones=self,
            tell=self.events.append,
        )

    def until_idle(self, looks: int = 40) -> int:
        """Look until nothing is under way, each time as a new process; how many looks that took."""
        for number in range(1, looks):
            try:
                left = self.runs().look()
            except KilledError:
                continue
            if not left:
                return number
        raise AssertionError("is under way for ever")

    def stack(self) -> dict[str, Any] | None:
        """CloudFormation's description of the stack."""
        client = self.emulator.client("cloudformation", REGION)
        try:
            found: Any = client.describe_stacks(StackName=tenant_stack_name(self.claim().tenant))["Stacks"][0]
        except client.exceptions.ClientError:
            return None
        return dict(found)


@pytest.fixture
def world(request: pytest.FixtureRequest) -> World:
    """A domain that was just proven."""
    emulator, number, clock = shared_emulator(request), next(_NUMBERS), Clock()
    table, bucket = f"runs-{number}", f"runs-{number}"
    make_table(emulator.client("dynamodb", REGION), table)
    emulator.client("s3", REGION).create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    store = SettingsStore(table=Table(client=emulator.client("dynamodb", REGION), name=table), clock=clock)
    made = World(emulator, store, clock, bucket, f"runs{number}")
    claim = made.domains.add(made.actor, made.domain, f"{made.organization}.example")
    made.domains.checked(made.actor, claim, SEEN)
    return made


def test_what_is_proven_is_deployed(world: World) -> None:
    """And told, once; another look does nothing more."""
    assert world.until_idle()
    claim = world.claim()
    assert (claim.deployed, claim.wanted, claim.running, claim.failure) == (1, 1, 0, "")
    assert (claim.zone, claim.records, claim.status) == ("Z1", ("r",), Status.AWAITING_DNS)
    assert [(one.change, one.revision) for one in world.events] == [("deployed", 1)]
    jsonschema.validate(world.events[0].detail, schema_of(DomainChanged), format_checker=jsonschema.FormatChecker())
    assert (world.stack() or {})["Tags"] == [{"Key": "tenant", "Value": claim.tenant}]
    assert (world.until_idle(), world.synthesized) == (1, [1])


def test_a_claim_is_not_deployed(world: World) -> None:
    """Nor is anything made for it."""
    other = Actor(organization=f"{world.organization}-b", user="b")
    claim = world.domains.add(other, f"other.{world.organization}.example", f"{world.organization}.example")
    world.until_idle()
    names = {one["StackName"] for one in world.emulator.client("cloudformation", REGION).describe_stacks()["Stacks"]}
    assert tenant_stack_name(claim.tenant) not in names


def test_fifty_edits_become_two_runs(world: World) -> None:
    """What comes while a run is under way goes with the next; each edit while nothing ran is one run together."""
    addresses = Addresses(store=world.store)
    runs = world.runs()
    runs.look()
    for number in range(50):
        addresses.add(world.actor, f"a{number}@{world.domain}", AddressChange())
    world.until_idle()
    claim = world.claim()
    assert (claim.deployed, claim.wanted) == (51, 51)
    assert world.synthesized == [1, 51]


@pytest.mark.parametrize("after", range(0, 36, 2))
def test_killed_anywhere_it_goes_on(world: World, after: int) -> None:
    """Before and after each call: what is wanted is deployed once, from one template."""
    world.ends_after = after
    world.until_idle()
    claim = world.claim()
    assert (claim.deployed, claim.wanted, claim.running, claim.failure) == (1, 1, 0, "")
    assert {one.change for one in world.events} == {"deployed"}


@pytest.mark.parametrize(
    ("broken", "why"),
    [("synthesis", "synthesis: tenants.yaml"), ("judge", "refused: X: must not be there"), ("deployment", "Wrong")],
)
def test_what_fails_says_why_and_what_stood_stands(world: World, broken: str, why: str) -> None:
    """Of a first deployment nothing is left, and of a later one the last good revision; a further edit mends it."""
    world.broken = broken
    world.until_idle()
    assert (world.claim().status, world.claim().deployed) == (Status.FAILED, 0)
    assert why in world.claim().failure
    assert [one.change for one in world.events] == ["failed"]
    world.broken = ""
    Addresses(store=world.store).add(world.actor, f"a@{world.domain}", AddressChange())
    world.until_idle()
    assert (world.claim().status, world.claim().deployed) == (Status.AWAITING_DNS, 2)
    world.broken = broken
    Addresses(store=world.store).add(world.actor, f"b@{world.domain}", AddressChange())
    world.until_idle()
    claim = world.claim()
    assert (claim.status, claim.deployed, claim.wanted) == (Status.FAILED, 2, 3)
    assert why in claim.failure
    outputs = {one["OutputKey"]: one["OutputValue"] for one in (world.stack() or {})["Outputs"]}
    assert outputs["SettingsRevision"] == "2"


def test_a_failure_is_tried_again_later_and_not_for_ever(world: World) -> None:
    """Three times in all."""
    world.broken = "judge"
    for _ in range(8):
        world.until_idle()
        world.clock.forward(minutes=15)
    assert (len(world.events), world.claim().tries) == (3, 3)


def test_a_deleted_domain_goes_when_nothing_leads_to_it(world: World) -> None:
    """Then its stack, its zone, its addresses, and its name rests. Until then it stays its owner's."""
    Addresses(store=world.store).add(world.actor, f"a@{world.domain}", AddressChange())
    world.until_idle()
    world.led = "is still delegated to its zone"
    world.domains.delete(world.actor, world.domain)
    world.until_idle()
    claim = world.claim()
    assert (claim.ownership, claim.seen) == (Ownership.LEAVING, f"{world.domain} is still delegated to its zone")
    assert world.stack() is not None
    world.led = ""
    world.until_idle()
    assert world.stack() is not None
    world.clock.forward(seconds=10)
    world.until_idle()
    assert world.deleted_zones == ["Z1"]
    assert [one.change for one in world.events] == ["deployed", "removed"]
    with pytest.raises(RefusedError, match="not found"):
        world.claim()
    assert Addresses(store=world.store).all(world.organization) == []
    stranger = Actor(organization="stranger", user="s")
    with pytest.raises(RefusedError, match="is held, or rests"):
        world.domains.add(stranger, world.domain, f"{world.organization}.example")


@pytest.mark.parametrize("after", range(0, 14, 2))
def test_killed_while_it_is_removed_it_goes_on(world: World, after: int) -> None:
    """Nothing is left, whatever was interrupted."""
    world.until_idle()
    tenant = world.claim().tenant
    world.domains.delete(world.actor, world.domain)
    world.ends_after = after
    world.until_idle()
    with pytest.raises(RefusedError, match="not found"):
        world.claim()
    names = {
        one["StackName"]
        for one in world.emulator.client("cloudformation", REGION).describe_stacks()["Stacks"]
        if one["StackStatus"] != "DELETE_COMPLETE"
    }
    assert tenant_stack_name(tenant) not in names


def test_deleted_while_it_is_deployed(world: World) -> None:
    """The run ends first; then all of it goes."""
    world.runs().look()
    world.domains.delete(world.actor, world.domain)
    assert world.claim().ownership is Ownership.LEAVING
    world.until_idle()
    assert world.synthesized == [1]
    assert [one.change for one in world.events] == ["deployed", "removed"]


def test_a_stack_of_another_hand_at_the_same_revision_is_done(world: World) -> None:
    """`deploy` of the same snapshot was first: there is nothing to do but to know it."""
    world.until_idle()
    claim = replace(world.claim(), deployed=0)
    world.store.change(world.actor, lambda _: Change(result=None, operation="forgotten", after=[claim]))
    world.until_idle()
    assert (world.claim().deployed, world.synthesized) == (1, [1])
