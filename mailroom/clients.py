"""Clients of an application, for the table and the bucket of a tenant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import boto3
from botocore.config import Config
from botocore.exceptions import NoRegionError, ProfileNotFound

from mailroom.errors import PermanentError
from mailroom.faults import code_of

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client

__all__ = ["application_clients"]

_DEFAULTS: Final = Config(connect_timeout=3, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 4})
"""Botocore's own time-outs are a minute, too long for a web page."""


def application_clients(session: boto3.Session | None, config: Config | None) -> tuple[DynamoDBClient, S3Client]:
    """Clients of DynamoDB and of S3.

    Args:
        session: with credentials and region. Default: a new one, from environment and profile.
        config: settings of both, over the default.

    Raises:
        PermanentError: neither session, environment nor profile names a region, or the profile does not exist.
    """
    own, settings = _session_of(session), _DEFAULTS.merge(config or Config())
    return own.client("dynamodb", config=settings), own.client("s3", config=settings)


def _session_of(session: boto3.Session | None) -> boto3.Session:
    """The session, or a new one from environment and profile.

    Raises:
        PermanentError: the session has no region, or the profile does not exist.
    """
    try:
        own = session or boto3.Session()
    except ProfileNotFound as error:
        raise PermanentError(
            "session: AWS_PROFILE must be a profile of this machine, got another; set it, or unset it",
            code=code_of(error),
        ) from error
    if not own.region_name:
        raise PermanentError(
            "session: must have a region, got none; set AWS_REGION or AWS_DEFAULT_REGION, or pass boto3.Session(region_name=...)",
            code=NoRegionError.__name__,
        )
    return own
