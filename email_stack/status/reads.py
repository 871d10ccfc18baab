"""Reads of one cell and its tenants from AWS; every refusal is an `AwsError`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Self

from email_stack.config import Cell
from email_stack.operations.aws import AwsError, aws_errors, session
from email_stack.operations.quarantine import Quarantine, QuarantinedMessage
from email_stack.status.model import QueueCount, Rates
from mailroom.definitions.manifest import MANIFEST_KEY, Manifest, ManifestError
from mailroom.errors import MailroomError

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_ses import SESClient
    from mypy_boto3_sesv2 import SESV2Client
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.literals import QueueAttributeNameType

__all__ = ["AT_ONCE", "AccountSending", "ActiveRules", "CellReader", "LastMail", "Subscriptions", "output_of"]

AT_ONCE: Final = 8
"""Tenants that are read at once; each asks five services, which take tens of requests a second."""

_CONNECTIONS: Final = 16 * AT_ONCE
"""Each tenant's quarantine is read by up to 16 threads (`email_stack.operations.quarantine`)."""

_COUNTS: Final[Sequence[QueueAttributeNameType]] = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
)
_RATES: Final = {"bounces": "Reputation.BounceRate", "complaints": "Reputation.ComplaintRate"}
_RATES_WINDOW: Final = timedelta(days=3)
_RATES_PERIOD: Final = 300

_GENERATED: Final = re.compile(r"[0-9A-F]{8}$")
_WORD: Final = re.compile(r"[A-Z][a-z0-9]*")
_THREADS: Final = 20
_OF_A_THREAD: Final = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class ActiveRules:
    """The active receipt rule set.

    Args:
        name: of the set; None when none is active.
        enabled: whether each rule is enabled, by the rule's name.
    """

    name: str | None
    enabled: Mapping[str, bool]


