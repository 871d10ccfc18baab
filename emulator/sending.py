"""The transmitted form of a message that SES gets, and SES's events of it. Pure.

Source: SES developer guide, "Amazon SES header fields", "Contents of event data that Amazon SES publishes to Amazon SNS" (what it
publishes to EventBridge has the same shape) and "Using the mailbox simulator"; EventBridge events reference, "Amazon SES events".
"""

from __future__ import annotations

import email
import re
from base64 import b64decode, b64encode
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, formataddr, getaddresses
from typing import Any, Final

SIMULATOR: Final = "simulator.amazonses.com"
MOST_HEADER_BYTES: Final = 10 * 1024
MTA: Final = "a1-1.smtp-out.amazonses.com"

DETAIL_TYPES: Final[Mapping[str, str]] = {
    "Send": "Email Sent",
    "Delivery": "Email Delivered",
    "Open": "Email Opened",
    "Click": "Email Clicked",
    "Bounce": "Email Bounced",
    "Complaint": "Email Complaint Received",
    "Reject": "Email Rejected",
    "Rendering Failure": "Email Rendering Failed",
    "DeliveryDelay": "Email Delivery Delayed",
}
"""EventBridge's name of each kind of event; the kinds are the values of `eventType`."""

MATCHING_TYPES: Final[Mapping[str, str]] = {
    kind: {"Rendering Failure": "RENDERING_FAILURE", "DeliveryDelay": "DELIVERY_DELAY"}.get(kind, kind.upper())
    for kind in DETAIL_TYPES
}
"""Names of the kinds in an event destination's MatchingEventTypes."""

OBJECTS: Final[Mapping[str, str]] = {
    kind: {"Rendering Failure": "failure", "DeliveryDelay": "deliveryDelay"}.get(kind, kind.lower())
    for kind in DETAIL_TYPES
}
"""The key of the object that each kind of event has of its own."""

_FIELD: Final = re.compile(rb"(?P<name>[!-9;-~]+)[ \t]*:[^\n]*\n(?:[ \t][^\n]*\n)*")
_REPLACED: Final = {b"message-id", b"date", b"bcc", b"return-path"}
_SEPARATOR: Final = re.compile(rb"\r?\n\r?\n")


@dataclass(frozen=True, kw_only=True)
class Sent:
    """A message that SES accepted.

    Args:
        message_id: from SendEmail's answer.
        raw: the transmitted bytes.
        sender: address of the sender.
        recipients: addresses of the envelope.
        configuration_set: the named one, else the identity's own; None without either.
        tenant: name of the SES tenant; None without.
        at: time of its acceptance.
        identity_arn: of the sending identity.
        source: the sender in the request's or the message's form. Default: `sender`.
        headers: names and values of the given message. Default: those of `raw`.
        tags: of the message, with SES's own.
        untracked: those of "Open" and "Click" that the request turned off.
    """

    message_id: str
    raw: bytes
    sender: str
    recipients: tuple[str, ...]
    configuration_set: str | None
    tenant: str | None
    at: datetime
    identity_arn: str = ""
    source: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    tags: Mapping[str, Sequence[str]] = field(default_factory=dict)
    untracked: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """An event that follows a message by itself: its kind, and its own fields."""

    kind: str
    details: Mapping[str, Any]


def split(raw: bytes) -> tuple[bytes, bytes] | None:
    """Header section, with the end of its last line, and body; None when no empty line is between them."""
    found = _SEPARATOR.search(raw)
    return (raw[: found.start()] + b"\r\n", raw[found.end() :]) if found else None


def header_fields(raw: bytes) -> tuple[tuple[str, str], ...]:
    """Names and unfolded values of a message's header."""
    message = email.message_from_bytes((split(raw) or (raw, b""))[0])
    return tuple((name, re.sub(r"\r?\n(?=[ \t])", "", str(value)).strip()) for name, value in message.items())


def message_host(region: str) -> str:
    """The host in SES's Message-ID."""
    return f"{'email' if region == 'us-east-1' else region}.amazonses.com"


