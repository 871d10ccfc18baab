"""Mail from the receipt rule to `clean/`, through the deployed queue and function, IAM enforced; tests run in their order.

The function runs as a process of this machine, with its own role's rights and a real clamd. The definitions are harmless ones of
the test's own, published as the mirror publishes them.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import jsonschema
import pytest
from botocore.exceptions import ClientError

from emulator.definitions import publish
from mailroom.events.form import schema_of
from mailroom.events.inbound import MessageRecalled, MessageReleased
from tests.e2e.conftest import REGION, Platform
from tests.e2e.queues import listening_queue, take_all
from tests.mailroom.clamav import MARKER, SIGNATURE, TEST_DEFINITIONS
from tests.mailroom.scanning.hiding import HARMLESS, HIDDEN, encoded, mixed

T = TypeVar("T")
TENANTS: list[dict[str, Any]] = [
    {"id": "acme", "subdomain": "post.acme.example", "addresses": ["support"], "removal": "destroy"},
    {
        "id": "globex",
        "subdomain": "post.globex.example",
        "dns": "self-managed",
        "catch_all": True,
        "scanning": {"mode": "dedicated", "infected": "hold"},
    },
]


class Scanned:
    """Two deployed tenants, and what operators of each are told."""

    def __init__(self, platform: Platform, outputs: dict[str, dict[str, str]]) -> None:
        self.platform = platform
        self.cell = outputs["Cell-eu"]
        self.buckets = {name: outputs[f"Tenant-{name}"]["BucketName"] for name in ("acme", "globex")}
        self.s3, self.sqs = platform.client("s3"), platform.client("sqs")
        self.told = {name: self._subscribed(name, outputs[f"Tenant-{name}"]["AlertsTopicArn"]) for name in self.buckets}

    def _subscribed(self, name: str, topic_arn: str) -> str:
        queue, arn = listening_queue(self.sqs, f"operators-{name}", service="sns", source=topic_arn)
        self.platform.client("sns").subscribe(TopicArn=topic_arn, Protocol="sqs", Endpoint=arn)
        return queue

    def publish_definitions(self) -> None:
        """Make a set of one file the current one."""
        publish(self.s3, self.cell["DefinitionsBucketName"], TEST_DEFINITIONS)

    def receive(self, tenant: str, raw: bytes) -> str:
        """Mail to the tenant's support address; returns its message id."""
        receipt = self.platform.emulator.receive(raw, [f"support@post.{tenant}.example"], REGION)
        (stored,) = receipt.objects
        assert stored.bucket == self.buckets[tenant]
        return str(stored.key.removeprefix("raw/"))

    def body(self, tenant: str, key: str) -> bytes | None:
        """An object as an administrator reads it; None where there is none."""
        try:
            answer = self.s3.get_object(Bucket=self.buckets[tenant], Key=key)
        except self.s3.exceptions.NoSuchKey:
            return None
        return bytes(answer["Body"].read())

    def record(self, tenant: str, message_id: str) -> dict[str, Any] | None:
        """The recorded verdict, once operators were told."""
        prefix = f"verdicts/{message_id}/"
        for one in self.s3.list_objects_v2(Bucket=self.buckets[tenant], Prefix=prefix).get("Contents", []):
            record: dict[str, Any] = json.loads(self.body(tenant, one["Key"]) or b"{}")
            return record if record.get("told") else None
        return None

    def raw_versions(self, tenant: str, message_id: str) -> int:
        """Number of its versions in quarantine."""
        answer = self.s3.list_object_versions(Bucket=self.buckets[tenant], Prefix=f"raw/{message_id}")
        return len(answer.get("Versions", []))

    def alerts(self, tenant: str) -> list[dict[str, Any]]:
        """Alerts to its operators since the last call."""
        return [json.loads(json.loads(body)["Message"]) for body in take_all(self.sqs, self.told[tenant])]


def eventually(what: Callable[[], T | None], seconds: float = 60) -> T:
    """The first answer that is one."""
    deadline = time.monotonic() + seconds
    while (answer := what()) is None or answer == 0:
        assert time.monotonic() < deadline, "it does not happen"
        time.sleep(0.1)
    return answer


