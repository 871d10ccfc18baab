"""The topic on which SES tells whom received mail is for."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from constructs_lib.encryption import RECEIVING, allow_topics
from constructs_lib.intrinsics import account_id, arn
from constructs_lib.keys import grant_services_use, here, let

__all__ = ["EnvelopeTopic"]


class EnvelopeTopic(Construct):
    """An encrypted SNS topic for SES's notifications of received mail, which sends them to a queue.

    Creates 1 topic, 1 topic policy (TLS only, SES's receipt rules of this account and region), 1 subscription, and 1 KMS key unless
    one is passed. It lets the topic send to the queue. SNS wraps each notification in JSON, so that a publisher writes no other
    message of the queue.

    Args:
        queue: receives the notifications.
        encryption_key: key of topic and queue; its policy gets the needed statements, that of an imported key must have them.
            Default: None, `topics_key_arn`, else a key of its own.
        topics_key_arn: key of the topic; its policy stays unchanged, and must let SES use it. Default: None.

    Source: SES developer guide, "Giving permissions to Amazon SES for email receiving"; SNS developer guide, "Fanout to Amazon SQS
    queues".
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        queue: sqs.Queue,
        encryption_key: kms.IKey | None = None,
        topics_key_arn: str | None = None,
    ) -> None:
        super().__init__(scope, id)
        key = encryption_key
        if key is None and topics_key_arn is None:
            # Not the AWS-managed key: its policy does not let SES publish. Nothing is stored with it.
            key = kms.Key(self, "Key", enable_key_rotation=True, removal_policy=cdk.RemovalPolicy.DESTROY)
        grant_services_use(key, RECEIVING)
        if encryption_key is not None:
            let(encryption_key, allow_topics(here()))
        topic = sns.CfnTopic(self, "Topic", kms_master_key_id=key.key_arn if key is not None else topics_key_arn)
        self.topic_arn: str = topic.ref
        self.policy = sns.CfnTopicPolicy(
            self, "TopicPolicy", topics=[self.topic_arn], policy_document=_document(self.topic_arn)
        )
        queue.add_to_resource_policy(
            iam.PolicyStatement(
                sid="LetTopicSend",
                principals=[iam.ServicePrincipal("sns.amazonaws.com")],
                actions=["sqs:SendMessage"],
                resources=[queue.queue_arn],
                conditions={"ArnEquals": {"aws:SourceArn": self.topic_arn}},
            )
        )
        self.subscription = sns.CfnSubscription(
            self, "Subscription", topic_arn=self.topic_arn, protocol="sqs", endpoint=queue.queue_arn
        )


def _document(topic_arn: str) -> dict[str, Any]:
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "DenyPlainHttp",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "sns:Publish",
                "Resource": topic_arn,
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            },
            {
                "Sid": "LetReceiptRulesPublish",
                "Effect": "Allow",
                "Principal": {"Service": "ses.amazonaws.com"},
                "Action": "sns:Publish",
                "Resource": topic_arn,
                "Condition": {
                    "StringEquals": {"aws:SourceAccount": account_id()},
                    # Rules are tenants', in stacks of their own: so the rule sets of this account and region.
                    "ArnLike": {"aws:SourceArn": arn("ses", "receipt-rule-set/*")},
                },
            },
        ],
    }
