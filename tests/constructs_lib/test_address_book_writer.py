"""The address book's writer: what it writes, when, and that it can write nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aws_cdk.assertions import Template

from constructs_lib import AddressBook, AddressBookWriter, AddressBookWriterProps, DesignatedAddress
from tests.templates import new_stack, only, resources, template_of

TABLE = "arn:aws:dynamodb:eu-central-1:111111111111:table/messages"
TOPIC = "arn:aws:sns:eu-central-1:111111111111:alarms"
NEWS = DesignatedAddress("news@post.acme.example", 'Acme "$.News" <ü>', receives=False)


def writer_template(*addresses: DesignatedAddress, **settings: Any) -> Template:
    """The book of tenant acme."""
    stack = new_stack()
    book = AddressBook(subdomain="post.acme.example", addresses=addresses)
    given = {"tenant_id": "acme", "book": book, "table_name": "messages", "table_arn": TABLE}
    AddressBookWriter(stack, "Addresses", AddressBookWriterProps(**{**given, **settings}))
    return template_of(stack)


def definition(template: Template) -> dict[str, Any]:
    """Of the state machine, with its tokens filled in."""
    text = only(template, "AWS::StepFunctions::StateMachine")["DefinitionString"]
    joined = "".join(part if isinstance(part, str) else "aws" for part in text["Fn::Join"][1])
    found: dict[str, Any] = json.loads(joined)
    return found


def test_one_state_puts_the_whole_book() -> None:
    """As DynamoDB's own values; what looks like a path is none, since only keys that end in ".$" are."""
    (state,) = definition(writer_template(NEWS))["States"].values()
    assert state["Resource"] == "arn:aws:states:::dynamodb:putItem"
    assert state["Parameters"] == {
        "TableName": "messages",
        "Item": {
            "pk": {"S": "ADDRESSES"},
            "sk": {"S": "BOOK"},
            "subdomain": {"S": "post.acme.example"},
            "catch_all": {"BOOL": False},
            "live": {"BOOL": True},
            "addresses": {
                "L": [
                    {
                        "M": {
                            "address": {"S": NEWS.address},
                            "name": {"S": NEWS.name},
                            "sends": {"BOOL": True},
                            "receives": {"BOOL": False},
                        }
                    }
                ]
            },
            "written": {"S.$": "$$.State.EnteredTime"},
        },
    }
    assert state["End"] is True


def test_each_deployment_of_this_very_stack_starts_it() -> None:
    """And every six hours, since a rule that is new may miss an event."""
    rule = only(writer_template(NEWS), "AWS::Events::Rule")
    assert rule["EventPattern"]["source"] == ["aws.cloudformation"]
    detail = rule["EventPattern"]["detail"]
    assert detail["stack-id"] == [{"Ref": "AWS::StackId"}]
    assert {"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"} <= set(detail["status-details"]["status"])
    assert rule["ScheduleExpression"] == "rate(6 hours)"


def test_roles_write_this_item_and_start_this_machine() -> None:
    """For services of this account only."""
    template = writer_template(NEWS)
    roles = [one["Properties"] for one in resources(template, "AWS::IAM::Role").values()]
    statements = [role["Policies"][0]["PolicyDocument"]["Statement"] for role in roles]
    (machine,) = resources(template, "AWS::StepFunctions::StateMachine")
    assert [
        {
            "Effect": "Allow",
            "Action": ["dynamodb:PutItem"],
            "Resource": TABLE,
            "Condition": {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["ADDRESSES"]}},
        }
    ] in statements
    assert [
        {"Effect": "Allow", "Action": ["states:StartExecution"], "Resource": {"Fn::GetAtt": [machine, "Arn"]}}
    ] in statements
    assert len(statements) == 2
    trusted = [role["AssumeRolePolicyDocument"]["Statement"][0] for role in roles]
    assert {one["Principal"]["Service"] for one in trusted} == {"states.amazonaws.com", "events.amazonaws.com"}
    assert {json.dumps(one["Condition"]) for one in trusted} == {
        json.dumps({"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}})
    }


def test_operators_are_told_when_it_fails() -> None:
    """By one alarm."""
    alarm = only(writer_template(NEWS, alarm_topic_arn=TOPIC), "AWS::CloudWatch::Alarm")
    assert (alarm["Namespace"], alarm["MetricName"], alarm["Threshold"]) == ("AWS/States", "ExecutionsFailed", 0)
    assert alarm["AlarmActions"] == [TOPIC]


def test_book_that_no_state_machine_holds() -> None:
    """Is refused before anything is deployed."""
    many = [DesignatedAddress(f"{'x' * 59}{number}@post.acme.example", "y" * 60) for number in range(1000)]
    with pytest.raises(
        ValueError, match=r'address book of tenant "acme": book must take at most .* got \d+,\d+ .* designate fewer'
    ):
        writer_template(*many)
