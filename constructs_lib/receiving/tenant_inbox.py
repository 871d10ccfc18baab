"""A tenant's inbox: bucket and receipt rules."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

import aws_cdk as cdk
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_ses as ses
from aws_cdk import aws_sns as sns
from constructs import Construct

from constructs_lib import rules
from constructs_lib.bucket_policy import IngestWriter, Scanner, ingest_statements, quarantine_statements
from constructs_lib.checks import FLAG, KEPT_OR_NOT, Broken, Rule, check_props, each, got, optional, parts, placed
from constructs_lib.encryption import RECEIVING, allow_roles
from constructs_lib.environments import check_receives, claim
from constructs_lib.faults import shown
from constructs_lib.intrinsics import account_id, arn
from constructs_lib.keys import grant_services_use, here, let
from constructs_lib.limits import most_receipt_rules
from constructs_lib.naming import moving_rule_name, receipt_rule_name
from constructs_lib.sections import ReceivingTls, Retention
from mailroom import lifetimes
from mailroom.layout import (
    ATTACHMENTS_PREFIX,
    BODIES_PREFIX,
    CLEAN_PREFIX,
    HELD_PREFIX,
    RAW_PREFIX,
    RECIPIENTS_PREFIX,
    VERDICT_PREFIX,
)
from mailroom.scanning.tags import Recipient, tags_of
from mailroom.scanning.verdicts import Policy

__all__ = ["RECIPIENTS_PER_RULE", "TenantInbox", "TenantInboxProps"]

RECIPIENTS_PER_RULE: Final = 100
"""SES's documentation has 100 on one page and 500 on another; the lower one is safe."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TenantInboxProps:
    """Props of `TenantInbox`.

    Args:
        tenant_id: permanent id; names the rules.
        rule_set_name: receipt rule set to add the rules to; `ActiveReceiptRuleSet.rule_set_name`, or the name of one that exists.
        recipients: addresses, or the domain itself for every address of it. Their order assigns them to rules: append new ones, so
            that no address moves from rule to rule. Without recipients there is no rule and no mail, because SES applies a rule
            without recipients to every address of every verified domain.
        retention: how long mail stays in quarantine; how long delivered mail, attachments and bodies are kept. Verdicts are kept
            for the longer time. Default: 90 days in quarantine, delivered mail without limit.
        scanner: the scanner. Default: None, mail stays unread in quarantine.
        scanning: the action for each verdict. Default: clean mail is delivered, malware removed, other mail held.
        structurer: the function that stores delivered mail. Default: None, mail stays under `clean/`.
        alerts_topic: topic for the scanner's detections; required with `scanner`. Its policy must let the scanner's role publish.
            Default: None.
        live: whether the rules receive mail. Default: True.
        receiving_tls: "require" refuses mail that arrives without TLS; "optional" accepts it. Default: "require".
        recipients_per_rule: Default: 100.
        access_logs_bucket_name: bucket that receives the access logs, under `<tenant_id>/`. Default: None, no logs.
        encryption_key: key of the bucket. Its policy admits SES, and the scanner unless `scanner` has the key already; that of an
            imported key must do so. Default: None, SSE-S3.
        removal_policy: Default: retain, except after a failed first deployment.
    """

    tenant_id: str
    rule_set_name: str
    recipients: Sequence[str]
    retention: Retention = field(default_factory=Retention)
    scanner: Scanner | None = None
    scanning: Policy = field(default_factory=Policy)
    structurer: IngestWriter | None = None
    alerts_topic: sns.ITopic | None = None
    live: bool = True
    receiving_tls: ReceivingTls = "require"
    recipients_per_rule: int = RECIPIENTS_PER_RULE
    access_logs_bucket_name: str | None = None
    encryption_key: kms.IKey | None = None
    removal_policy: cdk.RemovalPolicy = cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE


