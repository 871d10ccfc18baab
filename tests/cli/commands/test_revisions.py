"""Revisions of customers' settings: pulled, deployed and wanted, as status, diff and the commands of settings find them."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from constructs_lib.naming import tenant_stack_name
from email_stack.cli.commands import diff
from email_stack.cli.main import app
from email_stack.cli.output import CommandError, console
from email_stack.cli.status_view import print_snapshot
from email_stack.config import Config, load
from email_stack.operations.revisions import Revisions, read_revisions, settings_table
from email_stack.status.collect import collect
from email_stack.status.judge import settings
from email_stack.status.model import Check, Part, Snapshot, State
from emulator import Emulator
from mailroom.settings.deployments import begun, done, failed
from mailroom.settings.designated import AddressChange, Addresses
from mailroom.settings.domains import Domains, Seen
from mailroom.settings.operating import Operating
from mailroom.settings.refusals import RefusedError
from mailroom.settings.store import Actor, Change, SettingsStore
from mailroom.settings.table import make_table
from mailroom.store.run_time import RunTime, put_run_time, read_run_time
from mailroom.store.table import Table
from tests.emulators import shared_emulator
from tests.status.samples import NOW, cell, tenant

REGION = "eu-west-1"
SEEN = Seen(everywhere=True, nowhere=False, text="seen")
CONFIG = """\
cells:
  eu: {region: eu-west-1, quotas: {concurrent_executions: 13}, control: {issuer: 'https://login.acme.example', audience: mail}}
tenants:
  - {id: %s, settings: api}
"""
_NUMBERS = itertools.count(1)


@pytest.mark.parametrize(
    ("revisions", "state", "said", "reason"),
    [
        (Revisions(pulled=7, deployed=7, wanted=7), State.OK, "7", ""),
        (Revisions(pulled=7, deployed=7), State.OK, "7", ""),
        (Revisions(pulled=7, deployed=7, wanted=9), State.PENDING, "7 of 9", "7 deployed, 9 wanted: the settings API"),
        (Revisions(pulled=5, deployed=7, wanted=7), State.PENDING, "pulled 5", "run `email-stack settings pull acme`"),
        (Revisions(pulled=7, deployed=0), State.PENDING, "0 of 7", "run `email-stack deploy acme --yes`"),
        (
            Revisions(pulled=7, deployed=7, wanted=8, failed=True),
            State.WRONG,
            "failed",
            "8 wanted, failed: `email-stack",
        ),
        (Revisions(pulled=7, deployed=7, wanted=8, gone=True), State.PENDING, "given up", "remove it from the config"),
    ],
)
def test_what_status_says(revisions: Revisions, state: State, said: str, reason: str) -> None:
    """Of each way in which the three differ, with what is to be done."""
    found = settings("acme", revisions)
    assert (found.state, found.said) == (state, said)
    assert reason in found.reason


def test_a_column_for_those_that_have_it(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Of tenants that the config owns alone, there is none."""
    monkeypatch.setattr(console, "width", 300)
    told = {Part.SETTINGS: Check(state=State.PENDING, said="7 of 9", reason="wait")}
    for tenants, there in (((tenant("acme"),), False), ((tenant("acme", told), tenant("globex")), True)):
        print_snapshot(Snapshot(at=NOW, cells=(cell("eu"),), tenants=tenants), console)
        printed = capsys.readouterr().out
        assert ("settings" in printed, "7 of 9, pending" in printed) == (there, there)


@dataclass
class World:
    """A config of one tenant of the API's, its table, and what is deployed."""

    emulator: Emulator
    store: SettingsStore
    config: Path
    organization: str
    tenant: str

    @property
    def loaded(self) -> Config:
        """The config, with the snapshot that was pulled."""
        return load(self.config)

    def run(self, *arguments: str) -> str:
        """A command of settings, with no table said."""
        done = CliRunner().invoke(app, ["settings", *arguments, "--config", str(self.config)], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.output

    def stack(self, name: str, outputs: dict[str, str]) -> None:
        """A stack of one topic."""
        made = {
            "Resources": {"T": {"Type": "AWS::SNS::Topic"}},
            "Outputs": {key: {"Value": value} for key, value in outputs.items()},
        }
        client = self.emulator.client("cloudformation", REGION)
        client.create_stack(StackName=name, TemplateBody=json.dumps(made))
        client.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 20})

    def revisions(self) -> Revisions:
        """Of the one tenant."""
        loaded = self.loaded
        return read_revisions(loaded, loaded.snapshots[self.tenant], settings_table(loaded.cells))


