"""The table of a tenant's messages, and the function that fills it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from constructs import Construct

from constructs_lib import rules
from constructs_lib.bucket_policy import IngestWriter
from constructs_lib.checks import KEPT_OR_NOT, Rule, check_props, each, optional
from constructs_lib.event_bus import allow_publishing_events
from constructs_lib.faults import shown
from constructs_lib.intrinsics import account_id
from constructs_lib.keys import uses
from constructs_lib.sections import Retention
from constructs_lib.statements import allow_to
from constructs_lib.worker import QueueWorker, QueueWorkerProps
from mailroom.messages.joining import JoinBy
from mailroom.store.keys import BY_ACTIVITY, EXPIRES, LATEST, LISTED, PARTITION, SORT

__all__ = ["MessageStore", "MessageStoreProps"]

_MEMORY_MIB: Final = 1024
"""The biggest mail, read and decoded, takes about 400 MiB."""


_EXECUTION_ROLES: Final = "cdk-*-cfn-exec-role-*"
"""Names of CloudFormation's role by `cdk bootstrap`, with any qualifier."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MessageStoreProps:
    """Props of `MessageStore`.

    Args:
        tenant_id: permanent id; events and logs name it.
        subdomain: domain of the tenant's addresses: other recipients are not recorded. Default: None, all are.
        retention: how long messages are kept. Default: without limit.
        join_threads_by: further ways to join messages into threads, besides Message-IDs. Default: none.
        configuration_set_name: configuration set of the outbox. Default: None, no sending.
        send_statements: the function's right to send, see `SendingIdentity.send_statements`. Default: none.
        table_statements: further statements of the table's policy, see `SharedFunctions.table_statements`. Default: none.
        alarm_topic: receives the alarms. Default: None, no actions.
        max_concurrency: messages processed at once, 2 to 1,000. Default: 5.
        encryption_key: key of table, queues, log group and the inbox's bucket. Default: None, AWS's own keys.
        removal_policy: for the table; unless it is DESTROY, only CloudFormation may delete the table. Default: retain, except after
            a failed first deployment.
    """

    tenant_id: str
    subdomain: str | None = None
    retention: Retention = field(default_factory=Retention)
    join_threads_by: Sequence[JoinBy] = ()
    configuration_set_name: str | None = None
    send_statements: Sequence[Mapping[str, Any]] = ()
    table_statements: Sequence[Mapping[str, Any]] = ()
    alarm_topic: sns.ITopic | None = None
    max_concurrency: int = 5
    encryption_key: kms.IKey | None = None
    removal_policy: cdk.RemovalPolicy = cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE


