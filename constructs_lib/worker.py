"""A queue, and the function that processes its messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3_assets as assets
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from constructs_lib.alarms import Threshold, add_alarm
from constructs_lib.bundle import bundle
from constructs_lib.encryption import EVENTS, NOTIFICATIONS
from constructs_lib.keys import arn_of, grant_logs_use, grant_services_use, uses
from constructs_lib.roles import role_for_sessions, service_role
from constructs_lib.statements import allow_to

__all__ = [
    "MAX_RECEIVES",
    "QUEUE_ACTIONS",
    "VISIBILITY_TIMES",
    "FunctionProps",
    "QueueWorker",
    "QueueWorkerProps",
    "zip_function",
]

VISIBILITY_TIMES: Final = 6
"""The visibility timeout in time-outs of the function. With fewer, a message that Lambda throttles would use up its tries.

Source: Lambda developer guide, "Creating and configuring an Amazon SQS event source mapping".
"""

MAX_RECEIVES: Final = 5
"""Receives of a message before it is a dead letter."""

QUEUE_ACTIONS: Final = (
    "sqs:ReceiveMessage",
    "sqs:DeleteMessage",
    "sqs:GetQueueAttributes",
    "sqs:ChangeMessageVisibility",  # a failed message need not wait for the whole timeout
)
"""Rights of a function to its queue."""

_FOURTEEN_DAYS: Final = 1_209_600
_OLDEST_SECONDS: Final = 900


@dataclass(frozen=True, kw_only=True, slots=True)
class FunctionProps:
    """The values of a zipped function.

    Args:
        description: its description.
        handler: such as "mailroom.functions.ingest.on_event".
        environment: its settings.
        timeout_seconds: of one invocation.
        memory_mib: its memory.
    """

    description: str
    handler: str
    environment: Mapping[str, str]
    timeout_seconds: int
    memory_mib: int


@dataclass(frozen=True, kw_only=True, slots=True)
class QueueWorkerProps:
    """Props of `QueueWorker`.

    Args:
        where: start of errors.
        description: description of the function.
        handler: such as "mailroom.functions.ingest.on_event".
        environment: the function's settings.
        statements: rights of the function, besides its log and its queue.
        dead_description: description of the alarm for dead letters.
        waiting_description: description of the alarm for a message that waits for 15 minutes.
        puts_back: whether the function may send to its own queue, with its URL as QUEUE_URL. Default: False.
        takes_role_for: tag key of the sessions with which the function reaches tenants' tables. It gets the role's ARN as
            TABLES_ROLE_ARN. Default: None, no role.
        alarm_topic: receives both alarms. Default: None, no actions.
        timeout_seconds: of one invocation. Default: 120.
        memory_mib: Default: 256.
        max_concurrency: invocations at the same time, 2 to 1,000. Default: 5.
        batch_size: messages of one invocation, 1 to 10. Default: 1, so that a message that exhausts time or memory affects no
            other.
        encryption_key: of queues and log group; the function's second role may use it for tables as well. Default: None,
            SQS's own and CloudWatch's own.
    """

    where: str
    description: str
    handler: str
    environment: Mapping[str, str]
    statements: Sequence[Mapping[str, Any]]
    dead_description: str
    waiting_description: str
    puts_back: bool = False
    takes_role_for: str | None = None
    alarm_topic: sns.ITopic | None = None
    timeout_seconds: int = 120
    memory_mib: int = 256
    max_concurrency: int = 5
    batch_size: int = 1
    encryption_key: kms.IKey | None = None


class QueueWorker(Construct):
    """A queue with a function for its messages. A message is tried five times, then kept as a dead letter for 14 days.

    Between two tries a message is hidden for six times the function's time-out, unless the function asks for less.

    Creates 2 queues (encrypted, TLS only), 1 function (zip of plain Python, see `bundle`) with role and log group (kept for a
    year), 1 event source mapping and 2 alarms. `allow_service_to_send` must be called once: it writes the queues'
    policies. Waiting messages are its only state. `tables_role_arn` is the role that the function assumes; "" for none.

    Raises:
        ValueError: `max_concurrency` is beyond Lambda's limits.

    Source: Lambda developer guide, "Using Lambda with Amazon SQS".
    """

    def __init__(self, scope: Construct, id: str, props: QueueWorkerProps) -> None:
        super().__init__(scope, id)
        if not 2 <= props.max_concurrency <= 1000:
            raise ValueError(f"{props.where}: max_concurrency must be 2 to 1000, got {props.max_concurrency}")
        self._key = key = props.encryption_key
        grant_logs_use(key)
        dead_letters = self._queue("DeadLetters", {})
        self._queues = queue, _ = (
            self._queue(
                "Queue",
                {
                    "visibility_timeout": VISIBILITY_TIMES * props.timeout_seconds,
                    "redrive_policy": {"deadLetterTargetArn": dead_letters.attr_arn, "maxReceiveCount": MAX_RECEIVES},
                },
            ),
            dead_letters,
        )
        self.queue_arn: str = queue.attr_arn
        log_group = logs.CfnLogGroup(self, "Logs", retention_in_days=365, kms_key_id=arn_of(key))
        log_group.apply_removal_policy(cdk.RemovalPolicy.DESTROY)
        statements = [
            allow_to(["logs:CreateLogStream", "logs:PutLogEvents"], log_group.attr_arn),
            allow_to(QUEUE_ACTIONS, queue.attr_arn),
            *([allow_to(["sqs:SendMessage"], queue.attr_arn)] if props.puts_back else []),
            *uses(key, "sqs"),
            *props.statements,
        ]
        self.role = service_role(self, "Role", "lambda.amazonaws.com", statements)
        self.role_arn: str = self.role.attr_arn
        self.tables_role_arn: str = ""
        own = {"QUEUE_URL": queue.ref} if props.puts_back else {}
        if props.takes_role_for is not None:
            self.tables_role_arn = self._tables_role(self.role, props.takes_role_for)
            own["TABLES_ROLE_ARN"] = self.tables_role_arn
        function = zip_function(
            self,
            FunctionProps(
                description=props.description,
                handler=props.handler,
                environment={**props.environment, **own},
                timeout_seconds=props.timeout_seconds,
                memory_mib=props.memory_mib,
            ),
            role_arn=self.role_arn,
            log_group=log_group,
        )
        self.source = lambda_.CfnEventSourceMapping(
            self,
            "Source",
            event_source_arn=queue.attr_arn,
            function_name=function.ref,
            batch_size=props.batch_size,
            function_response_types=["ReportBatchItemFailures"],
            scaling_config=lambda_.CfnEventSourceMapping.ScalingConfigProperty(
                maximum_concurrency=props.max_concurrency
            ),
        )
        add_alarm(
            self,
            "DeadLettersWaiting",
            _of(dead_letters, "ApproximateNumberOfMessagesVisible", above=0, description=props.dead_description),
            props.alarm_topic,
        )
        add_alarm(
            self,
            "OldestWaiting",
            _of(queue, "ApproximateAgeOfOldestMessage", above=_OLDEST_SECONDS, description=props.waiting_description),
            props.alarm_topic,
        )

    def _tables_role(self, role: iam.CfnRole, tag: str) -> str:
        return role_for_sessions(self, "Tables", role, uses(self._key, "dynamodb"), tag=tag).attr_arn

    def allow_service_to_send(self, service: str, condition: Mapping[str, Any]) -> sqs.CfnQueuePolicy:
        """Let a service send to the queue, under a condition. Both queues require TLS.

        Args:
            service: principal, such as "s3.amazonaws.com".
            condition: as in a policy; it excludes buckets or rules of others.
        """
        queue, dead_letters = self._queues
        grant_services_use(self._key, *(known for known in (EVENTS, NOTIFICATIONS) if known[1] == service))
        allow = {
            "Effect": "Allow",
            "Principal": {"Service": service},
            "Action": "sqs:SendMessage",
            "Resource": queue.attr_arn,
            "Condition": dict(condition),
        }
        self._policy("DeadLettersPolicy", dead_letters, [])
        policy = self._policy("QueuePolicy", queue, [allow])
        self.source.add_resource_dependency(policy)
        return policy

    def _queue(self, id: str, settings: Mapping[str, Any]) -> sqs.CfnQueue:
        encryption: Mapping[str, Any] = (
            {"sqs_managed_sse_enabled": True} if self._key is None else {"kms_master_key_id": self._key.key_arn}
        )
        return sqs.CfnQueue(self, id, message_retention_period=_FOURTEEN_DAYS, **encryption, **settings)

    def _policy(self, id: str, queue: sqs.CfnQueue, statements: Sequence[Mapping[str, Any]]) -> sqs.CfnQueuePolicy:
        deny = {
            "Effect": "Deny",
            "Principal": "*",
            "Action": "sqs:*",
            "Resource": queue.attr_arn,
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
        document = {"Version": "2012-10-17", "Statement": [deny, *statements]}
        return sqs.CfnQueuePolicy(self, id, queues=[queue.ref], policy_document=document)


def zip_function(
    scope: Construct, work: FunctionProps, *, role_arn: str, log_group: logs.CfnLogGroup
) -> lambda_.CfnFunction:
    """A function of plain Python: a zip of the modules that its handler imports (see `bundle`).

    Args:
        scope: parent of the function, as "Function", and of its code, as "Code".
        work: its values.
        role_arn: of its role.
        log_group: its log group.
    """
    code = assets.Asset(scope, "Code", path=str(bundle(work.handler.rpartition(".")[0])))
    return lambda_.CfnFunction(
        scope,
        "Function",
        description=work.description,
        runtime="python3.14",
        architectures=["arm64"],
        handler=work.handler,
        code=lambda_.CfnFunction.CodeProperty(s3_bucket=code.s3_bucket_name, s3_key=code.s3_object_key),
        role=role_arn,
        timeout=work.timeout_seconds,
        memory_size=work.memory_mib,
        logging_config=lambda_.CfnFunction.LoggingConfigProperty(log_group=log_group.ref),
        environment=lambda_.CfnFunction.EnvironmentProperty(variables=dict(work.environment)),
    )


def _of(queue: sqs.CfnQueue, metric: str, *, above: float, description: str) -> Threshold:
    return Threshold(
        namespace="AWS/SQS",
        metric=metric,
        dimension=("QueueName", queue.attr_queue_name),
        statistic="Maximum",
        above=above,
        description=description,
    )
