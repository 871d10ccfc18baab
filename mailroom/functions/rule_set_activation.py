"""The custom resource that activates a cell's receipt rule set: CloudFormation's event in, its answer out."""

from __future__ import annotations

import json
import logging
import time
import urllib.request
from typing import Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from mailroom.faults import DENIED, code_of
from mailroom.rule_set_activation import activate, deactivate

__all__ = ["on_event"]

_ATTEMPTS: Final = 4
_ANSWER_TIMEOUT_SECONDS: Final = 10
_REASON_CHARACTERS: Final = 1000
"""CloudFormation accepts an answer of 4,096 bytes in all."""

_PATIENT: Final = Config(retries={"mode": "standard", "max_attempts": 8})
"""SES takes one control-plane request a second, and a deployment makes many."""

_PAUSES: Final = (1, 2, 4, 8, 16)
"""Seconds between attempts that are denied: the role's policy is seconds old, and IAM is eventually consistent."""

logger = logging.getLogger(__name__)
logger.setLevel(logging.INFO)


def on_event(event: dict[str, Any], _context: object) -> None:
    """Carry out one Create, Update or Delete, and always answer it.

    An unanswered event would hold the stack until the resource's time-out. Each branch may run twice: Lambda retries an
    event whose answer could not be delivered.

    Raises:
        OSError: the answer could not be delivered.

    Source: CloudFormation user guide, "Custom resource request types" and "response objects".
    """
    physical_id = str(event.get("PhysicalResourceId") or "")
    try:
        physical_id = _once_allowed(event)
    except Exception as error:
        # The event holds a signed URL: neither it nor the event is logged.
        logger.exception("request %s failed", event.get("RequestType"))
        _answer(event, "FAILED", physical_id or "not-activated", f"{type(error).__name__}: {error}")
    else:
        logger.info("request %s done: %s", event["RequestType"], physical_id)
        _answer(event, "SUCCESS", physical_id, "")


def _once_allowed(event: dict[str, Any]) -> str:
    """Call `_carry_out`, and retry for half a minute while it is denied; each attempt compares before it sets.

    Source: IAM user guide, "Troubleshoot IAM", changes that are not always immediately visible.
    """
    for pause in _PAUSES:
        try:
            return _carry_out(event)
        except ClientError as error:
            if code_of(error) not in DENIED:
                raise
            logger.warning("request %s is denied; again in %d s", event.get("RequestType"), pause)
            time.sleep(pause)
    return _carry_out(event)


def _carry_out(event: dict[str, Any]) -> str:
    """Carry out the request. Returns the rule set's name as physical id: a renamed set is a new resource, and the old one goes."""
    name = event["ResourceProperties"]["RuleSetName"]
    if not isinstance(name, str) or not name:
        raise ValueError(f"RuleSetName must be the name of a receipt rule set, got {name!r}")
    ses = boto3.client("ses", config=_PATIENT)
    match event["RequestType"]:
        case "Create":
            activate(ses, name)
        case "Update":
            activate(ses, name, ours={event["OldResourceProperties"]["RuleSetName"]})
        case "Delete":
            deactivate(ses, name)
        case other:
            raise ValueError(f"RequestType must be Create, Update or Delete, got {other!r}")
    return name


def _answer(event: dict[str, Any], status: str, physical_id: str, reason: str) -> None:
    body = json.dumps(
        {
            "Status": status,
            "Reason": reason[:_REASON_CHARACTERS],
            "PhysicalResourceId": physical_id,
            "StackId": event["StackId"],
            "RequestId": event["RequestId"],
            "LogicalResourceId": event["LogicalResourceId"],
        }
    ).encode()
    url = event["ResponseURL"]
    if not url.startswith(("https://", "http://")):
        raise ValueError("ResponseURL must be an http address")
    # S3 signed the URL for an empty content type.
    request = urllib.request.Request(url, data=body, method="PUT", headers={"Content-Type": ""})  # noqa: S310 - checked
    for attempt in range(_ATTEMPTS):
        try:
            with urllib.request.urlopen(request, timeout=_ANSWER_TIMEOUT_SECONDS):  # noqa: S310 - checked above
                return
        except OSError:
            if attempt == _ATTEMPTS - 1:
                raise
            time.sleep(2**attempt)