@pytest.fixture(scope="module")
def config(platform: Platform) -> str:
    """A cell with both kinds of scanner."""
    return str(platform.write_config(TENANTS))


@pytest.fixture(scope="module")
def scanned(platform: Platform, config: str) -> Scanned:
    """Deployed, with definitions."""
    made = Scanned(platform, platform.json("deploy", "--all", "--yes", "--config", config)["outputs"])
    made.publish_definitions()
    return made


@pytest.mark.parametrize("tenant", ["acme", "globex"])
def test_clean_mail_is_delivered(scanned: Scanned, tenant: str) -> None:
    """As it came, with its verdict; nothing of it is left in quarantine."""
    message_id = scanned.receive(tenant, HARMLESS["attachment"])
    body = eventually(lambda: scanned.body(tenant, f"clean/{message_id}"))
    assert body.endswith(HARMLESS["attachment"])
    record = eventually(lambda: scanned.record(tenant, message_id))
    assert (record["tenant"], record["verdict"], record["action"]) == (tenant, "clean", "deliver")
    eventually(lambda: scanned.raw_versions(tenant, message_id) == 0)
    assert scanned.alerts(tenant) == []


def test_infected_attachment_is_removed(scanned: Scanned) -> None:
    """The message arrives without it, and the tenant's operators are told."""
    message_id = scanned.receive("acme", HIDDEN["attachment"])
    body = eventually(lambda: scanned.body("acme", f"clean/{message_id}"))
    assert MARKER not in body
    assert b"removed-attachment.txt" in body
    (alert,) = eventually(lambda: scanned.alerts("acme") or None)
    assert (alert["tenant"], alert["signature"], alert["action"]) == ("acme", SIGNATURE, "strip")
    assert alert["envelope"]["to"] == "support@post.acme.example"
    eventually(lambda: scanned.raw_versions("acme", message_id) == 0)


def test_each_tenant_has_its_policy(scanned: Scanned) -> None:
    """Where malware is held, nothing is delivered, and the message waits in quarantine."""
    message_id = scanned.receive("globex", HIDDEN["attachment"])
    record = eventually(lambda: scanned.record("globex", message_id))
    assert (record["verdict"], record["action"]) == ("infected", "hold")
    assert scanned.body("globex", f"clean/{message_id}") is None
    assert scanned.raw_versions("globex", message_id) == 1
    (alert,) = eventually(lambda: scanned.alerts("globex") or None)
    assert alert["tenant"] == "globex"
    assert scanned.alerts("acme") == []


def test_nobody_else_reads_quarantine(platform: Platform, scanned: Scanned) -> None:
    """Not the account's administrator; nor does anybody else put something under clean/."""
    s3, bucket = platform.administrator("s3"), scanned.buckets["globex"]
    versions = s3.list_object_versions(Bucket=bucket, Prefix="raw/")["Versions"]
    (held,) = [one for one in versions if not one["Key"].endswith("AMAZON_SES_SETUP_NOTIFICATION")]
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.get_object(Bucket=bucket, Key=held["Key"], VersionId=held["VersionId"])
    for key in ("clean/forged", "verdicts/forged/v.json"):
        with pytest.raises(ClientError, match="AccessDenied"):
            s3.put_object(Bucket=bucket, Key=key, Body=b"not scanned")


def test_rescan_shows_what_waits(platform: Platform, scanned: Scanned, config: str) -> None:
    """What is held, by verdict, without a word of its sender's; nothing is queued without being told to."""
    done = platform.email_stack("rescan", "globex", "--config", config)
    assert done.returncode == 0, done.stderr
    assert "globex: 1 infected: would be queued; --yes does it" in done.stdout, done.stdout
    shown = platform.json("rescan", "globex", "--verdict", "infected", "--config", config)
    assert (shown["queued"], [one["verdict"] for one in shown["messages"]]) == (False, ["infected"])
    assert platform.json("rescan", "globex", "--verdict", "error", "--config", config)["messages"] == []
    assert "nothing waits" in platform.email_stack("rescan", "acme", "--config", config).stdout
    assert platform.email_stack("rescan", "acme", "--verdict", "odd", "--config", config).returncode == 2


