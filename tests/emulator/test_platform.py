"""Parts of ministack that the project's stacks use unchanged: topics, keys, roles, functions, custom resources, exports."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import pytest
from botocore.exceptions import ClientError

from .conftest import Stacks

ACCOUNT = "000000000000"
SILENT = "def handler(event, context): pass"
ANSWERING = """
import json, urllib.request

def handler(event, context):
    properties = event["ResourceProperties"]
    failed = properties.get("FailOn") == event["RequestType"]
    answer = {
        "Status": "FAILED" if failed else "SUCCESS",
        "Reason": "told to fail",
        "PhysicalResourceId": properties.get("Id", event.get("PhysicalResourceId", "made")),
        "StackId": event["StackId"],
        "RequestId": event["RequestId"],
        "LogicalResourceId": event["LogicalResourceId"],
        "Data": {"Seen": event["RequestType"] + ":" + properties.get("Value", "")},
    }
    request = urllib.request.Request(event["ResponseURL"], json.dumps(answer).encode(), method="PUT")
    urllib.request.urlopen(request).close()
"""


def function_zip(source: str) -> bytes:
    """A deployment package with one module, index."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("index.py", source)
    return packed.getvalue()


def role_document() -> dict[str, Any]:
    """A trust policy for Lambda."""
    statement = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    return {"Version": "2012-10-17", "Statement": [statement]}


def function(source: str) -> dict[str, Any]:
    """A function, its role and its log group."""
    properties = {
        "Runtime": "python3.12",
        "Handler": "index.handler",
        "Role": {"Fn::GetAtt": ["Role", "Arn"]},
        "Code": {"ZipFile": source},
        "Timeout": 10,
        "LoggingConfig": {"LogGroup": {"Ref": "Logs"}},
    }
    return {
        "Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": role_document()}},
        "Logs": {"Type": "AWS::Logs::LogGroup", "Properties": {"RetentionInDays": 30}},
        "Function": {"Type": "AWS::Lambda::Function", "Properties": properties},
    }


def custom(**properties: str) -> dict[str, Any]:
    """A custom resource answered by a function of the same stack."""
    token = {"ServiceToken": {"Fn::GetAtt": ["Function", "Arn"]}, "ServiceTimeout": 10}
    return function(ANSWERING) | {"Custom": {"Type": "Custom::Activation", "Properties": {**token, **properties}}}


SEEN = {"Seen": {"Fn::GetAtt": ["Custom", "Seen"]}, "Id": {"Ref": "Custom"}}


def test_a_custom_resource_is_created_changed_and_deleted(stacks: Stacks) -> None:
    """The function answers each request itself; its data and physical id reach the stack."""
    name, outputs = stacks.deploy(custom(Value="one"), SEEN)
    assert outputs == {"Seen": "Create:one", "Id": "made"}
    _, outputs = stacks.deploy(custom(Value="two"), SEEN, stack=name)
    assert outputs == {"Seen": "Update:two", "Id": "made"}
    stacks.delete(name)


def test_a_custom_resource_that_fails_fails_its_stack(stacks: Stacks) -> None:
    """The reason that the function gives is the stack's."""
    assert "told to fail" in stacks.refusal(custom(FailOn="Create"))


