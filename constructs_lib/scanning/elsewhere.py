"""A scanner's rights to a bucket, a topic and a key, which may be of another stack.

Two stacks must not refer to each other, and the bucket's policy has to name the scanner's role. So policies of resources of other
stacks name the role, and the role's own policy names resources of its stack and imported ones alone.
"""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import aws_cdk as cdk
import jsii
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct, IConstruct

from constructs_lib.encryption import allow_roles
from constructs_lib.keys import here, uses

__all__ = ["Alerts", "LetQueue", "grant_publish_to_role", "grant_use"]


@runtime_checkable
class Alerts(Protocol):
    """A construct with a topic and its policy, such as `SecurityAlerts`."""

    topic_arn: str

    def grant_publish_to_role(self, role_arn: str) -> None:
        """Let a role publish, by the policies of topic and key."""


@jsii.implements(s3.IBucketNotificationDestination)
class LetQueue:
    """A queue that all buckets of the account may notify. The CDK's own destination would name the bucket in the queue's policy."""

    def __init__(self, queue: sqs.Queue) -> None:
        self._queue = queue

    def bind(self, scope: Construct, bucket: Any) -> s3.BucketNotificationDestinationConfig:  # noqa: ARG002 - as the CDK calls it
        """The queue, and the policy that S3 needs before it sends."""
        policy = self._queue.node.find_child("Policy")
        return s3.BucketNotificationDestinationConfig(
            arn=self._queue.queue_arn,
            type=s3.BucketNotificationDestinationType.QUEUE,
            dependencies=[policy],
        )


def grant_publish_to_role(role: iam.IRole, topic: sns.ITopic | Alerts) -> None:
    """Let the role publish to the topic, and use its key."""
    if isinstance(topic, Alerts):
        topic.grant_publish_to_role(role.role_arn)
        return
    if not _is_elsewhere(topic, role):
        topic.grant_publish(role)
        return
    statement = iam.PolicyStatement(
        principals=[iam.ArnPrincipal(role.role_arn)], actions=["sns:Publish"], resources=[topic.topic_arn]
    )
    if topic.add_to_resource_policy(statement).statement_added:
        grant_use(role, topic.master_key, "sns")
    else:  # imported: its ARN names no stack
        topic.grant_publish(role)


def grant_use(role: iam.IRole, key: kms.IKey | None, service: str) -> None:
    """Let the role use the key through a service. Without a key, there is no effect."""
    if key is None:
        return
    if _is_elsewhere(key, role):
        statement = iam.PolicyStatement.from_json(allow_roles([role.role_arn], here(), service))
        if key.add_to_resource_policy(statement).statement_added:
            return
    for one in uses(key, service):
        role.add_to_principal_policy(iam.PolicyStatement.from_json(one))


def _is_elsewhere(one: IConstruct, role: iam.IRole) -> bool:
    return cdk.Stack.of(one).node.addr != cdk.Stack.of(role).node.addr