def test_malware_is_not_let_go(platform: Platform, scanned: Scanned, config: str) -> None:
    """Refused, and nothing is asked of the scanner."""
    (held,) = platform.json("rescan", "globex", "--config", config)["messages"]
    release = ("--message", held["message_id"], "--deliver", "--reason", "x", "--yes")
    done = platform.email_stack("rescan", "globex", *release, "--config", config)
    assert (done.returncode, "never delivered" in done.stderr) == (5, True)
    record = scanned.record("globex", held["message_id"])
    assert record is not None
    assert (record["rescan"], "release" in record) == ("", False)


def test_rescan_decides_anew(platform: Platform, scanned: Scanned) -> None:
    """One command, and the scanner decides once more, with a new verdict and a new alert."""
    changed = [TENANTS[0], {**TENANTS[1], "scanning": {"mode": "dedicated", "infected": "strip"}}]
    config = str(platform.write_config(changed))
    platform.json("deploy", "globex", "--yes", "--config", config)
    (held,) = platform.json("rescan", "globex", "--config", config)["messages"]
    # A sandbox remembers a tenant's policy for five minutes: whether it already knows the new one is not for this test.
    bucket = scanned.buckets["globex"]
    tags = {tag["Key"]: tag["Value"] for tag in scanned.s3.get_bucket_tagging(Bucket=bucket)["TagSet"]}
    assert "infected=strip" in tags["mail-scanning:policy"]
    assert platform.json("rescan", "globex", "--yes", "--config", config)["queued"]
    record = eventually(lambda: _of_a_rescan(scanned, held["message_id"]))
    assert record["verdict"] == "infected"
    (alert,) = eventually(lambda: scanned.alerts("globex") or None)
    assert alert["message_id"] == held["message_id"]


def _of_a_rescan(scanned: Scanned, message_id: str) -> dict[str, Any] | None:
    record = scanned.record("globex", message_id)
    return record if record is not None and record["rescan"] else None


def test_operator_lets_one_message_go(platform: Platform, scanned: Scanned, config: str) -> None:
    """From the command line through queue and scanner to clean/: whole, with who and why, and an event; no other goes."""
    heard = _events_to(scanned, "MessageReleased")
    half = b"Subject: contract\r\nContent-Type: message/partial; id=x; number=1; total=2\r\n\r\nhalf of it\r\n"
    wanted, other = (scanned.receive("acme", half + end) for end in (b"1", b"2"))
    for message_id in (wanted, other):
        assert eventually(partial(scanned.record, "acme", message_id))["verdict"] == "encrypted"
    scanned.alerts("acme")
    release = ("--message", wanted, "--deliver", "--reason", "the sender called")
    shown = platform.json("rescan", "acme", *release, "--config", config)
    assert (shown["queued"], [one["message_id"] for one in shown["messages"]]) == (False, [wanted])
    assert platform.json("rescan", "acme", *release, "--yes", "--config", config)["queued"]
    body = eventually(lambda: scanned.body("acme", f"clean/{wanted}"))
    assert body.endswith(half + b"1")
    eventually(lambda: scanned.raw_versions("acme", wanted) == 0)
    record = scanned.record("acme", wanted)
    assert record is not None
    assert (record["verdict"], record["action"]) == ("encrypted", "deliver")
    assert (record["release"]["reason"], record["release"]["applied"]) == ("the sender called", True)
    assert record["release"]["by"] == shown["release"]["by"]
    assert record["release"]["sender"]
    event = eventually(lambda: next(iter(_heard(scanned, heard)), None))
    assert (event["source"], event["detail"]["delivery"]) == ("email-subdomains", wanted)
    jsonschema.validate(event["detail"], schema_of(MessageReleased), format_checker=jsonschema.FormatChecker())
    (alert,) = scanned.alerts("acme")
    assert (alert["action"], alert["reason"]) == ("deliver", "released by an operator")
    assert scanned.body("acme", f"clean/{other}") is None
    (left,) = platform.json("rescan", "acme", "--config", config)["messages"]
    assert left["message_id"] == other


