"""Monthly costs of stacks without mail, counted in their templates. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from email_stack.costs.control import look_of
from email_stack.costs.prices import HOURS, MINUTES, Price, memory_gb

__all__ = ["FREE", "Item", "idle_items"]

_POLLERS: Final = 5
"""Pollers of an event source mapping with a maximum concurrency; without one, Lambda reduces them to two while no message comes.

Source: Lambda developer guide, "Configuring scaling behavior for SQS event source mappings".
"""
_FEWEST_POLLERS: Final = 2
_POLLS_A_MINUTE: Final = 3
"""A receive waits for 20 seconds."""

_LOOKS: Final = "functions.on_look"
_RUN_SECONDS: Final = {
    "functions.address_books": 5.0,
    "functions.mirror": 30.0,
    "functions.on_check": 5.0,
    "functions.scanner": 0.5,
}
"""Seconds of a scheduled run, by a part of the function's handler or command. The first is an estimate for 200 tenants, the third
one for a few domains. The second was measured with the official databases. The fourth is an idle run with four requests to S3."""
_RUNS: Final = {
    "functions.on_check": "runs of the daily check of customers' domains",
    "functions.address_books": "runs of the writer of address books",
    "functions.mirror": "runs of the mirror",
    "functions.scanner": "runs of the scanner for delivered mail",
}

FREE: Final = frozenset(
    {
        "AWS::ApiGatewayV2::Api",  # its requests
        "AWS::ApiGatewayV2::ApiMapping",
        "AWS::ApiGatewayV2::Authorizer",
        "AWS::ApiGatewayV2::DomainName",
        "AWS::ApiGatewayV2::Integration",
        "AWS::ApiGatewayV2::Route",
        "AWS::ApiGatewayV2::Stage",
        "AWS::DynamoDB::Table",  # on demand: what is read, written and kept
        "AWS::IAM::ManagedPolicy",
        "AWS::IAM::Policy",
        "AWS::IAM::Role",
        "AWS::Lambda::EventInvokeConfig",
        "AWS::Lambda::Permission",
        "AWS::Lambda::Function",  # what runs
        "AWS::Logs::LogGroup",  # what is written
        "AWS::Route53::RecordSet",
        "AWS::Route53::RecordSetGroup",
        "AWS::S3::Bucket",  # what is kept
        "AWS::S3::BucketPolicy",
        "AWS::SES::ConfigurationSet",
        "AWS::SES::ConfigurationSetEventDestination",
        "AWS::SES::EmailIdentity",
        "AWS::SES::ReceiptRule",
        "AWS::SES::ReceiptRuleSet",
        "AWS::SNS::Subscription",
        "AWS::SNS::Topic",
        "AWS::SNS::TopicPolicy",
        "AWS::SQS::Queue",  # what is sent and received
        "AWS::SQS::QueuePolicy",
        "AWS::SSM::Parameter",  # standard
        "Custom::ActiveReceiptRuleSet",
        "Custom::CrossAccountZoneDelegation",
    }
)
"""Kinds of resources that cost nothing by themselves."""

_RATE: Final = re.compile(r"rate\((?P<number>[0-9]{1,6}) (?P<unit>minute|hour|day)s?\)")
_UNITS: Final = {"minute": MINUTES, "hour": HOURS, "day": HOURS / 24}


@dataclass(frozen=True, slots=True)
class Item:
    """One row: a kind of cost, its number, and the cost of all per month."""

    what: str
    number: int
    dollars: float


def idle_items(template: Mapping[str, Any], *, zone: Price = Price.ZONE) -> list[Item]:
    """Monthly costs of a stack without any mail, each kind once, the highest first.

    Args:
        template: as it is synthesized.
        zone: price of its hosted zone. Default: that of the account's first 25.

    Raises:
        ValueError: a resource is of a kind without a known price, or its schedule cannot be read.
    """
    found: dict[str, Item] = {}
    resources: Mapping[str, Any] = template["Resources"]
    for one in resources.values():
        for what, dollars in _costs(one["Type"], one.get("Properties", {}), resources, zone):
            known = found.get(what, Item(what, 0, 0.0))
            found[what] = Item(what, known.number + 1, known.dollars + dollars)
    return sorted(found.values(), key=lambda item: (-item.dollars, item.what))


def _costs(
    kind: str, properties: Mapping[str, Any], resources: Mapping[str, Any], zone: Price
) -> Iterator[tuple[str, float]]:
    if kind == "AWS::Lambda::EventSourceMapping":
        pollers = _POLLERS if "ScalingConfig" in properties else _FEWEST_POLLERS
        yield "a queue that Lambda polls", Price.SQS_REQUEST.of(pollers * _POLLS_A_MINUTE * MINUTES)
    elif kind == "AWS::CloudWatch::Alarm":
        metrics = [one for one in properties.get("Metrics", []) if "MetricStat" in one]
        yield "an alarm", Price.ALARM.of(len(metrics) or 1)
    elif kind == "AWS::Route53::HostedZone":
        yield "a hosted zone", zone.of(1)
    elif kind == "AWS::KMS::Key":
        yield "a KMS key", Price.KEY.of(1)
    elif kind == "AWS::SES::Tenant":
        yield "an SES tenant", Price.SES_TENANT.of(1)
    elif kind == "AWS::Events::Rule":
        # AWS's own events and schedules cost nothing on the default bus.
        if schedule := properties.get("ScheduleExpression"):
            for target in properties.get("Targets", []):
                function = resources[target["Arn"]["Fn::GetAtt"][0]]["Properties"]
                yield from _run(_runs(schedule), function)
    elif kind not in FREE:
        raise ValueError(f"cost: {kind} has no price; say what it costs, or that it is free")


def _runs(schedule: str) -> float:
    """Runs per month of a schedule."""
    rate = _RATE.fullmatch(schedule)
    if rate is None:
        raise ValueError(f'cost: schedule must be a rate, got "{schedule}"')
    return _UNITS[rate["unit"]] / int(rate["number"])


def _run(runs: float, function: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """Cost of a function's scheduled runs."""
    called = str(function.get("Handler", "")) + str(function.get("ImageConfig", ""))
    if _LOOKS in called:
        yield "looks without work", runs * look_of(function)
        yield "a metric that each look writes", Price.METRIC.of(1)
        return
    seconds = [seconds for part, seconds in _RUN_SECONDS.items() if part in called]
    if not seconds:
        raise ValueError(f"cost: the scheduled function {called!r} has no run time; add its seconds to _RUN_SECONDS")
    price = Price.ARM_SECOND if function.get("Architectures") == ["arm64"] else Price.X86_SECOND
    what = next(what for part, what in _RUNS.items() if part in called)
    yield what, price.of(runs * seconds[0] * memory_gb(function)) + Price.INVOCATION.of(runs)
