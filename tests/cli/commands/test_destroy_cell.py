"""destroy-cell with a settings API: its stack goes before the cell's, and not while a customer has a domain."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from typer.testing import CliRunner

from email_stack.cli.main import app
from email_stack.cli.output import CommandError, ExitCode
from emulator import Emulator
from mailroom.settings.domains import Domains, Seen
from mailroom.settings.operating import Operating
from mailroom.settings.store import Actor, SettingsStore
from mailroom.store.keys import PARTITION, SORT
from mailroom.store.table import Table
from tests.emulators import shared_emulator

pytestmark = pytest.mark.servers

REGION = "eu-west-1"
ANNA = Actor(organization="acme", user="anna")
SEEN = Seen(everywhere=True, nowhere=False, text="seen")
CONTROL = ", quotas: {concurrent_executions: 13}, control: {issuer: 'https://login.acme.example', audience: mail}"
_NUMBERS = itertools.count(1)


@dataclass
class Cell:
    """A cell of two stacks with what the command reads: exports and their import, a table and a bucket."""

    emulator: Emulator
    id: str
    config: Path

    def write_config(self, *, removal: str = "retain", control: str = CONTROL) -> None:
        """The config of this cell."""
        self.config.write_text(f"cells:\n  {self.id}: {{region: {REGION}, removal: {removal}{control}}}\ntenants: []\n")

    def stack(self, name: str, template: dict[str, Any]) -> None:
        """Create a stack."""
        client = self.emulator.client("cloudformation", REGION)
        client.create_stack(StackName=name, TemplateBody=json.dumps(template))
        client.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 20})

    def deploy(self, *, removal: str = "retain") -> None:
        """Both stacks, as the config with that removal makes them."""
        exports = {
            name: {"Value": f"{self.id}-{name.lower()}", "Export": {"Name": f"Cell-{self.id}:{name}"}}
            for name in ("AccessLogsBucketName", "AlarmsTopicArn")
        }
        self.stack(f"Cell-{self.id}", {"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}, "Outputs": exports})
        policy = {"DeletionPolicy": "RetainExceptOnCreate" if removal == "retain" else "Delete"}
        keys = ((PARTITION, "HASH"), (SORT, "RANGE"))
        table = {
            "TableName": self.table,
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name, _ in keys],
            "KeySchema": [{"AttributeName": name, "KeyType": kind} for name, kind in keys],
        }
        topic = {"DisplayName": {"Fn::ImportValue": f"Cell-{self.id}:AlarmsTopicArn"}}
        resources = {
            "Settings": {"Type": "AWS::DynamoDB::Table", "Properties": table, **policy},
            "Shelf": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": self.bucket}, **policy},
            "Topic": {"Type": "AWS::SNS::Topic", "Properties": topic},
        }
        self.stack(f"Control-{self.id}", {"Resources": resources})
        self.emulator.client("s3", REGION).put_object(Bucket=self.bucket, Key="templates/acme/1.json", Body=b"{}")

    @property
    def table(self) -> str:
        """Name of the table of settings."""
        return f"settings-{self.id}"

    @property
    def bucket(self) -> str:
        """Name of the shelf."""
        return f"shelf-{self.id}"

    @property
    def store(self) -> SettingsStore:
        """The table of settings."""
        return SettingsStore(table=Table(client=self.emulator.client("dynamodb", REGION), name=self.table))

    def run(self, *arguments: str) -> str:
        """Output of the command."""
        command = ["destroy-cell", self.id, "--config", str(self.config), *arguments]
        return CliRunner().invoke(app, command, catch_exceptions=False).output

    def refused(self) -> str:
        """Why --yes is refused."""
        with pytest.raises(CommandError) as found:
            self.run("--yes")
        assert found.value.code is ExitCode.REFUSED
        return str(found.value)

    def there(self) -> set[str]:
        """Kinds of what still exists."""
        found = set()
        for name in ("Cell", "Control"):
            try:
                self.emulator.client("cloudformation", REGION).describe_stacks(StackName=f"{name}-{self.id}")
            except ClientError:
                continue
            found.add(name)
        tables = self.emulator.client("dynamodb", REGION).list_tables()["TableNames"]
        buckets = [one["Name"] for one in self.emulator.client("s3", REGION).list_buckets()["Buckets"]]
        held = {"table": self.table in tables, "bucket": self.bucket in buckets}
        return found | {kind for kind, exists in held.items() if exists}


@pytest.fixture
def cell(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Cell:
    """A cell with a config, not deployed."""
    emulator = shared_emulator(request)
    for name, value in emulator.environment(REGION).items():
        monkeypatch.setenv(name, value)
    made = Cell(emulator, f"d{next(_NUMBERS)}", tmp_path / "tenants.yaml")
    made.write_config()
    return made


def test_shown_before_it_is_done(cell: Cell) -> None:
    """The settings API first, then the cell, and what is kept; also a deployed API that the config no longer has."""
    cell.deploy()
    for control in (CONTROL, ""):
        cell.write_config(control=control)
        assert json.loads(cell.run("--json"))["stacks"] == [f"Control-{cell.id}", f"Cell-{cell.id}"]
        shown = cell.run().replace("\n", " ")
        assert f"would delete Control-{cell.id}, Cell-{cell.id}; keeps its access logs; keeps table and bucket" in shown
    assert cell.there() == {"Cell", "Control", "table", "bucket"}


def test_kept_data(cell: Cell) -> None:
    """Both stacks go, in this order, and the table with its audit stays; the second time nothing is there."""
    cell.deploy()
    said = json.loads(cell.run("--yes", "--json"))
    assert said == {
        "ok": True,
        "applied": True,
        "stacks": [f"Control-{cell.id}", f"Cell-{cell.id}"],
        "removal": "retain",
        "versions_deleted": 0,
    }
    assert cell.there() == {"table", "bucket"}
    assert "is not deployed, nothing was deleted" in cell.run("--yes")


def test_deleted_data(cell: Cell) -> None:
    """With `removal: destroy`: the shelf is emptied, and goes with the table."""
    cell.write_config(removal="destroy")
    cell.deploy(removal="destroy")
    # The stack here has no bucket of access logs.
    cell.emulator.client("s3", REGION).create_bucket(
        Bucket=f"{cell.id}-accesslogsbucketname", CreateBucketConfiguration={"LocationConstraint": REGION}
    )
    said = cell.run("--yes").replace("\n", " ")
    assert (
        f"deleted Control-{cell.id}, Cell-{cell.id}; deletes its access logs; the settings API deletes its bucket"
        in said
    )
    assert cell.there() == set()


def test_refused_while_a_customer_has_a_domain(cell: Cell) -> None:
    """A proven one, deployed or not; a claim alone, which gives nothing, does not count. The looks go on."""
    cell.deploy()
    domains = Domains(store=cell.store)
    claim = domains.add(ANNA, "mail.acme.example", "acme.example")
    domains.checked(ANNA, claim, SEEN)
    domains.add(ANNA, "claimed.acme.example", "acme.example")
    refused = cell.refused()
    assert f'cell "{cell.id}": customers have 1 domain by its settings API, mail.acme.example among them' in refused
    assert cell.there() == {"Cell", "Control", "table", "bucket"}
    assert Operating(store=cell.store).hold("look", 60)
    Operating(store=cell.store).let_go("look")
    domains.delete(ANNA, "mail.acme.example")
    cell.run("--yes")
    assert cell.there() == {"table", "bucket"}


def test_refused_during_a_look(cell: Cell) -> None:
    """It may begin a deployment; the deletion holds the looks itself."""
    cell.deploy()
    operating = Operating(store=cell.store)
    assert operating.hold("look", 60)
    assert "run destroy-cell again in a few minutes" in cell.refused()
    assert cell.there() == {"Cell", "Control", "table", "bucket"}
    operating.let_go("look")
    cell.run("--yes")
    assert not operating.hold("look", 60)


@pytest.mark.parametrize(
    ("deployed", "wanted", "said"), [("retain", "destroy", "keeps"), ("destroy", "retain", "deletes")]
)
def test_refused_where_the_deployed_stack_decides_otherwise(cell: Cell, deployed: str, wanted: str, said: str) -> None:
    """Of data, the deployed template decides; nothing is emptied that would stay."""
    cell.deploy(removal=deployed)
    cell.write_config(removal=wanted)
    refused = cell.refused()
    assert f'removal is "{wanted}" in the config, and what is deployed {said} its bucket' in refused
    assert f"run `email-stack deploy --cell {cell.id} --yes` first" in refused
    assert cell.there() == {"Cell", "Control", "table", "bucket"}


def test_refused_for_a_protected_table(cell: Cell) -> None:
    """Somebody protected it by hand: before anything is deleted."""
    cell.write_config(removal="destroy")
    cell.deploy(removal="destroy")
    cell.emulator.client("dynamodb", REGION).update_table(TableName=cell.table, DeletionProtectionEnabled=True)
    assert f"run `aws dynamodb update-table --table-name {cell.table} --no-deletion" in cell.refused()
    assert cell.there() == {"Cell", "Control", "table", "bucket"}


def test_refused_while_a_tenant_uses_the_cell(cell: Cell) -> None:
    """The settings API stays, too: it is nothing that uses the cell by itself."""
    cell.deploy()
    topic = {"DisplayName": {"Fn::ImportValue": f"Cell-{cell.id}:AlarmsTopicArn"}}
    cell.stack(f"Tenant-t{cell.id}", {"Resources": {"Topic": {"Type": "AWS::SNS::Topic", "Properties": topic}}})
    assert f'cell "{cell.id}" is used by 1 stack, Tenant-t{cell.id} among them' in cell.refused()
    assert cell.there() == {"Cell", "Control", "table", "bucket"}
