"""AWS's error codes, in one place; and errors for AWS's refusals: whether a retry can help, and the remedy otherwise."""

from __future__ import annotations

import re
from typing import Final

import boto3
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    HTTPClientError,
    ReadTimeoutError,
    ResponseStreamingError,
)

from mailroom.errors import MailroomError, PermanentError, RetryableError

__all__ = [
    "DENIED",
    "EXPIRED",
    "GONE",
    "TAKEN",
    "THERE",
    "TOO_OFTEN",
    "UNKNOWN_CREDENTIALS",
    "code_of",
    "fault",
    "is_gone",
]

GONE: Final = frozenset({"404", "NoSuchKey", "NoSuchVersion"})
"""Codes of S3 for a missing object."""

THERE: Final = frozenset({"412", "PreconditionFailed"})
"""Codes of S3 for a write whose condition is not met."""

TAKEN: Final = THERE | {"409", "ConditionalRequestConflict"}
"""Codes of S3 for a write whose condition is not met, or that meets a concurrent write."""

TOO_OFTEN: Final = frozenset({"Throttling", "ThrottlingException", "TooManyRequestsException"})
"""Codes of SES for too many requests."""

_PASSES: Final = TOO_OFTEN | frozenset(
    {
        "BandwidthLimitExceeded",
        "ConditionalRequestConflict",
        "InternalError",
        "InternalFailure",
        "InternalServerError",
        "LimitExceededException",
        "OperationAborted",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "RequestTimeout",
        "RequestTimeoutException",
        "ResourceInUseException",
        "ServiceUnavailable",
        "SlowDown",
        "ThrottledException",
        "TransactionConflictException",
        "TransactionInProgressException",
        "TransientError",
    }
)
"""Codes that are no fault of the request, some despite their status. Source: AWS SDKs reference, "Retry behavior"."""
_TOO_MANY: Final = 429
_OWN_FAULT: Final = 400
_AWS_FAULT: Final = 500
_REASONS_THAT_STAY: Final = frozenset({"ItemCollectionSizeLimitExceeded", "ValidationError", "AccessDenied"})

DENIED: Final = frozenset(
    {
        "403",
        "AccessDenied",
        "AccessDeniedException",
        "AllAccessDisabled",
        "AuthorizationError",
        "AuthorizationErrorException",
        "NotAuthorized",
        "UnauthorizedOperation",
    }
)
"""Codes of a missing permission, by all services."""
EXPIRED: Final = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"})
UNKNOWN_CREDENTIALS: Final = frozenset(
    {
        "AuthFailure",
        "IncompleteSignature",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidSecurity",
        "InvalidSignatureException",
        "InvalidToken",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "NotSignedUp",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
        # of botocore.exceptions
        "LoginRefreshRequired",
        "NoAuthTokenError",
        "NoCredentialsError",
        "PartialCredentialsError",
        "SSOTokenLoadError",
        "TokenRetrievalError",
        "UnauthorizedSSOTokenError",
    }
)
_CLOCK: Final = frozenset({"RequestInTheFuture", "RequestTimeTooSkewed"})
_MISSING: Final = frozenset({"NoSuchBucket", "ResourceNotFoundException", "TableNotFoundException"})
_ELSEWHERE: Final = frozenset(
    {
        "301",
        "AuthorizationHeaderMalformed",
        "IllegalLocationConstraintException",
        "PermanentRedirect",
        # of botocore.exceptions
        "InvalidRegionError",
        "NoRegionError",
        "UnknownEndpointError",
        "UnknownRegionError",
    }
)
_REGION: Final = re.compile(r"(?<=\.)[a-z]{2}-[a-z-]{1,40}+(?<=-)[0-9]{1,2}(?=\.)")
_KEY: Final = ("KMS.", "KMSKey", "KMSInvalid")


def code_of(error: Exception) -> str:
    """AWS's error code; for an error without an answer of AWS, the name of its class."""
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Code", "")) or "Unknown"
    return type(error).__name__


def fault(error: BotoCoreError | ClientError, *, action: str, resource: str, where: str = "") -> MailroomError:
    """The error to raise for an error of AWS: PermanentError where a retry cannot help, else RetryableError.

    Its text has the code only: AWS's own text may hold values and addresses.

    Args:
        error: from boto3.
        action: IAM action of the call, such as "dynamodb:Query".
        resource: table, or bucket and key.
        where: beginning of the text. Default: `resource`, as a table.
    """
    code = code_of(error)
    said = f"{where or f'table {resource}'}: {action} failed, got {code}; "
    if _passes(error, code):
        return RetryableError(f"{said}try again", code=code, action=action, resource=resource)
    return PermanentError(said + _remedy(code, action, resource), code=code, action=action, resource=resource)


def is_gone(error: MailroomError) -> bool:
    """Whether the error is about a missing object."""
    return error.code in GONE


def _passes(error: BotoCoreError | ClientError, code: str) -> bool:
    """Whether the same call may succeed later."""
    if isinstance(error, EndpointConnectionError):
        named = _REGION.search(str(error.kwargs.get("endpoint_url", "")))
        return named is None or _is_region(named[0])
    if not isinstance(error, ClientError):
        # Credentials come from a server of AWS, which may not answer; missing credentials are another error.
        return isinstance(
            error,
            HTTPClientError
            | ConnectTimeoutError
            | ReadTimeoutError
            | ResponseStreamingError
            | CredentialRetrievalError,
        )
    if code in _PASSES:
        return True
    if code == "TransactionCanceledException":
        reasons = error.response.get("CancellationReasons", [])
        return not any(reason.get("Code") in _REASONS_THAT_STAY for reason in reasons)
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if status:
        return status >= _AWS_FAULT or status == _TOO_MANY or (status < _OWN_FAULT and code not in _ELSEWHERE)
    return not _is_known(code)


def _is_region(name: str) -> bool:
    """Whether botocore knows a region of that name: a retry cannot reach an unknown one."""
    own = boto3.Session(region_name=name)
    return any(name in own.get_available_regions("dynamodb", one) for one in own.get_available_partitions())


def _is_known(code: str) -> bool:
    return code.startswith(_KEY) or any(
        code in known for known in (DENIED, EXPIRED, UNKNOWN_CREDENTIALS, _CLOCK, _MISSING, GONE, _ELSEWHERE)
    )


def _remedy(code: str, action: str, resource: str) -> str:  # noqa: PLR0911 - one line a kind of fault
    """Remedy for a code."""
    if code in DENIED:
        also = ", and kms:Decrypt on its key where it has one" if action.startswith("s3:") else ""
        return f"give the role of these credentials {action} on {resource}{also}"
    if code in EXPIRED:
        return "the credentials have expired: get new ones"
    if code in UNKNOWN_CREDENTIALS:
        return "no valid credentials: give the session some, by a role, a profile, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    if code in _CLOCK:
        return "set the clock of this machine"
    if code in _MISSING:
        return "there is none of this name in the session's region: take name and region from the tenant's stack"
    if code in GONE:
        return "it does not exist: its retention has passed, or it was deleted"
    if code in _ELSEWHERE or code == EndpointConnectionError.__name__:
        return (
            "the region must be the one of the tenant's stack: set AWS_REGION, or pass boto3.Session(region_name=...)"
        )
    if code.startswith(_KEY):
        return "look at the KMS key: whether it is enabled, and whether the role of these credentials may use it"
    return "AWS does not take these parameters: check the names of table and bucket, and the arguments of the call"
