"""retention: how long messages are kept, and a changed retention brought to those that are there."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from email_stack.cli import main
from emulator import Emulator
from mailroom.store import Table
from mailroom.store.retention import begin_pass

REGION = "eu-central-1"
CONFIG = """\
cells:
  eu: {{region: eu-central-1}}
tenants:
  - {{id: acme, subdomain: post.acme.example, retention: {{messages_days: {days}}}}}
"""
TEMPLATE: dict[str, Any] = {
    "Resources": {
        "Bucket": {"Type": "AWS::S3::Bucket"},
        "Table": {
            "Type": "AWS::DynamoDB::Table",
            "Properties": {
                "BillingMode": "PAY_PER_REQUEST",
                "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
                "KeySchema": [
                    {"AttributeName": "pk", "KeyType": "HASH"},
                    {"AttributeName": "sk", "KeyType": "RANGE"},
                ],
            },
        },
    },
    "Outputs": {"BucketName": {"Value": {"Ref": "Bucket"}}, "MessagesTableName": {"Value": {"Ref": "Table"}}},
}


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    """An emulator with a deployed tenant."""
    with Emulator() as running:
        cloudformation = running.client("cloudformation", REGION)
        cloudformation.create_stack(StackName="Tenant-acme", TemplateBody=json.dumps(TEMPLATE))
        cloudformation.get_waiter("stack_create_complete").wait(StackName="Tenant-acme", WaiterConfig={"Delay": 1})
        yield running


Run = Callable[..., Any]


@pytest.fixture
def run(emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """The command with a config of so many days: what it prints."""
    config = tmp_path / "tenants.yaml"
    monkeypatch.setattr("mailroom.store.retention.SETTLED_SECONDS", 0)
    for name, value in emulator.environment(REGION).items():
        monkeypatch.setenv(name, value)

    def command(days: str, *arguments: str) -> Any:
        config.write_text(CONFIG.format(days=days))
        monkeypatch.setattr("sys.argv", ["email-stack", "retention", "acme", "--config", str(config), *arguments])
        with pytest.raises(SystemExit) as caught:
            main()
        out = capsys.readouterr().out
        assert not caught.value.code
        return json.loads(out) if "--json" in arguments else out

    return command


def test_shows_brings_and_goes_on(emulator: Emulator, run: Run) -> None:
    """Nothing changes without --yes; a pass that was broken off is finished, and then the config's is made."""
    cloudformation = emulator.client("cloudformation", REGION)
    (stack,) = cloudformation.describe_stacks(StackName="Tenant-acme")["Stacks"]
    outputs = {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}
    table = Table(client=emulator.client("dynamodb", REGION), name=outputs["MessagesTableName"])
    received = "2099-11-23T09:00:00.000000Z"
    table.put({"pk": "MESSAGE#a", "sk": "MESSAGE", "digest": "a", "received": received})
    before = run("30", "--json")
    assert (before["messages_days"], before["applied"], before["pass"]) == (30, False, None)
    assert "add --yes" in run("30")
    assert table.get(("MESSAGE#a", "MESSAGE")) == {
        "pk": "MESSAGE#a",
        "sk": "MESSAGE",
        "digest": "a",
        "received": received,
    }
    done = run("30", "--yes", "--json")
    assert (done["pass"]["done"], done["pass"]["messages_days"]) == (True, 30)
    item = table.get(("MESSAGE#a", "MESSAGE"))
    assert item is not None
    assert item["expires"] - item["kept_from"] == 29 * 86_400
    begin_pass(table, timedelta(days=90), datetime.now(UTC))
    assert "not done; --yes goes on" in run("null")
    assert "until they are deleted: done" in run("null", "--yes")
    item = table.get(("MESSAGE#a", "MESSAGE"))
    assert item is not None
    assert "expires" not in item