class TenantInbox(Construct):
    """A tenant's bucket, and the receipt rules that write the tenant's mail to it under `raw/`.

    Creates 1 bucket (private, encrypted, TLS only, versioned) that notifies the scanner's queue, 1 bucket policy, and 1 receipt
    rule for every `recipients_per_rule` recipients. SES may write under `raw/` for exactly these rules, and for the temporary one
    of `email-stack move`. Only the scanner may read there, and only it may write under
    `clean/`, `verdicts/` and `held/`. The bucket is kept on removal.

    A deleted or replaced object is hidden at once; its bytes stay one more day as a noncurrent version. A retention includes this
    day: an object is hidden one day before its end, and its bytes are deleted at the end (`mailroom.lifetimes`). S3 rounds both
        times up to the
    next midnight UTC and may act hours later. It needs at least two days.

    Raises:
        ValueError: a duplicate recipient, fewer than one recipient per rule, a scanner without a topic, a structurer without a
            scanner, `tenant_id` is no identifier, or a text holds `{{` or a `${` that is no token (`check_texts`).

    Source: SES developer guide, "Giving permissions to Amazon SES for email receiving", "Create receipt rules"; S3 user guide,
    "Enabling and configuring event notifications", "Lifecycle configuration elements".
    """

    def __init__(self, scope: Construct, id: str, props: TenantInboxProps) -> None:
        super().__init__(scope, id)
        where = f"inbox of tenant {shown(props.tenant_id)}"
        check_props(self, where, _RULES, props)
        with placed(self):
            _check(where, props)
        self._claim(where, props)
        recipients, batch_size = props.recipients, props.recipients_per_rule
        batches = [recipients[i : i + batch_size] for i in range(0, len(recipients), batch_size)]
        self.rule_names = tuple(receipt_rule_name(props.tenant_id, index) for index in range(len(batches)))

        bucket = self._bucket(props)
        bucket.apply_removal_policy(props.removal_policy)
        self.bucket_name: str = bucket.ref
        self.bucket_arn: str = bucket.attr_arn
        self._imported: s3.IBucket | None = None
        self._key = props.encryption_key
        _grant_key(props)
        policy = s3.CfnBucketPolicy(
            self,
            "BucketPolicy",
            bucket=self.bucket_name,
            policy_document=self._policy_document(props),
        )
        # A retained bucket keeps its policy.
        policy.apply_removal_policy(props.removal_policy)

        # SES tries to write when a rule is made (aws/aws-cdk#30143), and takes one rule request a second: policy first, then
        # one rule after the other. The same order adds an address to its new rule before its old one drops it.
        before: cdk.CfnResource = policy
        for index, (name, batch) in enumerate(zip(self.rule_names, batches, strict=True)):
            rule = ses.CfnReceiptRule(
                self,
                f"Rule{index}",
                rule_set_name=props.rule_set_name,
                rule=ses.CfnReceiptRule.RuleProperty(
                    name=name,
                    enabled=props.live,
                    recipients=list(batch),
                    scan_enabled=True,
                    tls_policy="Require" if props.receiving_tls == "require" else "Optional",
                    actions=[
                        ses.CfnReceiptRule.ActionProperty(
                            s3_action=ses.CfnReceiptRule.S3ActionProperty(
                                bucket_name=self.bucket_name,
                                object_key_prefix=RAW_PREFIX,
                                topic_arn=props.scanner.topic_arn if props.scanner is not None else None,
                            )
                        )
                    ],
                ),
            )
            rule.add_resource_dependency(before)
            before = rule

    def _claim(self, where: str, props: TenantInboxProps) -> None:
        remedy = "use another id, region or account"
        in_set = f"{props.rule_set_name} {props.tenant_id}"
        claim(self, where, "tenant_id", in_set, holds="set of receipt rules of a name", remedy=remedy)
        if props.recipients:
            check_receives(self, where)
            one = "inbox of a recipient"
            claim(self, where, "recipients", *props.recipients, holds=one, remedy="let one inbox receive it")

    def bucket(self) -> s3.IBucket:
        """The bucket as an `IBucket`, for other CDK constructs; the same object at each call."""
        if self._imported is None:
            self._imported = s3.Bucket.from_bucket_attributes(
                self, "Imported", bucket_arn=self.bucket_arn, encryption_key=self._key
            )
        return self._imported

    def _bucket(self, props: TenantInboxProps) -> s3.CfnBucket:
        bucket = s3.CfnBucket(
            self,
            "Bucket",
            bucket_encryption=s3.CfnBucket.BucketEncryptionProperty(
                server_side_encryption_configuration=[_encryption(props.encryption_key)]
            ),
            ownership_controls=s3.CfnBucket.OwnershipControlsProperty(
                rules=[s3.CfnBucket.OwnershipControlsRuleProperty(object_ownership="BucketOwnerEnforced")]
            ),
            public_access_block_configuration=s3.CfnBucket.PublicAccessBlockConfigurationProperty(
                block_public_acls=True, block_public_policy=True, ignore_public_acls=True, restrict_public_buckets=True
            ),
            versioning_configuration=s3.CfnBucket.VersioningConfigurationProperty(status="Enabled"),
            lifecycle_configuration=s3.CfnBucket.LifecycleConfigurationProperty(rules=_expirations(props)),
            logging_configuration=s3.CfnBucket.LoggingConfigurationProperty(
                destination_bucket_name=props.access_logs_bucket_name, log_file_prefix=f"{props.tenant_id}/"
            )
            if props.access_logs_bucket_name is not None
            else None,
            **_scanned(props),
        )
        for told in (props.scanner, props.structurer):
            for resource in told.ready if told is not None else ():
                bucket.add_resource_dependency(resource)
        return bucket

    def _policy_document(self, props: TenantInboxProps) -> dict[str, Any]:
        statements: list[dict[str, Any]] = [
            {
                "Sid": "DenyPlainHttp",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:*",
                "Resource": [self.bucket_arn, f"{self.bucket_arn}/*"],
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            },
            *quarantine_statements(self.bucket_arn, props.scanner),
            *ingest_statements(self.bucket_arn, props.structurer),
        ]
        rule_set = arn("ses", f"receipt-rule-set/{props.rule_set_name}")
        names = (*self.rule_names, moving_rule_name(props.tenant_id))
        if self.rule_names:
            statements.append(
                {
                    "Sid": "LetReceiptRulesWrite",
                    "Effect": "Allow",
                    "Principal": {"Service": "ses.amazonaws.com"},
                    "Action": "s3:PutObject",
                    "Resource": f"{self.bucket_arn}/{RAW_PREFIX}*",
                    "Condition": {
                        "StringEquals": {
                            "aws:SourceAccount": account_id(),
                            "aws:SourceArn": [f"{rule_set}:receipt-rule/{name}" for name in names],
                        }
                    },
                }
            )
        return {"Version": "2012-10-17", "Statement": statements}


