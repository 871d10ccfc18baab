"""AttachmentScanner and SignatureMirror."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_sns as sns
from aws_cdk.assertions import Template

from constructs_lib import AttachmentScanner, AttachmentScannerProps, SignatureMirror
from constructs_lib.bundle import image_context
from constructs_lib.scanning.image import _ENTRIES
from tests.templates import new_stack, only, resources, template_of


def scanner_template(**settings: Any) -> Template:
    """Template of a stack with a mirror, and a scanner that uses it."""
    stack = new_stack()
    mirror = SignatureMirror(stack, "Definitions")
    AttachmentScanner(stack, "Scanner", AttachmentScannerProps(definitions=mirror.bucket, **settings))
    return template_of(stack)


def function(template: Template, entry: str, *, slow: bool = False) -> dict[str, Any]:
    """Properties of the function with that entry, in that lane."""
    found = [
        resource["Properties"]
        for name, resource in resources(template, "AWS::Lambda::Function").items()
        if resource["Properties"].get("ImageConfig", {}).get("Command") == [entry] and ("Slow" in name) == slow
    ]
    assert len(found) == 1
    properties: dict[str, Any] = found[0]
    return properties


def queues(template: Template) -> dict[str, Any]:
    """Properties of the queues, by the word in their names."""
    words = ("DeadLetters", "Arrivals", "SlowTurns", "Turns")
    return {
        next(word for word in words if word in name): one["Properties"]
        for name, one in resources(template, "AWS::SQS::Queue").items()
    }


def mappings(template: Template) -> dict[str, dict[str, Any]]:
    """Properties of the event source mappings, by the name of the queue's word."""
    words = ("Arrivals", "SlowTurns", "Turns")
    return {
        next(word for word in words if word in str(one["Properties"]["EventSourceArn"])): one["Properties"]
        for one in resources(template, "AWS::Lambda::EventSourceMapping").values()
    }


def statements_of(template: Template, role: str) -> list[dict[str, Any]]:
    """Statements of the policies attached to the role whose logical id begins so."""
    return [
        statement
        for policy in resources(template, "AWS::IAM::Policy").values()
        if policy["Properties"]["Roles"][0]["Ref"].startswith(role)
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
    ]


