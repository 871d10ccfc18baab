"""Principals that may release held mail: senders to a scanner's queue. By IAM's own rules, for every role of tenants and cell."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tests.iam.deployed import Deployment
from tests.iam.evaluator import ACCOUNT, Request, decisions
from tests.iam.quarantine import quarantines

OPERATOR = f"arn:aws:iam::{ACCOUNT}:user/operator"
OTHER_ACCOUNT = "222222222222"


@pytest.fixture(scope="module")
def deployment(templates: dict[str, Any]) -> Deployment:
    """Cells and tenants, as if in one account."""
    return Deployment(templates)


def told_queues(deployment: Deployment) -> set[str]:
    """ARNs of the queues that arrivals are told to."""
    return {
        one["Queue"]
        for bucket in quarantines(deployment)
        for one in deployment.resource(bucket.stack, bucket.logical_id)["NotificationConfiguration"][
            "QueueConfigurations"
        ]
        if one["Filter"]["S3Key"]["Rules"] == [{"Name": "prefix", "Value": "raw/"}]
    }


def scanner_queues(deployment: Deployment) -> dict[str, Any]:
    """Policies of the queues that scanners work on, by ARN."""
    worked_on = [
        properties["EventSourceArn"]
        for _stack, _arn, properties in deployment.of_type("AWS::Lambda::EventSourceMapping")
        if "scannerscan" in properties["FunctionName"] or "scannerslow" in properties["FunctionName"]
    ]
    policies = queue_policies(deployment)
    return {arn: policies[arn] for arn in sorted(worked_on)}


def queue_policies(deployment: Deployment) -> dict[str, Any]:
    """Of every queue, by its ARN."""
    policies = {}
    for _stack, _arn, properties in deployment.of_type("AWS::SQS::QueuePolicy"):
        (resource,) = {statement["Resource"] for statement in properties["PolicyDocument"]["Statement"]}
        policies[resource] = properties["PolicyDocument"]
    return policies


def senders(deployment: Deployment) -> list[str]:
    """Roles that may send to a scanner's queue."""
    asked = [
        (
            role.logical_id,
            Request(
                principal=role.session,
                action="sqs:SendMessage",
                resource=queue,
                identity=role.policies,
                resource_policy=policy,
                context={"aws:PrincipalArn": role.arn},
            ),
        )
        for queue, policy in scanner_queues(deployment).items()
        for role in deployment.roles
    ]
    answers = decisions([request for _name, request in asked])
    return [name for (name, _request), allowed in zip(asked, answers, strict=True) if allowed]


@pytest.mark.slow
def test_no_role_lets_mail_go(deployment: Deployment) -> None:
    """Of all that runs in tenants' stacks and the cell's, a sorter alone sends to a scanner's queue, and it sends no release on.

    A scanner, which delivers by itself, sends to its slow lane, or to its own queue if it has one lane.
    """
    assert len(scanner_queues(deployment)) == 5
    assert sorted(senders(deployment)) == sorted(expected_senders(deployment))
    assert len(sorter_roles(deployment)) == 2


def test_no_role_asks_for_held_mail(deployment: Deployment) -> None:
    """Nor does any of these write a request below `raw/decisions/`: an application's role does, once it is let in."""
    asked = [
        Request(
            principal=role.session,
            action="s3:PutObject",
            resource=f"{bucket.arn}/raw/decisions/{'0' * 32}",
            identity=role.policies,
            resource_policy=bucket.policy,
            context={"aws:PrincipalArn": role.arn},
        )
        for bucket in quarantines(deployment)
        for role in deployment.roles
    ]
    assert len(asked) > 40
    assert not any(decisions(asked))


def expected_senders(deployment: Deployment) -> list[str]:
    """Roles of sorters, and of scanners."""
    scanners = [role.logical_id for role in deployment.roles if role.logical_id.startswith("ScannerRole")]
    return [*sorter_roles(deployment), *scanners]


def sorter_roles(deployment: Deployment) -> list[str]:
    """Roles of the sorters: one a cell, none of a tenant with a scanner of its own."""
    return [role.logical_id for role in deployment.roles if role.logical_id.startswith("ScannerSorterRole")]


def test_a_role_that_could_is_found(templates: dict[str, Any]) -> None:
    """One grant more, and the test above fails."""
    changed = copy.deepcopy(templates)
    statement = {"Effect": "Allow", "Action": "sqs:Send*", "Resource": "*"}
    for resource in changed["Cell-eu"]["Resources"].values():
        if resource["Type"] == "AWS::IAM::Policy" and "DefinitionsRole" in str(resource["Properties"]["Roles"]):
            resource["Properties"]["PolicyDocument"]["Statement"].append(statement)
    assert set(senders(Deployment(changed))) > set(expected_senders(Deployment(changed)))


def test_only_who_is_given_the_right_sends(deployment: Deployment) -> None:
    """S3 notifies for this account, where arrivals are told; an operator needs a policy of their own, and TLS."""
    queues = {**scanner_queues(deployment), **{arn: queue_policies(deployment)[arn] for arn in told_queues(deployment)}}
    assert len(queues) == 7
    may_send = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": list(queues)}],
    }
    for queue, policy in queues.items():

        def asked(principal: str, *identity: Any, queue: str = queue, policy: Any = policy, **context: str) -> Request:
            return Request(
                principal=principal,
                action="sqs:SendMessage",
                resource=queue,
                identity=identity,
                resource_policy=policy,
                context={key.replace("_", ":"): value for key, value in context.items()},
            )

        (topic,) = [
            statement["Condition"]["ArnEquals"]["aws:SourceArn"]
            for statement in policy["Statement"]
            if statement.get("Sid") == "LetTopicSend"
        ] or [""]
        requests = {
            "its topic": asked("sns.amazonaws.com", aws_SourceArn=topic),
            "another topic": asked("sns.amazonaws.com", aws_SourceArn=f"{topic}-other"),
            "S3 for this account": asked("s3.amazonaws.com", aws_SourceAccount=ACCOUNT),
            "S3 for another account": asked("s3.amazonaws.com", aws_SourceAccount=OTHER_ACCOUNT),
            "another service": asked("events.amazonaws.com", aws_SourceAccount=ACCOUNT),
            "an operator who was given the right": asked(OPERATOR, may_send),
            "without TLS": asked(OPERATOR, may_send, aws_SecureTransport="false"),
            "an operator who was not": asked(OPERATOR),
        }
        answers = dict(zip(requests, decisions(list(requests.values())), strict=True))
        told = ["its topic", "S3 for this account"] if queue in told_queues(deployment) else []
        assert [name for name, allowed in answers.items() if allowed] == [*told, "an operator who was given the right"]
