"""settings: what customers set, pulled, shown and kept apart from the platform's own."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from constructs_lib.naming import tenant_stack_name
from email_stack.cli.main import app
from email_stack.cli.output import CommandError, ExitCode
from email_stack.config import load
from emulator import Emulator
from mailroom.settings.designated import AddressChange, Addresses
from mailroom.settings.domains import Domains, Seen
from mailroom.settings.refusals import RefusedError
from mailroom.settings.store import Actor, SettingsStore
from mailroom.settings.table import make_table
from mailroom.store.table import Table
from tests.config.configs import HEAD, with_tenant
from tests.emulators import shared_emulator

pytestmark = pytest.mark.servers

REGION = "eu-central-1"
ANNA = Actor(organization="acme", user="anna")
SEEN = Seen(everywhere=True, nowhere=False, text="seen")
_NUMBERS = itertools.count(1)


@pytest.fixture
def emulator(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Emulator:
    """One that commands ask."""
    shared = shared_emulator(request)
    for name, value in shared.environment(REGION).items():
        monkeypatch.setenv(name, value)
    return shared


@pytest.fixture
def store(emulator: Emulator) -> SettingsStore:
    """An empty table of settings."""
    client, name = emulator.client("dynamodb", REGION), f"cli-settings-{next(_NUMBERS)}"
    make_table(client, name)
    return SettingsStore(table=Table(client=client, name=name))


def run(store: SettingsStore, *arguments: str | Path) -> Result:
    """One of the commands."""
    command = ["settings", *map(str, arguments), "--table", store.table.name]
    return CliRunner().invoke(app, command, catch_exceptions=False)


def proven(store: SettingsStore, domain: str) -> str:
    """A domain with an address; the id of its tenant."""
    domains = Domains(store=store)
    claim = domains.add(ANNA, domain, "acme.example")
    domains.checked(ANNA, claim, SEEN)
    Addresses(store=store).add(ANNA, f"sales@{domain}", AddressChange(name="Sales"))
    return claim.tenant


def test_pulled_snapshot_is_what_the_config_is_made_of(store: SettingsStore, tmp_path: Path) -> None:
    """One, or all that are proven; a claim is none. A later change is a later revision."""
    tenant = proven(store, "mail.acme.example")
    Domains(store=store).add(ANNA, "claimed.acme.example", "acme.example")
    config = tmp_path / "tenants.yaml"
    config.write_text(f"{HEAD}  - id: {tenant}\n    settings: api\n")
    done = run(store, "pull", tenant, "--config", config, "--json")
    (pulled,) = json.loads(done.output)["snapshots"]
    assert (pulled["tenant"], pulled["revision"]) == (tenant, 2)
    found = load(config).tenant(tenant)
    assert (found.subdomain, found.sending_addresses) == ("mail.acme.example", ("sales@mail.acme.example",))
    assert "Sales" not in (tmp_path / "settings" / f"{tenant}.json").read_text()
    Addresses(store=store).add(ANNA, "more@mail.acme.example", AddressChange())
    assert "1 snapshot written" in run(store, "pull", "--all", "--config", config).output
    assert load(config).snapshots[tenant].revision == 3
    (domain, claim) = json.loads(run(store, "show", "--config", config, "--json").output)["domains"][::-1]
    assert (domain["wanted"], domain["deployed"], domain["pulled"], domain["status"]) == (3, 0, 3, "proven")
    assert (claim["status"], claim["pulled"]) == ("claimed", None)
    assert tenant in run(store, "show", "--config", config).output


def test_pull_of_what_is_not_there(store: SettingsStore, tmp_path: Path) -> None:
    """An unknown tenant, or neither a tenant nor all."""
    with pytest.raises(CommandError, match='tenant "acme-ffffff": is none of the settings API\'s'):
        run(store, "pull", "acme-ffffff", "--config", tmp_path / "tenants.yaml")
    assert run(store, "pull").exit_code == ExitCode.USAGE


def test_names_of_the_config_are_nobodys_to_claim(store: SettingsStore, tmp_path: Path) -> None:
    """Neither they, nor what lies in or around them; only --yes writes, and --release gives up what the config has no more."""
    config = tmp_path / "tenants.yaml"
    config.write_text(with_tenant(""))
    domains = Domains(store=store)
    assert "nothing was changed: say --yes to hold 1 name" in run(store, "reserve", "--config", config).output
    claim = domains.add(ANNA, "post.acme.example", "acme.example")
    assert "post.acme.example: held" in run(store, "reserve", "--config", config, "--yes").output
    assert domains.checked(ANNA, claim, SEEN).status.value == "claimed"
    for name in ("post.acme.example", "eu.post.acme.example"):
        with pytest.raises(RefusedError, match="is held, or rests"):
            domains.add(Actor(organization="globex", user="b"), name, "acme.example")
    again = json.loads(run(store, "reserve", "--config", config, "--yes", "--json").output)
    assert (again["new"], again["gone"]) == ([], [])
    config.write_text(with_tenant("").replace("post.acme", "mail.acme"))
    assert "post.acme.example: held, and not in the config" in run(store, "reserve", "--config", config).output
    run(store, "reserve", "--config", config, "--yes", "--release")
    with pytest.raises(RefusedError, match="is held, or rests"):
        domains.add(Actor(organization="globex", user="b"), "post.acme.example", "acme.example")


def test_name_that_a_customer_holds_is_told(store: SettingsStore, tmp_path: Path) -> None:
    """Before two stacks fight for one domain."""
    proven(store, "post.acme.example")
    config = tmp_path / "tenants.yaml"
    config.write_text(with_tenant(""))
    with pytest.raises(CommandError, match=r'subdomain "post\.acme\.example": is held by') as caught:
        run(store, "reserve", "--config", config, "--yes")
    assert caught.value.code is ExitCode.REFUSED


def test_confined_organization(store: SettingsStore) -> None:
    """Until it is let out again."""
    assert "acme: allowed recipients alone" in run(store, "confine", "acme").output
    assert store.state("acme").confined()
    run(store, "confine", "acme", "--off")
    assert not store.state("acme").confined()


@pytest.mark.parametrize("deployed", ["3", "2", "1"])
def test_older_snapshot_than_what_is_deployed_is_refused(
    store: SettingsStore, emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, deployed: str
) -> None:
    """With --yes and without, before anything is synthesized; the same or an older deployment is none of its business."""
    tenant = proven(store, f"mail{deployed}.acme.example")
    config = tmp_path / "tenants.yaml"
    config.write_text(f"{HEAD}  - id: {tenant}\n    settings: api\n")
    run(store, "pull", tenant, "--config", config)
    template: Any = {
        "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
        "Outputs": {"SettingsRevision": {"Value": deployed}},
    }
    emulator.client("cloudformation", REGION).create_stack(
        StackName=tenant_stack_name(tenant), TemplateBody=json.dumps(template)
    )
    reached: list[str] = []

    def synthesis(*_arguments: object, **_named: object) -> None:
        reached.append("synthesis")
        raise CommandError("stopped", "", ExitCode.CDK_FAILED)

    monkeypatch.setattr("email_stack.cli.deploying.run_cdk", synthesis)
    for options in ([], ["--yes"]):
        with pytest.raises(CommandError) as caught:
            CliRunner().invoke(app, ["deploy", tenant, "--config", str(config), *options], catch_exceptions=False)
        older = deployed == "3"
        assert caught.value.code is (ExitCode.REFUSED if older else ExitCode.CDK_FAILED)
        said = f"is of revision 2, and revision 3 is deployed; run `email-stack settings pull {tenant}`"
        assert (said in str(caught.value)) is older
    assert bool(reached) is (deployed != "3")
