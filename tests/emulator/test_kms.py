"""Callers, services and functions need the key of the resource they use."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from emulator import Emulator
from emulator.inbound import DeliveryError, Notification

from .conftest import REGION, Stacks, code_of

ACCOUNT = "000000000000"
ROOT = {
    "Effect": "Allow",
    "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
    "Action": "kms:*",
    "Resource": "*",
}
EVERYTHING = ("s3:*", "sns:*", "sqs:*", "dynamodb:*")


@pytest.fixture(scope="module")
def enforcing() -> Iterator[Emulator]:
    """An emulator that looks at policies."""
    with Emulator(enforce_iam=True) as running:
        yield running


def policy(*statements: dict[str, Any]) -> dict[str, Any]:
    """A policy of these statements."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def services(*names: str) -> dict[str, Any]:
    """The statement that lets service principals of this account use a key."""
    return {
        "Effect": "Allow",
        "Principal": {"Service": list(names)},
        "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
        "Resource": "*",
        "Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT}},
    }


def user(emulator: Emulator, name: str, *statements: dict[str, Any]) -> Any:
    """A function that gives clients of a user who may do everything but with keys, and what `statements` say."""
    iam = emulator.client("iam", REGION)
    iam.create_user(UserName=name)
    allow = {"Effect": "Allow", "Action": list(EVERYTHING), "Resource": "*"}
    document = json.dumps(policy(allow, *statements))
    iam.put_user_policy(UserName=name, PolicyName="work", PolicyDocument=document)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return lambda service: emulator.client(service, REGION, credentials=(key["AccessKeyId"], key["SecretAccessKey"]))


@pytest.fixture(scope="module")
def made(enforcing: Emulator) -> dict[str, str]:
    """A topic, a queue, a bucket and a table with one key, whose policy names the account only."""
    resources: dict[str, Any] = {
        "Key": {"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": policy(ROOT)}},
        "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"KmsMasterKeyId": {"Fn::GetAtt": ["Key", "Arn"]}}},
        "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"KmsMasterKeyId": {"Fn::GetAtt": ["Key", "Arn"]}}},
        "Bucket": {
            "Type": "AWS::S3::Bucket",
            "Properties": {
                "BucketEncryption": {
                    "ServerSideEncryptionConfiguration": [
                        {
                            "BucketKeyEnabled": True,
                            "ServerSideEncryptionByDefault": {
                                "SSEAlgorithm": "aws:kms",
                                "KMSMasterKeyID": {"Fn::GetAtt": ["Key", "Arn"]},
                            },
                        }
                    ]
                }
            },
        },
        "Table": {
            "Type": "AWS::DynamoDB::Table",
            "Properties": {
                "BillingMode": "PAY_PER_REQUEST",
                "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
                "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
                "SSESpecification": {
                    "SSEEnabled": True,
                    "SSEType": "KMS",
                    "KMSMasterKeyId": {"Fn::GetAtt": ["Key", "Arn"]},
                },
            },
        },
    }
    outputs = {name: {"Ref": name} for name in resources} | {"KeyArn": {"Fn::GetAtt": ["Key", "Arn"]}}
    return Stacks(enforcing, "keys").deploy(resources, outputs)[1]


def calls(clients: Any, made: dict[str, str]) -> dict[str, str]:
    """Each call that works with what is encrypted, and the code it is refused with; "" when it is not."""
    bucket, table, queue = made["Bucket"], made["Table"], made["Queue"]
    tried: dict[str, Callable[[], Any]] = {
        "publish": lambda: clients("sns").publish(TopicArn=made["Topic"], Message="x"),
        "send": lambda: clients("sqs").send_message(QueueUrl=queue, MessageBody="x"),
        "receive": lambda: clients("sqs").receive_message(QueueUrl=queue),
        "put": lambda: clients("s3").put_object(Bucket=bucket, Key="k", Body=b"x"),
        "get": lambda: clients("s3").get_object(Bucket=bucket, Key="k"),
        "write": lambda: clients("dynamodb").put_item(TableName=table, Item={"pk": {"S": "x"}}),
        "read": lambda: clients("dynamodb").get_item(TableName=table, Key={"pk": {"S": "x"}}),
    }
    found = {}
    for name, call in tried.items():
        try:
            call()
            found[name] = ""
        except ClientError as error:
            found[name] = error.response["Error"]["Code"]
    return found


def test_who_may_call_needs_the_key(enforcing: Emulator, made: dict[str, str]) -> None:
    """Without it each call is refused, in the service's own words."""
    assert calls(user(enforcing, "keyless"), made) == {
        "publish": "KMSAccessDenied",
        "send": "KmsAccessDenied",
        "receive": "KmsAccessDenied",
        "put": "AccessDenied",
        "get": "AccessDenied",
        "write": "AccessDeniedException",
        "read": "AccessDeniedException",
    }


