"""Refusals by AWS: passing ones are retried, and all others name action, resource and remedy."""

from __future__ import annotations

from typing import Any

import botocore.exceptions
import pytest
from botocore.exceptions import BotoCoreError, ClientError

from mailroom.errors import PermanentError, RetryableError
from mailroom.faults import fault


def refused(code: str, status: int = 400, **more: Any) -> ClientError:
    """boto3's error for an answer of AWS."""
    response: Any = {
        "Error": {"Code": code, "Message": "anna@example.net"},
        "ResponseMetadata": {"HTTPStatusCode": status},
        **more,
    }
    return ClientError(response, "Query")


def own(name: str, **words: Any) -> BotoCoreError:
    """botocore's own error."""
    found: BotoCoreError = getattr(botocore.exceptions, name)(**words)
    return found


URL = "https://dynamodb.eu-central-1.amazonaws.com/"


@pytest.mark.parametrize(
    "error",
    [
        refused("ThrottlingException"),
        refused("ProvisionedThroughputExceededException"),
        refused("RequestLimitExceeded"),
        refused("RequestTimeout"),
        refused("InternalServerError", 500),
        refused("SlowDown", 503),
        refused("SomethingNew", 502),
        refused("SomethingNew", 429),
        refused("OperationAborted", 409),
        refused("TransactionCanceledException", CancellationReasons=[{"Code": "ThrottlingError"}, {"Code": "None"}]),
        own("EndpointConnectionError", endpoint_url=URL),
        own("EndpointConnectionError", endpoint_url="http://127.0.0.1:4566/"),
        own("ConnectTimeoutError", endpoint_url=URL),
        own("ReadTimeoutError", endpoint_url=URL),
        own("ConnectionClosedError", endpoint_url=URL),
        own("CredentialRetrievalError", provider="iam-role", error_msg="no answer"),
    ],
    ids=str,
)
def test_what_passes_is_to_be_tried_again(error: BotoCoreError | ClientError) -> None:
    """Throttling, AWS's own failures, and a network that does not answer."""
    found = fault(error, action="dynamodb:Query", resource="mail")
    assert isinstance(found, RetryableError)
    assert str(found).endswith("try again")
    assert (found.action, found.resource) == ("dynamodb:Query", "mail")


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        (refused("AccessDeniedException"), "give the role of these credentials dynamodb:Query on mail"),
        (refused("AccessDenied", 403), "give the role of these credentials dynamodb:Query on mail"),
        (refused("403", 403), "give the role of these credentials dynamodb:Query on mail"),
        (refused("ResourceNotFoundException"), "take name and region from the tenant's stack"),
        (refused("NoSuchBucket", 404), "take name and region from the tenant's stack"),
        (refused("NoSuchKey", 404), "it does not exist: its retention has passed, or it was deleted"),
        (refused("ExpiredTokenException"), "the credentials have expired: get new ones"),
        (refused("ExpiredToken"), "the credentials have expired: get new ones"),
        (refused("UnrecognizedClientException"), "no valid credentials"),
        (refused("InvalidAccessKeyId", 403), "no valid credentials"),
        (refused("SignatureDoesNotMatch", 403), "no valid credentials"),
        (refused("RequestTimeTooSkewed", 403), "set the clock of this machine"),
        (refused("PermanentRedirect", 301), "the region must be the one of the tenant's stack"),
        (refused("AuthorizationHeaderMalformed"), "the region must be the one of the tenant's stack"),
        (refused("KMS.DisabledException"), "look at the KMS key"),
        (refused("ValidationException"), "AWS does not take these parameters"),
        (refused("SomethingNew", 422), "AWS does not take these parameters"),
        (
            refused("TransactionCanceledException", CancellationReasons=[{"Code": "ValidationError"}]),
            "AWS does not take these parameters",
        ),
        (own("NoCredentialsError"), "no valid credentials"),
        (own("PartialCredentialsError", provider="env", cred_var="x"), "no valid credentials"),
        (own("NoRegionError"), "the region must be the one of the tenant's stack"),
        (own("InvalidRegionError", region_name="x/y"), "the region must be the one of the tenant's stack"),
        (
            own("EndpointConnectionError", endpoint_url="https://dynamodb.eu-centrall-1.amazonaws.com/"),
            "the region must be the one of the tenant's stack",
        ),
        (own("ParamValidationError", report="Limit: -1"), "AWS does not take these parameters"),
    ],
    ids=str,
)
def test_what_stays_says_what_to_do(error: BotoCoreError | ClientError, remedy: str) -> None:
    """Never "try again"; the action, the resource and the remedy, and nothing of AWS's own text."""
    found = fault(error, action="dynamodb:Query", resource="mail")
    assert isinstance(found, PermanentError)
    assert str(found).startswith("table mail: dynamodb:Query failed, got ")
    assert remedy in str(found)
    assert "try again" not in str(found)
    assert "anna@" not in str(found)
    assert found.code
    assert (found.action, found.resource) == ("dynamodb:Query", "mail")
