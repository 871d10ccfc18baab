"""Envelope recipients by SES's notification: what the sorter keeps of one, and the object that the scanner writes of it.

SES's notification has header, subject and addresses of a message that nobody has scanned. Only bucket, key and recipients are sent
on, and nothing where the message's own header names its single recipient.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from mailroom.errors import PermanentError, RetryableError
from mailroom.faults import GONE, TAKEN, code_of
from mailroom.layout import RAW_PREFIX, RECIPIENTS_PREFIX
from mailroom.received_line import lower_domain, recipient_in, ses_id_in
from mailroom.recipients import listed_in, listing

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from mailroom.scanning.tags import Recipient

__all__ = [
    "MOST_RECIPIENTS",
    "NOTHING",
    "Addressed",
    "Reduced",
    "add",
    "addressed_in",
    "keep",
    "recipients_key",
    "reduced",
]

MOST_RECIPIENTS: Final = 500
"""Most recipients of one message; SES accepts fewer in a transaction."""

_MOST_ADDRESS: Final = 320
_NAME: Final = "envelope"
_UNKNOWN: Final = "unknown"
"""Message group of notifications that name no bucket."""
_BUCKET: Final = re.compile(r"[a-z0-9.-]{3,63}")
_KEY: Final = re.compile(re.escape(RAW_PREFIX) + r"(?P<id>[A-Za-z0-9-]{1,200})")
_SETUP: Final = "Successfully validated SNS topic"
_SUBSCRIBED: Final = "AmazonSnsSubscriptionSucceeded"
_TRIES: Final = 5


@dataclass(frozen=True, slots=True)
class Reduced:
    """The queue message that replaces a notification.

    Args:
        body: of the queue message; "" to send none.
        group: its message group.
    """

    body: str
    group: str


NOTHING: Final = Reduced("", "")
"""No queue message: nothing of the notification is needed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Addressed:
    """Envelope recipients of one copy of a message.

    Args:
        bucket: the tenant's.
        message_id: SES's id of the message.
        recipients: matched by one receipt rule; their domains in lower case.
    """

    bucket: str
    message_id: str
    recipients: tuple[str, ...]


def reduced(body: str) -> Reduced | None:
    """The replacement of a queue message that SNS wrote; None for a queue message of another service.

    Notifications that cannot be read become a queue message that names the fault and has none of their text. The scanner refuses
    it, and it ends with the dead letters.

    Source: SES developer guide, "Contents of notifications for Amazon SES email receiving"; SNS developer guide, "Fanout to Amazon
    SQS queues".
    """
    sent = _json(body)
    if not isinstance(sent, Mapping) or sent.get("Type") != "Notification":
        return None
    try:
        found = _notified(sent.get("Message"))
    except (KeyError, TypeError):
        return _faulty("must name receipt.recipients, receipt.action.bucketName and receipt.action.objectKey")
    except ValueError as error:
        return _faulty(str(error))
    if found is None:
        return NOTHING
    document = {"bucket": found.bucket, "key": f"{RAW_PREFIX}{found.message_id}", "recipients": found.recipients}
    return Reduced(json.dumps({_NAME: document}, ensure_ascii=False), found.bucket)


def addressed_in(body: str) -> Addressed | None:
    """Recipients in a queue message that `reduced` wrote; None for another kind of queue message.

    Raises:
        PermanentError: the queue message names a fault, or is not of this form.
    """
    said = _json(body)
    if not isinstance(said, Mapping) or _NAME not in said:
        return None
    named = said[_NAME]
    try:
        if "fault" in named:
            raise PermanentError(f"notification of SES: {str(named['fault'])[:200]}; nothing of it is kept")
        found = _addressed(named["bucket"], named["key"], named["recipients"])
    except (KeyError, TypeError) as error:
        raise PermanentError("queue message: envelope must name bucket, key and recipients") from error
    except ValueError as error:
        raise PermanentError(f"queue message: envelope: {error}") from error
    if found is None:
        raise PermanentError("queue message: envelope: key must be of a message, got SES's setup notification")
    return found


def recipients_key(message_id: str) -> str:
    """Key of the object with a message's recipients."""
    return f"{RECIPIENTS_PREFIX}{message_id}"


def keep(s3: S3Client, recipient_of: Callable[[str], Recipient], said: Addressed) -> bool:
    """Add recipients to the message's object; returns whether some are new. Repeating is harmless, and recipients only grow.

    Args:
        s3: a client.
        recipient_of: the tenant of a bucket; raises `MailroomError` if that is unknown.
        said: the recipients.

    Raises:
        RetryableError: AWS failed, or others write the same object all the time.
        PermanentError: the bucket is no inbox.
    """
    if not recipient_of(said.bucket).mail:
        raise PermanentError(f"{said.bucket}: must be an inbox, got a bucket of files")
    return add(s3, said)