def test_with_the_key_each_call_is_made(enforcing: Emulator, made: dict[str, str]) -> None:
    """The account's statement in the key's policy lets users' own policies decide."""
    allow = {"Effect": "Allow", "Action": ["kms:Decrypt", "kms:GenerateDataKey"], "Resource": made["KeyArn"]}
    assert set(calls(user(enforcing, "keyed", allow), made).values()) == {""}


def test_a_grant_is_for_the_service_and_the_thing_it_names(enforcing: Emulator, made: dict[str, str]) -> None:
    """The key is used through one service, and for what the encryption context names."""
    use = {"Effect": "Allow", "Action": ["kms:Decrypt", "kms:GenerateDataKey"], "Resource": made["KeyArn"]}
    through = {"StringEquals": {"kms:ViaService": f"sqs.{REGION}.amazonaws.com"}}
    allowed = calls(user(enforcing, "through-sqs", {**use, "Condition": through}), made)
    assert [name for name, code in allowed.items() if not code] == ["send", "receive"]
    for bucket, expected in ((made["Bucket"], ["put", "get"]), ("another", [])):
        within = {"StringEquals": {"kms:EncryptionContext:aws:s3:arn": f"arn:aws:s3:::{bucket}"}}
        allowed = calls(user(enforcing, f"within-{bucket}", {**use, "Condition": within}), made)
        assert [name for name, code in allowed.items() if not code] == expected


def told(enforcing: Emulator, queue: str, seconds: float = 3) -> int:
    """Number of messages that reach a queue within that time; returns with the first."""
    sqs = enforcing.client("sqs", REGION)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := sqs.receive_message(QueueUrl=queue).get("Messages", []):
            return len(found)
        time.sleep(0.1)
    return 0


@pytest.mark.parametrize("lets", [True, False])
def test_services_need_the_key(enforcing: Emulator, lets: bool) -> None:
    """EventBridge, S3 and CloudWatch reach what is encrypted where the key's policy names them, and are silent where not."""
    named = [services("events.amazonaws.com", "s3.amazonaws.com", "cloudwatch.amazonaws.com")] if lets else []
    key = {"Fn::GetAtt": ["Key", "Arn"]}
    anybody = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*"}
    everybody = {"Effect": "Allow", "Principal": "*", "Action": "sns:Publish", "Resource": "*"}
    resources: dict[str, Any] = {
        "Key": {"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": policy(ROOT, *named)}},
        "Plain": {"Type": "AWS::SQS::Queue"},
        "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"KmsMasterKeyId": key}},
        "TopicPolicy": {
            "Type": "AWS::SNS::TopicPolicy",
            "Properties": {"Topics": [{"Ref": "Topic"}], "PolicyDocument": policy(everybody)},
        },
        "Subscription": {
            "Type": "AWS::SNS::Subscription",
            "Properties": {
                "TopicArn": {"Ref": "Topic"},
                "Protocol": "sqs",
                "Endpoint": {"Fn::GetAtt": ["Plain", "Arn"]},
            },
        },
        "Alarm": {
            "Type": "AWS::CloudWatch::Alarm",
            "Properties": {
                "MetricName": "m",
                "Namespace": "n",
                "Statistic": "Sum",
                "Period": 60,
                "EvaluationPeriods": 1,
                "Threshold": 1,
                "ComparisonOperator": "GreaterThanThreshold",
                "AlarmActions": [{"Ref": "Topic"}],
            },
        },
    }
    for name in ("Events", "Objects"):
        resources[name] = {"Type": "AWS::SQS::Queue", "Properties": {"KmsMasterKeyId": key}}
    resources["QueuePolicy"] = {
        "Type": "AWS::SQS::QueuePolicy",
        "Properties": {
            "Queues": [{"Ref": "Events"}, {"Ref": "Objects"}, {"Ref": "Plain"}],
            "PolicyDocument": policy(anybody),
        },
    }
    resources["Rule"] = {
        "Type": "AWS::Events::Rule",
        "Properties": {
            "EventPattern": {"source": [f"kms.{lets}"]},
            "Targets": [{"Id": "q", "Arn": {"Fn::GetAtt": ["Events", "Arn"]}}],
        },
    }
    outputs: dict[str, Any] = {name: {"Ref": name} for name in ("Events", "Objects", "Plain", "Alarm")}
    outputs["ObjectsArn"] = {"Fn::GetAtt": ["Objects", "Arn"]}
    _, out = Stacks(enforcing, f"services-{lets}".lower()).deploy(resources, outputs)
    entry = {"Source": f"kms.{lets}", "DetailType": "x", "Detail": "{}"}
    enforcing.client("events", REGION).put_events(Entries=[entry])
    s3, bucket = enforcing.client("s3", REGION), f"tells-{lets}".lower()
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    told_of = {"QueueConfigurations": [{"QueueArn": out["ObjectsArn"], "Events": ["s3:ObjectCreated:*"]}]}
    if lets:
        s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=told_of)
    else:
        with pytest.raises(ClientError, match="Unable to validate the following destination"):
            s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=told_of)
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    enforcing.client("cloudwatch", REGION).set_alarm_state(AlarmName=out["Alarm"], StateValue="ALARM", StateReason="x")
    found = {name: told(enforcing, out[name], 5 if lets else 0.5) > 0 for name in ("Events", "Objects", "Plain")}
    assert found == {"Events": lets, "Objects": lets, "Plain": lets}