def test_image_holds_what_its_functions_import(tmp_path: Path) -> None:
    """Also what runs in a child, and what is read: no edit of the store, or of what sends, builds the image anew."""
    shutil.copytree(image_context(*_ENTRIES), tmp_path / "mailroom")
    held = {path.name for path in (tmp_path / "mailroom").iterdir()}
    assert not held & {"outbox", "rule_set_activation.py", "store", "structuring"}
    assert [path.name for path in sorted((tmp_path / "mailroom" / "image").iterdir())] == [
        "Dockerfile",
        "packages.sh",
        "requirements.lock",
    ]
    files = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert {
        "mailroom/scanning/unscannable.ndb",
        "mailroom/scanning/clamd.conf",
        "mailroom/definitions/freshclam.conf",
    } <= files
    assert not [path for path in files if path.endswith(".pyc")]
    modules = [*_ENTRIES, "mailroom.scanning.containers.child"]
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import {', '.join(modules)}; print(mailroom.__file__)"
    done = subprocess.run(
        [sys.executable, "-B", "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout == f"{tmp_path / 'mailroom' / '__init__.py'}\n", done.stderr


def test_scanner_is_an_image_with_room_for_definitions() -> None:
    """The official definitions in the memory that a new account has, room to unpack, and clamd's longest scan within its time."""
    scan = function(scanner_template(), "mailroom.functions.scanner.on_event")
    assert (scan["PackageType"], scan["Architectures"]) == ("Image", ["x86_64"])
    assert (scan["MemorySize"], scan["EphemeralStorage"], scan["Timeout"]) == (3008, {"Size": 4096}, 300)
    settings = scan["Environment"]["Variables"]
    assert (settings["MAX_RECEIVES"], settings["MAX_DEFINITIONS_AGE_HOURS"]) == ("5", "168")
    assert set(settings) == {
        "DEFINITIONS_BUCKET",
        "EVENT_BUS",
        "MAX_DEFINITIONS_AGE_HOURS",
        "MAX_RECEIVES",
        "RECALL_DAYS",
        "SCANNER_NAME",
        "SLOW_QUEUE_URL",
    }
    assert "SlowTurns" in str(settings["SLOW_QUEUE_URL"])


def test_queue_tries_again_and_gives_up() -> None:
    """Hidden for six times as long as an invocation may last; after five tries to the dead letters, kept for two weeks."""
    found = queues(scanner_template())
    assert found["Turns"]["VisibilityTimeout"] == 6 * 300
    assert found["Turns"]["RedrivePolicy"]["maxReceiveCount"] == 5
    for queue in found.values():
        assert (queue["SqsManagedSseEnabled"], queue["MessageRetentionPeriod"]) == (True, 1_209_600)


def test_arrivals_are_sorted_by_a_small_function() -> None:
    """Ten at a time, tried for six hours, since what is not sorted is not even held; with the same dead letters."""
    template = scanner_template()
    found = queues(template)
    assert (found["Arrivals"]["VisibilityTimeout"], found["Arrivals"]["RedrivePolicy"]["maxReceiveCount"]) == (180, 360)
    targets = {str(found[name]["RedrivePolicy"]["deadLetterTargetArn"]) for name in ("Arrivals", "Turns")}
    assert len(targets) == 1
    mapping = mappings(template)["Arrivals"]
    assert (mapping["BatchSize"], mapping["ScalingConfig"]) == (10, {"MaximumConcurrency": 5})
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    (sorter,) = [
        one["Properties"]
        for one in resources(template, "AWS::Lambda::Function").values()
        if one["Properties"].get("Handler") == "mailroom.functions.sorting.on_event"
    ]
    assert (sorter["MemorySize"], sorter["Timeout"]) == (256, 30)
    assert "Turns" in str(sorter["Environment"]["Variables"]["SCANNER_QUEUE_URL"])


def test_sorter_begins_once_the_scanner_takes_what_it_sorts() -> None:
    """In an update, nothing leaves the old queue for one that nobody works on."""
    template = scanner_template()
    found = resources(template, "AWS::Lambda::EventSourceMapping")
    (sorting,) = [name for name in found if "Sorter" in name]
    (scanning,) = [name for name in found if "Sorter" not in name and "Slow" not in name]
    assert scanning in found[sorting]["DependsOn"]


def test_slow_mail_has_a_lane_of_its_own() -> None:
    """The same image, role, memory and time, with half the workers; it is all the role sends to, and has no lane beyond it."""
    template = scanner_template(max_concurrency=11)
    entry = "mailroom.functions.scanner.on_event"
    quick, slow = function(template, entry), function(template, entry, slow=True)
    lane = quick["Environment"]["Variables"].pop("SLOW_QUEUE_URL")
    assert {name: value for name, value in quick.items() if slow.get(name) != value}.keys() == {"Description"}
    assert quick.keys() == slow.keys()
    found, mapping = queues(template), mappings(template)["SlowTurns"]
    assert {**found["SlowTurns"], "Tags": None} == {**found["Turns"], "Tags": None}
    assert (mapping["BatchSize"], mapping["FunctionResponseTypes"]) == (1, ["ReportBatchItemFailures"])
    assert mapping["ScalingConfig"] == {"MaximumConcurrency": 5}
    assert mappings(scanner_template(max_concurrency=3))["SlowTurns"]["ScalingConfig"] == {"MaximumConcurrency": 2}
    (sends,) = [one for one in statements_of(template, "ScannerRole") if "sqs:SendMessage" in one["Action"]]
    assert sends["Resource"] == {"Fn::GetAtt": [lane["Ref"], "Arn"]}


def test_queue_of_arrivals_names_the_slow_lanes() -> None:
    """Commands find it there: what they send must come as it was sent, and is never moved."""
    (tag,) = queues(scanner_template())["Arrivals"]["Tags"]
    assert tag["Key"] == "mail-scanning:queue"
    assert "SlowTurns" in tag["Value"]["Fn::GetAtt"][0]
    assert tag["Value"]["Fn::GetAtt"][1] == "QueueName"


def test_scanner_of_one_bucket_sorts_nothing() -> None:
    """One queue, one function, one mapping, six alarms of its own."""
    template = scanner_template(sorts_arrivals=False)
    found = queues(template)
    assert found.keys() == {"Arrivals", "DeadLetters"}
    assert (found["Arrivals"]["VisibilityTimeout"], found["Arrivals"]["RedrivePolicy"]["maxReceiveCount"]) == (1800, 5)
    assert "Tags" not in found["Arrivals"]
    assert mappings(template).keys() == {"Arrivals"}
    assert len(resources(template, "AWS::CloudWatch::Alarm")) + 3 == len(
        resources(scanner_template(), "AWS::CloudWatch::Alarm")
    )
    # To its own queue alone, for what it keeps of SES's notifications.
    (sends,) = [one for one in statements_of(template, "ScannerRole") if "sqs:SendMessage" in one["Action"]]
    assert "Arrivals" in sends["Resource"]["Fn::GetAtt"][0]
    settings = function(template, "mailroom.functions.scanner.on_event")["Environment"]["Variables"]
    assert "Arrivals" in str(settings["OWN_QUEUE_URL"])
    assert "SLOW_QUEUE_URL" not in settings


def test_one_message_an_invocation() -> None:
    """And what failed is told by message, so that a time-out takes no other message with it."""
    mapping = mappings(scanner_template(max_concurrency=40))["Turns"]
    assert (mapping["BatchSize"], mapping["ScalingConfig"]) == (1, {"MaximumConcurrency": 40})
    assert mappings(scanner_template())["Turns"]["ScalingConfig"] == {"MaximumConcurrency": 5}
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_only_buckets_of_the_account_notify() -> None:
    """S3 may send for this account's buckets; nobody else but whom IAM lets."""
    template = scanner_template()
    (policy,) = [
        resource["Properties"]["PolicyDocument"]["Statement"]
        for name, resource in resources(template, "AWS::SQS::QueuePolicy").items()
        if "Arrivals" in name
    ]
    (allowed,) = [statement for statement in policy if statement["Effect"] == "Allow"]
    assert allowed["Principal"] == {"Service": "s3.amazonaws.com"}
    assert allowed["Action"] == "sqs:SendMessage"
    assert allowed["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


def test_role_reaches_no_bucket_but_the_definitions() -> None:
    """What it may do with a tenant's bucket, only that bucket's policy says."""
    for statement in statements_of(scanner_template(), "ScannerRole"):
        resource = statement["Resource"]
        assert resource != "*"
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        if any(action.startswith("s3:") for action in actions):
            keeps = actions == ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"]
            assert keeps or actions in (["s3:GetObject"], ["s3:ListBucket"])
            assert "['Definitions" in str(resource)
            assert ("/recall/" in str(resource)) == keeps


def test_key_opens_this_accounts_topics_alone() -> None:
    """The cell's key encrypts every tenant's topic: the context names whose."""
    key = "arn:aws:kms:eu-central-1:111111111111:key/k"
    (statement,) = [
        s for s in statements_of(scanner_template(topics_key_arn=key), "ScannerRole") if s["Resource"] == key
    ]
    assert statement["Action"] == ["kms:Decrypt", "kms:GenerateDataKey"]
    (context,) = statement["Condition"]["ArnLike"].values()
    assert context["Fn::Join"][1][-2:] == [{"Ref": "AWS::AccountId"}, ":*"]


def test_alarms() -> None:
    """Detections, held mail, dead letters, the oldest messages, definitions, errors: each tells, and tells when it is over."""
    stack = new_stack()
    topic = sns.Topic(stack, "Topic")
    mirror = SignatureMirror(stack, "Definitions", alarm_topic=topic)
    AttachmentScanner(stack, "Scanner", AttachmentScannerProps(definitions=mirror.bucket, alarm_topic=topic))
    alarms = {
        next(
            (word for word in ("Unsorted", "OldestSlow", "SlowErrors") if word in name),
            said["Properties"]["MetricName"],
        ): said["Properties"]
        for name, said in resources(template_of(stack), "AWS::CloudWatch::Alarm").items()
    }
    watched = {name: str(alarms[name]["Dimensions"]) for name in ("Unsorted", "ApproximateAgeOfOldestMessage")}
    assert "Arrivals" in watched["Unsorted"]
    assert "ScannerTurns" in watched["ApproximateAgeOfOldestMessage"]
    assert "SlowTurns" in str(alarms["OldestSlow"]["Dimensions"])
    assert "Slow" in str(alarms["SlowErrors"]["Dimensions"])
    assert {name: (one["Threshold"], one["TreatMissingData"]) for name, one in alarms.items()} == {
        "Detections": (0, "notBreaching"),
        "Held": (0, "notBreaching"),
        "ApproximateNumberOfMessagesVisible": (0, "notBreaching"),
        "ApproximateAgeOfOldestMessage": (900, "notBreaching"),
        "Unsorted": (900, "notBreaching"),
        "OldestSlow": (900, "notBreaching"),
        "SlowErrors": (0, "notBreaching"),
        "OlderDefinitions": (0, "notBreaching"),
        "Errors": (0, "notBreaching"),
        "Age": (86_400, "missing"),
    }
    for alarm in alarms.values():
        assert len(alarm["AlarmActions"]) == len(alarm["OKActions"]) == 1
        assert alarm["AlarmDescription"]
    # A mirror that says nothing any more is as bad as one that says it failed; one that said nothing yet rings nowhere.
    told = {name for name, one in alarms.items() if one.get("InsufficientDataActions")}
    assert told == {"Age"}
    assert alarms["Age"]["InsufficientDataActions"] == alarms["Age"]["AlarmActions"]


@pytest.mark.parametrize("metric", ["Detections", "Held", "OlderDefinitions"])
def test_metrics_are_those_that_are_watched(metric: str) -> None:
    """The name that the function counts under is the one that its alarms watch."""
    template = scanner_template()
    name = function(template, "mailroom.functions.scanner.on_event")["Environment"]["Variables"]["SCANNER_NAME"]
    template.has_resource_properties(
        "AWS::CloudWatch::Alarm",
        {"Namespace": "EmailSubdomains", "MetricName": metric, "Dimensions": [{"Name": "Scanner", "Value": name}]},
    )


def test_mirror_runs_by_the_clock_and_when_it_was_deployed() -> None:
    """Every four hours, and once its own stack is there; a run that failed is not repeated at once."""
    template = scanner_template()
    rules = [
        resource["Properties"]
        for name, resource in resources(template, "AWS::Events::Rule").items()
        if name.startswith("Definitions")
    ]
    assert [rule["ScheduleExpression"] for rule in rules if "ScheduleExpression" in rule] == ["rate(4 hours)"]
    (pattern,) = [rule["EventPattern"] for rule in rules if "EventPattern" in rule]
    assert pattern["detail"]["stack-id"] == [{"Ref": "AWS::StackId"}]
    assert {rule["Targets"][0]["RetryPolicy"]["MaximumRetryAttempts"] for rule in rules} == {0}
    template.has_resource_properties("AWS::Lambda::EventInvokeConfig", {"MaximumRetryAttempts": 0})
    mirror = function(template, "mailroom.functions.mirror.on_event")
    assert mirror["Environment"]["Variables"]["REQUIRED_DATABASES"] == "main daily bytecode"


def test_scanner_looks_at_what_was_delivered() -> None:
    """Every five minutes, with a setting of how far back; what fails is not repeated at once. Without it, there is none."""
    template = scanner_template(recall_days=30)
    (rule,) = [
        resource["Properties"]
        for name, resource in resources(template, "AWS::Events::Rule").items()
        if name.startswith("Scanner")
    ]
    assert rule["ScheduleExpression"] == "rate(5 minutes)"
    (target,) = rule["Targets"]
    assert (target["Input"], target["RetryPolicy"]) == ('{"recall":"go on"}', {"MaximumRetryAttempts": 0})
    scan = function(template, "mailroom.functions.scanner.on_event")
    assert scan["Environment"]["Variables"]["RECALL_DAYS"] == "30"
    without = scanner_template(recall_days=0)
    assert not [name for name in resources(without, "AWS::Events::Rule") if name.startswith("Scanner")]
    assert "recall/" not in str(statements_of(without, "ScannerRole"))


def test_ledger_ends() -> None:
    """No scanner looks further back than a month."""
    rules = only(scanner_template(), "AWS::S3::Bucket")["LifecycleConfiguration"]["Rules"]
    (ends,) = [rule for rule in rules if rule.get("Prefix") == "recall/"]
    assert ends["ExpirationInDays"] == 31


def test_definitions_are_versioned_and_private() -> None:
    """And the mirror's role reaches nothing else."""
    template = scanner_template()
    bucket = only(template, "AWS::S3::Bucket")
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    for statement in statements_of(template, "DefinitionsRole"):
        assert statement["Resource"] != "*"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"memory_mib": 1024},
            "memory_mib must be 2048 to 10240, got 1024; .*the official definitions alone take 1400",
        ),
        ({"max_concurrency": 1}, "max_concurrency must be 2 to 1000, got 1"),
    ],
)
def test_settings_that_would_not_work(settings: dict[str, Any], message: str) -> None:
    """Refused with the value."""
    with pytest.raises(ValueError, match=message):
        scanner_template(**settings)


