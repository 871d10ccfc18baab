"""Where a tenant's messages are kept, and what brings them there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3_assets as assets
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from constructs_lib.filing import Structurer
from constructs_lib.intrinsics import account_id, arn
from constructs_lib.messages.bundle import bundle
from constructs_lib.naming import check_identifier
from mailroom.announcements.events import SOURCE
from mailroom.messages.joining import JoinBy
from mailroom.store.keys import BY_ACTIVITY, EXPIRES, LATEST, LISTED, PARTITION, SORT

__all__ = ["MessageStore", "MessageStoreProps"]

_MAX_RECEIVES: Final = 5
_TIMEOUT_SECONDS: Final = 120
_MEMORY_MIB: Final = 1024
"""The biggest mail, read and decoded, takes about 400 MiB."""
_FOURTEEN_DAYS: Final = 1_209_600


@dataclass(frozen=True, kw_only=True, slots=True)
class MessageStoreProps:
    """What a message store is made from.

    Args:
        tenant_id: permanent id; events and logs name it.
        retention: how long messages are kept; whole days. Default: None, until somebody deletes them.
        join_by: what else than identifiers makes one thread of messages. Default: nothing.
        alarm_topic_arn: told by the alarms. Default: None, nobody is.
        max_concurrency: messages that are worked on at once, 2 to 1,000. Default: 5.
        removal_policy: of the table; with RETAIN it is protected against deletion, too. Default: retain.
    """

    tenant_id: str
    retention: cdk.Duration | None = None
    join_by: Sequence[JoinBy] = ()
    alarm_topic_arn: str | None = None
    max_concurrency: int = 5
    removal_policy: cdk.RemovalPolicy = cdk.RemovalPolicy.RETAIN


class MessageStore(Construct):
    """A table of messages and their threads, and the function that makes them of delivered mail.

    Creates 1 table (on demand, point-in-time recovery, encrypted, protected against deletion, items expire), 1 queue and 1
    dead-letter queue (SSE-SQS, TLS only), 1 function (a zip of plain Python), its role and log group, and 2 alarms. An
    inbox takes `structurer`; what the role may do with the inbox's bucket is said by that bucket's policy.

    A message is tried 5 times, 3 minutes apart; then its notification is in the dead-letter queue, and the mail still under
    `clean/`.

    Raises:
        ValueError: `tenant_id` is no identifier, or `max_concurrency` beyond what AWS takes.

    Source: Lambda developer guide, "Using Lambda with Amazon SQS"; DynamoDB developer guide, "Time to Live".
    """

    def __init__(self, scope: Construct, id: str, props: MessageStoreProps) -> None:
        super().__init__(scope, id)
        where = f'message store of tenant "{props.tenant_id}"'
        check_identifier(f"{where}: tenant_id", props.tenant_id)
        if not 2 <= props.max_concurrency <= 1000:
            raise ValueError(f"{where}: max_concurrency must be 2 to 1000, got {props.max_concurrency}")
        table = self._table(props)
        self.table_name: str = table.ref
        self.table_arn: str = table.attr_arn
        self.dead_letters = self._queue("DeadLetters", {"message_retention_period": _FOURTEEN_DAYS})
        queue = self._queue(
            "Delivered",
            {
                "message_retention_period": _FOURTEEN_DAYS,
                "visibility_timeout": _TIMEOUT_SECONDS + 60,
                "redrive_policy": {"deadLetterTargetArn": self.dead_letters.attr_arn, "maxReceiveCount": _MAX_RECEIVES},
            },
        )
        ready = self._queue_policies(queue)
        self.queue_arn: str = queue.attr_arn
        log_group = logs.CfnLogGroup(self, "Logs", retention_in_days=365)
        log_group.apply_removal_policy(cdk.RemovalPolicy.DESTROY)
        self.role_arn: str = self._function_role(queue, log_group).attr_arn
        function = self._function(props, log_group)
        lambda_.CfnEventSourceMapping(
            self,
            "Source",
            event_source_arn=queue.attr_arn,
            function_name=function.ref,
            batch_size=1,  # one that exhausts time or memory takes no other with it
            function_response_types=["ReportBatchItemFailures"],
            scaling_config=lambda_.CfnEventSourceMapping.ScalingConfigProperty(
                maximum_concurrency=props.max_concurrency
            ),
        )
        self._alarm(
            "DeadLettersWaiting",
            self.dead_letters,
            metric="ApproximateNumberOfMessagesVisible",
            above=0,
            says=f"Mail of {props.tenant_id} could not be filed: see the function's log, then redrive the dead-letter queue.",
            topic_arn=props.alarm_topic_arn,
        )
        self._alarm(
            "OldestDelivery",
            queue,
            metric="ApproximateAgeOfOldestMessage",
            above=900,
            says=f"Mail of {props.tenant_id} waits longer than 15 minutes to be filed: see the function's log.",
            topic_arn=props.alarm_topic_arn,
        )
        self.structurer = Structurer(role_arn=self.role_arn, queue_arn=self.queue_arn, ready=(ready,))

    def _table(self, props: MessageStoreProps) -> dynamodb.CfnTable:
        keeps = props.removal_policy == cdk.RemovalPolicy.RETAIN
        names = (PARTITION, SORT, LISTED, LATEST)
        table = dynamodb.CfnTable(
            self,
            "Table",
            billing_mode="PAY_PER_REQUEST",
            attribute_definitions=[
                dynamodb.CfnTable.AttributeDefinitionProperty(attribute_name=name, attribute_type="S") for name in names
            ],
            key_schema=_keys(PARTITION, SORT),
            global_secondary_indexes=[
                dynamodb.CfnTable.GlobalSecondaryIndexProperty(
                    index_name=BY_ACTIVITY,
                    key_schema=_keys(LISTED, LATEST),
                    projection=dynamodb.CfnTable.ProjectionProperty(projection_type="ALL"),
                )
            ],
            point_in_time_recovery_specification=dynamodb.CfnTable.PointInTimeRecoverySpecificationProperty(
                point_in_time_recovery_enabled=True
            ),
            # With the key that AWS manages for DynamoDB in this account: its use is logged.
            sse_specification=dynamodb.CfnTable.SSESpecificationProperty(sse_enabled=True),
            deletion_protection_enabled=keeps,
            time_to_live_specification=dynamodb.CfnTable.TimeToLiveSpecificationProperty(
                attribute_name=EXPIRES, enabled=True
            ),
        )
        table.apply_removal_policy(props.removal_policy)
        return table

    def _queue(self, id: str, settings: dict[str, Any]) -> sqs.CfnQueue:
        return sqs.CfnQueue(self, id, sqs_managed_sse_enabled=True, **settings)

    def _queue_policies(self, queue: sqs.CfnQueue) -> sqs.CfnQueuePolicy:
        """TLS only for both; and S3 may notify of this account's buckets: the tenant's has a generated name."""
        for name, one in (("DeadLettersPolicy", self.dead_letters), ("DeliveredPolicy", queue)):
            deny = {
                "Effect": "Deny",
                "Principal": "*",
                "Action": "sqs:*",
                "Resource": one.attr_arn,
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            }
            notify = {
                "Sid": "LetBucketNotify",
                "Effect": "Allow",
                "Principal": {"Service": "s3.amazonaws.com"},
                "Action": "sqs:SendMessage",
                "Resource": one.attr_arn,
                "Condition": {"StringEquals": {"aws:SourceAccount": account_id()}},
            }
            statements = [deny] if one is self.dead_letters else [deny, notify]
            policy = sqs.CfnQueuePolicy(
                self,
                name,
                queues=[one.ref],
                policy_document={"Version": "2012-10-17", "Statement": statements},
            )
        return policy

    def _function_role(self, queue: sqs.CfnQueue, log_group: logs.CfnLogGroup) -> iam.CfnRole:
        trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
        statements = [
            _allow(["logs:CreateLogStream", "logs:PutLogEvents"], log_group.attr_arn),
            _allow(["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"], queue.attr_arn),
            _allow(
                [
                    "dynamodb:BatchGetItem",
                    "dynamodb:ConditionCheckItem",
                    "dynamodb:DeleteItem",
                    "dynamodb:GetItem",
                    "dynamodb:PutItem",
                    "dynamodb:Query",
                    "dynamodb:UpdateItem",
                ],
                self.table_arn,
            ),
            {
                **_allow(["events:PutEvents"], arn("events", "event-bus/default")),
                "Condition": {"StringEquals": {"events:source": SOURCE}},
            },
        ]
        return iam.CfnRole(
            self,
            "Role",
            assume_role_policy_document={"Version": "2012-10-17", "Statement": [trust]},
            policies=[
                iam.CfnRole.PolicyProperty(
                    policy_name="Structure", policy_document={"Version": "2012-10-17", "Statement": statements}
                )
            ],
        )

    def _function(self, props: MessageStoreProps, log_group: logs.CfnLogGroup) -> lambda_.CfnFunction:
        code = assets.Asset(self, "Code", path=str(bundle()))
        days = str(int(props.retention.to_days())) if props.retention is not None else ""
        return lambda_.CfnFunction(
            self,
            "Structure",
            description=f"Files the mail of {props.tenant_id}",
            runtime="python3.14",
            architectures=["arm64"],
            handler="mailroom.structuring.function.on_event",
            code=lambda_.CfnFunction.CodeProperty(s3_bucket=code.s3_bucket_name, s3_key=code.s3_object_key),
            role=self.role_arn,
            timeout=_TIMEOUT_SECONDS,
            memory_size=_MEMORY_MIB,
            logging_config=lambda_.CfnFunction.LoggingConfigProperty(log_group=log_group.ref),
            environment=lambda_.CfnFunction.EnvironmentProperty(
                variables={
                    "EVENT_BUS": "default",
                    "JOIN_BY": " ".join(sorted(props.join_by)),
                    "RETENTION_DAYS": days,
                    "TABLE_NAME": self.table_name,
                    "TENANT": props.tenant_id,
                }
            ),
        )

    def _alarm(
        self, id: str, queue: sqs.CfnQueue, *, metric: str, above: float, says: str, topic_arn: str | None
    ) -> None:
        actions = [topic_arn] if topic_arn is not None else None
        alarm = cloudwatch.CfnAlarm(
            self,
            id,
            namespace="AWS/SQS",
            metric_name=metric,
            dimensions=[cloudwatch.CfnAlarm.DimensionProperty(name="QueueName", value=queue.attr_queue_name)],
            statistic="Maximum",
            period=300,
            evaluation_periods=1,
            threshold=above,
            comparison_operator="GreaterThanThreshold",
            treat_missing_data="notBreaching",
            alarm_description=says,
            alarm_actions=actions,
            ok_actions=actions,
        )
        if actions is None:
            cdk.Validations.of(alarm).acknowledge(
                cdk.Acknowledgment(id="AwsSolutions-CW1", reason="whoever composes passes the topic to tell")
            )


def _allow(actions: list[str], resource: str) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": resource}


def _keys(partition: str, sort: str) -> list[Any]:
    kinds = ((partition, "HASH"), (sort, "RANGE"))
    return [dynamodb.CfnTable.KeySchemaProperty(attribute_name=name, key_type=kind) for name, kind in kinds]
