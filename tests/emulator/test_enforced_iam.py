"""The mode in which policies are looked at."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from emulator import Emulator

from .conftest import REGION, Stacks, code_of

RECORDS = {"Effect": "Allow", "Action": "ses:SetActiveReceiptRuleSet", "Resource": "*"}


def test_a_call_needs_its_grant() -> None:
    """A user is denied what no policy allows, and allowed it with the grant; stacks still deploy."""
    with Emulator(enforce_iam=True) as running:
        stacks = Stacks(running, "enforced")
        resources: dict[str, Any] = {
            "Set": {"Type": "AWS::SES::ReceiptRuleSet", "Properties": {"RuleSetName": "cell"}},
            "Identity": {"Type": "AWS::SES::EmailIdentity", "Properties": {"EmailIdentity": "acme.example"}},
            "Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"Tags": [{"Key": "a", "Value": "b"}]}},
            "Zone": {"Type": "AWS::Route53::HostedZone", "Properties": {"Name": "acme.example"}},
        }
        stacks.deploy(resources)
        iam = running.client("iam", REGION)
        iam.create_user(UserName="operator")
        key = iam.create_access_key(UserName="operator")["AccessKey"]
        operator = running.client("ses", REGION, credentials=(key["AccessKeyId"], key["SecretAccessKey"]))
        with pytest.raises(ClientError) as caught:
            operator.set_active_receipt_rule_set(RuleSetName="cell")
        assert code_of(caught) == "AccessDenied"
        grant = json.dumps({"Version": "2012-10-17", "Statement": [RECORDS]})
        iam.put_user_policy(UserName="operator", PolicyName="activate", PolicyDocument=grant)
        operator.set_active_receipt_rule_set(RuleSetName="cell")
        assert running.client("ses", REGION).describe_active_receipt_rule_set()["Metadata"]["Name"] == "cell"
        refused = running.receive(b"Subject: x\r\n\r\n", ["someone@acme.example"], REGION)
        assert not refused.accepted


def test_events_are_put_by_their_source() -> None:
    """A grant for one source lets nobody speak for another."""
    with Emulator(enforce_iam=True) as running:
        iam = running.client("iam", REGION)
        iam.create_user(UserName="teller")
        key = iam.create_access_key(UserName="teller")["AccessKey"]
        grant = {
            "Effect": "Allow",
            "Action": "events:PutEvents",
            "Resource": f"arn:aws:events:{REGION}:{running.account_id}:event-bus/default",
            "Condition": {"StringEquals": {"events:source": "email-subdomains"}},
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [grant]})
        iam.put_user_policy(UserName="teller", PolicyName="tell", PolicyDocument=policy)
        teller = running.client("events", REGION, credentials=(key["AccessKeyId"], key["SecretAccessKey"]))
        entry = {"DetailType": "x", "Detail": "{}", "EventBusName": "default"}
        assert teller.put_events(Entries=[{**entry, "Source": "email-subdomains"}])["FailedEntryCount"] == 0
        with pytest.raises(ClientError) as caught:
            teller.put_events(Entries=[{**entry, "Source": "somebody.else"}])
        assert code_of(caught) == "AccessDeniedException"


def test_a_batch_needs_the_grant_of_one_message() -> None:
    """SQS has no action of its own for batches; the right to send is not that to delete."""
    with Emulator(enforce_iam=True) as running:
        iam, sqs = running.client("iam", REGION), running.client("sqs", REGION)
        queue = sqs.create_queue(QueueName="batches")["QueueUrl"]
        iam.create_user(UserName="sender")
        key = iam.create_access_key(UserName="sender")["AccessKey"]
        arn = f"arn:aws:sqs:{REGION}:{running.account_id}:batches"
        grant = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": arn}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [grant]})
        iam.put_user_policy(UserName="sender", PolicyName="send", PolicyDocument=policy)
        sender = running.client("sqs", REGION, credentials=(key["AccessKeyId"], key["SecretAccessKey"]))
        sent = sender.send_message_batch(QueueUrl=queue, Entries=[{"Id": "0", "MessageBody": "x"}])
        assert [one["Id"] for one in sent["Successful"]] == ["0"]
        (message,) = sqs.receive_message(QueueUrl=queue)["Messages"]
        with pytest.raises(ClientError) as caught:
            sender.delete_message_batch(
                QueueUrl=queue, Entries=[{"Id": "0", "ReceiptHandle": message["ReceiptHandle"]}]
            )
        assert "AccessDenied" in code_of(caught)


def test_a_tables_own_policy_is_asked() -> None:
    """What it denies no user may, whatever else allows it; nothing more is denied, and without the policy nothing is."""
    with Emulator(enforce_iam=True) as running:
        stacks = Stacks(running, "tables")
        deny = {"Effect": "Deny", "Principal": "*", "Action": "dynamodb:DeleteTable", "Resource": "*"}
        policy = {"PolicyDocument": {"Version": "2012-10-17", "Statement": [deny]}}
        properties: dict[str, Any] = {
            "TableName": "guarded",
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
        }
        table = {"Table": {"Type": "AWS::DynamoDB::Table", "Properties": {**properties, "ResourcePolicy": policy}}}
        name, _ = stacks.deploy(table)
        iam = running.client("iam", REGION)
        iam.create_user(UserName="operator")
        key = iam.create_access_key(UserName="operator")["AccessKey"]
        grant = {"Effect": "Allow", "Action": "dynamodb:*", "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [grant]})
        iam.put_user_policy(UserName="operator", PolicyName="all", PolicyDocument=document)
        operator = running.client("dynamodb", REGION, credentials=(key["AccessKeyId"], key["SecretAccessKey"]))
        operator.put_item(TableName="guarded", Item={"pk": {"S": "x"}})
        with pytest.raises(ClientError) as caught:
            operator.delete_table(TableName="guarded")
        assert code_of(caught) == "AccessDeniedException"
        stacks.deploy({"Table": {"Type": "AWS::DynamoDB::Table", "Properties": properties}}, stack=name)
        operator.delete_table(TableName="guarded")
