"""Whose quarantine a bucket is: said by tags of the bucket, which are deployed with it.

The scanner of a cell serves buckets that it does not know beforehand. What it needs of a tenant is written where only a
deployment writes: there is no registry to keep in step.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError, ClientError

from mailroom.errors import RetryableError
from mailroom.scanning.verdicts import Action, Policy

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

__all__ = ["Recipient", "Recipients", "recipient_from", "tags_of"]

TENANT_TAG: Final = "mail-scanning:tenant"
TOPIC_TAG: Final = "mail-scanning:topic"
POLICY_TAG: Final = "mail-scanning:policy"
_VERDICTS: Final = {"clean": "clean", "infected": "infected", "encrypted": "encrypted", "over-limit": "over_limit"}
_KEPT: Final = timedelta(minutes=5)
_MOST_KEPT: Final = 10_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipient:
    """Whose quarantine it is: the tenant's id, its policy, and the topic of its operators."""

    tenant: str
    policy: Policy
    topic_arn: str


def tags_of(recipient: Recipient) -> dict[str, str]:
    """The tags that say it; of characters that every tag may have."""
    policy = " ".join(f"{name}={getattr(recipient.policy, key).value}" for name, key in _VERDICTS.items())
    return {TENANT_TAG: recipient.tenant, TOPIC_TAG: recipient.topic_arn, POLICY_TAG: policy}


def recipient_from(tags: Mapping[str, str]) -> Recipient:
    """What the tags say.

    Raises:
        ValueError: a tag is missing, or says what no policy may.
    """
    missing = [tag for tag in (TENANT_TAG, TOPIC_TAG, POLICY_TAG) if not tags.get(tag)]
    if missing:
        raise ValueError(f"tag {missing[0]} is missing")
    said = dict(pair.partition("=")[::2] for pair in tags[POLICY_TAG].split())
    if said.keys() != _VERDICTS.keys():
        raise ValueError(f"tag {POLICY_TAG} must name {', '.join(_VERDICTS)}, got {tags[POLICY_TAG]!r}")
    return Recipient(
        tenant=tags[TENANT_TAG],
        topic_arn=tags[TOPIC_TAG],
        policy=Policy(**{key: Action(said[name]) for name, key in _VERDICTS.items()}),
    )


@dataclass(slots=True)
class Recipients:
    """Looks tenants up, and remembers each for five minutes.

    Args:
        s3: a client.
        clock: the time now.
    """

    s3: S3Client
    clock: Callable[[], datetime]
    known: dict[str, tuple[datetime, Recipient]] = field(default_factory=dict)

    def of(self, bucket: str) -> Recipient:
        """The tenant whose bucket it is.

        Raises:
            RetryableError: the tags cannot be read, or do not say it: mail stays in quarantine until they do.
        """
        now = self.clock()
        since, recipient = self.known.get(bucket, (now - _KEPT, None))
        if recipient is not None and now - since < _KEPT:
            return recipient
        try:
            answer = self.s3.get_bucket_tagging(Bucket=bucket)
            found = recipient_from({tag["Key"]: tag["Value"] for tag in answer["TagSet"]})
        except (BotoCoreError, ClientError, ValueError) as error:
            raise RetryableError(f"{bucket}: cannot tell whose it is: {error}; deploy its tenant again") from error
        if len(self.known) >= _MOST_KEPT:
            self.known.clear()
        self.known[bucket] = (now, found)
        return found