def _grant_key(props: TenantInboxProps) -> None:
    """Statements of the bucket's key for SES, and for a scanner without a right of its own."""
    key, scanner = props.encryption_key, props.scanner
    if key is None:
        return
    grant_services_use(key, RECEIVING)
    if scanner is not None and key.key_arn not in scanner.key_arns:
        let(key, allow_roles([scanner.role_arn], here(), "s3"))


def _encryption(key: kms.IKey | None) -> s3.CfnBucket.ServerSideEncryptionRuleProperty:
    """Encryption of the bucket. A bucket key saves most requests to KMS, which would be one an object."""
    by_default = s3.CfnBucket.ServerSideEncryptionByDefaultProperty
    if key is None:
        return s3.CfnBucket.ServerSideEncryptionRuleProperty(
            server_side_encryption_by_default=by_default(sse_algorithm="AES256")
        )
    return s3.CfnBucket.ServerSideEncryptionRuleProperty(
        bucket_key_enabled=True,
        server_side_encryption_by_default=by_default(sse_algorithm="aws:kms", kms_master_key_id=key.key_arn),
    )


def _scanned(props: TenantInboxProps) -> dict[str, Any]:
    """The bucket's properties that send its mail to the scanner; none without a scanner."""
    if props.scanner is None or props.alerts_topic is None:
        return {}
    recipient = Recipient(
        tenant=props.tenant_id, policy=props.scanning, topic_arn=props.alerts_topic.topic_arn, mail=True
    )
    queues = [_notified(RAW_PREFIX, props.scanner.queue_arn)]
    if props.structurer is not None:
        queues += [_notified(prefix, props.structurer.queue_arn) for prefix in (CLEAN_PREFIX, RECIPIENTS_PREFIX)]
    return {
        # CloudFormation's own property, because the CDK's notifications need a custom resource.
        "notification_configuration": s3.CfnBucket.NotificationConfigurationProperty(queue_configurations=queues),
        "tags": [cdk.CfnTag(key=key, value=value) for key, value in tags_of(recipient).items()],
    }


def _notified(prefix: str, queue_arn: str) -> s3.CfnBucket.QueueConfigurationProperty:
    """Notifications to the queue, for objects below the prefix."""
    below = s3.CfnBucket.FilterRuleProperty(name="prefix", value=prefix)
    return s3.CfnBucket.QueueConfigurationProperty(
        event="s3:ObjectCreated:*",
        queue=queue_arn,
        filter=s3.CfnBucket.NotificationFilterProperty(s3_key=s3.CfnBucket.S3KeyFilterProperty(rules=[below])),
    )