@pytest.fixture
def world(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> World:
    """A proven domain, of which nothing is pulled yet."""
    emulator, number = shared_emulator(request), next(_NUMBERS)
    for name, value in emulator.environment(REGION).items():
        monkeypatch.setenv(name, value)
    client, table, organization = emulator.client("dynamodb", REGION), f"revisions-{number}", f"revisions{number}"
    make_table(client, table)
    store = SettingsStore(table=Table(client=client, name=table))
    actor, domain = Actor(organization=organization, user="u"), f"mail.{organization}.example"
    claim = Domains(store=store).add(actor, domain, f"{organization}.example")
    Domains(store=store).checked(actor, claim, SEEN)
    config = tmp_path / "tenants.yaml"
    config.write_text((CONFIG % claim.tenant).replace("eu:", f"e{number}:"))
    made = World(emulator, store, config, organization, claim.tenant)
    made.stack(f"Control-e{number}", {"SettingsTableName": table})
    return made


@pytest.mark.servers
def test_the_table_is_found_by_the_config(world: World) -> None:
    """Also for the first pull, when the config cannot be loaded for want of it; then all three revisions are known."""
    world.run("pull", world.tenant)
    assert world.tenant in world.run("show")
    assert world.revisions() == Revisions(pulled=1, deployed=0, wanted=1)
    world.stack(tenant_stack_name(world.tenant), {"SettingsRevision": "1"})
    actor = Actor(organization=world.organization, user="u")
    Addresses(store=world.store).add(actor, f"a@mail.{world.organization}.example", AddressChange())
    assert world.revisions() == Revisions(pulled=1, deployed=1, wanted=2)
    (line,) = diff._revisions(world.loaded, None)
    assert line == f"Tenant-{world.tenant}: settings: revision 1 pulled, 1 deployed, 2 wanted"
    assert list(diff._revisions(world.loaded, ["another"])) == []


@pytest.mark.servers
def test_what_failed_and_what_is_given_up(world: World) -> None:
    """Both are told; a domain that is gone is as one that is given up."""
    world.run("pull", world.tenant)
    domain, store = f"mail.{world.organization}.example", world.store
    actor = Actor(organization=world.organization, user="u")

    def write(change: str) -> None:
        claim = Domains(store=store).one(world.organization, domain)
        run = begun(claim, store.clock())
        after = failed(run, run.running, "why", store.clock()) if change == "failed" else None
        after = after or done(run, run.running, name_servers=(), records=(), now=store.clock())
        store.change(actor, lambda _: Change(result=None, operation="run", after=[after]))

    write("failed")
    assert world.revisions().failed
    write("done")
    Domains(store=store).delete(actor, domain)
    assert (world.revisions().gone, world.revisions().wanted) == (True, 2)
    claim = Domains(store=store).one(world.organization, domain)
    store.change(actor, lambda _: Change(result=None, operation="gone", before=[claim], after=[]))
    assert replace(world.revisions(), pulled=0) == Revisions(pulled=0, deployed=0, wanted=0, gone=True)


@pytest.mark.servers
def test_status_of_the_tenant(world: World) -> None:
    """As `status` collects it, where cell and tenant are not deployed yet, and where the table cannot be found."""
    world.run("pull", world.tenant)
    world.stack(tenant_stack_name(world.tenant), {"SettingsRevision": "1"})
    loaded = world.loaded
    (found,) = collect(loaded, loaded.tenants, check_dns=lambda _: []).tenants
    # Its cell is not deployed: nothing can be told.
    assert found.checks[Part.SETTINGS].state is State.UNKNOWN


@pytest.mark.servers
def test_a_tenant_goes_back_to_the_config(world: World) -> None:
    """With its addresses and names, its template the same; not while a revision is pending; and again does no harm."""
    domain, store = f"mail.{world.organization}.example", world.store
    actor = Actor(organization=world.organization, user="u")
    addresses = Addresses(store=store)
    addresses.add(actor, f"sales@{domain}", AddressChange(name='Sales, "all"'))
    off = addresses.add(actor, f"old@{domain}", AddressChange())
    addresses.update(actor, off.id, AddressChange(active=False))
    world.run("pull", world.tenant)
    with pytest.raises(CommandError, match="revision 3 is wanted, 0 is deployed; try again"):
        world.run("to-git", world.tenant, "--yes")
    client = world.emulator.client("dynamodb", REGION)
    table = Table(client=client, name=f"{store.table.name}-mail")
    make_table(client, table.name)
    put_run_time(table, RunTime(revision=9, live=False), (), NOW)
    world.stack(tenant_stack_name(world.tenant), {"SettingsRevision": "3", "MessagesTableName": table.name})
    claim = begun(Domains(store=store).one(world.organization, domain), store.clock())
    after = done(claim, 3, name_servers=(), records=(), now=store.clock())
    store.change(actor, lambda _: Change(result=None, operation="run", after=[after]))
    before = world.config.read_text()
    assert f"old@{domain}: is off" in world.run("to-git", world.tenant)
    assert world.config.read_text() == before
    world.run("to-git", world.tenant, "--yes")
    found, loaded = world.loaded.tenant(world.tenant), world.loaded
    assert (found.settings, found.subdomain, found.ownership, found.live) == ("git", domain, after.token, True)
    assert [(one.local_part, one.display_name) for one in found.addresses] == [("sales", 'Sales, "all"')]
    assert not loaded.snapshots
    assert read_run_time(table) is None
    assert Domains(store=store).all(world.organization) == []
    assert addresses.all(world.organization) == []
    for other in (actor, Actor(organization="stranger", user="s")):
        with pytest.raises(RefusedError, match="is held, or rests"):
            Domains(store=store).add(other, domain, f"{world.organization}.example")
    assert "is the config's" in world.run("to-git", world.tenant, "--yes")
    reserved = json.loads(world.run("reserve", "--json"))
    assert (reserved["new"], reserved["gone"]) == ([], [])


@pytest.mark.servers
def test_an_edit_meanwhile_keeps_the_owner(world: World) -> None:
    """Between the plan and the change: what is wanted is compared once more where it is written."""
    domain, store = f"mail.{world.organization}.example", world.store
    actor = Actor(organization=world.organization, user="u")
    claim = begun(Domains(store=store).one(world.organization, domain), store.clock())
    after = done(claim, 1, name_servers=(), records=(), now=store.clock())
    store.change(actor, lambda _: Change(result=None, operation="run", after=[after]))
    Addresses(store=store).add(actor, f"a@{domain}", AddressChange())
    with pytest.raises(RefusedError, match="revision 2 is wanted, 1 is deployed"):
        Operating(store=store).hand_over(after)
    assert Domains(store=store).one(world.organization, domain).token == claim.token