def test_mirror_that_would_be_turned_away() -> None:
    """The source refuses who asks too often."""
    with pytest.raises(ValueError, match="every must be a duration of 1 to 24 whole hours, got 30 minutes"):
        SignatureMirror(new_stack(), "Definitions", every=cdk.Duration.minutes(30))


def test_mirror_fits_a_new_account() -> None:
    """It loads a set to verify it; 3,008 MB is what AWS gives a function there."""
    stack = new_stack()
    SignatureMirror(stack, "Definitions")
    mirror = function(template_of(stack), "mailroom.functions.mirror.on_event")
    assert mirror["MemorySize"] == 3008


def test_second_source_is_told_by_an_alarm() -> None:
    """The mirror knows it, and an alarm tells the topic whenever it was asked; without one there is neither."""
    stack = new_stack()
    SignatureMirror(stack, "Definitions", definitions_source="https://clamav.mirror.example")
    template = template_of(stack)
    environments = [
        one["Properties"].get("Environment", {}).get("Variables", {})
        for one in resources(template, "AWS::Lambda::Function").values()
    ]
    assert [one["SECOND_SOURCE"] for one in environments if "SECOND_SOURCE" in one] == ["https://clamav.mirror.example"]
    metrics = {one["Properties"]["MetricName"] for one in resources(template, "AWS::CloudWatch::Alarm").values()}
    assert metrics == {"Age", "SecondSource"}
    plain = new_stack()
    SignatureMirror(plain, "Definitions")
    assert "SecondSource" not in str(template_of(plain).to_json())
    assert "SECOND_SOURCE" not in str(template_of(plain).to_json())
