"""SES's events of messages on EventBridge's default bus."""

from __future__ import annotations

import base64
import email
import json
import quopri
from datetime import UTC, datetime
from email.policy import default
from typing import Any

import pytest

from emulator import Emulator, EmulatorError
from emulator.sending import DETAIL_TYPES, MATCHING_TYPES

from .conftest import REGION, Stacks
from .outgoing import message, send, sender, sent

BUS = f"arn:aws:events:{REGION}:000000000000:event-bus/default"
SIMULATOR = "simulator.amazonses.com"


class Reported:
    """A sender whose events come to a queue."""

    def __init__(self, stacks: Stacks, *kinds: str, enabled: bool = True, tenant: bool = False) -> None:
        self.domain, self.set, self.tenant = sender(stacks, tenant=tenant)
        self.ses, self.sqs = stacks.client("sesv2"), stacks.client("sqs")
        self.queue = self.sqs.create_queue(QueueName=f"{self.set}-events")["QueueUrl"]
        self.ses.create_configuration_set_event_destination(
            ConfigurationSetName=self.set,
            EventDestinationName="bus",
            EventDestination={
                "Enabled": enabled,
                "MatchingEventTypes": list(kinds),
                "EventBridgeDestination": {"EventBusArn": BUS},
            },
        )
        pattern = {"source": ["aws.ses"], "detail": {"mail": {"tags": {"ses:configuration-set": [self.set]}}}}
        events = stacks.client("events")
        events.put_rule(Name=self.set, EventPattern=json.dumps(pattern))
        arn = f"arn:aws:sqs:{REGION}:000000000000:{self.set}-events"
        events.put_targets(Rule=self.set, Targets=[{"Id": "queue", "Arn": arn}])

    def send(self, *recipients: str, **more: Any) -> str:
        """Send to these addresses."""
        raw = message(f"Acme <a@{self.domain}>", to=", ".join(recipients or ["anna@example.net"]))
        return send(self.ses, raw, ConfigurationSetName=self.set, **more)

    def events(self) -> list[dict[str, Any]]:
        """Received events, in order."""
        found: list[dict[str, Any]] = []
        while got := self.sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10).get("Messages"):
            for one in got:
                self.sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=one["ReceiptHandle"])
            found += [json.loads(one["Body"]) for one in got]
        return found

    def kinds(self) -> list[str]:
        """Their kinds."""
        return [one["detail"]["eventType"] for one in self.events()]


def test_message_is_sent_and_delivered(stacks: Stacks) -> None:
    """Two events, as EventBridge delivers AWS's own."""
    reported = Reported(stacks, "SEND", "DELIVERY")
    message_id = reported.send(EmailTags=[{"Name": "campaign", "Value": "7"}])
    first, second = reported.events()
    assert (first["source"], first["detail-type"], second["detail-type"]) == (
        "aws.ses",
        "Email Sent",
        "Email Delivered",
    )
    assert first["resources"] == [f"arn:aws:ses:{REGION}:000000000000:configuration-set/{reported.set}"]
    assert (first["account"], first["region"]) == ("000000000000", REGION)
    mail = first["detail"]["mail"]
    assert mail["messageId"] == second["detail"]["mail"]["messageId"] == message_id
    assert mail["source"] == f"Acme <a@{reported.domain}>"
    assert mail["sourceArn"] == f"arn:aws:ses:{REGION}:000000000000:identity/{reported.domain}"
    assert mail["tags"]["campaign"] == ["7"]
    assert mail["tags"]["ses:from-domain"] == [reported.domain]
    assert second["detail"]["delivery"]["recipients"] == ["anna@example.net"]


@pytest.mark.parametrize(
    ("recipient", "kinds"),
    [
        ("success", ["Send", "Delivery"]),
        ("bounce", ["Send", "Bounce"]),
        ("complaint", ["Send", "Delivery", "Complaint"]),
        ("suppressionlist", ["Send", "Bounce"]),
    ],
)
def test_mailbox_simulator_answers(stacks: Stacks, recipient: str, kinds: list[str]) -> None:
    """Its addresses make the events that they are named after."""
    reported = Reported(stacks, "SEND", "DELIVERY", "BOUNCE", "COMPLAINT")
    reported.send(f"{recipient}@{SIMULATOR}")
    assert reported.kinds() == kinds


def test_only_what_was_asked_for_is_reported(stacks: Stacks, emulator: Emulator) -> None:
    """A destination names its kinds."""
    reported = Reported(stacks, "OPEN")
    message_id = reported.send()
    assert emulator.report(message_id, "Click", REGION) == 0
    assert emulator.report(message_id, "Open", REGION) == 1
    assert reported.kinds() == ["Open"]


HTML = (
    b"Subject: Offer\r\nMIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n"
    b"--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nhttps://a.example/\r\n--b\r\n"
    b"Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: %s\r\n\r\n%s\r\n--b--\r\n"
)
BODY = '<body><a href="https://a.example/?q=1&amp;r=2">Größe</a></body>'
ENCODED = {
    "8bit": BODY.encode(),
    "base64": base64.encodebytes(BODY.encode()).strip(),
    "quoted-printable": quopri.encodestring(BODY.encode()),
}


