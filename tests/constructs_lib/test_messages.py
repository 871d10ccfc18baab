"""A message store: its table, its queues, what its function is told and may, and what it ships."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import assertions
from aws_cdk import aws_sns as sns

from constructs_lib import MessageStore, MessageStoreProps, Retention
from constructs_lib.bundle import bundle
from mailroom.messages.joining import JoinBy
from tests.templates import new_stack, resources, template_of


def store_template(*, alarm_topic_arn: str | None = None, **settings: Any) -> assertions.Template:
    """A store of tenant acme."""
    stack = new_stack()
    if alarm_topic_arn is not None:
        settings["alarm_topic"] = sns.Topic.from_topic_arn(stack, "Alarms", alarm_topic_arn)
    MessageStore(stack, "Messages", MessageStoreProps(tenant_id="acme", **settings))
    return template_of(stack)


def test_table_is_recoverable_and_protected() -> None:
    """On demand, encrypted, recoverable; kept on removal and protected unless told otherwise; items expire."""
    table = next(iter(resources(store_template(), "AWS::DynamoDB::Table").values()))
    assert (table["DeletionPolicy"], table["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")
    properties = table["Properties"]
    assert properties["BillingMode"] == "PAY_PER_REQUEST"
    # A protected table would hold up the roll-back of the deployment that makes it.
    assert properties["DeletionProtectionEnabled"] is False
    (statement,) = properties["ResourcePolicy"]["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Action"]) == ("Deny", "dynamodb:DeleteTable")
    assert properties["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert properties["SSESpecification"] == {"SSEEnabled": True}
    assert properties["TimeToLiveSpecification"] == {"AttributeName": "expires", "Enabled": True}
    gone = next(
        iter(resources(store_template(removal_policy=cdk.RemovalPolicy.DESTROY), "AWS::DynamoDB::Table").values())
    )
    assert (gone["DeletionPolicy"], gone["Properties"].get("ResourcePolicy")) == ("Delete", None)


def test_function_knows_its_tenant_and_nothing_else() -> None:
    """Settings as the function reads them, and a role without a wildcard."""
    template = store_template(retention=Retention(messages_days=30), join_threads_by=[JoinBy.THREAD_INDEX])
    function = next(iter(resources(template, "AWS::Lambda::Function").values()))["Properties"]
    variables = function["Environment"]["Variables"]
    assert (variables["TENANT"], variables["RETENTION_DAYS"], variables["JOIN_BY"]) == ("acme", "30", "thread-index")
    assert function["Handler"] == "mailroom.functions.ingest.on_event"
    role = next(iter(resources(template, "AWS::IAM::Role").values()))["Properties"]
    for policy in role["Policies"]:
        for statement in policy["PolicyDocument"]["Statement"]:
            assert "*" not in json.dumps([statement["Action"], statement["Resource"]])
    assert "ManagedPolicyArns" not in role


def test_function_that_sends_puts_back_and_reads_the_quota() -> None:
    """Its own queue alone, and what SES takes of the account, which has no resource; without an outbox neither."""

    def allowed(template: assertions.Template) -> dict[str, Any]:
        role = next(iter(resources(template, "AWS::IAM::Role").values()))["Properties"]
        (policy,) = role["Policies"]
        return {action: one["Resource"] for one in policy["PolicyDocument"]["Statement"] for action in one["Action"]}

    def variables(template: assertions.Template) -> dict[str, Any]:
        found: dict[str, Any] = next(iter(resources(template, "AWS::Lambda::Function").values()))["Properties"]
        return dict(found["Environment"]["Variables"])

    sends = store_template(configuration_set_name="set")
    found = allowed(sends)
    assert found["sqs:SendMessage"] == found["sqs:ReceiveMessage"]
    assert found["ses:GetAccount"] == "*"
    assert [action for action, resource in found.items() if resource == "*"] == ["ses:GetAccount"]
    (queue,) = {json.dumps(found["sqs:ReceiveMessage"]["Fn::GetAtt"][0])}
    assert variables(sends)["QUEUE_URL"] == {"Ref": json.loads(queue)}
    files_only = store_template()
    assert {"sqs:SendMessage", "ses:GetAccount"}.isdisjoint(allowed(files_only))
    assert "QUEUE_URL" not in variables(files_only)


def test_mail_that_cannot_be_filed_is_noticed() -> None:
    """Tried five times, then in the dead-letter queue; both queues take TLS only, and both have an alarm."""
    template = store_template(alarm_topic_arn="arn:aws:sns:eu-central-1:111111111111:alarms")
    queues = [one["Properties"] for one in resources(template, "AWS::SQS::Queue").values()]
    assert [one["RedrivePolicy"]["maxReceiveCount"] for one in queues if "RedrivePolicy" in one] == [5]
    assert all(one["SqsManagedSseEnabled"] and one["MessageRetentionPeriod"] == 1_209_600 for one in queues)
    policies = resources(template, "AWS::SQS::QueuePolicy").values()
    assert len(policies) == 2
    for policy in policies:
        deny = policy["Properties"]["PolicyDocument"]["Statement"][0]
        assert (deny["Effect"], deny["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})
    alarms = [one["Properties"] for one in resources(template, "AWS::CloudWatch::Alarm").values()]
    assert {one["MetricName"]: one["Threshold"] for one in alarms} == {
        "ApproximateNumberOfMessagesVisible": 0,
        "ApproximateAgeOfOldestMessage": 900,
    }
    assert all(one["AlarmActions"] == one["OKActions"] for one in alarms)
    template.has_resource_properties(
        "AWS::Lambda::EventSourceMapping",
        {
            "BatchSize": 1,
            "FunctionResponseTypes": ["ReportBatchItemFailures"],
            "ScalingConfig": {"MaximumConcurrency": 5},
        },
    )


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"max_concurrency": 1}, "max_concurrency must be 2 to 1000, got 1"),
        ({"tenant_id": "Acme"}, 'tenant_id must be 2 to 32 .* got "Acme"'),
    ],
)
def test_settings_that_would_not_work(settings: dict[str, Any], message: str) -> None:
    """Refused with the value."""
    with pytest.raises(ValueError, match=message):
        MessageStore(new_stack(), "Messages", MessageStoreProps(**{"tenant_id": "acme", **settings}))


ENTRIES = ["mailroom.functions.address_books", "mailroom.functions.ingest", "mailroom.functions.tracking"]


@pytest.mark.parametrize("service", ["dynamodb", "events", "s3", "sesv2", "sqs"])
def test_what_is_shipped_knows_the_services_it_calls(service: str) -> None:
    """Each client that the function makes can be made of what is shipped."""
    folder = str(bundle(ENTRIES[1]))
    code = (
        f"import sys; sys.path[:0] = [{folder!r}]; import boto3; boto3.client({service!r}, region_name='eu-central-1')"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-B", "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("entry", ENTRIES)
def test_what_is_shipped_runs_by_itself(entry: str) -> None:
    """A tenant's function imports from its folder alone, without any site-packages; it is small, and holds nothing compiled."""
    folder = bundle(entry)
    names = {path.suffix for path in folder.rglob("*") if path.is_file()}
    assert not names & {".so", ".pyd", ".pyc", ".ndb", ".lock"}
    assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) < 10_000_000
    code = f"import sys; sys.path[:0] = [{str(folder)!r}]; from {entry} import on_event; print(on_event)"
    command = [sys.executable, "-I", "-S", "-B", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert "on_event" in done.stdout, done.stderr


def test_what_is_shipped_is_what_is_imported() -> None:
    """An edit of the scanner leaves the functions of tenants as they are, and one of tracking those that file mail."""
    shipped = {entry: {path.name for path in (bundle(entry) / "mailroom").iterdir()} for entry in ENTRIES}
    for names in shipped.values():
        assert "functions" in names
        assert not names & {"definitions", "image", "rule_set_activation.py", "scanning"}
    _books, writer, noting = (shipped[entry] for entry in ENTRIES)
    assert "outbox" in writer - noting
    assert [path.name for path in sorted((bundle(ENTRIES[2]) / "mailroom" / "functions").iterdir())] == [
        "__init__.py",
        "environment.py",
        "tracking.py",
        "tracking_notes.py",
        "tracking_settings.py",
    ]
