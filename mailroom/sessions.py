"""A role assumed for one tenant at a time: the session's tag names the tenant, and the tenant's table admits no other session.

A function that serves many tenants has no permission on tables. AWS compares the session's tag, which comes from an event by AWS
itself, with the tag that the table's own policy names.

Source: IAM user guide, "Passing session tags in AWS STS"; DynamoDB developer guide, "Using resource-based policies".
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from mailroom.errors import RetryableError
from mailroom.faults import code_of

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_sts import STSClient

__all__ = ["Sessions"]

_SECONDS: Final = 3600
_SPARE: Final = timedelta(minutes=10)
"""Least remaining life of a session that new work uses."""
_MOST: Final = 128
"""Most cached sessions; each takes about a quarter of a megabyte."""


@dataclass(slots=True)
class Sessions:
    """Assumes the role, and caches its latest sessions.

    Args:
        sts: a client.
        role_arn: the role.
        tag: key of the session's only tag.
        clock: the time now.
    """

    sts: STSClient
    role_arn: str
    tag: str
    clock: Callable[[], datetime]
    kept: OrderedDict[str, tuple[datetime, DynamoDBClient]] = field(default_factory=OrderedDict)
    # One for all clients: each session of boto3's reads AWS's descriptions anew, which takes 0.1 s and 9 MB.
    _boto: boto3.Session = field(default_factory=boto3.Session, init=False, repr=False)

    def dynamodb(self, value: str) -> DynamoDBClient:
        """A client whose session has this value as its tag.

        Raises:
            RetryableError: the role cannot be assumed.
        """
        until, client = self.kept.get(value, (None, None))
        if client is None or until is None or until - self.clock() < _SPARE:
            self.kept[value] = until, client = self._taken(value)
        self.kept.move_to_end(value)
        while len(self.kept) > _MOST:
            self.kept.popitem(last=False)
        return client

    def _taken(self, value: str) -> tuple[datetime, DynamoDBClient]:
        try:
            taken = self.sts.assume_role(
                RoleArn=self.role_arn,
                RoleSessionName="mail",
                DurationSeconds=_SECONDS,
                Tags=[{"Key": self.tag, "Value": value}],
            )["Credentials"]
        except (BotoCoreError, ClientError) as error:
            raise RetryableError(f"role of {self.tag} {value}: cannot be taken: {code_of(error)}; try again") from error
        client = self._boto.client(
            "dynamodb",
            aws_access_key_id=taken["AccessKeyId"],
            aws_secret_access_key=taken["SecretAccessKey"],
            aws_session_token=taken["SessionToken"],
        )
        return taken["Expiration"], client
