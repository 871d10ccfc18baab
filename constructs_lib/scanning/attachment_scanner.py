"""The scanner: queues of arrived mail, and the function that processes them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as event_sources
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from constructs_lib import rules
from constructs_lib.alarms import add_alarm
from constructs_lib.bucket_policy import Scanner, quarantine_statements
from constructs_lib.checks import FLAG, Rule, check_props, duration, optional, whole
from constructs_lib.encryption import NOTIFICATIONS
from constructs_lib.flags import bring_flags
from constructs_lib.intrinsics import account_id, arn
from constructs_lib.keys import grant_services_use, uses
from constructs_lib.scanning.alarms import scanner_alarms, slow_lane_alarms
from constructs_lib.scanning.elsewhere import Alerts, LetQueue, grant_publish_to_role, grant_use
from constructs_lib.scanning.envelope_topic import EnvelopeTopic
from constructs_lib.scanning.image import (
    DEFAULT_MEMORY_MIB,
    ImageFunctionProps,
    grant_keep_ledger,
    grant_read_definitions,
    image_function,
)
from constructs_lib.scanning.slow_lane import SlowLane
from constructs_lib.scanning.sorting import HIDDEN_SECONDS, Sorter
from constructs_lib.scanning.sorting import MAX_RECEIVES as SORTER_RECEIVES
from constructs_lib.texts import check_texts
from constructs_lib.worker import VISIBILITY_TIMES
from mailroom.events.form import SOURCE
from mailroom.layout import RAW_PREFIX
from mailroom.scanning.active.risks import OFF, Reaction
from mailroom.scanning.tags import Recipient, tags_of
from mailroom.scanning.verdicts import Policy
from mailroom.turns import QUEUE_TAG

__all__ = ["AttachmentScanner", "AttachmentScannerProps"]

DEFAULT_CONCURRENCY: Final = 5
MAX_RECEIVES: Final = 5
_TIMEOUT: Final = 5
"""One invocation has two and a half minutes for a message, and two for the engine's last answer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AttachmentScannerProps:
    """Props of `AttachmentScanner`.

    Args:
        definitions: bucket of a `SignatureMirror`.
        alarm_topic: receives the alarms. Default: None, no actions.
        topics_key_arn: KMS key of the topics for detections, and of the scanner's own topic unless there is an `encryption_key`;
            its policy must let SES use it. Default: None: they have no key, or the key's policy admits the role, as with
            `SecurityAlerts`; the scanner's own topic gets a key of its own.
        encryption_key: key of queues, topic and log group; the role may also use it for buckets and topics. Default: None,
            AWS's own keys.
        definitions_key: key of the bucket of definitions. Default: that of `definitions`, else `encryption_key`.
        memory_mib: memory of the function, 2,048 to 10,240. From 4,096 on, it holds the official definitions twice, and scans while
            a newer set loads. With less, clamd restarts with the new set, and a message waits for it. Default: 3008, the limit of a
            new account.
        max_concurrency: messages scanned at once, 2 to 1,000, and half as many slow ones besides, at least 2. Default: 5, half the
            concurrency of a new account.
        max_definitions_age: age of the last confirmation after which the scanner stops using definitions. Default: 7 days.
        sorts_arrivals: whether buckets take turns: if one has many or slow messages, the messages of the others go first. Default:
            True. False suits a single bucket: no other queue, no sorter and no lane of its own for slow mail.
        recall_days: days for which delivered mail is rescanned with newer definitions, and recalled if they find malware; 0 to 30,
            0 for none. Default: 7.
    """

    definitions: s3.IBucket
    alarm_topic: sns.ITopic | None = None
    topics_key_arn: str | None = None
    memory_mib: int = DEFAULT_MEMORY_MIB
    max_concurrency: int = DEFAULT_CONCURRENCY
    max_definitions_age: cdk.Duration | None = None
    encryption_key: kms.IKey | None = None
    definitions_key: kms.IKey | None = None
    sorts_arrivals: bool = True
    recall_days: int = 7


