"""Engagement tracking: what SES is asked for, what the rule keeps, where nothing personal goes, and who is let in where."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from aws_cdk import assertions

from constructs_lib import EngagementEvents, EngagementTracking, EngagementTrackingProps, Tracking
from mailroom.tracking.lines import PATHS
from tests.templates import new_stack, only, resources, template_of

ALWAYS = {"SEND", "REJECT", "BOUNCE", "COMPLAINT", "DELIVERY", "DELIVERY_DELAY", "RENDERING_FAILURE"}
PATH = "/email-cell-eu/configuration-sets/"


def tracking_template(**settings: Any) -> assertions.Template:
    """Tracking of a cell."""
    stack = new_stack()
    EngagementTracking(stack, "Tracking", EngagementTrackingProps(**{"registry_path": PATH, **settings}))
    return template_of(stack)


@pytest.mark.parametrize(
    ("settings", "kinds"),
    [
        ({}, ALWAYS | {"OPEN", "CLICK"}),
        ({"opens": False}, ALWAYS | {"CLICK"}),
        ({"clicks": False}, ALWAYS | {"OPEN"}),
        ({"opens": False, "clicks": False}, ALWAYS),
    ],
)
def test_ses_is_asked_for_what_the_tenant_wants(settings: dict[str, Any], kinds: set[str]) -> None:
    """Where opens and clicks are not matched, SES adds no pixel and leaves links alone."""
    stack = new_stack()
    EngagementEvents(stack, "Tracking", configuration_set_name="set", tracking=Tracking(**settings))
    template = template_of(stack)
    destination = only(template, "AWS::SES::ConfigurationSetEventDestination")["EventDestination"]
    assert (set(destination["MatchingEventTypes"]), destination["Enabled"]) == (kinds, True)
    assert "event-bus/default" in json.dumps(destination["EventBridgeDestination"])
    assert len(template.to_json()["Resources"]) == 1


def test_rule_names_what_it_keeps() -> None:
    """Of all configuration sets of this account; no path leads to an address, a header, a program or a network."""
    rule = only(tracking_template(), "AWS::Events::Rule")
    pattern = rule["EventPattern"]
    assert (pattern["source"], pattern["account"]) == (["aws.ses"], [{"Ref": "AWS::AccountId"}])
    assert set(pattern["detail"]["eventType"]) == {
        "Bounce",
        "Click",
        "Complaint",
        "Delivery",
        "DeliveryDelay",
        "Open",
        "Reject",
        "Rendering Failure",
        "Send",
    }
    (target,) = rule["Targets"]
    transformer = target["InputTransformer"]
    assert transformer["InputPathsMap"] == dict(PATHS)
    ends = {path.rpartition(".")[2] for path in PATHS.values()}
    assert ends == {
        "resources[0]",
        "eventType",
        "bounceType",
        "bounceSubType",
        "complaintFeedbackType",
        "complaintSubType",
        "messageId",
        "timestamp",
        "isBotEvent",
        "link",
        "id",
        "outbox[0]",
    }
    assert set(re.findall(r"<(\w+)>", transformer["InputTemplate"])) == set(PATHS)


def test_configuration_set_is_what_ses_says() -> None:
    """The ARN in the event's envelope, which SES fills in; of tags, which a sender may choose, only the outbox's own is read."""
    assert PATHS["set"] == "$.resources[0]"
    assert [path for path in PATHS.values() if "tags" in path or "headers" in path] == ["$.detail.mail.tags.outbox[0]"]


def test_nothing_whole_is_kept_anywhere() -> None:
    """EventBridge would put the untransformed event into a target's dead-letter queue: there is none."""
    (target,) = only(tracking_template(), "AWS::Events::Rule")["Targets"]
    assert "DeadLetterConfig" not in target
    assert target["RetryPolicy"] == {"MaximumEventAgeInSeconds": 86_400}


def test_queue_takes_events_of_this_rule_only() -> None:
    """By its ARN, and over TLS."""
    template = tracking_template()
    (rule,) = resources(template, "AWS::Events::Rule")
    statements = [
        statement
        for policy in resources(template, "AWS::SQS::QueuePolicy").values()
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Allow"
    ]
    assert [(one["Principal"], one["Condition"]) for one in statements] == [
        ({"Service": "events.amazonaws.com"}, {"ArnEquals": {"aws:SourceArn": {"Fn::GetAtt": [rule, "Arn"]}}})
    ]


def test_function_has_no_right_to_any_table() -> None:
    """It reads entries of this path, and takes one role, which has no right of its own and only this function may take."""
    template = tracking_template()
    roles = [one["Properties"] for one in resources(template, "AWS::IAM::Role").values()]
    (function,) = [one for one in roles if "Policies" in one]
    (tables,) = [one for one in roles if "Policies" not in one]
    statements = [
        *(one for policy in function["Policies"] for one in policy["PolicyDocument"]["Statement"]),
        *only(template, "AWS::IAM::Policy")["PolicyDocument"]["Statement"],
    ]
    assert "dynamodb" not in json.dumps(statements)
    assert {action for one in statements for action in one["Action"]} == {
        "events:PutEvents",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "sqs:ReceiveMessage",
        "sqs:DeleteMessage",
        "sqs:GetQueueAttributes",
        "sqs:ChangeMessageVisibility",
        "sqs:SendMessage",
        "ssm:GetParameter",
        "sts:AssumeRole",
        "sts:TagSession",
    }
    (trusted,) = tables["AssumeRolePolicyDocument"]["Statement"]
    assert trusted["Principal"]["AWS"]["Fn::GetAtt"][0].startswith("TrackingNotingRole")
    assert trusted["Condition"] == {
        "Null": {"aws:RequestTag/configuration-set": "false"},
        "ForAllValues:StringEquals": {"aws:TagKeys": ["configuration-set"]},
    }
    variables = only(template, "AWS::Lambda::Function")["Environment"]["Variables"]
    assert set(variables) == {
        "CONFIGURATION_SETS_ARN",
        "EVENT_BUS",
        "MAX_RECEIVES",
        "QUEUE_URL",
        "REGISTRY_PATH",
        "TABLES_ROLE_ARN",
    }
    assert (variables["REGISTRY_PATH"], variables["MAX_RECEIVES"]) == (PATH, "5")
