"""SES's events in the shapes that AWS documents, with something of a person wherever there can be something.

Source: SES developer guide, "Examples of event data that Amazon SES publishes to Amazon EventBridge".
"""

from __future__ import annotations

from typing import Any

from mailroom.tracking import SendingEventKind

__all__ = ["DETAIL_TYPES", "PERSONAL", "documented"]

PERSONAL = (
    "anna@example.net",
    "Anna Muster",
    "support@post.acme.example",
    "192.0.2.17",
    "198.51.100.4",
    "Mozilla/5.0",
    "Your order",
    "mx.example.net",
    "550 5.1.1",
    "AROAEXAMPLE:function",
    "campaign-7",
)
"""Words of the events that must be nowhere behind the rule."""

DETAIL_TYPES = {
    SendingEventKind.SEND: "Email Sent",
    SendingEventKind.DELIVERY: "Email Delivered",
    SendingEventKind.DELIVERY_DELAY: "Email Delivery Delayed",
    SendingEventKind.BOUNCE: "Email Bounced",
    SendingEventKind.SOFT_BOUNCE: "Email Bounced",
    SendingEventKind.COMPLAINT: "Email Complaint Received",
    SendingEventKind.REJECT: "Email Rejected",
    SendingEventKind.RENDERING_FAILURE: "Email Rendering Failed",
    SendingEventKind.OPEN: "Email Opened",
    SendingEventKind.CLICK: "Email Clicked",
}


def documented(kind: SendingEventKind, ses_id: str, configuration_set: str, at: str, link: str = "") -> dict[str, Any]:
    """The detail of one event."""
    reader = {"ipAddress": "192.0.2.17", "userAgent": "Mozilla/5.0 (X11)", "timestamp": at, "isBotEvent": False}
    recipient = {"emailAddress": "anna@example.net"}
    bounce = {
        "timestamp": at,
        "feedbackId": "0107-feedback",
        "reportingMTA": "dsn; a1.smtp-out.amazonses.com",
        "bouncedRecipients": [
            {**recipient, "action": "failed", "status": "5.1.1", "diagnosticCode": "smtp; 550 5.1.1 unknown"}
        ],
    }
    objects: dict[SendingEventKind, tuple[str, dict[str, Any]]] = {
        SendingEventKind.SEND: ("send", {}),
        SendingEventKind.DELIVERY: (
            "delivery",
            {
                "timestamp": at,
                "processingTimeMillis": 512,
                "recipients": ["anna@example.net"],
                "smtpResponse": "250 2.0.0 OK mx.example.net",
                "reportingMTA": "a1.smtp-out.amazonses.com",
                "remoteMtaIp": "198.51.100.4",
            },
        ),
        SendingEventKind.DELIVERY_DELAY: (
            "deliveryDelay",
            {
                "timestamp": at,
                "delayType": "TransientCommunicationFailure",
                "expirationTime": "2026-11-24T10:00:00.000Z",
                "delayedRecipients": [{**recipient, "status": "4.4.1", "diagnosticCode": "smtp; 421 mx.example.net"}],
            },
        ),
        SendingEventKind.BOUNCE: ("bounce", {**bounce, "bounceType": "Permanent", "bounceSubType": "General"}),
        SendingEventKind.SOFT_BOUNCE: ("bounce", {**bounce, "bounceType": "Transient", "bounceSubType": "MailboxFull"}),
        SendingEventKind.COMPLAINT: (
            "complaint",
            {
                "timestamp": at,
                "complainedRecipients": [recipient],
                "feedbackId": "0107-feedback",
                "userAgent": "Mozilla/5.0 feedback",
                "complaintFeedbackType": "abuse",
                "arrivalDate": at,
            },
        ),
        SendingEventKind.REJECT: ("reject", {"reason": "Bad content"}),
        SendingEventKind.RENDERING_FAILURE: (
            "failure",
            {"templateName": "t", "errorMessage": "Attribute 'Anna Muster' is not present"},
        ),
        SendingEventKind.OPEN: ("open", reader),
        SendingEventKind.CLICK: ("click", {**reader, "link": link, "linkTags": {"campaign": ["campaign-7"]}}),
    }
    name, said = objects[kind]
    return {
        "eventType": "Bounce" if kind is SendingEventKind.SOFT_BOUNCE else kind.value,
        "mail": {
            "timestamp": "2026-11-23T09:00:00.000Z",
            "source": "Support <support@post.acme.example>",
            "sourceArn": "arn:aws:ses:eu-central-1:000000000000:identity/post.acme.example",
            "sendingAccountId": "000000000000",
            "messageId": ses_id,
            "destination": ["anna@example.net"],
            "headersTruncated": False,
            "headers": [
                {"name": "From", "value": "Support <support@post.acme.example>"},
                {"name": "To", "value": "Anna Muster <anna@example.net>"},
                {"name": "Subject", "value": "Your order"},
            ],
            "commonHeaders": {
                "from": ["Support <support@post.acme.example>"],
                "to": ["Anna Muster <anna@example.net>"],
                "messageId": ses_id,
                "subject": "Your order",
            },
            "tags": {
                "ses:operation": ["SendEmail"],
                "ses:configuration-set": [configuration_set],
                "ses:source-ip": ["192.0.2.17"],
                "ses:from-domain": ["post.acme.example"],
                "ses:caller-identity": ["AROAEXAMPLE:function"],
                "ses:outgoing-ip": ["198.51.100.4"],
                "campaign": ["campaign-7"],
            },
        },
        name: said,
    }
