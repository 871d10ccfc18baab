"""SES's transmitted messages and events, without an emulator."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from emulator.sending import (
    DETAIL_TYPES,
    MATCHING_TYPES,
    MOST_HEADER_BYTES,
    OBJECTS,
    Sent,
    documented_event,
    from_json,
    outcomes,
    to_json,
    transmitted,
)

AT = datetime(2026, 11, 24, 12, 0, 0, 125_999, tzinfo=UTC)
RAW = b"From: Acme <a@acme.example>\r\nTo: Anna <anna@example.net>\r\nSubject: Offer\r\n\r\nHello"
SENT = Sent(
    message_id="01020193-aa-000000",
    raw=RAW,
    sender="a@acme.example",
    recipients=("anna@example.net", "ben@example.net"),
    configuration_set="set",
    tenant="acme",
    at=AT,
    identity_arn="arn:aws:ses:eu-west-1:000000000000:identity/acme.example",
    tags={"ses:configuration-set": ["set"]},
)
READER = {"timestamp", "ipAddress", "userAgent", "isBotEvent"}
FEEDBACK = {"timestamp", "feedbackId"}
FIELDS = {
    "Send": set(),
    "Delivery": {
        "timestamp",
        "processingTimeMillis",
        "recipients",
        "smtpResponse",
        "reportingMTA",
        "remoteMtaIp",
    },
    "Open": READER,
    "Click": READER | {"link", "linkTags"},
    "Bounce": FEEDBACK | {"bounceType", "bounceSubType", "bouncedRecipients", "reportingMTA", "remoteMtaIp"},
    "Complaint": FEEDBACK
    | {"complainedRecipients", "complaintSubType", "userAgent", "complaintFeedbackType", "arrivalDate"},
    "Reject": {"reason"},
    "Rendering Failure": {"templateName", "errorMessage"},
    "DeliveryDelay": {"timestamp", "delayType", "delayedRecipients", "expirationTime", "reportingMTA"},
}
"""Source: SES developer guide, "Contents of event data that Amazon SES publishes to Amazon SNS"."""


def event(kind: str, **details: Any) -> dict[str, Any]:
    """An event two seconds later."""
    return documented_event(kind, SENT, at=AT + timedelta(seconds=2), details=details)


@pytest.mark.parametrize("kind", DETAIL_TYPES)
def test_event_has_the_documented_shape(kind: str) -> None:
    """Type, mail, and one object of the event's own with all of its fields; JSON takes it."""
    found = json.loads(json.dumps(event(kind)))
    assert list(found) == ["eventType", "mail", OBJECTS[kind]]
    assert found["eventType"] == kind
    assert set(found[OBJECTS[kind]]) == FIELDS[kind]
    mail = found["mail"]
    assert (mail["messageId"], mail["timestamp"]) == (SENT.message_id, "2026-11-24T12:00:00.125Z")
    assert (mail["source"], mail["sendingAccountId"]) == ("a@acme.example", "000000000000")
    assert mail["destination"] == list(SENT.recipients)
    assert mail["tags"]["ses:configuration-set"] == ["set"]
    assert ("headers" in mail) is (kind not in {"Rendering Failure", "DeliveryDelay"})
    if "timestamp" in FIELDS[kind]:
        assert found[OBJECTS[kind]]["timestamp"] == "2026-11-24T12:00:02.125Z"


def test_names_of_kinds() -> None:
    """As EventBridge and as event destinations call them."""
    assert DETAIL_TYPES["Complaint"] == "Email Complaint Received"
    assert [MATCHING_TYPES[kind] for kind in ("Open", "Rendering Failure", "DeliveryDelay")] == [
        "OPEN",
        "RENDERING_FAILURE",
        "DELIVERY_DELAY",
    ]