@dataclass(frozen=True, kw_only=True, slots=True)
class AccountSending:
    """SES's limits of an account's sending in a region.

    Args:
        production: whether the account is out of the sandbox.
        enabled: whether its sending is on.
        enforcement: "HEALTHY", "PROBATION" or "SHUTDOWN".
        most: messages within 24 hours; a negative number is no limit.
        sent: messages of the last 24 hours.
    """

    production: bool
    enabled: bool
    enforcement: str
    most: int
    sent: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Subscriptions:
    """E-mail subscriptions of a topic: confirmed and unconfirmed addresses."""

    confirmed: frozenset[str]
    unconfirmed: frozenset[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class LastMail:
    """Times of the newest received and the newest sent message; None without one."""

    received: datetime | None
    sent: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class CellReader:
    """Clients of one cell's region, for all its tenants. boto3's clients are safe to use from several threads."""

    cloudformation: CloudFormationClient
    cloudwatch: Any
    dynamodb: DynamoDBClient
    s3: S3Client
    ses: SESClient
    sesv2: SESV2Client
    sns: SNSClient
    sqs: SQSClient

    @classmethod
    def of(cls, cell: Cell) -> Self:
        """Open with the default credentials. Raises `AwsError`."""
        from botocore.config import Config as ClientConfig  # noqa: PLC0415 - see email_stack.operations.aws

        with aws_errors(f'cell "{cell.id}": cannot be asked'):
            patient = ClientConfig(retries={"mode": "adaptive", "max_attempts": 8}, max_pool_connections=_CONNECTIONS)
            own, region = session(), cell.region
            untyped: Any = own  # its overloads know no client whose stubs are not installed
            return cls(
                cloudformation=own.client("cloudformation", region_name=region, config=patient),
                cloudwatch=untyped.client("cloudwatch", region_name=region, config=patient),
                dynamodb=own.client("dynamodb", region_name=region, config=patient),
                s3=own.client("s3", region_name=region, config=patient),
                ses=own.client("ses", region_name=region, config=patient),
                sesv2=own.client("sesv2", region_name=region, config=patient),
                sns=own.client("sns", region_name=region, config=patient),
                sqs=own.client("sqs", region_name=region, config=patient),
            )

    def active_rules(self) -> ActiveRules:
        """The active receipt rule set of the account and region."""
        with aws_errors("active receipt rule set: cannot be read"):
            answer = self.ses.describe_active_receipt_rule_set()
        return ActiveRules(
            name=answer.get("Metadata", {}).get("Name"),
            enabled={rule["Name"]: rule.get("Enabled", False) for rule in answer.get("Rules", [])},
        )

    def account_sending(self) -> AccountSending:
        """Whether and how much the account may send. Source: SES API v2 reference, "GetAccount"."""
        with aws_errors("SES account: cannot be read"):
            answer = self.sesv2.get_account()
        quota = answer.get("SendQuota", {})
        return AccountSending(
            production=answer.get("ProductionAccessEnabled", False),
            enabled=answer.get("SendingEnabled", False),
            enforcement=answer.get("EnforcementStatus", ""),
            most=int(quota.get("Max24HourSend", -1)),
            sent=int(quota.get("SentLast24Hours", 0)),
        )

    def tenant_sending(self, tenant: str) -> str | None:
        """State of a tenant's sending: ENABLED, REINSTATED or DISABLED; None if SES has no such tenant."""
        with aws_errors(f'SES tenant "{tenant}": cannot be read'):
            try:
                answer = self.sesv2.get_tenant(TenantName=tenant)
            except self.sesv2.exceptions.NotFoundException:
                return None
        return answer["Tenant"].get("SendingStatus", "ENABLED")

    def rates(self, configuration_set: str, now: datetime) -> Rates:
        """The newest rates of a configuration set from SES within three days. Each tenant has a configuration set of its own.

        Without sent mail, SES publishes no rates. They are about a volume of mail that SES calls representative.

        Source: SES developer guide, "Automatically pausing email sending for a configuration set".
        """
        queries = [
            {
                "Id": field,
                "MetricStat": {
                    "Metric": {
                        "Namespace": "AWS/SES",
                        "MetricName": metric,
                        "Dimensions": [{"Name": "ses:configuration-set", "Value": configuration_set}],
                    },
                    "Period": _RATES_PERIOD,
                    "Stat": "Maximum",
                },
            }
            for field, metric in _RATES.items()
        ]
        with aws_errors(f"configuration set {configuration_set}: its reputation metrics cannot be read"):
            answer = self.cloudwatch.get_metric_data(
                MetricDataQueries=queries,
                StartTime=now - _RATES_WINDOW,
                EndTime=now + timedelta(minutes=5),
            )
        newest = {
            one["Id"]: max(zip(one["Timestamps"], one["Values"], strict=True))[1]
            for one in answer["MetricDataResults"]
            if one.get("Values")
        }
        return Rates(bounces=newest.get("bounces"), complaints=newest.get("complaints"))

    def subscriptions(self, topic_arn: str) -> Subscriptions:
        """Addresses that subscribed to a topic.

        Source: SNS API reference, "ListSubscriptionsByTopic": an unconfirmed one has "PendingConfirmation" as ARN.
        """
        confirmed: set[str] = set()
        unconfirmed: set[str] = set()
        with aws_errors(f"topic {topic_arn}: its subscriptions cannot be read"):
            for page in self.sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic_arn):
                for one in page["Subscriptions"]:
                    if one["Protocol"] == "email":
                        (confirmed if one["SubscriptionArn"].startswith("arn:") else unconfirmed).add(one["Endpoint"])
        return Subscriptions(confirmed=frozenset(confirmed), unconfirmed=frozenset(unconfirmed - confirmed))

    def definitions_confirmed(self, bucket: str) -> datetime | None:
        """Time of the last confirmation of the bucket's virus definitions; None without definitions."""
        with aws_errors(f"bucket {bucket}: its definitions cannot be read"):
            try:
                body = self.s3.get_object(Bucket=bucket, Key=MANIFEST_KEY)["Body"].read()
            except self.s3.exceptions.NoSuchKey:
                return None
        try:
            return Manifest.from_json(body).checked
        except ManifestError as error:
            raise AwsError(f"bucket {bucket}: {error}") from error

    def queues(self, stack: str) -> tuple[QueueCount, ...]:
        """The queues of a stack, each with the number of its dead letters.

        If several queues share a dead-letter queue, its messages count for the first one alone.
        """
        with aws_errors(f"stack {stack}: its queues cannot be read"):
            named = {
                one["PhysicalResourceId"]: one["LogicalResourceId"]
                for page in self.cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack)
                for one in page["StackResourceSummaries"]
                if one["ResourceType"] == "AWS::SQS::Queue" and "PhysicalResourceId" in one
            }
            asked: Sequence[QueueAttributeNameType] = ("QueueArn", "RedrivePolicy", *_COUNTS)
            found = {url: self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=asked) for url in named}
        attributes = {url: answer["Attributes"] for url, answer in found.items()}
        counts = {one["QueueArn"]: sum(int(one[name]) for name in _COUNTS) for one in attributes.values()}
        targets = {
            one["QueueArn"]: str(json.loads(one["RedrivePolicy"])["deadLetterTargetArn"])
            for one in attributes.values()
            if "RedrivePolicy" in one
        }
        dead = {target: counts[target] for target in targets.values() if target in counts}
        return tuple(
            QueueCount(
                name=_queue_name(named[url]),
                waiting=counts[one["QueueArn"]],
                dead=dead.pop(targets.get(one["QueueArn"], ""), 0),
            )
            for url, one in sorted(attributes.items(), key=lambda item: named[item[0]])
            if one["QueueArn"] not in targets.values()
        )

    def held(self, bucket: str) -> list[QuarantinedMessage]:
        """The messages in the quarantine of a tenant's bucket."""
        return Quarantine(bucket=bucket, s3=self.s3, sqs=self.sqs).messages()

    def last_mail(self, *, table: str, bucket: str) -> LastMail:
        """Times of the newest received and the newest sent message, in the latest twenty threads.

        Threads and messages are sorted by the messages' own dates. A new message with an old date is missed if twenty other threads
        have later dates.
        """
        from mailroom.store import MessageReader, Objects, Table  # noqa: PLC0415 - see email_stack.operations.aws

        reader = MessageReader(
            table=Table(client=self.dynamodb, name=table), objects=Objects(client=self.s3, bucket=bucket)
        )
        newest: dict[bool, datetime] = {}
        with _store_errors():
            for thread in reader.threads(limit=_THREADS).items:
                # The date of a message is not after its receipt, so an older thread seldom has a newer message.
                if len(newest) == 2 and thread.latest <= min(newest.values()):
                    break
                for one in reader.thread(thread.thread, limit=_OF_A_THREAD, latest_first=True).items:
                    newest[one.sent] = max(one.received, newest.get(one.sent, one.received))
        return LastMail(received=newest.get(False), sent=newest.get(True))


def output_of(outputs: Mapping[str, str], name: str, stack: str) -> str:
    """A stack's output.

    Raises:
        AwsError: the stack lacks the output, because it is older.
    """
    if name not in outputs:
        raise AwsError(f"stack {stack}: has no output {name}; deploy it again")
    return outputs[name]


@contextmanager
def _store_errors() -> Iterator[None]:
    try:
        yield
    except MailroomError as error:
        raise AwsError(str(error)) from error


def _queue_name(logical_id: str) -> str:
    """The queue's name for people: words of the logical id, without common ones."""
    words = [word.lower() for word in _WORD.findall(_GENERATED.sub("", logical_id))]
    return " ".join(word for word in words if word not in {"subdomain", "queue"}) or logical_id
