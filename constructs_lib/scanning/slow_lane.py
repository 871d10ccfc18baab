"""The slow lane of a scanner: a queue of slow mail, and a second function with more time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from constructs_lib.scanning.image import same_function
from constructs_lib.statements import allow_to
from constructs_lib.worker import QUEUE_ACTIONS

__all__ = ["SlowLane"]

_LEAST: Final = 2
"""Minimum of a queue's concurrency. Source: Lambda developer guide, "Configuring maximum concurrency"."""


class SlowLane(Construct):
    """Scans mail of the slow queue. A message has as much time as in a scanner without lanes.

    Creates 1 function, with the role and the log group of the quick lane's, and 1 event source mapping, and lets the role use the
    queue. Holds no state.

    Args:
        queue: its visibility timeout is the quick lane's.
        quick: function of the quick lane.
        environment: as the quick lane's, without the name of the queue. The function knows its lane by that.
        max_concurrency: of the quick lane. This one has half of it, at least 2.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        queue: sqs.Queue,
        quick: lambda_.Function,
        environment: Mapping[str, str],
        max_concurrency: int,
    ) -> None:
        super().__init__(scope, id)
        use = allow_to(sorted((*QUEUE_ACTIONS, "sqs:SendMessage")), queue.queue_arn)
        quick.add_to_role_policy(iam.PolicyStatement.from_json(use))
        self.function: lambda_.CfnFunction = same_function(
            self, "Scan", quick, description="Scans slow mail in quarantine with ClamAV", environment=environment
        )
        self.source = lambda_.CfnEventSourceMapping(
            self,
            "Source",
            event_source_arn=queue.queue_arn,
            function_name=self.function.ref,
            batch_size=1,
            function_response_types=["ReportBatchItemFailures"],
            scaling_config=lambda_.CfnEventSourceMapping.ScalingConfigProperty(
                maximum_concurrency=max(_LEAST, max_concurrency // 2)
            ),
        )
