"""Where a tenant's mail arrives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import aws_cdk as cdk
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_ses as ses
from constructs import Construct

from constructs_lib.intrinsics import account_id, arn
from constructs_lib.naming import check_identifier, receipt_rule_name

__all__ = ["RAW_PREFIX", "RECIPIENTS_PER_RULE", "TenantInbox"]

RAW_PREFIX: Final = "raw/"
"""Quarantine: SES writes here, and nobody reads until the mail is scanned."""

RECIPIENTS_PER_RULE: Final = 100
"""SES's documentation gives 100 on one page and 500 on another; the lower always works."""


class TenantInbox(Construct):
    """A tenant's bucket, and the receipt rules that file the tenant's mail in it under `raw/`.

    Creates 1 bucket (private, SSE-S3, TLS only, versioned), 1 bucket policy, and 1 receipt rule for every `recipients_per_rule`
    recipients. SES may write under `raw/` for exactly these rules; nobody may read there. The bucket is kept on removal.

    Args:
        tenant_id: permanent id; names the rules.
        rule_set_name: receipt rule set to add the rules to; it must exist before.
        recipients: addresses, or the domain itself for every address of it. Their order decides which rule holds which:
            append new ones, and no address moves from rule to rule. None makes no rule and receives nothing: a rule without
            recipients would be every address of every verified domain to SES.
        raw_retention: how long mail stays in quarantine, and how long replaced versions are kept.
        enabled: whether the rules take mail. Default: True.
        tls_required: refuse mail that arrives without TLS. Default: True.
        recipients_per_rule: Default: 100.
        access_logs_bucket_name: bucket that receives the access logs, under `<tenant_id>/`. Default: None, no logs.
        removal_policy: Default: retain.

    Raises:
        ValueError: a duplicate recipient, fewer than one recipient a rule, or `tenant_id` is no identifier.

    Source: SES developer guide, "Giving permissions to Amazon SES for email receiving", "Create receipt rules".
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        tenant_id: str,
        rule_set_name: str,
        recipients: Sequence[str],
        raw_retention: cdk.Duration,
        enabled: bool = True,
        tls_required: bool = True,
        recipients_per_rule: int = RECIPIENTS_PER_RULE,
        access_logs_bucket_name: str | None = None,
        removal_policy: cdk.RemovalPolicy = cdk.RemovalPolicy.RETAIN,
    ) -> None:
        super().__init__(scope, id)
        _check(tenant_id, recipients, recipients_per_rule)
        batches = [recipients[i : i + recipients_per_rule] for i in range(0, len(recipients), recipients_per_rule)]
        self.rule_names = tuple(receipt_rule_name(tenant_id, index) for index in range(len(batches)))

        bucket = self._bucket(tenant_id, raw_retention, access_logs_bucket_name)
        bucket.apply_removal_policy(removal_policy)
        self.bucket_name: str = bucket.ref
        self.bucket_arn: str = bucket.attr_arn
        policy = s3.CfnBucketPolicy(
            self, "BucketPolicy", bucket=self.bucket_name, policy_document=self._policy_document(rule_set_name)
        )
        # A retained bucket keeps denying what it denied.
        policy.apply_removal_policy(removal_policy)

        # SES tries to write when a rule is made (aws/aws-cdk#30143), and takes one rule request a second: policy first, then
        # one rule after the other. The same order adds an address to its new rule before its old one drops it.
        before: cdk.CfnResource = policy
        for index, (name, batch) in enumerate(zip(self.rule_names, batches, strict=True)):
            rule = ses.CfnReceiptRule(
                self,
                f"Rule{index}",
                rule_set_name=rule_set_name,
                rule=ses.CfnReceiptRule.RuleProperty(
                    name=name,
                    enabled=enabled,
                    recipients=list(batch),
                    scan_enabled=True,
                    tls_policy="Require" if tls_required else "Optional",
                    actions=[
                        ses.CfnReceiptRule.ActionProperty(
                            s3_action=ses.CfnReceiptRule.S3ActionProperty(
                                bucket_name=self.bucket_name, object_key_prefix=RAW_PREFIX
                            )
                        )
                    ],
                ),
            )
            rule.add_resource_dependency(before)
            before = rule

    def bucket(self) -> s3.IBucket:
        """The bucket as the interface that other CDK constructs take."""
        return s3.Bucket.from_bucket_arn(self, "Imported", self.bucket_arn)

    def _bucket(self, tenant_id: str, raw_retention: cdk.Duration, access_logs_bucket_name: str | None) -> s3.CfnBucket:
        days = int(raw_retention.to_days())
        bucket = s3.CfnBucket(
            self,
            "Bucket",
            bucket_encryption=s3.CfnBucket.BucketEncryptionProperty(
                server_side_encryption_configuration=[
                    s3.CfnBucket.ServerSideEncryptionRuleProperty(
                        server_side_encryption_by_default=s3.CfnBucket.ServerSideEncryptionByDefaultProperty(
                            sse_algorithm="AES256"
                        )
                    )
                ]
            ),
            ownership_controls=s3.CfnBucket.OwnershipControlsProperty(
                rules=[s3.CfnBucket.OwnershipControlsRuleProperty(object_ownership="BucketOwnerEnforced")]
            ),
            public_access_block_configuration=s3.CfnBucket.PublicAccessBlockConfigurationProperty(
                block_public_acls=True, block_public_policy=True, ignore_public_acls=True, restrict_public_buckets=True
            ),
            versioning_configuration=s3.CfnBucket.VersioningConfigurationProperty(status="Enabled"),
            lifecycle_configuration=s3.CfnBucket.LifecycleConfigurationProperty(
                rules=[
                    s3.CfnBucket.RuleProperty(
                        id="ExpireRaw", status="Enabled", prefix=RAW_PREFIX, expiration_in_days=days
                    ),
                    s3.CfnBucket.RuleProperty(
                        id="ExpireReplaced",
                        status="Enabled",
                        noncurrent_version_expiration=s3.CfnBucket.NoncurrentVersionExpirationProperty(
                            noncurrent_days=days
                        ),
                        abort_incomplete_multipart_upload=s3.CfnBucket.AbortIncompleteMultipartUploadProperty(
                            days_after_initiation=1
                        ),
                    ),
                ]
            ),
            logging_configuration=s3.CfnBucket.LoggingConfigurationProperty(
                destination_bucket_name=access_logs_bucket_name, log_file_prefix=f"{tenant_id}/"
            )
            if access_logs_bucket_name is not None
            else None,
        )
        if access_logs_bucket_name is None:
            cdk.Validations.of(bucket).acknowledge(
                cdk.Acknowledgment(
                    id="AwsSolutions-S1",
                    reason="access logs need a bucket that outlives this one: whoever composes passes access_logs_bucket_name",
                )
            )
        return bucket

    def _policy_document(self, rule_set_name: str) -> dict[str, Any]:
        raw_objects = f"{self.bucket_arn}/{RAW_PREFIX}*"
        statements: list[dict[str, Any]] = [
            {
                "Sid": "DenyPlainHttp",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:*",
                "Resource": [self.bucket_arn, f"{self.bucket_arn}/*"],
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            },
            {
                # What is not scanned is not read: not by an administrator's s3:* either.
                "Sid": "DenyReadingQuarantine",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:GetObject*",  # of any version, its tags, and for replication: in a Deny, wider is safer
                "Resource": raw_objects,
            },
        ]
        rule_set = arn("ses", f"receipt-rule-set/{rule_set_name}")
        if self.rule_names:
            statements.append(
                {
                    "Sid": "LetReceiptRulesWrite",
                    "Effect": "Allow",
                    "Principal": {"Service": "ses.amazonaws.com"},
                    "Action": "s3:PutObject",
                    "Resource": raw_objects,
                    "Condition": {
                        "StringEquals": {
                            "aws:SourceAccount": account_id(),
                            "aws:SourceArn": [f"{rule_set}:receipt-rule/{name}" for name in self.rule_names],
                        }
                    },
                }
            )
        return {"Version": "2012-10-17", "Statement": statements}


def _check(tenant_id: str, recipients: Sequence[str], recipients_per_rule: int) -> None:
    where = f'inbox of tenant "{tenant_id}"'
    check_identifier(f"{where}: tenant_id", tenant_id)
    if recipients_per_rule < 1:
        raise ValueError(f"{where}: recipients_per_rule must be at least 1, got {recipients_per_rule}")
    seen: set[str] = set()
    for recipient in recipients:
        if recipient.lower() in seen:
            raise ValueError(f'{where}: recipients must differ, got "{recipient}" twice; name it once')
        seen.add(recipient.lower())