def transmitted(raw: bytes, message_id: str, region: str, at: datetime) -> bytes:
    """The message for recipients: SES's own Message-ID and Date, no Bcc and no fields for SES, and CRLF at line ends.

    Raises:
        ValueError: no empty line is between header and body.
    """
    parts = split(raw)
    if parts is None:
        raise ValueError("message has no empty line between header and body")
    header, body = parts
    own = f"Message-ID: <{message_id}@{message_host(region)}>\r\nDate: {format_datetime(at.astimezone(UTC))}\r\n"
    kept = b"".join(found.group() for found in _FIELD.finditer(header) if not _is_replaced(found["name"]))
    return re.sub(rb"\r?\n", b"\r\n", own.encode() + kept + b"\r\n" + body)


def _is_replaced(name: bytes) -> bool:
    return name.lower() in _REPLACED or name.lower().startswith(b"x-ses-")


def outcomes(recipients: Sequence[str], listed: Collection[str] = (), on_list: str = "") -> list[Outcome]:
    """Events that follow a message: its delivery, or those of a mailbox simulator's address.

    Args:
        recipients: of the envelope.
        listed: recipients on the message's suppression list, to which SES does not send.
        on_list: the bounce's subtype for that list.
    """
    by_label: dict[str, list[str]] = {}
    for recipient in (one for one in recipients if one not in listed):
        local, _, domain = recipient.lower().rpartition("@")
        label = local.partition("+")[0] if domain == SIMULATOR else ""
        by_label.setdefault(label, []).append(recipient)
    bounced, suppressed = by_label.pop("bounce", []), by_label.pop("suppressionlist", [])
    delivered = [one for one in recipients if one not in {*bounced, *suppressed, *listed}]
    found = [Outcome("Delivery", {"recipients": delivered})] if delivered else []
    if bounced:
        found.append(Outcome("Bounce", {"recipients": bounced}))
    if suppressed:
        found.append(Outcome("Bounce", {"recipients": suppressed, "bounceSubType": "OnAccountSuppressionList"}))
    if listed:
        found.append(Outcome("Bounce", {"recipients": sorted(listed), "bounceSubType": on_list}))
    if complaining := by_label.get("complaint"):
        found.append(Outcome("Complaint", {"recipients": complaining}))
    return found


