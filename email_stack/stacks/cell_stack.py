"""What the tenants of one account and region share."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from constructs_lib import ActiveReceiptRuleSet
from constructs_lib.naming import cell_export, cell_stack_name, receipt_rule_set_name
from email_stack.config import Cell
from email_stack.stacks.removal import removal_policy

__all__ = ["ACCESS_LOGS_BUCKET", "ALERTS_KEY", "CellStack"]

ACCESS_LOGS_BUCKET = "AccessLogsBucketName"
ALERTS_KEY = "AlertsKeyArn"


class CellStack(cdk.Stack):
    """The stack of one cell: the active receipt rule set, the key of the alert topics and the bucket of access logs.

    Exports what tenants import; CloudFormation keeps a cell from being deleted as long as one of them does. Its template does
    not depend on which tenants there are.
    """

    def __init__(self, scope: Construct, cell: Cell) -> None:
        super().__init__(
            scope,
            cell_stack_name(cell.id),
            env=cdk.Environment(account=cell.account, region=cell.region),
            description=f"E-mail cell {cell.id}: what the tenants of this account and region share",
            tags={"cell": cell.id},
        )
        ActiveReceiptRuleSet(self, "ReceiptRuleSet", rule_set_name=receipt_rule_set_name(cell.id))

        key = kms.Key(
            self,
            "AlertsKey",
            description=f"Alert topics of e-mail cell {cell.id}",
            enable_key_rotation=True,
            removal_policy=removal_policy(cell.removal),
        )
        logs = self._access_logs(removal_policy(cell.removal))
        for name, value in ((ALERTS_KEY, key.key_arn), (ACCESS_LOGS_BUCKET, logs.bucket_name)):
            cdk.CfnOutput(self, name, value=value, export_name=cell_export(cell.id, name))
        cdk.CfnOutput(self, "ReceiptRuleSetName", value=receipt_rule_set_name(cell.id))

    def _access_logs(self, removal: cdk.RemovalPolicy) -> s3.Bucket:
        bucket = s3.Bucket(
            self,
            "AccessLogs",
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=True,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            lifecycle_rules=[
                s3.LifecycleRule(
                    id="Expire",
                    expiration=cdk.Duration.days(365),
                    abort_incomplete_multipart_upload_after=cdk.Duration.days(1),
                )
            ],
            removal_policy=removal,
        )
        bucket.add_to_resource_policy(
            iam.PolicyStatement(
                sid="LetTenantBucketsLog",
                principals=[iam.ServicePrincipal("logging.s3.amazonaws.com")],
                actions=["s3:PutObject"],
                resources=[bucket.arn_for_objects("*")],
                # The tenants' buckets have generated names, so the account is as narrow as it gets here.
                conditions={"StringEquals": {"aws:SourceAccount": self.account}},
            )
        )
        cdk.Validations.of(bucket).acknowledge(
            cdk.Acknowledgment(
                id="AwsSolutions-S1", reason="the bucket that receives access logs does not log to itself"
            )
        )
        return bucket