def test_a_custom_resource_that_fails_to_change_is_rolled_back(stacks: Stacks) -> None:
    """The stack stays with what it had."""
    name, _ = stacks.deploy(custom(Value="one"), SEEN)
    assert "told to fail" in stacks.refusal(custom(FailOn="Update"), stack=name)
    found = stacks.cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    assert found["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"


def test_a_custom_resource_that_fails_to_go_keeps_its_stack(stacks: Stacks) -> None:
    """A failed deletion is the stack's failure."""
    name, _ = stacks.deploy(custom(FailOn="Delete"))
    with pytest.raises(AssertionError, match="told to fail"):
        stacks.delete(name)


def test_a_function_runs_and_its_log_group_stands(stacks: Stacks) -> None:
    """A function deployed from source runs; the log group keeps its retention."""
    resources = function("def handler(event, context):\n    return {'got': event['n'] + 1}\n")
    _, outputs = stacks.deploy(resources, {"Name": {"Ref": "Function"}, "Logs": {"Ref": "Logs"}})
    answer = stacks.client("lambda").invoke(FunctionName=outputs["Name"], Payload=json.dumps({"n": 1}))
    assert json.load(answer["Payload"]) == {"got": 2}
    (group,) = stacks.client("logs").describe_log_groups(logGroupNamePrefix=outputs["Logs"])["logGroups"]
    assert group["retentionInDays"] == 30


def test_a_topic_holds_its_key_policy_and_subscriptions(stacks: Stacks) -> None:
    """KMS key, topic policy and an e-mail subscription of a topic are readable."""
    account = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
        "Action": "kms:*",
        "Resource": "*",
    }
    publish = {
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "sns:Publish",
        "Resource": "*",
    }
    key_policy = {"Version": "2012-10-17", "Statement": [account]}
    topic_policy = {"Version": "2012-10-17", "Statement": [publish]}
    subscription = {"TopicArn": {"Ref": "Topic"}, "Protocol": "email", "Endpoint": "ops@example.net"}
    resources = {
        "Key": {"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": key_policy, "EnableKeyRotation": True}},
        "Alias": {
            "Type": "AWS::KMS::Alias",
            "Properties": {"AliasName": "alias/alerts", "TargetKeyId": {"Ref": "Key"}},
        },
        "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"KmsMasterKeyId": {"Fn::GetAtt": ["Key", "Arn"]}}},
        "Policy": {
            "Type": "AWS::SNS::TopicPolicy",
            "Properties": {"Topics": [{"Ref": "Topic"}], "PolicyDocument": topic_policy},
        },
        "Mail": {"Type": "AWS::SNS::Subscription", "Properties": subscription},
    }
    name, outputs = stacks.deploy(resources, {"Topic": {"Ref": "Topic"}, "Key": {"Fn::GetAtt": ["Key", "Arn"]}})
    sns, kms = stacks.client("sns"), stacks.client("kms")
    attributes = sns.get_topic_attributes(TopicArn=outputs["Topic"])["Attributes"]
    assert attributes["KmsMasterKeyId"] == outputs["Key"]
    assert json.loads(attributes["Policy"])["Statement"][0]["Principal"] == {"Service": "s3.amazonaws.com"}
    (found,) = sns.list_subscriptions_by_topic(TopicArn=outputs["Topic"])["Subscriptions"]
    assert (found["Protocol"], found["Endpoint"]) == ("email", "ops@example.net")
    assert kms.describe_key(KeyId="alias/alerts")["KeyMetadata"]["Arn"] == outputs["Key"]
    assert kms.get_key_rotation_status(KeyId=outputs["Key"])["KeyRotationEnabled"] is True
    assert json.loads(kms.get_key_policy(KeyId=outputs["Key"])["Policy"])["Statement"] == [account]
    resources["Topic"]["Properties"] = {"DisplayName": "alerts"}
    _, after = stacks.deploy(resources, {"Topic": {"Ref": "Topic"}}, stack=name)
    assert after["Topic"] == outputs["Topic"]
    attributes = sns.get_topic_attributes(TopicArn=outputs["Topic"])["Attributes"]
    assert (attributes["DisplayName"], attributes.get("KmsMasterKeyId", "")) == ("alerts", "")


def test_an_export_in_use_keeps_its_stack(stacks: Stacks) -> None:
    """A value is imported by name, and the stack that exports it cannot go before the one that imports it."""
    queue = {"Queue": {"Type": "AWS::SQS::Queue"}}
    exporting, outputs = stacks.deploy(queue, {"Arn": {"Value": {"Ref": "Queue"}, "Export": {"Name": "queue-url"}}})
    tags = [{"Key": "url", "Value": {"Fn::ImportValue": "queue-url"}}]
    topic = {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {"Tags": tags}}}
    importing, imported = stacks.deploy(topic, {"Arn": {"Value": {"Fn::ImportValue": "queue-url"}}})
    assert imported == outputs
    with pytest.raises(ClientError, match="Export queue-url is imported by"):
        stacks.delete(exporting)
    stacks.delete(importing)
    stacks.delete(exporting)


def test_a_custom_resource_that_never_answers_is_given_up(stacks: Stacks) -> None:
    """A function that is silent fails its stack after the time the template gives it."""
    resources = custom() | function(SILENT)
    resources["Custom"]["Properties"]["ServiceTimeout"] = 1
    assert "did not answer the Create request" in stacks.refusal(resources)
