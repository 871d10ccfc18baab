"""The mirror of ClamAV's definitions, for all scanners of a cell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from constructs import Construct

from constructs_lib import rules
from constructs_lib.alarms import Threshold, add_alarm
from constructs_lib.buckets import private_bucket
from constructs_lib.checks import KEPT_OR_NOT, Rule, check_props, duration, each, matching, optional, whole
from constructs_lib.flags import bring_flags
from constructs_lib.keys import uses
from constructs_lib.scanning.image import ImageFunctionProps, grant_read_definitions, image_function
from constructs_lib.values import MIRROR_URL
from mailroom.definitions.manifest import FRESHCLAM_STATE
from mailroom.layout import LEDGER_PREFIX
from mailroom.metric_names import AGE, DEFINITIONS, NAMESPACE, SECOND_SOURCE

__all__ = ["SignatureMirror"]

_SIX_HOURS: Final = 21_600


_RULES: Final[dict[str, Rule]] = {
    # The source refuses more than one request an hour. The alarm goes off after a day without an answer.
    "every": optional(duration("hours", 1, 24)),
    "alarm_topic": optional(rules.TOPIC),
    "required": each(matching(r"[a-z0-9_-]{1,64}", "the name of a database", "main"), least=1, key=str.lower),
    "minimum_signatures": whole(1, 1_000_000_000),
    "access_logs_bucket_name": optional(rules.BUCKET_NAME),
    "encryption_key": optional(rules.KEY),
    "removal_policy": KEPT_OR_NOT,
    "definitions_source": optional(
        matching(MIRROR_URL, "an https URL of host and port", "https://clamav.acme.example")
    ),
}


class SignatureMirror(Construct):
    """A bucket with verified ClamAV definitions, and the function that refreshes them.

    Creates 1 bucket (private, encrypted, TLS only, versioned), 1 function of the scanner's image with role and log group, 2 rules
    that run it (by the clock, and when its stack was deployed) and 1 alarm. A set is published after the engine has loaded it
    and found its test patterns; a broken download leaves the previous set. The bucket also has freshclam's state, so that each run
    keeps the source's waiting times.

    Args:
        every: time between two requests to the source, which rejects frequent ones. Default: 4 hours.
        alarm_topic: receives the alarm when definitions were not confirmed for 24 hours. Default: None, no actions.
        required: required databases of a set. Default: main, daily, bytecode.
        minimum_signatures: required number of signatures of a set. Default: 5,000,000.
        access_logs_bucket_name: bucket that receives the access logs, under `definitions/`. Default: None, no logs.
        encryption_key: key of bucket and log group. Default: None, AWS's own keys.
        removal_policy: for the bucket. Default: retain, except after a failed first deployment.
        definitions_source: URL of a private mirror of ClamAV's files, used when database.clamav.net fails; an alarm reports that.
            Its files are verified by ClamAV's signatures too. Default: None.

    Raises:
        ValueError: `every` is not 1 to 24 whole hours, or a text holds `{{` or a `${` that is no token (`check_texts`).

    Source: ClamAV documentation, "Updating Signature Databases", "Private Local Mirrors"; CloudFormation user guide, "Managing
    events with CloudFormation and Amazon EventBridge".
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        every: cdk.Duration | None = None,
        alarm_topic: sns.ITopic | None = None,
        required: Sequence[str] = ("main", "daily", "bytecode"),
        minimum_signatures: int = 5_000_000,
        access_logs_bucket_name: str | None = None,
        encryption_key: kms.IKey | None = None,
        removal_policy: cdk.RemovalPolicy = cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
        definitions_source: str | None = None,
    ) -> None:
        super().__init__(scope, id)
        bring_flags(self)
        check_props(
            self,
            "signature mirror",
            _RULES,
            every=every,
            alarm_topic=alarm_topic,
            required=required,
            minimum_signatures=minimum_signatures,
            access_logs_bucket_name=access_logs_bucket_name,
            encryption_key=encryption_key,
            removal_policy=removal_policy,
            definitions_source=definitions_source,
        )
        rate = every or cdk.Duration.hours(4)
        self.bucket: s3.Bucket = self._bucket(access_logs_bucket_name, removal_policy, encryption_key)
        function = image_function(
            self,
            "Mirror",
            ImageFunctionProps(
                entry="mailroom.functions.mirror.on_event",
                description="Publishes ClamAV's newest definitions once they are verified",
                environment={
                    "DEFINITIONS_BUCKET": self.bucket.bucket_name,
                    "REQUIRED_DATABASES": " ".join(required),
                    "MINIMUM_SIGNATURES": str(minimum_signatures),
                    **({"SECOND_SOURCE": definitions_source} if definitions_source is not None else {}),
                },
                timeout=cdk.Duration.minutes(15),
                encryption_key=encryption_key,
            ),
        )
        for statement in uses(encryption_key, "s3"):
            function.add_to_role_policy(iam.PolicyStatement.from_json(statement))
        # The source would refuse repeated requests for longer, so Lambda does not retry: the schedule starts the next run.
        function.configure_async_invoke(retry_attempts=0)
        grant_read_definitions(function, self.bucket, "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload")
        function.add_to_role_policy(
            iam.PolicyStatement(
                actions=["s3:GetObject", "s3:PutObject"], resources=[self.bucket.arn_for_objects(FRESHCLAM_STATE)]
            )
        )
        target = targets.LambdaFunction(function, retry_attempts=0)
        events.Rule(
            self,
            "Schedule",
            schedule=events.Schedule.rate(rate),
            targets=[target],
            description="Refreshes the definitions of malware",
        )
        # A new cell gets its definitions at its deployment, not four hours later. The deployment does not wait for them.
        events.Rule(
            self,
            "Deployed",
            event_pattern=events.EventPattern(
                source=["aws.cloudformation"],
                detail_type=["CloudFormation Stack Status Change"],
                detail={
                    "stack-id": [cdk.Stack.of(self).stack_id],
                    "status-details": {"status": ["CREATE_COMPLETE", "UPDATE_COMPLETE"]},
                },
            ),
            targets=[target],
            description="Refreshes the definitions of malware once their stack is deployed",
        )
        stale = Threshold(
            namespace=NAMESPACE,
            metric=AGE,
            dimension=(DEFINITIONS, self.bucket.bucket_name),
            statistic="Maximum",
            period_seconds=_SIX_HOURS,
            above=cdk.Duration.hours(24).to_seconds(),
            description="Definitions were not confirmed to be current for 24 hours: see the mirror's log. "
            "After 7 days nothing is scanned any more, and mail waits in quarantine.",
            silence_alarms=True,
        )
        add_alarm(self, "Stale", stale, alarm_topic, nested=True)
        if definitions_source is not None:
            self._watch_sources(alarm_topic)

    def _watch_sources(self, topic: sns.ITopic | None) -> None:
        failing = Threshold(
            namespace=NAMESPACE,
            metric=SECOND_SOURCE,
            dimension=(DEFINITIONS, self.bucket.bucket_name),
            statistic="Sum",
            period_seconds=_SIX_HOURS,
            above=0,
            description="database.clamav.net failed, and the mirror asked the second source: see the mirror's log. "
            "Definitions are verified, and mail is scanned.",
        )
        add_alarm(self, "SecondSource", failing, topic, nested=True)

    def _bucket(
        self, access_logs_bucket_name: str | None, removal_policy: cdk.RemovalPolicy, key: kms.IKey | None
    ) -> s3.Bucket:
        return private_bucket(
            self,
            "Definitions",
            versioned=True,
            rules=[
                s3.LifecycleRule(
                    id="ExpireReplaced",
                    noncurrent_version_expiration=cdk.Duration.days(7),
                    expired_object_delete_marker=True,
                    abort_incomplete_multipart_upload_after=cdk.Duration.days(1),
                ),
                # The scanners' ledgers of deliveries. No scanner reads older entries.
                s3.LifecycleRule(id="ExpireDeliveries", prefix=LEDGER_PREFIX, expiration=cdk.Duration.days(31)),
            ],
            removal_policy=removal_policy,
            encryption_key=key,
            access_logs=(access_logs_bucket_name, "definitions/") if access_logs_bucket_name is not None else None,
        )