def add(s3: S3Client, said: Addressed) -> bool:
    """Add recipients to the message's object in a bucket that is known as an inbox; returns whether some are new.

    Raises:
        RetryableError: AWS failed, or others write the same object all the time.
    """
    where = f"{said.bucket}/{recipients_key(said.message_id)}"
    try:
        for _ in range(_TRIES):
            written = _add(s3, said)
            if written is not None:
                return written
    except (BotoCoreError, ClientError) as error:
        raise RetryableError(f"{where}: recipients cannot be written: {code_of(error)}") from error
    raise RetryableError(f"{where}: is written by others all the time; is tried again")


def _add(s3: S3Client, said: Addressed) -> bool | None:
    """Whether recipients were written; None where another worker wrote meanwhile. Raises ClientError."""
    key = recipients_key(said.message_id)
    known, tag = _read(s3, said.bucket, key)
    merged = tuple(dict.fromkeys((*known, *said.recipients)))[:MOST_RECIPIENTS]
    if merged == known:
        return False
    condition: Any = {"IfMatch": tag} if tag else {"IfNoneMatch": "*"}
    body = listing(merged)
    try:
        s3.put_object(Bucket=said.bucket, Key=key, Body=body, ContentType="application/json", **condition)
    except ClientError as error:
        if code_of(error) in TAKEN | GONE:
            return None
        raise
    return True


def _read(s3: S3Client, bucket: str, key: str) -> tuple[tuple[str, ...], str]:
    """Recipients in an object, and its entity tag; none, and "", without one."""
    try:
        answer = s3.get_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if code_of(error) in GONE:
            return (), ""
        raise
    return listed_in(answer["Body"].read()), answer["ETag"]


def _notified(text: Any) -> Addressed | None:
    """The recipients in a notification of SES's; None where the message's header says the same, and for SES's and SNS's tests.

    Raises:
        KeyError, TypeError: a field is missing or has another type.
        ValueError: a value is none that SES would write. The text has no value.
    """
    if isinstance(text, str) and text.startswith(_SETUP):
        return None
    read = _json(text) if isinstance(text, str) else None
    said: Mapping[str, Any] = read if isinstance(read, Mapping) else {}
    if said.get("notificationType") == _SUBSCRIBED:
        return None
    if said.get("notificationType") != "Received":
        raise ValueError("notificationType must be Received")
    receipt = said["receipt"]
    found = _addressed(receipt["action"]["bucketName"], receipt["action"]["objectKey"], receipt["recipients"])
    return None if found is None or _says_the_same(said, found.recipients) else found


def _addressed(bucket: Any, key: Any, recipients: Any) -> Addressed | None:
    """The recipients, if all is as SES writes it; None for the object by which SES tries a new rule.

    Raises:
        TypeError: a value has another type.
        ValueError: a value is none that SES would write. The text has no value.
    """
    if not isinstance(bucket, str) or not isinstance(key, str) or not isinstance(recipients, list):
        raise TypeError
    if _BUCKET.fullmatch(bucket) is None:
        raise ValueError("bucketName must be the name of a bucket")
    if key == f"{RAW_PREFIX}AMAZON_SES_SETUP_NOTIFICATION":
        return None
    named = _KEY.fullmatch(key)
    if named is None:
        raise ValueError(f"objectKey must be {RAW_PREFIX} and SES's id of a message")
    if not 1 <= len(recipients) <= MOST_RECIPIENTS or not all(map(_is_address, recipients)):
        raise ValueError(f"recipients must be 1 to {MOST_RECIPIENTS} addresses")
    unique = tuple(dict.fromkeys(map(lower_domain, recipients)))
    return Addressed(bucket=bucket, message_id=named["id"], recipients=unique)


def _is_address(value: Any) -> bool:
    if not isinstance(value, str) or len(value) > _MOST_ADDRESS or not value.isprintable():
        return False
    local, _, domain = value.rpartition("@")
    return bool(local and domain)


def _says_the_same(said: Mapping[str, Any], recipients: tuple[str, ...]) -> bool:
    """Whether SES's line in the message, as the notification shows it, names this one recipient."""
    mail = said.get("mail")
    headers = mail.get("headers") if isinstance(mail, Mapping) else None
    if len(recipients) != 1 or not isinstance(headers, list):
        return False
    for one in headers:
        name, value = (one.get("name"), one.get("value")) if isinstance(one, Mapping) else (None, None)
        if isinstance(name, str) and isinstance(value, str) and name.lower() == "received":
            # The first one is SES's: further ones are the sender's.
            return bool(ses_id_in(value)) and recipient_in(value) == recipients[0]
    return False


def _faulty(fault: str) -> Reduced:
    return Reduced(json.dumps({_NAME: {"fault": fault}}), _UNKNOWN)


def _json(text: str) -> Any:
    """The value; None where the text is no JSON."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