def test_delivered_mail_is_recalled(platform: Platform, scanned: Scanned, config: str) -> None:
    """By newer definitions, in the scanner's own run: a notice, what is left of the message, alerts, and an event of the entity."""
    heard = _events_to(scanned, "MessageRecalled")
    later = b"MAILROOM-HARMLESS-TEST-MARKER-OF-LATER-5c1d"
    message_id = scanned.receive("acme", mixed(encoded(b"minutes", "minutes.bin"), encoded(later, "offer.bin")))
    eventually(lambda: scanned.raw_versions("acme", message_id) == 0 and scanned.body("acme", f"clean/{message_id}"))
    publish(scanned.s3, scanned.cell["DefinitionsBucketName"], f"{TEST_DEFINITIONS}Later:0:*:{later.hex()}\n")
    # A sandbox looks for newer definitions every five minutes: a new one has them now.
    functions = platform.client("lambda")
    (scanner,) = [
        one["FunctionName"]
        for one in functions.list_functions()["Functions"]
        if "SLOW_QUEUE_URL" in one.get("Environment", {}).get("Variables", {}) and "ell" in one["FunctionName"]
    ]
    variables = functions.get_function_configuration(FunctionName=scanner)["Environment"]["Variables"]
    functions.update_function_configuration(FunctionName=scanner, Environment={"Variables": {**variables, "NEW": "1"}})
    (rule,) = [
        one
        for one in platform.client("events").list_rules()["Rules"]
        if "Recall" in one["Name"] and "ell" in one["Name"]
    ]
    (target,) = platform.client("events").list_targets_by_rule(Rule=rule["Name"])["Targets"]
    answer = functions.invoke(FunctionName=scanner, Payload=target["Input"].encode())
    assert (answer.get("FunctionError"), json.loads(answer["Payload"].read())) == (None, {"batchItemFailures": []})
    left = eventually(lambda: _left(scanned, message_id))
    assert b"offer.bin" not in left
    assert b"minutes.bin" in left
    eventually(lambda: scanned.raw_versions("acme", message_id) == 0)
    told = [alert["action"] for alert in eventually(lambda: scanned.alerts("acme") or None)]
    assert told == ["recall", "strip"]
    shown: list[dict[str, Any]] = []
    while not shown or shown[-1]["content"] != "stripped":
        shown += [one["detail"] for one in eventually(lambda: _heard(scanned, heard) or None)]
    jsonschema.validate(shown[-1], schema_of(MessageRecalled), format_checker=jsonschema.FormatChecker())
    assert (shown[-1]["delivery"], shown[-1]["signature"]) == (message_id, "Later.UNOFFICIAL")
    listed = platform.json("rescan", "acme", "--delivered", "--since", "1", "--config", config)
    assert (listed["queued"], listed["messages"][0]["message_id"]) == (False, message_id)
    assert platform.json("rescan", "acme", "--delivered", "--yes", "--config", config)["queued"]


def _left(scanned: Scanned, message_id: str) -> bytes | None:
    """The rest of a recalled message, once it exists."""
    body = scanned.body("acme", f"clean/{message_id}")
    return body if body is not None and b"removed-attachment.txt" in body else None


def _events_to(scanned: Scanned, kind: str) -> str:
    """A queue that hears of events of a kind."""
    events, name = scanned.platform.client("events"), f"heard-{kind}"
    pattern = {"source": ["email-subdomains"], "detail-type": [kind]}
    rule = events.put_rule(Name=name, EventPattern=json.dumps(pattern))["RuleArn"]
    queue, arn = listening_queue(scanned.sqs, name, service="events", source=rule)
    events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": arn}])
    return queue


def _heard(scanned: Scanned, queue: str) -> list[dict[str, Any]]:
    messages = scanned.sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
    return [json.loads(one["Body"]) for one in messages]


def test_scanner_that_is_not_deployed(platform: Platform, tmp_path: Any) -> None:
    """A tenant without a stack is told so, with the command to run."""
    config = tmp_path / "tenants.yaml"
    config.write_text("cells: {eu: {region: eu-central-1}}\ntenants: [{id: nobody, subdomain: post.nobody.example}]\n")
    done = platform.email_stack("rescan", "nobody", "--config", str(config))
    assert (done.returncode, "email-stack deploy nobody --yes" in done.stderr) == (8, True)