class AttachmentScanner(Construct):
    """Scans mail in quarantine, and delivers it by the tenant's policy.

    Creates 3 queues and 1 dead-letter queue (encrypted, TLS only), 1 function of a container image with ClamAV and 1 `Sorter`,
    each with role and log group, 1 `EnvelopeTopic` for inboxes, 1 `SlowLane`, 1 rule that runs the function every five minutes for
    delivered mail (none without `recall_days`), and 9 alarms. Serves any number of buckets: an inbox takes `scanner`; for other
    buckets call `scan`. Only a bucket's policy grants the role rights to the bucket.

    S3 notifies `arrivals`. The sorter sends each arrival on to `queue`, from which the scanner takes it. If a scan takes more than
    seconds, the scanner puts the message into `slow`, where a scan has minutes; rescans go there directly. Without
    `sorts_arrivals` all are one queue, and there are no sorter, no slow lane and 6 alarms.

    A message is tried 5 times, 6 minutes apart. Then it is held, with a verdict and an alert; a message that cannot be held goes to
    the dead-letter queue. Each invocation has one message, so that a message which exhausts time or memory affects no other. Such a
    message is tried again after 30 minutes, and so is a message without room in Lambda.

    Raises:
        ValueError: `max_concurrency` or `memory_mib` is beyond AWS's limits or below ClamAV's need, or a text holds `{{` or a `${`
            that is no token (`check_texts`).

    Source: Lambda developer guide, "Using Lambda with Amazon SQS"; S3 user guide, "Event notification types and destinations".
    """

    def __init__(self, scope: Construct, id: str, props: AttachmentScannerProps) -> None:
        super().__init__(scope, id)
        bring_flags(self)
        check_props(self, "scanner", _RULES, props)
        self._key = props.encryption_key
        grant_services_use(self._key, NOTIFICATIONS)
        self.dead_letters = sqs.Queue(
            self,
            "DeadLetters",
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=cdk.Duration.days(14),
        )
        _encrypt(self.dead_letters, self._key)
        hidden = cdk.Duration.minutes(VISIBILITY_TIMES * _TIMEOUT)
        if props.sorts_arrivals:
            self.queue = self._queue("Turns", hidden, MAX_RECEIVES)
            self.arrivals = self._queue("Arrivals", cdk.Duration.seconds(HIDDEN_SECONDS), SORTER_RECEIVES)
            self.slow = self._queue("SlowTurns", hidden, MAX_RECEIVES)
            cdk.Tags.of(self.arrivals).add(QUEUE_TAG, self.slow.queue_name)
        else:
            self.queue = self.arrivals = self.slow = self._queue("Arrivals", hidden, MAX_RECEIVES)
        self.arrivals.add_to_resource_policy(
            iam.PolicyStatement(
                sid="LetBucketsNotify",
                principals=[iam.ServicePrincipal("s3.amazonaws.com")],
                actions=["sqs:SendMessage"],
                resources=[self.arrivals.queue_arn],
                # Tenants' buckets have generated names, so the account is the narrowest condition.
                conditions={"StringEquals": {"aws:SourceAccount": account_id()}},
            )
        )
        self._topics_key_arn = props.topics_key_arn if self._key is None else None
        self._envelopes: EnvelopeTopic | None = None
        self.function = self._function(props)
        self._slow_lane = self._lane_of_slow_mail(props) if self.slow is not self.queue else None
        self._ready = self._made_before_buckets(self._consumer())
        role = self.function.role
        assert role is not None  # noqa: S101 - made just now
        self.role: iam.IRole = role
        self._add_alarms(props.alarm_topic)

    @property
    def scanner(self) -> Scanner:
        """The scanner's values for an inbox. The first use makes the topic, which a scanner of files alone does not need."""
        if self._envelopes is None:
            self._envelopes = EnvelopeTopic(
                self,
                "Envelopes",
                queue=self.arrivals,
                encryption_key=self._key,
                topics_key_arn=self._topics_key_arn,
            )
            self._envelopes.subscription.add_resource_dependency(self._ready[0])
        topic = self._envelopes
        return Scanner(
            role_arn=self.role.role_arn,
            queue_arn=self.arrivals.queue_arn,
            topic_arn=topic.topic_arn,
            ready=(*self._ready, topic.policy, topic.subscription),
            key_arns=(self._key.key_arn,) if self._key is not None else (),
        )

    def scan(self, bucket: s3.Bucket, *, name: str, alerts: sns.ITopic | Alerts, policy: Policy | None = None) -> None:
        """Scan objects under `raw/` of `bucket`, and write them under `clean/`, the newest version of each key.

        From then on only the scanner can read `raw/` and write `clean/`. Objects of more than 45,000,000 bytes, or with keys of
        more than 1,022, are over the limit. A tag marks the bucket as one of files, not an inbox.

        The bucket and the topic may be of other stacks, which then deploy after the scanner's. Their policies grant the role its
        rights to them and to their keys; the role's own policy does for those of its stack, and for imported ones.

        Args:
            bucket: a versioned bucket of this app.
            name: its name in alerts and verdicts.
            alerts: topic for detections; the role gets the right to publish. Pass a `SecurityAlerts` itself, because its `topic()`
                is imported.
            policy: the action for each verdict; active content and senders count for mail only. Default: a tenant's default.

        Raises:
            ValueError: the bucket is not versioned (the scanner could then delete another object than the scanned one), or `name`
                holds `{{` or a `${` that is no token.
        """
        resource = bucket.node.default_child
        check_texts("scanner", name=name)
        versioning = resource.versioning_configuration if isinstance(resource, s3.CfnBucket) else None
        status = getattr(versioning, "status", None)
        if status != "Enabled":
            raise ValueError(
                f'scanner: bucket "{bucket.node.path}" must be versioned, so that what is delivered is what was scanned, got '
                f"versioning {status or 'off'}; set versioned=True"
            )
        for statement in quarantine_statements(
            bucket.bucket_arn, Scanner(role_arn=self.role.role_arn, queue_arn=self.arrivals.queue_arn)
        ):
            bucket.add_to_resource_policy(iam.PolicyStatement.from_json(statement))
        grant_use(self.role, bucket.encryption_key, "s3")
        grant_publish_to_role(self.role, alerts)
        # Files are delivered or held as a whole, because most uploaded programs are meant to be programs.
        of_files = replace(policy or Policy(), active_content=OFF, unauthenticated=Reaction.DELIVER)
        said = Recipient(tenant=name, policy=of_files, topic_arn=alerts.topic_arn)
        for key, value in tags_of(said).items():
            cdk.Tags.of(bucket).add(key, value)
        bucket.add_event_notification(
            s3.EventType.OBJECT_CREATED, LetQueue(self.arrivals), s3.NotificationKeyFilter(prefix=RAW_PREFIX)
        )

    def _function(self, props: AttachmentScannerProps) -> lambda_.Function:
        sorted_ = self.slow is not self.queue
        lane = {"SLOW_QUEUE_URL": self.slow.queue_url} if sorted_ else {"OWN_QUEUE_URL": self.queue.queue_url}
        function = image_function(
            self,
            "Scan",
            ImageFunctionProps(
                entry="mailroom.functions.scanner.on_event",
                description="Scans mail in quarantine with ClamAV",
                environment={**self._environment(props), **lane},
                timeout=cdk.Duration.minutes(_TIMEOUT),
                memory_mib=props.memory_mib,
                encryption_key=self._key,
            ),
        )
        for statement in (*uses(self._key, "s3", "sns", "sqs"), *uses(self._key_of_definitions(props), "s3")):
            function.add_to_role_policy(iam.PolicyStatement.from_json(statement))
        grant_read_definitions(function, props.definitions)
        if props.recall_days:
            grant_keep_ledger(function, props.definitions, self._name)
            self._look_again(function)
        function.add_to_role_policy(
            iam.PolicyStatement(
                actions=["events:PutEvents"],
                resources=[arn("events", "event-bus/default")],
                conditions={"StringEquals": {"events:source": SOURCE}},
            )
        )
        if props.topics_key_arn is not None:
            function.add_to_role_policy(
                iam.PolicyStatement(
                    actions=["kms:Decrypt", "kms:GenerateDataKey"],
                    resources=[props.topics_key_arn],
                    # For topics of this account and region alone. Their own policies admit the role.
                    conditions={"ArnLike": {"kms:EncryptionContext:aws:sns:topicArn": arn("sns", "*")}},
                )
            )
        # Merged with the event source's own statement, because the app's flags would decide its place otherwise.
        function.add_to_role_policy(
            iam.PolicyStatement(actions=["sqs:ReceiveMessage"], resources=[self.queue.queue_arn])
        )
        if not sorted_:
            # What it keeps of SES's notifications comes again, without the rest of them.
            function.add_to_role_policy(
                iam.PolicyStatement(actions=["sqs:SendMessage"], resources=[self.queue.queue_arn])
            )
        function.add_event_source(
            event_sources.SqsEventSource(
                self.queue, batch_size=1, max_concurrency=props.max_concurrency, report_batch_item_failures=True
            )
        )
        return function

    def _environment(self, props: AttachmentScannerProps) -> dict[str, str]:
        age = props.max_definitions_age or cdk.Duration.days(7)
        return {
            "EVENT_BUS": "default",
            "DEFINITIONS_BUCKET": props.definitions.bucket_name,
            "MAX_DEFINITIONS_AGE_HOURS": str(int(age.to_hours())),
            "MAX_RECEIVES": str(MAX_RECEIVES),
            "SCANNER_NAME": self._name,
            "RECALL_DAYS": str(props.recall_days),
        }

    def _lane_of_slow_mail(self, props: AttachmentScannerProps) -> SlowLane:
        return SlowLane(
            self,
            "Slow",
            queue=self.slow,
            quick=self.function,
            environment=self._environment(props),
            max_concurrency=props.max_concurrency,
        )

    def _look_again(self, function: lambda_.Function) -> None:
        """Run the function every five minutes for delivered mail. After a failure, the next run does the work."""
        function.configure_async_invoke(retry_attempts=0, max_event_age=cdk.Duration.minutes(5))
        events.Rule(
            self,
            "Recall",
            schedule=events.Schedule.rate(cdk.Duration.minutes(5)),
            targets=[
                targets.LambdaFunction(
                    function, event=events.RuleTargetInput.from_object({"recall": "go on"}), retry_attempts=0
                )
            ],
            description="Rescans delivered mail with newer definitions, and recalls infected mail",
        )

    def _queue(self, id: str, hidden: cdk.Duration, max_receives: int) -> sqs.Queue:
        queue = sqs.Queue(
            self,
            id,
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=cdk.Duration.days(14),
            visibility_timeout=hidden,
            dead_letter_queue=sqs.DeadLetterQueue(queue=self.dead_letters, max_receive_count=max_receives),
        )
        _encrypt(queue, self._key)
        return queue

    def _consumer(self) -> cdk.CfnResource:
        """The event source mapping of arrivals: the new sorter's, or the scanner's own."""
        found = (child.node.default_child for child in self.function.node.children)
        mapping = next(one for one in found if isinstance(one, lambda_.CfnEventSourceMapping))
        if self.arrivals is self.queue:
            return mapping
        sorter = Sorter(
            self,
            "Sorter",
            arrivals=self.arrivals,
            turns=self.queue,
            after=mapping,
            encryption_key=self._key,
        )
        return sorter.source

    def _made_before_buckets(self, mapping: cdk.CfnResource) -> tuple[cdk.CfnResource, cdk.CfnResource]:
        """The policy of the queue that S3 notifies, and the event source mapping after it.

        S3 sends a test when a bucket is made, and a new policy takes effect at SQS within a minute. The mapping between them gives
        the policy time, and messages have a consumer at once.
        """
        policy = self.arrivals.node.find_child("Policy").node.default_child
        assert isinstance(policy, cdk.CfnResource)  # noqa: S101 - the queue made it
        mapping.add_resource_dependency(policy)
        return policy, mapping

    def _key_of_definitions(self, props: AttachmentScannerProps) -> kms.IKey | None:
        """The key of the definitions' bucket; None when it is the scanner's own."""
        key = props.definitions_key or props.definitions.encryption_key
        same = key is not None and self._key is not None and key.key_arn == self._key.key_arn
        return None if same else key

    @property
    def _name(self) -> str:
        """Name of this scanner's metrics."""
        return cdk.Names.unique_resource_name(self, max_length=64, separator="-")

    def _add_alarms(self, topic: sns.ITopic | None) -> None:
        alarms = scanner_alarms(
            self._name,
            self.function.function_name,
            self.dead_letters.queue_name,
            self.queue.queue_name,
            self.arrivals.queue_name if self.arrivals is not self.queue else None,
        )
        if self._slow_lane is not None:
            alarms |= slow_lane_alarms(self._slow_lane.function.ref, self.slow.queue_name)
        for name, threshold in alarms.items():
            add_alarm(self, name, threshold, topic, nested=True)


_RULES: Final[dict[str, Rule]] = {
    "definitions": rules.BUCKET,
    "alarm_topic": optional(rules.TOPIC),
    "topics_key_arn": optional(rules.KEY_ARN),
    "memory_mib": whole(2048, 10_240, "the official definitions alone take 1400"),
    "max_concurrency": rules.CONCURRENCY,
    "max_definitions_age": optional(duration("hours", 1, 24 * 365)),
    "encryption_key": optional(rules.KEY),
    "definitions_key": optional(rules.KEY),
    "sorts_arrivals": FLAG,
    "recall_days": whole(0, 30, "a month of deliveries is looked at within minutes"),
}


def _encrypt(queue: sqs.Queue, key: kms.IKey | None) -> None:
    """Encrypt the queue with the customer's key. The CDK's own property would give function and S3 too wide rights to the key."""
    resource = queue.node.default_child
    if key is not None and isinstance(resource, sqs.CfnQueue):
        resource.kms_master_key_id = key.key_arn
        resource.sqs_managed_sse_enabled = None