class MessageStore(Construct):
    """A table of messages and threads, and the function that stores delivered mail in it.

    Creates 1 table (on demand, point-in-time recovery, encrypted, deleted by CloudFormation only, items expire) and 1
    `QueueWorker`. An inbox takes `structurer`; the inbox's bucket policy grants the worker's role its rights.

    A message is tried 5 times, 3 minutes apart, or 12 after a crash of the function. Then its notification goes to the dead-letter
    queue, and the mail stays under `clean/`. Waiting for SES's quota does not count as a try: the function puts a message for it
    into the queue.

    Raises:
        ValueError: `tenant_id` is no identifier, `max_concurrency` is beyond AWS's limits, or a text holds `{{` or a `${` that
            is no token (`check_texts`).

    Source: DynamoDB developer guide, "Time to Live", "Using resource-based policies".
    """

    def __init__(self, scope: Construct, id: str, props: MessageStoreProps) -> None:
        super().__init__(scope, id)
        where = f"message store of tenant {shown(props.tenant_id)}"
        check_props(self, where, _RULES, props)
        table = self._table(props)
        self.table_name: str = table.ref
        self.table_arn: str = table.attr_arn
        sends = props.configuration_set_name is not None
        worker = QueueWorker(
            self,
            "Structuring",
            QueueWorkerProps(
                where=where,
                description=f"Files the mail of {props.tenant_id}",
                handler="mailroom.functions.ingest.on_event",
                environment={
                    "CONFIGURATION_SET": props.configuration_set_name or "",
                    "EVENT_BUS": "default",
                    "JOIN_BY": " ".join(sorted(props.join_threads_by)),
                    "RETENTION_DAYS": "" if (days := props.retention.messages_days) is None else str(days),
                    "SUBDOMAIN": props.subdomain or "",
                    "TABLE_NAME": self.table_name,
                    "TENANT": props.tenant_id,
                },
                statements=[
                    *self._statements(),
                    *(_quota_statements() if sends else ()),
                    *props.send_statements,
                    *uses(props.encryption_key, "s3", "dynamodb"),
                ],
                dead_description=f"Mail of {props.tenant_id} could not be filed: see the function's log, then "
                "redrive the dead letters.",
                waiting_description=f"Mail of {props.tenant_id} waits longer than 15 minutes to be filed: see the function's log.",
                puts_back=sends,
                alarm_topic=props.alarm_topic,
                memory_mib=_MEMORY_MIB,
                max_concurrency=props.max_concurrency,
                encryption_key=props.encryption_key,
            ),
        )
        if sends:
            cdk.Validations.of(worker).acknowledge(
                cdk.Acknowledgment(
                    id="AwsSolutions-IAM5[Resource::*]",
                    reason="ses:GetAccount cannot be limited to a resource (service authorization reference, Amazon SES)",
                )
            )
        # All buckets of this account may send, because the tenant's has a generated name. A new policy takes effect at SQS
        # within a minute, and S3 sends a test when the bucket is made. The mapping between them gives the policy time.
        ready = worker.allow_service_to_send("s3.amazonaws.com", {"StringEquals": {"aws:SourceAccount": account_id()}})
        self.structurer = IngestWriter(
            role_arn=worker.role_arn, queue_arn=worker.queue_arn, ready=(ready, worker.source)
        )

    def _statements(self) -> list[dict[str, Any]]:
        actions = "BatchGetItem BatchWriteItem ConditionCheckItem DeleteItem GetItem PutItem Query UpdateItem"
        return [
            allow_to([f"dynamodb:{action}" for action in actions.split()], self.table_arn),
            allow_publishing_events(),
        ]

    def _table(self, props: MessageStoreProps) -> dynamodb.CfnTable:
        names = (PARTITION, SORT, LISTED, LATEST)
        kept = props.removal_policy != cdk.RemovalPolicy.DESTROY
        statements = [*([_only_cloudformation_deletes()] if kept else []), *props.table_statements]
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
            sse_specification=_encryption(props.encryption_key),
            # With deletion protection, a roll-back could not delete the table that it has just made.
            deletion_protection_enabled=False,
            resource_policy=dynamodb.CfnTable.ResourcePolicyProperty(
                policy_document={"Version": "2012-10-17", "Statement": statements}
            )
            if statements
            else None,
            time_to_live_specification=dynamodb.CfnTable.TimeToLiveSpecificationProperty(
                attribute_name=EXPIRES, enabled=True
            ),
        )
        table.apply_removal_policy(props.removal_policy)
        return table


def _encryption(key: kms.IKey | None) -> dynamodb.CfnTable.SSESpecificationProperty:
    """Encryption of the table. By default with DynamoDB's AWS-managed key, whose use is logged."""
    if key is None:
        return dynamodb.CfnTable.SSESpecificationProperty(sse_enabled=True)
    return dynamodb.CfnTable.SSESpecificationProperty(sse_enabled=True, sse_type="KMS", kms_master_key_id=key.key_arn)


def _only_cloudformation_deletes() -> dict[str, Any]:
    """Statement of the table's policy: only CloudFormation may delete the table, and its template retains it.

    CloudFormation uses the CDK's execution role, or the caller's; without the role, `aws:CalledVia` is set.
    """
    return {
        "Sid": "DenyDeletingTable",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "dynamodb:DeleteTable",
        # The table's own ARN would be a reference of the table to itself.
        "Resource": "*",
        "Condition": {
            "ArnNotLike": {"aws:PrincipalArn": f"arn:{cdk.Aws.PARTITION}:iam::{account_id()}:role/{_EXECUTION_ROLES}"},
            "ForAllValues:StringNotEquals": {"aws:CalledVia": ["cloudformation.amazonaws.com"]},
        },
    }


def _quota_statements() -> list[dict[str, Any]]:
    """Statement for the function: it reads the account's sending quota of SES.

    Source: Service authorization reference, "Amazon SES": GetAccount has no resource. It only reads.
    """
    return [allow_to(["ses:GetAccount"], "*")]


def _keys(partition: str, sort: str) -> list[Any]:
    kinds = ((partition, "HASH"), (sort, "RANGE"))
    return [dynamodb.CfnTable.KeySchemaProperty(attribute_name=name, key_type=kind) for name, kind in kinds]


_RULES: Final[dict[str, Rule]] = {
    "tenant_id": rules.IDENTIFIER,
    "subdomain": optional(rules.SUBDOMAIN),
    "retention": rules.RETENTION,
    "join_threads_by": rules.JOIN_THREADS_BY,
    "configuration_set_name": optional(rules.CONFIGURATION_SET),
    "send_statements": each(rules.STATEMENT),
    "table_statements": each(rules.STATEMENT),
    "alarm_topic": optional(rules.TOPIC),
    "max_concurrency": rules.CONCURRENCY,
    "encryption_key": optional(rules.KEY),
    "removal_policy": KEPT_OR_NOT,
}