def _expirations(props: TenantInboxProps) -> list[s3.CfnBucket.RuleProperty]:
    """Expirations of mail, of its attachments and bodies, and of verdicts, which stay as long as the longest kept mail.

    In a bucket with versions an expiration only puts a delete marker over the object. The rule for the whole bucket deletes its
    bytes `NONCURRENT_DAYS` later, and the marker after them. Both times together are the retention. CloudFormation refuses a rule
    with ExpiredObjectDeleteMarker alone, and S3 refuses one that has it beside days.
    """
    raw_days, messages_days = props.retention.raw_days, props.retention.messages_days
    lives = {RAW_PREFIX: raw_days, HELD_PREFIX: raw_days}
    if messages_days is not None:
        lives |= dict.fromkeys((CLEAN_PREFIX, ATTACHMENTS_PREFIX, BODIES_PREFIX), messages_days)
        # The verdict of held mail lives as long as the mail: it has the reason, and a release needs it. So do its recipients.
        lives[VERDICT_PREFIX] = max(raw_days, messages_days)
    replaced = s3.CfnBucket.RuleProperty(
        id="ExpireReplaced",
        status="Enabled",
        expired_object_delete_marker=True,
        noncurrent_version_expiration=s3.CfnBucket.NoncurrentVersionExpirationProperty(
            noncurrent_days=lifetimes.NONCURRENT_DAYS
        ),
        abort_incomplete_multipart_upload=s3.CfnBucket.AbortIncompleteMultipartUploadProperty(days_after_initiation=1),
    )
    ends = [
        s3.CfnBucket.RuleProperty(
            id=f"Expire{prefix.rstrip('/').capitalize()}",
            status="Enabled",
            prefix=prefix,
            expiration_in_days=lifetimes.readable_for(timedelta(days=days)).days,
        )
        for prefix, days in lives.items()
    ]
    return [ends[0], replaced, *ends[1:]]


def _recipient(value: Any) -> Iterator[Broken]:
    """An address, or a domain for all its addresses, in the form that SES compares."""
    if not isinstance(value, str):
        yield Broken("must be an address or a domain", got(value), 'use one such as "support@post.acme.example"')
    elif "@" in value:
        domain = value.rpartition("@")[2]
        yield from rules.DOMAIN(domain)
        yield from rules.address_of(domain, receives=True)(value)
    else:
        yield from rules.SUBDOMAIN(value)


def _check(where: str, props: TenantInboxProps) -> None:
    domains = {recipient.rpartition("@")[2] for recipient in props.recipients}
    if len(domains) > 1:
        one, other = sorted(domains)[:2]
        raise ValueError(
            f'{where}: recipients must be of one domain, or another\'s mail is filed here, got "{one}" and "{other}"; '
            "make an inbox for each"
        )
    rules_needed = -(-len(props.recipients) // props.recipients_per_rule)
    most = most_receipt_rules(props.rule_set_name, props.tenant_id)
    if rules_needed > most:
        raise ValueError(
            f"{where}: recipients must need at most {most} receipt rules, each of which the bucket's policy names, "
            f"got {rules_needed}; raise recipients_per_rule, or receive at the domain itself"
        )
    if props.scanner is not None and props.alerts_topic is None:
        raise ValueError(f"{where}: scanner needs a topic to tell detections on, got none; pass alerts_topic")
    if props.structurer is not None and props.scanner is None:
        raise ValueError(f"{where}: structurer needs a scanner that delivers mail, got none; pass scanner")


_RULES: Final[dict[str, Rule]] = {
    "tenant_id": rules.IDENTIFIER,
    "rule_set_name": rules.RULE_SET_NAME,
    "recipients": each(_recipient, key=str.lower),
    "retention": rules.RETENTION,
    "scanner": optional(rules.SCANNER),
    "scanning": rules.SCANNING,
    "structurer": optional(
        parts(
            IngestWriter,
            {"role_arn": rules.ROLE_ARN, "queue_arn": rules.QUEUE_ARN},
            "pass the `structurer` of a MessageStore",
        )
    ),
    "alerts_topic": optional(rules.TOPIC),
    "live": FLAG,
    "receiving_tls": rules.RECEIVING_TLS,
    "recipients_per_rule": rules.RECIPIENTS_PER_RULE,
    "access_logs_bucket_name": optional(rules.BUCKET_NAME),
    "encryption_key": optional(rules.KEY),
    "removal_policy": KEPT_OR_NOT,
}