def test_details_replace_what_is_made_up() -> None:
    """Fields of the object are the caller's, and recipients are whom it is about."""
    click = event("Click", link="https://a.example/?q=1", isBotEvent="Likely")["click"]
    assert (click["link"], click["isBotEvent"]) == ("https://a.example/?q=1", "Likely")
    bounce = event("Bounce", recipients=["ben@example.net"], bounceType="Transient")["bounce"]
    assert [one["emailAddress"] for one in bounce["bouncedRecipients"]] == ["ben@example.net"]
    assert bounce["bouncedRecipients"][0]["diagnosticCode"] == "smtp; 550 5.1.1 user unknown"
    assert bounce["bounceType"] == "Transient"
    assert event("Delivery")["delivery"]["processingTimeMillis"] == 2000


@pytest.mark.parametrize(("kind", "details"), [("Opened", {}), ("Open", {"link": "x"}), ("Send", {"timestamp": "x"})])
def test_events_that_ses_does_not_document_are_refused(kind: str, details: dict[str, str]) -> None:
    """A kind, or a field of one."""
    with pytest.raises(ValueError, match="sending event: "):
        event(kind, **details)


def test_headers_are_those_of_the_message() -> None:
    """Each with its value; the common ones in lists of addresses."""
    mail = event("Send")["mail"]
    assert mail["headers"][0] == {"name": "From", "value": "Acme <a@acme.example>"}
    assert mail["headersTruncated"] is False
    assert mail["commonHeaders"] == {
        "messageId": SENT.message_id,
        "from": ["Acme <a@acme.example>"],
        "to": ["Anna <anna@example.net>"],
        "subject": "Offer",
    }


def test_long_headers_are_cut() -> None:
    """Past 10 KB, and the event says so."""
    long = Sent(**{**SENT.__dict__, "headers": (("Subject", "x"), ("X-Long", "y" * MOST_HEADER_BYTES))})
    mail = documented_event("Send", long, at=AT)["mail"]
    assert mail["headersTruncated"] is True
    assert [one["name"] for one in mail["headers"]] == ["Subject"]


@pytest.mark.parametrize(
    ("recipient", "expected"),
    [
        ("anna@example.net", [("Delivery", None)]),
        ("success@simulator.amazonses.com", [("Delivery", None)]),
        ("ooto@simulator.amazonses.com", [("Delivery", None)]),
        ("bounce@simulator.amazonses.com", [("Bounce", None)]),
        ("Bounce+label@simulator.amazonses.com", [("Bounce", None)]),
        ("suppressionlist@simulator.amazonses.com", [("Bounce", "OnAccountSuppressionList")]),
        ("complaint@simulator.amazonses.com", [("Delivery", None), ("Complaint", None)]),
        ("bounce@example.net", [("Delivery", None)]),
    ],
)
def test_mailbox_simulator(recipient: str, expected: list[tuple[str, str | None]]) -> None:
    """Its addresses say what becomes of a message; every other is delivered."""
    found = outcomes([recipient])
    assert [(one.kind, one.details.get("bounceSubType")) for one in found] == expected


def test_recipients_fare_differently() -> None:
    """Who bounces is not delivered to."""
    found = outcomes(["anna@example.net", "bounce@simulator.amazonses.com"])
    assert [(one.kind, one.details["recipients"]) for one in found] == [
        ("Delivery", ["anna@example.net"]),
        ("Bounce", ["bounce@simulator.amazonses.com"]),
    ]


def test_message_id_of_virginia() -> None:
    """us-east-1 is named "email", and the time is UTC."""
    at = AT.astimezone(tz=None)
    found = transmitted(RAW, "id", "us-east-1", at)
    assert found.startswith(b"Message-ID: <id@email.amazonses.com>\r\nDate: Tue, 24 Nov 2026 12:00:00 +0000\r\nFrom: ")


def test_message_without_a_body_is_not_transmitted() -> None:
    """An empty line must be there."""
    with pytest.raises(ValueError, match="no empty line"):
        transmitted(b"From: a@acme.example", "id", "eu-west-1", AT)


def test_a_message_survives_json() -> None:
    """As the emulator hands it out."""
    assert from_json(json.loads(json.dumps(to_json(SENT)))) == SENT
