"""Engagement tracking: what SES is asked for, what the rule keeps, and where nothing personal goes."""

from __future__ import annotations

import json
import re
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import assertions

from constructs_lib import EngagementTracking, EngagementTrackingProps
from mailroom.tracking.lines import PATHS
from tests.templates import new_stack, only, resources, template_of

ALWAYS = {"SEND", "REJECT", "BOUNCE", "COMPLAINT", "DELIVERY", "DELIVERY_DELAY", "RENDERING_FAILURE"}
TABLE = "arn:aws:dynamodb:eu-central-1:111111111111:table/messages"


def tracking_template(**settings: Any) -> assertions.Template:
    """Tracking of tenant acme."""
    stack = new_stack()
    given = {"tenant_id": "acme", "configuration_set_name": "set", "table_name": "messages", "table_arn": TABLE}
    EngagementTracking(stack, "Tracking", EngagementTrackingProps(**{**given, **settings}))
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
    destination = only(tracking_template(**settings), "AWS::SES::ConfigurationSetEventDestination")["EventDestination"]
    assert (set(destination["MatchingEventTypes"]), destination["Enabled"]) == (kinds, True)
    assert "event-bus/default" in json.dumps(destination["EventBridgeDestination"])


def test_rule_names_what_it_keeps() -> None:
    """Of this configuration set alone; no path leads to an address, a header, a program or a network."""
    rule = only(tracking_template(), "AWS::Events::Rule")
    assert rule["EventPattern"] == {
        "source": ["aws.ses"],
        "detail": {"mail": {"tags": {"ses:configuration-set": ["set"]}}},
    }
    (target,) = rule["Targets"]
    transformer = target["InputTransformer"]
    assert transformer["InputPathsMap"] == dict(PATHS)
    ends = {path.rpartition(".")[2] for path in PATHS.values()}
    assert ends == {
        "eventType",
        "bounceType",
        "bounceSubType",
        "complaintSubType",
        "messageId",
        "timestamp",
        "isBotEvent",
        "link",
    }
    assert set(re.findall(r"<(\w+)>", transformer["InputTemplate"])) == set(PATHS)
    assert "|set|" in transformer["InputTemplate"]


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


@pytest.mark.parametrize(("plain", "word"), [(False, "hashed"), (True, "plain")])
def test_function_knows_what_was_sent_and_who_is_suppressed(plain: bool, word: str) -> None:
    """It reads and writes no other item of the table: no mail."""
    template = tracking_template(retention=cdk.Duration.days(30), plain_addresses=plain)
    role = only(template, "AWS::IAM::Role")
    statements = [one for policy in role["Policies"] for one in policy["PolicyDocument"]["Statement"]]
    (own,) = [one for one in statements if one["Resource"] == TABLE]
    assert own["Action"] == ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"]
    assert own["Condition"] == {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["SENT#*", "SUPPRESSED"]}}
    assert all("*" not in json.dumps([one["Action"], one["Resource"]]) for one in statements)
    variables = only(template, "AWS::Lambda::Function")["Environment"]["Variables"]
    assert variables == {
        "CONFIGURATION_SET": "set",
        "RETENTION_DAYS": "30",
        "SUPPRESSED_ADDRESSES": word,
        "TABLE_NAME": "messages",
    }


def test_tenant_must_be_an_identifier() -> None:
    """Refused with the value."""
    with pytest.raises(ValueError, match='engagement tracking of tenant "Acme": tenant_id'):
        tracking_template(tenant_id="Acme")
