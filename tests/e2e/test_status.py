"""Verdicts of `email-stack status` on a deployed tenant: all ok, then each fault; in their order.

SES, queues and the rest are the emulator's, which enforces IAM; the name servers are Knot DNS, and clamd is real.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from emulator.definitions import publish
from mailroom.definitions.manifest import MANIFEST_KEY, Manifest
from mailroom.messages import Address
from mailroom.outbox import Outbox, Outgoing
from mailroom.store import MessageReader, Objects, Table
from tests.e2e.conftest import REGION, Platform
from tests.e2e.test_dns_setup import zone_of
from tests.e2e.test_scanning import eventually
from tests.mailroom.clamav import TEST_DEFINITIONS
from tests.mailroom.scanning.hiding import HARMLESS, HIDDEN
from tests.nameservers import Internet

ACME = "post.acme.example"
TENANTS: list[dict[str, Any]] = [
    {
        "id": "acme",
        "subdomain": ACME,
        "addresses": ["support"],
        "alerts": ["ops@acme.example"],
        "scanning": {"infected": "hold"},
    },
    {"id": "globex", "subdomain": "tickets.globex.example", "dns": "self-managed"},
]


class Operator:
    """Asks for the status, with the small internet's resolver."""

    def __init__(self, platform: Platform, internet: Internet) -> None:
        self.platform = platform
        self.config = str(platform.write_config(TENANTS))
        self.outputs = platform.json("deploy", "acme", "--yes", "--config", self.config)["outputs"]
        self.made = self.outputs["Tenant-acme"]
        self.options = [
            *("--config", self.config),
            *("--resolver", f"{internet.resolver.address}#{internet.resolver.port}"),
            *("--server-port", str(internet.port)),
        ]
        self.publish_definitions()
        records = platform.email_stack("dns-records", "acme", "--format", "json", "--no-check", "--config", self.config)
        self.names = names = json.loads(records.stdout)["records"][0]["values"]
        for name, server in zip(names, internet.ours, strict=True):
            host, _, zone = name.partition(".")
            internet.serve(zone, f"{host} A {server.address}", [internet.root])
        internet.serve(ACME, zone_of(platform, ACME), internet.ours, names)
        internet.flush()

    def publish_definitions(self) -> None:
        """Make a set of one file the current one, as of now."""
        publish(self.platform.client("s3"), self.outputs["Cell-eu"]["DefinitionsBucketName"], TEST_DEFINITIONS)

    def ask(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """`status` with options."""
        return self.platform.email_stack("status", *arguments, *self.options)

    def acme(self) -> tuple[dict[str, Any], int]:
        """The status of acme, and the exit code."""
        done = self.ask("acme", "--json")
        assert done.stdout, done.stderr
        (found,) = json.loads(done.stdout)["tenants"]
        return found, done.returncode

    def wrong(self) -> dict[str, str]:
        """Why acme's parts are not ok, by part."""
        found, code = self.acme()
        reasons = {part: one["reason"] for part, one in found["checks"].items() if one["state"] != "ok"}
        assert (code == 0) == (not reasons)
        return reasons


@pytest.fixture(scope="module")
def internet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Internet]:
    """Name servers, with the customer's empty zone."""
    with Internet(tmp_path_factory.mktemp("internet")) as running:
        running.serve_many({"acme.example": ""}, running.customer)
        yield running


@pytest.fixture(scope="module")
def operator(platform: Platform, internet: Internet) -> Operator:
    """With one tenant deployed and delegated, the other not."""
    return Operator(platform, internet)


def test_all_is_well(operator: Operator) -> None:
    """Every part of a tenant that was just deployed, each asked of what it is about."""
    found, code = operator.acme()
    assert {part: one["state"] for part, one in found["checks"].items()} == dict.fromkeys(found["checks"], "ok")
    assert len(found["checks"]) == 15
    assert (found["state"], code, found["alerts"]) == ("ok", 0, {"confirmed": 1, "addresses": 1})
    assert {one["queue"] for one in found["queues"]} == {"messages structuring"}
    assert (found["last_mail_in"], found["last_mail_out"], found["held"]) == (None, None, {})
    assert found["reputation"] == {"bounce_rate": None, "complaint_rate": None}


def test_one_that_was_not_deployed(operator: Operator, tmp_path: Path) -> None:
    """Says which command deploys it; the page says the same."""
    page = tmp_path / "status.html"
    done = operator.ask("--html", str(page))
    assert done.returncode == 8
    assert "2 tenants: 1 not deployed, 1 ok" in done.stdout
    assert "email-stack deploy globex --yes" in " ".join(done.stdout.split())
    assert "email-stack deploy globex --yes" in page.read_text()


