"""Receives mail as SES would: one message through the active receipt rule set, into the buckets its rules name.

Where an S3 action names a topic, SES tells it of the object, after the object is written.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from email.parser import BytesHeaderParser
from email.policy import compat32
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

UNKNOWN = "550 5.1.1 Requested action not taken: mailbox unavailable"
HEADERS = 10_240
NEEDS_TLS = "530 5.7.0 Must issue a STARTTLS command first"


class DeliveryError(RuntimeError):
    """SES accepted a message, but could not write it to the bucket."""


@dataclass(frozen=True)
class Message:
    """One arriving message: bytes, envelope, and the verdicts of SES's scanners."""

    raw: bytes
    recipients: tuple[str, ...]
    sender: str
    tls: bool
    spam_verdict: str
    virus_verdict: str


@dataclass(frozen=True)
class Delivery:
    """The target of one S3 action, and its rule."""

    bucket: str
    key: str
    rule_set: str
    rule: str


@dataclass(frozen=True)
class Notification:
    """What SES publishes of one S3 action, and for which rule."""

    topic: str
    rule_set: str
    rule: str
    text: str


@dataclass(frozen=True)
class Outcome:
    """SES's answer for one envelope recipient: accepted by `rules`, or refused for `reason`."""

    recipient: str
    accepted: bool
    reason: str
    rules: tuple[str, ...]


@dataclass(frozen=True)
class StoredObject:
    """An object that an S3 action wrote."""

    bucket: str
    key: str
    rule: str


@dataclass(frozen=True)
class Receipt:
    """Result of one message. `failures` are what bucket or topic refused after SES accepted the message."""

    message_id: str
    outcomes: tuple[Outcome, ...]
    objects: tuple[StoredObject, ...]
    failures: tuple[str, ...]

    @property
    def accepted(self) -> bool:
        """Whether every recipient was accepted."""
        return all(outcome.accepted for outcome in self.outcomes)


def receive(
    message: Message,
    *,
    ses: Any,
    sesv2: Any,
    store: Callable[[Delivery, bytes], None],
    publish: Callable[[Notification], None],
) -> Receipt:
    """Walk the active rule set for one message and store it.

    Recipients are matched by the envelope. SES decides for each whether it takes the message; the rules then run once,
    in order, for the accepted recipients they match. A Stop action ends the walk for the recipients its rule matched.

    Args:
        message: the message.
        ses: client that reads the active rule set.
        sesv2: client that says which domains are verified.
        store: writes one object as SES; raises DeliveryError when the bucket refuses.
        publish: publishes one notification as SES; raises DeliveryError when the topic refuses.

    Raises:
        NotImplementedError: a rule that matches has an action other than S3, AddHeader and Stop.

    Source: SES developer guide, receipt rules and recipient conditions.
    """
    active = ses.describe_active_receipt_rule_set()
    rule_set = active.get("Metadata", {}).get("Name", "")
    rules = [rule for rule in active.get("Rules", []) if rule.get("Enabled")]
    verified = _Verified(sesv2)
    outcomes = tuple(_answer(recipient, rules, verified, tls=message.tls) for recipient in message.recipients)
    message_id = secrets.token_hex(20)
    objects: list[StoredObject] = []
    failures: list[str] = []
    for rule in rules:
        takers = [outcome.recipient for outcome in outcomes if rule["Name"] in outcome.rules]
        if not takers:
            continue
        for delivery, content, topic in _run(rule, rule_set, message, message_id, takers[0]):
            try:
                store(delivery, content)
                if topic:
                    text = _notification(message, takers, delivery, content, topic)
                    publish(Notification(topic, rule_set, rule["Name"], text))
            except DeliveryError as error:
                failures.append(f"{delivery.rule}: s3://{delivery.bucket}/{delivery.key}: {error}")
            else:
                objects.append(StoredObject(delivery.bucket, delivery.key, delivery.rule))
    return Receipt(message_id, outcomes, tuple(objects), tuple(failures))


def _answer(recipient: str, rules: list[dict[str, Any]], verified: _Verified, *, tls: bool) -> Outcome:
    matched: list[str] = []
    for rule in rules:
        if not _matches(recipient, rule.get("Recipients", []), verified):
            continue
        if rule.get("TlsPolicy") == "Require" and not tls:
            return Outcome(recipient, accepted=False, reason=NEEDS_TLS, rules=())
        matched.append(rule["Name"])
        if any("StopAction" in action for action in rule.get("Actions", [])):
            break
    return Outcome(recipient, bool(matched), "" if matched else UNKNOWN, tuple(matched))


