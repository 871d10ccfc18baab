"""The rates of a configuration set, and what EventBridge is told of a tenant's pause."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import aws_cdk as cdk
import pytest

from constructs_lib import SecurityAlerts, SendingPauses
from emulator import Emulator

from .conftest import REGION, Stacks
from .outgoing import message, send, sender


def _newest(stacks: Stacks, name: str, metric: str) -> list[float]:
    """The newest values of a rate."""
    now = datetime.now(UTC)
    measured = {
        "Namespace": "AWS/SES",
        "MetricName": metric,
        "Dimensions": [{"Name": "ses:configuration-set", "Value": name}],
    }
    query = {"Id": "rate", "MetricStat": {"Metric": measured, "Period": 60, "Stat": "Maximum"}}
    answer = stacks.client("cloudwatch").get_metric_data(
        MetricDataQueries=[query], StartTime=now - timedelta(hours=1), EndTime=now + timedelta(minutes=2)
    )
    found: list[float] = answer["MetricDataResults"][0]["Values"]
    return found


def test_rates_of_a_configuration_set(emulator: Emulator, stacks: Stacks) -> None:
    """Permanent bounces and complaints, of all that was sent with it, but for mail to the simulator and bounces off a list."""
    domain, name, _ = sender(stacks, ReputationOptions={"ReputationMetricsEnabled": True})
    ses = stacks.client("sesv2")
    assert _newest(stacks, name, "Reputation.BounceRate") == []
    ids = [send(ses, message(f"a@{domain}"), ConfigurationSetName=name) for _ in range(3)]
    send(ses, message(f"a@{domain}", to="bounce@simulator.amazonses.com"), ConfigurationSetName=name)
    stacks.client("sesv2").put_suppressed_destination(EmailAddress="listed@example.net", Reason="BOUNCE")
    ids.append(send(ses, message(f"a@{domain}", to="listed@example.net"), ConfigurationSetName=name))
    assert max(_newest(stacks, name, "Reputation.BounceRate")) == 0
    emulator.report(ids[0], "Bounce", REGION, bounceType="Transient", bounceSubType="General")
    emulator.report(ids[0], "Bounce", REGION)
    emulator.report(ids[1], "Complaint", REGION)
    for metric in ("Reputation.BounceRate", "Reputation.ComplaintRate"):
        assert max(_newest(stacks, name, metric)) == 0.25


def test_no_rates_where_nobody_asked(emulator: Emulator, stacks: Stacks) -> None:
    """A configuration set without reputation metrics has none."""
    domain, name, _ = sender(stacks, ReputationOptions={"ReputationMetricsEnabled": False})
    emulator.report(send(stacks.client("sesv2"), message(f"a@{domain}"), ConfigurationSetName=name), "Bounce", REGION)
    assert _newest(stacks, name, "Reputation.BounceRate") == []


@pytest.fixture
def pauses() -> dict[str, Any]:
    """The resources of the construct, as it is synthesized."""
    stack = cdk.Stack(cdk.App(), "Pauses")
    SendingPauses(stack, "Pauses", alerts=SecurityAlerts(stack, "Alerts", display_name="Alerts"))
    app = cdk.App.of(stack)
    assert isinstance(app, cdk.App)
    resources: dict[str, Any] = app.synth().get_stack_by_name("Pauses").template["Resources"]
    return resources


def test_pause_and_its_end_are_told(stacks: Stacks, pauses: dict[str, Any]) -> None:
    """To the operators' topic, as JSON with tenant, cause and what to do; mail that is sent is not."""
    topic = next(name for name, one in pauses.items() if one["Type"] == "AWS::SNS::Topic")
    _, outputs = stacks.deploy(pauses, {"Topic": {"Ref": topic}})
    sqs, sns = stacks.client("sqs"), stacks.client("sns")
    queue = sqs.create_queue(QueueName="operators")["QueueUrl"]
    endpoint = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(
        TopicArn=outputs["Topic"], Protocol="sqs", Endpoint=endpoint, Attributes={"RawMessageDelivery": "true"}
    )
    domain, name, tenant = sender(stacks, tenant=True)
    ses = stacks.client("sesv2")
    send(ses, message(f"a@{domain}"), ConfigurationSetName=name, TenantName=tenant)
    arn = ses.get_tenant(TenantName=tenant)["Tenant"]["TenantArn"]
    for status in ("DISABLED", "REINSTATED"):
        ses.update_reputation_entity_customer_managed_status(
            ReputationEntityType="RESOURCE", ReputationEntityReference=arn, SendingStatus=status
        )
    found = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]
    told = [json.loads(one["Body"]) for one in found]
    assert [(one["event"], one["status"], one["tenant"]) for one in told] == [
        ("Sending Status Disabled", "DISABLED", arn),
        ("Sending Status Enabled", "REINSTATED", arn),
    ]
    assert f"/{tenant}/" in arn
    assert {one["cause"] for one in told} == {"Status manually updated."}
    assert {one["origin"] for one in told} == {"CUSTOMER_MANAGED"}
    assert all("resume its sending in the SES console" in one["what_to_do"] for one in told)
