"""Inputs of targets from events, and queues that rules may send to."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from emulator import Emulator

from .conftest import REGION, Stacks, code_of

ACCOUNT = "000000000000"
DETAIL = {
    "text": 'say "hi" \\ there\nnext',
    "flag": True,
    "number": 1.5,
    "object": {"a": [1, "b"]},
    "list": [{"x": 1}, {"x": 2}, {"y": 3}],
    "dashed-key": {"a/b": "slash"},
    "ses:key": "colon",
    "empty": None,
    "zero": 0,
}
_numbers = itertools.count(1)


class Target:
    """A queue behind a rule."""

    def __init__(self, emulator: Emulator) -> None:
        self.name = f"rule{next(_numbers)}"
        self.sqs, self.events = emulator.client("sqs", REGION), emulator.client("events", REGION)
        self.queue, self.arn = self.make(self.name)
        pattern = json.dumps({"source": [self.name]})
        self.rule = self.events.put_rule(Name=self.name, EventPattern=pattern)["RuleArn"]

    def make(self, name: str) -> tuple[str, str]:
        """A queue: its URL and its ARN."""
        return self.sqs.create_queue(QueueName=name)["QueueUrl"], f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"

    def aim(self, **target: Any) -> None:
        """Make the queue the rule's only target."""
        self.events.put_targets(Rule=self.name, Targets=[{"Id": "queue", "Arn": self.arn, **target}])

    def received(self, detail: dict[str, Any] | None = None) -> list[str]:
        """The queue's message of one event."""
        entry = {"Source": self.name, "DetailType": "Test", "Detail": json.dumps(detail or DETAIL)}
        assert self.events.put_events(Entries=[entry])["FailedEntryCount"] == 0
        return self.waiting(self.queue)

    def waiting(self, queue: str) -> list[str]:
        """Messages of a queue, which are then deleted."""
        found = self.sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
        for one in found:
            self.sqs.delete_message(QueueUrl=queue, ReceiptHandle=one["ReceiptHandle"])
        return [str(one["Body"]) for one in found]


@pytest.fixture(scope="module")
def target(emulator: Emulator) -> Target:
    """One rule for the templates."""
    return Target(emulator)


def made(target: Target, template: str, **paths: str) -> str:
    """The template's result for the event."""
    target.aim(InputTransformer={"InputTemplate": template, "InputPathsMap": paths})
    (body,) = target.received()
    return body


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("$.detail.text", DETAIL["text"]),
        ("$.detail.flag", True),
        ("$.detail.number", 1.5),
        ("$.detail.object", DETAIL["object"]),
        ("$.detail.object.a[1]", "b"),
        ("$.detail.list[0].x", 1),
        ("$.detail.list[2]", {"y": 3}),
        ("$.detail.list[*].x", [1, 2]),
        ("$.detail.object.*", [[1, "b"]]),
        ("$.detail.text.*", []),
        ("$.detail.dashed-key.a/b", "slash"),
        ("$.detail.empty", None),
        ("$.detail.zero", 0),
        ("$.detail-type", "Test"),
        ("$.detail.ses:key", ""),
        ("$.detail.list[9]", ""),
        ("$.detail.object[0]", ""),
        ("$.detail.text.x", ""),
        ("$.detail.none.x", ""),
        ("$.detail['flag']", ""),
        ("detail.flag", ""),
    ],
)
def test_value_of_json(target: Target, path: str, value: Any) -> None:
    """A variable in the place of a value becomes that value, and an empty string where its path leads nowhere."""
    assert json.loads(made(target, '{"value": <v>}', v=path)) == {"value": value}


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("$.detail.text", 'say "hi" \\ there\nnext'),
        ("$.detail.flag", "true"),
        ("$.detail.number", "1.5"),
        ("$.detail.list[1].x", "2"),
        ("$.detail.none", ""),
    ],
)
def test_variable_within_a_string(target: Target, path: str, text: str) -> None:
    """Is put in as it is, with nothing escaped; of a path that leads nowhere nothing appears. The quotes stay."""
    assert made(target, '"1|<v>|end"', v=path) == f'"1|{text}|end"'


def test_values_are_not_read_as_variables(target: Target) -> None:
    """What looks like one within a value stays."""
    target.aim(InputTransformer={"InputTemplate": '"<a> <b>"', "InputPathsMap": {"a": "$.detail.a", "b": "$.detail.b"}})
    assert target.received({"a": "<b>", "b": "x"}) == ['"<b> x"']


