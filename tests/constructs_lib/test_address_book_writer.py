"""The writer of address books: when it runs, what it may read, and that it has no right to any table."""

from __future__ import annotations

import json
from typing import Any

from aws_cdk import aws_sns as sns
from aws_cdk.assertions import Template

from constructs_lib import AddressBookWriter, AddressBookWriterProps
from tests.templates import new_stack, only, resources, template_of

PATH = "/email-cell-eu/configuration-sets/"
TOPIC = "arn:aws:sns:eu-central-1:111111111111:alarms"


def writer_template(*, tells: bool = False, **settings: Any) -> Template:
    """The writer of a cell."""
    stack = new_stack()
    if tells:
        settings["alarm_topic"] = sns.Topic.from_topic_arn(stack, "Alarms", TOPIC)
    given = {"registry_path": PATH, "stack_prefix": "Tenant-"}
    AddressBookWriter(stack, "AddressBooks", AddressBookWriterProps(**{**given, **settings}))
    return template_of(stack)


def test_each_deployment_of_a_tenant_starts_it() -> None:
    """Of this account's stacks with the prefix; and every six hours, since events are best effort."""
    template = writer_template()
    rule = only(template, "AWS::Events::Rule")
    pattern = rule["EventPattern"]
    assert (pattern["source"], pattern["account"]) == (["aws.cloudformation"], [{"Ref": "AWS::AccountId"}])
    (started,) = pattern["detail"]["stack-id"]
    assert started["prefix"]["Fn::Join"][1][-1] == ":stack/Tenant-"
    settled = set(pattern["detail"]["status-details"]["status"])
    assert {"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"} <= settled
    assert rule["ScheduleExpression"] == "rate(6 hours)"
    (function,) = resources(template, "AWS::Lambda::Function")
    (target,) = rule["Targets"]
    assert target["Arn"] == {"Fn::GetAtt": [function, "Arn"]}
    (name,) = resources(template, "AWS::Events::Rule")
    permission = only(template, "AWS::Lambda::Permission")
    assert (permission["Principal"], permission["SourceArn"]) == (
        "events.amazonaws.com",
        {"Fn::GetAtt": [name, "Arn"]},
    )


def test_function_has_no_right_to_any_table() -> None:
    """It reads stacks and entries, and takes a role that only it may take, for one stack at a time."""
    template = writer_template()
    roles = [one["Properties"] for one in resources(template, "AWS::IAM::Role").values()]
    (function,) = [one for one in roles if "Policies" in one]
    (tables,) = [one for one in roles if "Policies" not in one]
    statements = function["Policies"][0]["PolicyDocument"]["Statement"]
    assert [sorted(one["Action"]) for one in statements] == [
        ["logs:CreateLogStream", "logs:PutLogEvents"],
        ["cloudformation:DescribeStackResource", "cloudformation:ListStackResources"],
        ["ssm:GetParameter", "ssm:GetParametersByPath"],
    ]
    assert statements[1]["Resource"]["Fn::Join"][1][-1] == ":stack/Tenant-*"
    assert [one["Fn::Join"][1][-1] for one in statements[2]["Resource"]] == [
        f":parameter{PATH}*",
        ":parameter/email-cell-eu/configuration-sets",
    ]
    (trusted,) = tables["AssumeRolePolicyDocument"]["Statement"]
    assert trusted["Principal"]["AWS"]["Fn::GetAtt"][0].startswith("AddressBooksRole")
    assert trusted["Condition"] == {
        "Null": {"aws:RequestTag/stack": "false"},
        "ForAllValues:StringEquals": {"aws:TagKeys": ["stack"]},
    }
    (taking,) = only(template, "AWS::IAM::Policy")["PolicyDocument"]["Statement"]
    assert taking["Action"] == ["sts:AssumeRole", "sts:TagSession"]
    assert "dynamodb" not in json.dumps(template.to_json())


def test_operators_are_told_when_it_fails() -> None:
    """By one alarm."""
    alarm = only(writer_template(tells=True), "AWS::CloudWatch::Alarm")
    assert (alarm["Namespace"], alarm["MetricName"], alarm["Threshold"]) == ("AWS/Lambda", "Errors", 0)
    assert alarm["AlarmActions"] == [TOPIC]
