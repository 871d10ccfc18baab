"""The shared resources of the tenants in one account and region."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from constructs_lib import (
    ActiveReceiptRuleSet,
    AddressBookWriter,
    AddressBookWriterProps,
    AttachmentScanner,
    AttachmentScannerProps,
    EngagementTracking,
    EngagementTrackingProps,
    SecurityAlerts,
    SendingPauses,
    SignatureMirror,
)
from constructs_lib.alerts import alarms_use_key
from constructs_lib.buckets import private_bucket
from constructs_lib.encryption import RECEIVING
from constructs_lib.intrinsics import arn
from constructs_lib.keys import grant_services_use
from constructs_lib.naming import (
    BOUNDARY_EXPORT,
    ENVELOPES_EXPORT,
    TENANT_STACKS,
    cell_export,
    cell_stack_name,
    receipt_rule_set_name,
    registry_path,
)
from constructs_lib.wildcards import explain_wildcards
from email_stack.config import Cell
from email_stack.stacks.control_roles import boundary
from email_stack.stacks.keys import imported_key
from email_stack.stacks.removal import removal_policy

__all__ = [
    "ACCESS_LOGS_BUCKET",
    "ALARMS_TOPIC",
    "ALERTS_KEY",
    "BOOKS_FUNCTION",
    "BOOKS_ROLE",
    "DEFINITIONS_BUCKET",
    "ENVELOPES_TOPIC",
    "SCANNER_QUEUE",
    "SCANNER_ROLE",
    "TENANT_BOUNDARY",
    "TRACKING_ROLE",
    "CellStack",
]

ACCESS_LOGS_BUCKET = "AccessLogsBucketName"
ALARMS_TOPIC = "AlarmsTopicArn"
ALERTS_KEY = "AlertsKeyArn"
BOOKS_FUNCTION = "AddressBooksFunctionArn"
BOOKS_ROLE = "AddressBooksRoleArn"
DEFINITIONS_BUCKET = "DefinitionsBucketName"
ENVELOPES_TOPIC = ENVELOPES_EXPORT
SCANNER_QUEUE = "ScannerQueueArn"
SCANNER_ROLE = "ScannerRoleArn"
TENANT_BOUNDARY = BOUNDARY_EXPORT
TRACKING_ROLE = "TrackingRoleArn"


class CellStack(cdk.Stack):
    """The stack of one cell: the active receipt rule set, the scanner and its signature database, tracking, the writer of address
    books, the alarms' topic, alerts on tenants that SES paused, the key of all topics, and the bucket of access logs.

    With `control`, also the permissions boundary of tenants' roles.

    Tenants import its exports; CloudFormation refuses to delete the cell as long as one does. Its template does not depend on
    its tenants.
    """

    def __init__(self, scope: Construct, cell: Cell) -> None:
        super().__init__(
            scope,
            cell_stack_name(cell.id),
            env=cdk.Environment(account=cell.account, region=cell.region),
            description=f"E-mail cell {cell.id}: shared resources of the tenants in this account and region",
            tags={"cell": cell.id},
        )
        own = imported_key(self, cell.encryption)
        ActiveReceiptRuleSet(self, "ReceiptRuleSet", rule_set_name=receipt_rule_set_name(cell.id), encryption_key=own)
        # Made and exported also with an operator's key, because CloudFormation cannot delete an export that a tenant imports.
        key = kms.Key(
            self,
            "AlertsKey",
            description=f"Alert topics of e-mail cell {cell.id}",
            enable_key_rotation=True,
            removal_policy=removal_policy(cell.removal),
        )
        key.add_to_resource_policy(alarms_use_key())
        grant_services_use(key, RECEIVING)
        logs = self._access_logs(removal_policy(cell.removal))
        alarms = SecurityAlerts(
            self,
            "Alarms",
            display_name=f"Mail platform {cell.id}",
            addresses=cell.alerts,
            alarms=True,
            encryption_key=own,
            encryption_key_arn=key.key_arn if own is None else None,
        )
        topic = alarms.topic()
        SendingPauses(self, "SendingPauses", alerts=alarms)
        mirror = SignatureMirror(
            self,
            "Definitions",
            alarm_topic=topic,
            access_logs_bucket_name=logs.bucket_name,
            definitions_source=cell.scanner.definitions_source,
            encryption_key=own,
        )
        scanner = AttachmentScanner(
            self,
            "Scanner",
            AttachmentScannerProps(
                definitions=mirror.bucket,
                alarm_topic=topic,
                topics_key_arn=key.key_arn,
                encryption_key=own,
                memory_mib=cell.scanner.memory_mib,
                max_concurrency=cell.scanner.max_concurrency,
                recall_days=cell.scanner.recall_days,
            ),
        )
        path = registry_path(cell.id)
        tracking = EngagementTracking(
            self,
            "Tracking",
            EngagementTrackingProps(registry_path=path, alarm_topic=topic, encryption_key=own),
        )
        books = AddressBookWriter(
            self,
            "AddressBooks",
            AddressBookWriterProps(
                registry_path=path,
                stack_prefix=TENANT_STACKS,
                alarm_topic=topic,
                encryption_key=own,
            ),
        )
        arrivals = scanner.scanner
        exported = {
            ALERTS_KEY: key.key_arn,
            ACCESS_LOGS_BUCKET: logs.bucket_name,
            ALARMS_TOPIC: alarms.topic_arn,
            DEFINITIONS_BUCKET: mirror.bucket.bucket_name,
            ENVELOPES_TOPIC: str(arrivals.topic_arn),
            SCANNER_QUEUE: arrivals.queue_arn,
            SCANNER_ROLE: arrivals.role_arn,
            TRACKING_ROLE: tracking.role_arn,
            BOOKS_ROLE: books.role_arn,
        }
        if cell.control is not None:
            exported |= {BOOKS_FUNCTION: books.function_arn, TENANT_BOUNDARY: self._boundary()}
        for name, value in exported.items():
            cdk.CfnOutput(self, name, value=value, export_name=cell_export(cell.id, name))
        cdk.CfnOutput(self, "ReceiptRuleSetName", value=receipt_rule_set_name(cell.id))

    def _boundary(self) -> str:
        """ARN of the permissions boundary of roles in tenants' stacks."""
        statements = boundary(arn=arn)
        policy = iam.CfnManagedPolicy(
            self,
            "TenantBoundary",
            description="The most that a role in a tenant's stack can do",
            policy_document={"Version": "2012-10-17", "Statement": statements},
        )
        explain_wildcards(policy, statements, "bounds what tenants' own policies name, and gives nothing by itself")
        return policy.ref

    def _access_logs(self, removal: cdk.RemovalPolicy) -> s3.Bucket:
        expire = s3.LifecycleRule(
            id="Expire",
            expiration=cdk.Duration.days(365),
            abort_incomplete_multipart_upload_after=cdk.Duration.days(1),
        )
        bucket = private_bucket(self, "AccessLogs", rules=[expire], removal_policy=removal)
        bucket.add_to_resource_policy(
            iam.PolicyStatement(
                sid="LetTenantBucketsLog",
                principals=[iam.ServicePrincipal("logging.s3.amazonaws.com")],
                actions=["s3:PutObject"],
                resources=[bucket.arn_for_objects("*")],
                # The tenants' buckets have generated names, so the account is the narrowest condition.
                conditions={"StringEquals": {"aws:SourceAccount": self.account}},
            )
        )
        cdk.Validations.of(bucket).acknowledge(
            cdk.Acknowledgment(
                id="AwsSolutions-S1", reason="the bucket that receives access logs does not log to itself"
            )
        )
        return bucket
