"""The function that puts the bucket's name on S3's notifications, by which SQS gives each tenant its turn."""

from __future__ import annotations

from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from constructs_lib.keys import arn_of, uses
from constructs_lib.roles import service_role
from constructs_lib.statements import allow_to
from constructs_lib.worker import QUEUE_ACTIONS, VISIBILITY_TIMES, FunctionProps, zip_function

__all__ = ["HIDDEN_SECONDS", "MAX_RECEIVES", "Sorter"]

_TIMEOUT_SECONDS: Final = 30
_MEMORY_MIB: Final = 256
_BATCH: Final = 10
_AT_ONCE: Final = 5

HIDDEN_SECONDS: Final = VISIBILITY_TIMES * _TIMEOUT_SECONDS
"""Visibility timeout of the queue of arrivals."""

MAX_RECEIVES: Final = 360
"""Receives of a message before it is a dead letter: six hours, so that a short outage of the scanner's queue loses no mail."""


class Sorter(Construct):
    """Sends every message of one queue on into another, ten at a time, each with its bucket as the message group.

    Creates 1 function (zip of plain Python) with role and log group (kept for a year) and 1 event source mapping. The role reads
    the one queue, sends to the other, and may do nothing else. Holds no state.

    Args:
        arrivals: the queue that S3 notifies; its visibility timeout is `HIDDEN_SECONDS`.
        turns: the scanner's queue.
        after: a dependency: the scanner's event source mapping, so that sorted messages have a consumer.
        encryption_key: of both queues and the log group. Default: None, AWS's own.

    Source: SQS developer guide, "How Amazon SQS fair queues work"; Lambda developer guide, "Implementing partial batch responses":
    only the reported messages of a batch come again; SQS API reference, "SetQueueAttributes": up to 1,000 receives.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        arrivals: sqs.Queue,
        turns: sqs.Queue,
        after: cdk.CfnResource,
        encryption_key: kms.IKey | None = None,
    ) -> None:
        super().__init__(scope, id)
        log_group = logs.CfnLogGroup(self, "Logs", retention_in_days=365, kms_key_id=arn_of(encryption_key))
        log_group.apply_removal_policy(cdk.RemovalPolicy.DESTROY)
        self.role: iam.CfnRole = service_role(
            self,
            "Role",
            "lambda.amazonaws.com",
            [
                allow_to(["logs:CreateLogStream", "logs:PutLogEvents"], log_group.attr_arn),
                allow_to(QUEUE_ACTIONS, arrivals.queue_arn),
                allow_to(["sqs:SendMessage"], turns.queue_arn),
                *uses(encryption_key, "sqs"),
            ],
        )
        function = zip_function(
            self,
            FunctionProps(
                description="Puts S3's notifications into the scanner's queue, with the bucket as message group",
                handler="mailroom.functions.sorting.on_event",
                environment={"SCANNER_QUEUE_URL": turns.queue_url},
                timeout_seconds=_TIMEOUT_SECONDS,
                memory_mib=_MEMORY_MIB,
            ),
            role_arn=self.role.attr_arn,
            log_group=log_group,
        )
        self.source = lambda_.CfnEventSourceMapping(
            self,
            "Source",
            event_source_arn=arrivals.queue_arn,
            function_name=function.ref,
            batch_size=_BATCH,
            function_response_types=["ReportBatchItemFailures"],
            scaling_config=lambda_.CfnEventSourceMapping.ScalingConfigProperty(maximum_concurrency=_AT_ONCE),
        )
        self.source.add_resource_dependency(after)