@pytest.mark.parametrize("lets", [True, False])
def test_a_log_group_needs_the_key(enforcing: Emulator, lets: bool) -> None:
    """CloudWatch Logs refuses a key that its service may not use for that log group."""
    use = {
        "Effect": "Allow",
        "Principal": {"Service": f"logs.{REGION}.amazonaws.com"},
        "Action": ["kms:Decrypt*", "kms:GenerateDataKey*"],
        "Resource": "*",
        "Condition": {
            "ArnLike": {"kms:EncryptionContext:aws:logs:arn": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:*"}
        },
    }
    resources: dict[str, Any] = {
        "Key": {"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": policy(ROOT, *([use] if lets else []))}},
        "Logs": {"Type": "AWS::Logs::LogGroup", "Properties": {"KmsKeyId": {"Fn::GetAtt": ["Key", "Arn"]}}},
    }
    stacks = Stacks(enforcing, f"logs-{lets}".lower())
    if lets:
        stacks.deploy(resources)
    else:
        assert "is not allowed to be used" in stacks.refusal(resources)


def test_what_is_not_enforced_asks_nobody(emulator: Emulator) -> None:
    """Without `enforce_iam`, a key is a name."""
    sqs, kms = emulator.client("sqs", REGION), emulator.client("kms", REGION)
    key = kms.create_key(Policy=json.dumps(policy(ROOT)))["KeyMetadata"]["Arn"]
    queue = sqs.create_queue(QueueName="keyed", Attributes={"KmsMasterKeyId": key})["QueueUrl"]
    sqs.send_message(QueueUrl=queue, MessageBody="x")
    assert told(emulator, queue) == 1


def test_codes_are_the_services_own(enforcing: Emulator, made: dict[str, str]) -> None:
    """boto3 raises what SQS's callers look for."""
    with pytest.raises(ClientError) as caught:
        user(enforcing, "named")("sqs").send_message(QueueUrl=made["Queue"], MessageBody="x")
    assert code_of(caught) == "KmsAccessDenied"
    assert "kms:GenerateDataKey" in str(caught.value)


def test_ses_needs_topic_and_key_to_tell_of_mail(enforcing: Emulator) -> None:
    """For its receipt rules, by the topic's policy and by that of its key."""
    sns, kms = enforcing.client("sns", REGION), enforcing.client("kms", REGION)
    account = "000000000000"
    ses = {"Effect": "Allow", "Principal": {"Service": "ses.amazonaws.com"}, "Resource": "*"}
    rules = {"ArnLike": {"aws:SourceArn": f"arn:aws:ses:{REGION}:{account}:receipt-rule-set/*"}}
    root = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{account}:root"}, "Action": "kms:*", "Resource": "*"}
    use = {**ses, "Action": ["kms:Decrypt", "kms:GenerateDataKey*"]}
    keys = [
        kms.create_key(Policy=json.dumps({"Version": "2012-10-17", "Statement": statements}))["KeyMetadata"]["Arn"]
        for statements in ([root, use], [root])
    ]
    answers = []
    for number, (key, condition) in enumerate(
        ((keys[0], rules), (keys[1], rules), (keys[0], {"Bool": {"a:b": "true"}}))
    ):
        topic = sns.create_topic(Name=f"mail-{number}", Attributes={"KmsMasterKeyId": key})["TopicArn"]
        policy = {"Version": "2012-10-17", "Statement": [{**ses, "Action": "sns:Publish", "Condition": condition}]}
        sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=json.dumps(policy))
        try:
            enforcing._notify(Notification(topic, "set", "rule", "{}"), REGION)
        except DeliveryError:
            answers.append(False)
        else:
            answers.append(True)
    assert answers == [True, False, False]