def test_mail_in_and_out(platform: Platform, operator: Operator) -> None:
    """When the newest came and when the newest was sent."""
    before = datetime.now(UTC) - timedelta(seconds=1)
    table = Table(client=platform.client("dynamodb"), name=operator.made["MessagesTableName"])
    s3, bucket = platform.client("s3"), operator.made["BucketName"]
    reader = MessageReader(table=table, objects=Objects(client=s3, bucket=bucket))
    platform.emulator.receive(HARMLESS["attachment"], [f"support@{ACME}"], REGION)
    eventually(lambda: reader.threads().items or None)
    outbox = Outbox(table=table, s3=s3, bucket=bucket)
    sender, anna = Address(f"support@{ACME}"), Address("anna@example.net")
    begun = outbox.send(Outgoing(sender=sender, to=(anna,), subject="Apart", text="x\n"), key="k")
    outbox.wait(begun.id)
    eventually(lambda: reader.by_address(anna.address).items or None)
    found, code = operator.acme()
    assert code == 0
    for name in ("last_mail_in", "last_mail_out"):
        assert before < datetime.fromisoformat(found[name]) < datetime.now(UTC)


def test_sandbox_is_told(platform: Platform, operator: Operator) -> None:
    """SES sends to verified addresses alone: of the cell and of its tenants, with what to do; `send-test` says so, too."""
    ses = platform.client("sesv2")
    details = {"MailType": "TRANSACTIONAL", "WebsiteURL": "https://acme.example"}
    ses.put_account_details(**details, ProductionAccessEnabled=False)
    try:
        (why,) = operator.wrong().values()
        assert why.startswith(f"SES keeps the account in its sandbox in {REGION}: it sends to verified addresses alone")
        (cell,) = json.loads(operator.ask("acme", "--json").stdout)["cells"]
        assert (cell["state"], cell["checks"]["sending"]) == ("wrong", {"state": "wrong", "reason": why})
        config = ["--config", operator.config]
        sent = platform.email_stack("send-test", "acme", "--to", "stranger@example.net", "--json", *config)
        told = json.loads(sent.stdout)
        assert (sent.returncode, told["state"], told["reason"], told["advice"]) == (
            6,
            "refused",
            "MessageRejected",
            why,
        )
    finally:
        ses.put_account_details(**details, ProductionAccessEnabled=True)


def test_pauses_are_told(platform: Platform, operator: Operator) -> None:
    """Of the account, and of the tenant alone."""
    ses = platform.client("sesv2")
    ses.put_account_sending_attributes(SendingEnabled=False)
    assert operator.wrong()["sending"].startswith(f"the account's sending is paused in {REGION}: nothing is sent")
    ses.put_account_sending_attributes(SendingEnabled=True)
    entity = {
        "ReputationEntityType": "RESOURCE",
        "ReputationEntityReference": ses.get_tenant(TenantName="acme")["Tenant"]["TenantArn"],
    }
    ses.update_reputation_entity_customer_managed_status(**entity, SendingStatus="DISABLED")
    assert operator.wrong()["sending"].startswith("SES paused the tenant's sending: nothing of it is sent")
    shown = platform.email_stack("send-test", "acme", "--to", "anna@example.net", "--config", operator.config)
    assert "acme: refused: SendingPausedException: SES paused the tenant's sending" in shown.stdout
    ses.update_reputation_entity_customer_managed_status(**entity, SendingStatus="ENABLED")
    assert operator.wrong() == {}


def test_dead_letters(platform: Platform, operator: Operator) -> None:
    """In whichever queue."""
    sqs = platform.client("sqs")
    (queue,) = [url for url in sqs.list_queues()["QueueUrls"] if "Structuring" in url and "DeadLetters" in url]
    sqs.send_message(QueueUrl=queue, MessageBody="x")
    assert operator.wrong() == {
        "queues": "dead letters: messages structuring 1; see the function's log, then redrive or purge the dead-letter queue"
    }
    sqs.purge_queue(QueueUrl=queue)
    assert operator.wrong() == {}


def test_held_mail(platform: Platform, operator: Operator) -> None:
    """Is counted by its verdict; that it is held is what the tenant's policy wants."""
    platform.emulator.receive(HIDDEN["attachment"], [f"support@{ACME}"], REGION)
    found = eventually(lambda: one if (one := operator.acme())[0]["held"].get("infected") else None)
    assert (found[0]["held"], found[1]) == ({"infected": 1}, 0)