def test_variables_of_eventbridges_own(target: Target) -> None:
    """The rule's name and ARN, the time, and the event with and without its detail."""
    template = '{"n": <aws.events.rule-name>, "a": <aws.events.rule-arn>, "e": <aws.events.event>, "j": <aws.events.event.json>}'
    found = json.loads(made(target, template))
    assert (found["n"], found["a"]) == (target.name, target.rule)
    assert "detail" not in found["e"]
    assert found["j"]["detail"] == DETAIL
    assert made(target, '"<aws.events.event.ingestion-time>"').endswith('Z"')


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        (
            {"InputTransformer": {"InputTemplate": '"<none>"', "InputPathsMap": {"a": "$.x"}}},
            "contains invalid placeholder none.",
        ),
        ({"InputTransformer": {"InputTemplate": '"x"', "InputPathsMap": {"AWS.a": "$.x"}}}, "reserved key AWS.a"),
        ({"InputTransformer": {"InputTemplate": '"x"'}, "InputPath": "$.detail"}, "Only one of Input, InputPath"),
        ({"InputTransformer": {"InputTemplate": f'"{"x" * 8200}"'}}, "1 to 8192 characters, has 8202"),
        (
            {"InputTransformer": {"InputTemplate": '"x"', "InputPathsMap": {f"v{n}": "$.x" for n in range(101)}}},
            "100 entries",
        ),
    ],
)
def test_bad_input_is_refused(target: Target, settings: dict[str, Any], text: str) -> None:
    """By PutTargets, with the reason."""
    with pytest.raises(ClientError) as caught:
        target.aim(**settings)
    assert code_of(caught) in {"ValidationException", "LimitExceededException"}
    assert text in str(caught.value)


def test_input_path_takes_indices(target: Target) -> None:
    """As variables' paths do."""
    target.aim(InputPath="$.detail.list[0]")
    assert target.received() == ['{"x": 1}']
    target.aim(InputPath="$.detail.text")
    assert [json.loads(body) for body in target.received()] == [DETAIL["text"]]


def rule(**properties: Any) -> dict[str, Any]:
    """A rule of a template, and nothing else."""
    return {"Rule": {"Type": "AWS::Events::Rule", "Properties": properties}}


def test_rule_of_a_pattern_and_a_schedule_deploys(stacks: Stacks) -> None:
    """Both are kept."""
    pattern = {"source": ["aws.cloudformation"]}
    resources = rule(EventPattern=pattern, ScheduleExpression="rate(1 day)", State="ENABLED")
    _, outputs = stacks.deploy(resources, {"Name": {"Ref": "Rule"}})
    found = stacks.client("events").describe_rule(Name=outputs["Name"])
    assert (json.loads(found["EventPattern"]), found["ScheduleExpression"]) == (pattern, "rate(1 day)")


@pytest.mark.parametrize(
    ("properties", "text"),
    [
        ({}, "EventPattern or ScheduleExpression must be specified"),
        ({"EventPattern": {"source": "no list"}}, "Event pattern is not valid"),
        ({"ScheduleExpression": "sometimes"}, "ScheduleExpression is not valid"),
        (
            {
                "EventPattern": {"source": ["x"]},
                "Targets": [
                    {
                        "Id": "q",
                        "Arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:q",
                        "InputTransformer": {"InputTemplate": '"<none>"'},
                    }
                ],
            },
            "invalid placeholder none",
        ),
    ],
)
def test_bad_rule_does_not_deploy(stacks: Stacks, properties: dict[str, Any], text: str) -> None:
    """CloudFormation goes through the API."""
    assert text in stacks.refusal(rule(**properties))


def statement(queue: str, rule_arn: str, service: str = "events.amazonaws.com") -> dict[str, Any]:
    """A queue policy for one rule."""
    allow = {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sqs:SendMessage",
        "Resource": queue,
        "Condition": {"ArnEquals": {"aws:SourceArn": rule_arn}},
    }
    tls = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "sqs:*",
        "Resource": queue,
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    return {"Version": "2012-10-17", "Statement": [allow, tls]}


def test_queue_takes_what_its_policy_lets_the_rule_send() -> None:
    """Where policies are looked at: nothing without one, for another rule or another service; the dead-letter queue the same."""
    with Emulator(enforce_iam=True) as running:
        target = Target(running)
        dead, dead_arn = target.make("dead")
        target.aim(
            InputTransformer={"InputTemplate": '"kept"'},
            DeadLetterConfig={"Arn": dead_arn},
        )

        def let(queue: str, policy: dict[str, Any]) -> None:
            target.sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": json.dumps(policy)})

        assert target.received() == []
        let(target.queue, statement(target.arn, f"{target.rule}-other"))
        assert target.received() == []
        let(target.queue, statement(target.arn, target.rule, "sns.amazonaws.com"))
        assert target.received() == []
        assert target.waiting(dead) == []
        let(dead, statement(dead_arn, target.rule))
        assert target.received() == []
        (lost,) = target.waiting(dead)
        assert json.loads(lost)["detail"] == DETAIL
        let(target.queue, statement(target.arn, target.rule))
        assert target.received() == ['"kept"']
        assert target.waiting(dead) == []