def documented_event(
    kind: str, sent: Sent, *, at: datetime, details: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The detail of one event, with every field that SES documents for it.

    Args:
        kind: one of `DETAIL_TYPES`.
        sent: the message.
        at: time of the event.
        details: fields of the event's own object, in place of example values; `recipients` are the affected ones, by default
            all of the message's.

    Raises:
        ValueError: SES documents no such `kind`, or no such field of `details`.
    """
    if kind not in DETAIL_TYPES:
        raise ValueError(f'sending event: must be one of {", ".join(DETAIL_TYPES)}, got "{kind}"')
    given = dict(details or {})
    made = _object(kind, sent, at, list(given.pop("recipients", sent.recipients)))
    if unknown := sorted(given.keys() - made.keys()):
        raise ValueError(f'sending event: {kind} has no field "{unknown[0]}"')
    return {"eventType": kind, "mail": _mail(kind, sent), OBJECTS[kind]: {**made, **given}}


def timestamp(moment: datetime) -> str:
    """A time in SES's form."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def _object(kind: str, sent: Sent, at: datetime, recipients: list[str]) -> dict[str, Any]:
    when = {"timestamp": timestamp(at)}
    reader = {
        **when,
        "ipAddress": "192.0.2.1",
        "userAgent": "Mozilla/5.0 (X11; Linux x86_64)",
        "isBotEvent": "Unlikely",
    }
    feedback = {**when, "feedbackId": f"{sent.message_id[:-7]}-feedback-000000"}
    objects: dict[str, dict[str, Any]] = {
        "Send": {},
        "Delivery": {
            **when,
            "processingTimeMillis": max(0, (at - sent.at) // timedelta(milliseconds=1)),
            "recipients": recipients,
            "smtpResponse": "250 2.6.0 Message received",
            "reportingMTA": MTA,
            "remoteMtaIp": "198.51.100.1",
        },
        "Open": reader,
        "Click": {**reader, "link": "https://example.net/", "linkTags": {"label": ["first"]}},
        "Bounce": {
            **feedback,
            "bounceType": "Permanent",
            "bounceSubType": "General",
            "bouncedRecipients": [
                {"action": "failed", **_failed(recipient, "5.1.1", "550 5.1.1 user unknown")}
                for recipient in recipients
            ],
            "reportingMTA": f"dsn; {MTA}",
            "remoteMtaIp": "198.51.100.1",
        },
        "Complaint": {
            **feedback,
            "complainedRecipients": [{"emailAddress": recipient} for recipient in recipients],
            "complaintSubType": None,
            "userAgent": "Amazon SES Mailbox Simulator",
            "complaintFeedbackType": "abuse",
            "arrivalDate": timestamp(at),
        },
        "Reject": {"reason": "Bad content"},
        "Rendering Failure": {
            "templateName": "MyTemplate",
            "errorMessage": "Attribute 'attributeName' is not present in the rendering data.",
        },
        "DeliveryDelay": {
            **when,
            "delayType": "TransientCommunicationFailure",
            "delayedRecipients": [
                _failed(recipient, "4.4.1", "421 4.4.1 Unable to connect to remote host") for recipient in recipients
            ],
            "expirationTime": timestamp(at + timedelta(hours=14)),
            "reportingMTA": MTA,
        },
    }
    return objects[kind]


def _failed(recipient: str, status: str, answer: str) -> dict[str, str]:
    return {"emailAddress": recipient, "status": status, "diagnosticCode": f"smtp; {answer}"}


def _mail(kind: str, sent: Sent) -> dict[str, Any]:
    mail: dict[str, Any] = {
        "timestamp": timestamp(sent.at),
        "messageId": sent.message_id,
        "source": sent.source or sent.sender,
        "sourceArn": sent.identity_arn,
        "sendingAccountId": sent.identity_arn.split(":")[4] if sent.identity_arn else "",
        "destination": list(sent.recipients),
        "headersTruncated": False,
        "tags": {name: list(values) for name, values in sent.tags.items()},
    }
    if kind == "Delivery":
        mail["tags"]["ses:outgoing-ip"] = ["203.0.113.1"]
    if kind in {"Rendering Failure", "DeliveryDelay"}:
        return mail  # their examples have no headers
    headers = sent.headers or header_fields(sent.raw)
    kept: list[dict[str, str]] = []
    size = 0
    for name, value in headers:
        size += len(name) + len(value)
        if size <= MOST_HEADER_BYTES:
            kept.append({"name": name, "value": value})
    mail["headersTruncated"] = len(kept) < len(headers)
    return {**mail, "headers": kept, "commonHeaders": _common(headers, sent.message_id)}


def _common(headers: Sequence[tuple[str, str]], message_id: str) -> dict[str, Any]:
    by_name = {name.lower(): value for name, value in headers}
    found: dict[str, Any] = {"messageId": message_id}
    for name, key in (("from", "from"), ("to", "to"), ("cc", "cc"), ("bcc", "bcc"), ("reply-to", "replyTo")):
        if name in by_name:
            found[key] = [formataddr(pair) for pair in getaddresses([by_name[name]])]
    for name, key in (("date", "date"), ("subject", "subject"), ("return-path", "returnPath")):
        if name in by_name:
            found[key] = by_name[name]
    return found


def to_json(sent: Sent) -> dict[str, Any]:
    """A message as a JSON object."""
    found = {**sent.__dict__, "raw": b64encode(sent.raw).decode(), "at": sent.at.isoformat()}
    return {**found, "tags": {name: list(values) for name, values in sent.tags.items()}}


def from_json(found: Mapping[str, Any]) -> Sent:
    """The message that `to_json` wrote."""
    return Sent(
        **{
            **found,
            "raw": b64decode(found["raw"]),
            "at": datetime.fromisoformat(found["at"]),
            "recipients": tuple(found["recipients"]),
            "headers": tuple((name, value) for name, value in found["headers"]),
            "untracked": tuple(found["untracked"]),
        }
    )