@pytest.mark.parametrize("encoding", ENCODED)
@pytest.mark.parametrize("off", [(), ("Open",), ("Click",), ("Open", "Click")])
def test_image_and_links_of_tracking(stacks: Stacks, emulator: Emulator, encoding: str, off: tuple[str, ...]) -> None:
    """SES puts an image into the HTML and leads links through itself, unless the request turns it off; the text stays."""
    reported = Reported(stacks, "DELIVERY", "OPEN", "CLICK")
    raw = f"From: a@{reported.domain}\r\nTo: anna@example.net\r\n".encode()
    raw += HTML % (encoding.encode(), ENCODED[encoding])
    tracking = {f"{kind}TrackingEnabled": "DISABLED" for kind in off}
    more: dict[str, Any] = {"ConfigurationOverrides": {"Tracking": tracking}} if off else {}
    message_id = send(reported.ses, raw, ConfigurationSetName=reported.set, **more)
    read = email.message_from_bytes(sent(emulator, message_id).raw, policy=default)
    _, text, html = read.walk()
    shown = html.get_content()
    assert text.get_content().strip() == "https://a.example/"
    assert ("awstrack.me/I0/" in shown, "awstrack.me/L0/" in shown) == ("Open" not in off, "Click" not in off)
    assert ('"https://a.example/?q=1&amp;r=2"' in shown) is ("Click" in off)
    assert "Größe" in shown
    assert reported.kinds() == ["Delivery"]
    for kind in ("Open", "Click"):
        assert emulator.report(message_id, kind, REGION) == (kind not in off)
    assert reported.kinds() == [kind for kind in ("Open", "Click") if kind not in off]


def test_message_without_html_is_not_changed(stacks: Stacks, emulator: Emulator) -> None:
    """Nor one whose configuration set has no destination for opens and clicks."""
    for kinds, body in ((("OPEN", "CLICK"), b"Hello"), (("DELIVERY",), ENCODED["8bit"])):
        reported = Reported(stacks, *kinds)
        kind = b"html" if b"<" in body else b"plain"
        raw = b"From: a@%s\r\nTo: b@example.net\r\nContent-Type: text/%s\r\n\r\n%s" % (
            reported.domain.encode(),
            kind,
            body,
        )
        message_id = send(reported.ses, raw, ConfigurationSetName=reported.set)
        assert sent(emulator, message_id).raw.endswith(b"\r\n\r\n" + body)


def test_destination_that_is_off_gets_nothing(stacks: Stacks) -> None:
    """Until it is enabled."""
    reported = Reported(stacks, "SEND", enabled=False)
    reported.send()
    assert reported.kinds() == []


def test_message_without_a_configuration_set_is_not_reported(stacks: Stacks) -> None:
    """Nobody asked for its events."""
    reported = Reported(stacks, "SEND")
    send(reported.ses, message(f"a@{reported.domain}"))
    assert reported.kinds() == []


def test_every_kind_is_reported(stacks: Stacks, emulator: Emulator) -> None:
    """With EventBridge's name for it, and the fields that were given."""
    reported = Reported(stacks, *MATCHING_TYPES.values())
    message_id = reported.send()
    reported.events()
    at = datetime(2026, 11, 24, 12, tzinfo=UTC)
    for kind in DETAIL_TYPES:
        assert emulator.report(message_id, kind, REGION, at=at) == 1
    found = reported.events()
    assert [(one["detail"]["eventType"], one["detail-type"]) for one in found] == list(DETAIL_TYPES.items())
    assert found[2]["detail"]["open"]["timestamp"] == "2026-11-24T12:00:00.000Z"
    emulator.report(message_id, "Click", REGION, link="https://a.example/", isBotEvent="Likely")
    (click,) = (one["detail"]["click"] for one in reported.events())
    assert (click["link"], click["isBotEvent"]) == ("https://a.example/", "Likely")


def test_event_made_elsewhere_is_published(stacks: Stacks, emulator: Emulator) -> None:
    """To the destinations of the configuration set that its tags name."""
    reported = Reported(stacks, "OPEN")
    detail = {"eventType": "Open", "mail": {"tags": {"ses:configuration-set": [reported.set]}}, "open": {}}
    assert emulator.publish("Email Opened", detail, REGION) == 1
    assert reported.events()[0]["detail"] == detail
    nobody = {**detail, "mail": {"tags": {}}}
    assert emulator.publish("Email Opened", nobody, REGION) == 0
    with pytest.raises(EmulatorError, match="SES has no event Opened"):
        emulator.publish("Opened", detail, REGION)


def test_unknown_message_and_kind_are_refused(stacks: Stacks, emulator: Emulator) -> None:
    """With the reason."""
    message_id = Reported(stacks, "OPEN").send()
    with pytest.raises(EmulatorError, match="no message none was sent in eu-west-1"):
        emulator.report("none", "Open", REGION)
    with pytest.raises(EmulatorError, match=r"no message .* in eu-central-1"):
        emulator.report(message_id, "Open", "eu-central-1")
    with pytest.raises(EmulatorError, match='got "Opened"'):
        emulator.report(message_id, "Opened", REGION)
    with pytest.raises(EmulatorError, match='Open has no field "link"'):
        emulator.report(message_id, "Open", REGION, link="x")