def test_stale_definitions(platform: Platform, operator: Operator) -> None:
    """The cell's, which all of its tenants share."""
    s3, bucket = platform.client("s3"), operator.outputs["Cell-eu"]["DefinitionsBucketName"]
    manifest = Manifest.from_json(s3.get_object(Bucket=bucket, Key=MANIFEST_KEY)["Body"].read())
    stale = replace(manifest, checked=datetime.now(UTC) - timedelta(hours=31))
    s3.put_object(Bucket=bucket, Key=MANIFEST_KEY, Body=stale.to_json())
    assert operator.wrong() == {
        "definitions": "virus definitions were not confirmed for 31 h, more than 24 h; see the mirror's log"
    }
    operator.publish_definitions()
    assert operator.wrong() == {}


def test_alerts_that_nobody_gets(platform: Platform, operator: Operator) -> None:
    """The subscription is gone."""
    sns = platform.client("sns")
    (one,) = sns.list_subscriptions_by_topic(TopicArn=operator.made["AlertsTopicArn"])["Subscriptions"]
    sns.unsubscribe(SubscriptionArn=one["SubscriptionArn"])
    assert list(operator.wrong()) == ["alerts"]
    sns.subscribe(TopicArn=operator.made["AlertsTopicArn"], Protocol="email", Endpoint="ops@acme.example")
    assert operator.wrong() == {}


def test_dns_that_is_gone(internet: Internet, operator: Operator) -> None:
    """A record that somebody removed."""
    whole = internet.text(ACME)
    internet.serve(
        ACME, "\n".join(line for line in whole.splitlines() if "_dmarc" not in line), internet.ours, operator.names
    )
    internet.flush()
    assert list(operator.wrong()) == ["dmarc"]
    internet.serve(ACME, whole, internet.ours, operator.names)
    internet.flush()
    assert operator.wrong() == {}


def test_what_aws_refuses_is_unknown(platform: Platform, operator: Operator) -> None:
    """And says so; everything else is told all the same."""
    iam = platform.client("iam")
    iam.create_user(UserName="operator")
    denied = ["sns:ListSubscriptionsByTopic", "dynamodb:Query"]
    statements = [
        {"Effect": "Allow", "Action": "*", "Resource": "*"},
        {"Effect": "Deny", "Action": denied, "Resource": "*"},
    ]
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
    iam.put_user_policy(UserName="operator", PolicyName="some", PolicyDocument=policy)
    key = iam.create_access_key(UserName="operator")["AccessKey"]
    environment = platform.emulator.environment(REGION) | {
        "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
    }
    done = platform.commands.run(["status", "acme", "--json", *operator.options], environment)
    (found,) = json.loads(done.stdout)["tenants"]
    unknown = {part for part, one in found["checks"].items() if one["state"] == "unknown"}
    assert (unknown, done.returncode) == ({"alerts", "last_mail_in", "last_mail_out"}, 9)
    assert "AccessDenied" in found["checks"]["last_mail_in"]["reason"]


def test_another_rule_set_is_active(platform: Platform, operator: Operator) -> None:
    """Then no mail arrives, whatever else is well: of the tenant and of its cell."""
    ses = platform.client("ses")
    ses.update_receipt_rule(
        RuleSetName="email-cell-eu",
        Rule={**ses.describe_active_receipt_rule_set()["Rules"][0], "Enabled": False},
    )
    assert "is disabled, and the config says live: true" in operator.wrong()["rule"]
    ses.create_receipt_rule_set(RuleSetName="somebody-else")
    ses.set_active_receipt_rule_set(RuleSetName="somebody-else")
    assert '"somebody-else" is: no mail arrives' in operator.wrong()["rule"]


def test_bounces_are_told(platform: Platform, operator: Operator) -> None:
    """The rate that SES publishes of the tenant, with what SES does from where on, and whom to write to no more."""
    sent = next(one for one in platform.emulator.sent(REGION) if one.configuration_set)
    platform.emulator.report(sent.message_id, "Bounce", REGION)
    found, code = operator.acme()
    assert (code, found["reputation"]["complaint_rate"]) == (6, 0.0)
    assert found["reputation"]["bounce_rate"] > 0.1
    assert found["checks"]["reputation"]["state"] == "wrong"
    assert "SES pauses a sender from 10 % on" in found["checks"]["reputation"]["reason"]