def _matches(recipient: str, conditions: list[str], verified: _Verified) -> bool:
    """Whether a rule with these recipient conditions takes an address; its domain must be verified.

    Under a `.domain` condition it is enough that `domain` is: subdomains inherit from it.
    """
    local, _, domain = recipient.lower().rpartition("@")
    plain = f"{local.partition('+')[0]}@{domain}"
    exact = {f"{local}@{domain}", plain, domain}
    wanted = {condition.lower() for condition in conditions}
    if verified(domain) and (not wanted or exact & wanted):
        return True
    return any(
        condition.startswith(".") and domain.endswith(condition) and (verified(domain) or verified(condition[1:]))
        for condition in wanted
    )


def _run(
    rule: dict[str, Any], rule_set: str, message: Message, message_id: str, recipient: str
) -> Iterator[tuple[Delivery, bytes, str]]:
    added: list[str] = []
    for action in rule.get("Actions", []):
        if header := action.get("AddHeaderAction"):
            added.append(f"{header['HeaderName']}: {header['HeaderValue']}")
        elif target := action.get("S3Action"):
            key = target.get("ObjectKeyPrefix", "") + message_id
            delivery = Delivery(target["BucketName"], key, rule_set, rule["Name"])
            yield delivery, _as_stored(rule, message, message_id, recipient, added), target.get("TopicArn", "")
        elif "StopAction" not in action:
            raise NotImplementedError(f"emulator: receipt rule {rule['Name']}: {next(iter(action))} is not emulated")


def _as_stored(rule: dict[str, Any], message: Message, message_id: str, recipient: str, added: list[str]) -> bytes:
    now = format_datetime(datetime.now(UTC))
    lines = [
        f"Return-Path: <{message.sender}>",
        f"Received: by inbound-smtp.amazonaws.com with SMTP id {message_id}\r\n for {recipient};\r\n {now}",
    ]
    if rule.get("ScanEnabled"):
        lines += [f"X-SES-Spam-Verdict: {message.spam_verdict}", f"X-SES-Virus-Verdict: {message.virus_verdict}"]
    return "".join(f"{line}\r\n" for line in [*lines, *added]).encode() + message.raw


def _notification(message: Message, takers: list[str], delivery: Delivery, content: bytes, topic: str) -> str:
    """With the header of the message as it is stored; SES cuts it after 10 KB."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    fields = [(name, " ".join(str(value).split())) for name, value in _header(content)]
    kept = [one for number, one in enumerate(fields) if sum(map(len, map("".join, fields[: number + 1]))) <= HEADERS]
    document = {
        "notificationType": "Received",
        "receipt": {
            "timestamp": now,
            "processingTimeMillis": 1,
            "recipients": takers,
            "spamVerdict": {"status": message.spam_verdict},
            "virusVerdict": {"status": message.virus_verdict},
            "action": {
                "type": "S3",
                "topicArn": topic,
                "bucketName": delivery.bucket,
                "objectKey": delivery.key,
            },
        },
        "mail": {
            "timestamp": now,
            "source": message.sender,
            "messageId": delivery.key.rpartition("/")[2],
            "destination": [value for name, value in fields if name.lower() == "to"],
            "headersTruncated": len(kept) < len(fields),
            "headers": [{"name": name, "value": value} for name, value in kept],
        },
    }
    return json.dumps(document)


def _header(content: bytes) -> list[tuple[str, Any]]:
    return BytesHeaderParser(policy=compat32).parsebytes(content).items()


class _Verified:
    """Verified domains. SES is asked once for each."""

    def __init__(self, sesv2: Any) -> None:
        self._sesv2 = sesv2
        self._known: dict[str, bool] = {}

    def __call__(self, domain: str) -> bool:
        if domain not in self._known:
            self._known[domain] = self._ask(domain)
        return self._known[domain]

    def _ask(self, domain: str) -> bool:
        try:
            return bool(self._sesv2.get_email_identity(EmailIdentity=domain)["VerifiedForSendingStatus"])
        except ClientError as error:
            if error.response["Error"]["Code"] == "NotFoundException":
                return False
            raise
