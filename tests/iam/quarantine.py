"""Roles that may reach quarantine, or deliver, in a deployment of the templates."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.iam.deployed import Bucket, Deployment, Role
from tests.iam.evaluator import Request, decisions

READ = (
    "s3:GetObject",
    "s3:GetObjectVersion",
    "s3:GetObjectAttributes",
    "s3:GetObjectTorrent",
    "s3:GetObjectVersionForReplication",
)
WRITE = ("s3:PutObject", "s3:PutObjectAcl", "s3:PutObjectVersionAcl", "s3:ReplicateObject")


def quarantines(deployment: Deployment) -> list[Bucket]:
    """The tenants' buckets."""
    return [bucket for bucket in deployment.buckets if bucket.stack.startswith("Tenant-")]


def scanner_of(deployment: Deployment, bucket: Bucket) -> str:
    """ARN of the role of the function that the bucket's notifications of arrivals end at, sorted or not."""
    first = role_behind(deployment, bucket, "raw/")
    if "sorter" not in first:
        return first
    # Both lanes have one role.
    (scanner,) = {
        properties["Role"]
        for stack, _arn, properties in deployment.of_type("AWS::Lambda::Function")
        if stack == sorter_stack(deployment, first) and "functions.scanner" in str(properties.get("ImageConfig"))
    }
    return str(scanner)


def sorter_stack(deployment: Deployment, role: str) -> str:
    """The stack of the function that has the role."""
    (stack,) = [
        stack for stack, _arn, properties in deployment.of_type("AWS::Lambda::Function") if properties["Role"] == role
    ]
    return stack


def role_behind(deployment: Deployment, bucket: Bucket, prefix: str) -> str:
    """ARN of the role of the function that is told what is put below the prefix."""
    configured = deployment.resource(bucket.stack, bucket.logical_id)["NotificationConfiguration"]
    (queue,) = [
        one["Queue"]
        for one in configured["QueueConfigurations"]
        if one["Filter"]["S3Key"]["Rules"] == [{"Name": "prefix", "Value": prefix}]
    ]
    (function,) = [
        properties["FunctionName"]
        for _stack, _arn, properties in deployment.of_type("AWS::Lambda::EventSourceMapping")
        if properties["EventSourceArn"] == queue
    ]
    (role,) = [
        properties["Role"]
        for _stack, arn, properties in deployment.of_type("AWS::Lambda::Function")
        if arn.endswith(f":{function}")
    ]
    return str(role)


def questions(bucket: Bucket) -> Iterator[tuple[str, str]]:
    """Actions and objects that only the scanner may; also of mail that is to be sent."""
    for name in ("message", "out/message"):
        for action in READ:
            yield action, f"{bucket.arn}/raw/{name}"
        for action in WRITE:
            yield action, f"{bucket.arn}/clean/{name}"
            yield action, f"{bucket.arn}/verdicts/{name}/version.json"
            yield action, f"{bucket.arn}/held/{name}.json"
            yield action, f"{bucket.arn}/verdicts/recipients/{name}"


def without_denials(policy: Any) -> dict[str, Any]:
    """The policy with nothing but what it allows."""
    return {**policy, "Statement": [one for one in policy["Statement"] if one["Effect"] == "Allow"]}


def asked_by(role: Role, action: str, resource: str, policy: Any) -> Request:
    """The role in a session, with its own policies and that of the bucket."""
    return Request(
        principal=role.session,
        action=action,
        resource=resource,
        identity=role.policies,
        resource_policy=policy,
        context={"aws:PrincipalArn": role.arn},
    )


def roles_that_may(deployment: Deployment, *, denials: bool) -> list[str]:
    """One line for each thing that a role other than the bucket's scanner may do."""
    asked: list[tuple[str, Request]] = []
    for bucket in quarantines(deployment):
        scanner = scanner_of(deployment, bucket)
        policy = bucket.policy if denials else without_denials(bucket.policy)
        for role in deployment.roles:
            if role.arn == scanner:
                continue
            for action, resource in questions(bucket):
                request = asked_by(role, action, resource, policy)
                asked.append((f"{role.stack}/{role.logical_id} may {action} on {resource}", request))
    answers = decisions([request for _line, request in asked])
    assert len(answers) > 400
    return [line for (line, _request), allowed in zip(asked, answers, strict=True) if allowed]
