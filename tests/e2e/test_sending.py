"""Mail that a tenant sends: through the scanner, SES and the tracking rule, IAM enforced; in their order."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from mailroom.messages import Address, parse
from mailroom.outbox import OutboxState, Outgoing, OutgoingFile
from mailroom.tracking import SendingEventKind
from tests.e2e.bus import Bus
from tests.e2e.conftest import REGION, Platform
from tests.e2e.senders import Tenant
from tests.e2e.test_scanning import eventually
from tests.e2e.traces import keys_of_events, logged, waiting
from tests.mailroom.scanning.hiding import PAYLOAD, archive
from tests.mailroom.scanning.test_delivery import encrypted
from tests.mailroom.store.conftest import mail
from tests.mailroom.tracking.documented import DETAIL_TYPES, PERSONAL, documented

TENANTS: list[dict[str, Any]] = [
    {
        "id": "acme",
        "subdomain": "post.acme.example",
        "addresses": ["support", {"local_part": "inbox", "send": False}],
    },
    {"id": "globex", "subdomain": "post.globex.example", "addresses": ["support"]},
]
SUPPORT = Address("support@post.acme.example", "Acme")
ANNA = Address("anna@example.net", "Anna")


@pytest.fixture(scope="module")
def outputs(platform: Platform) -> dict[str, dict[str, str]]:
    """Of the deployed stacks."""
    config = str(platform.write_config(TENANTS))
    deployed: dict[str, dict[str, str]] = platform.json("deploy", "--all", "--yes", "--config", config)["outputs"]
    return deployed


@pytest.fixture(scope="module")
def tenant(platform: Platform, outputs: dict[str, dict[str, str]]) -> Tenant:
    """Deployed, with definitions."""
    return Tenant(platform, outputs)


@pytest.fixture(scope="module")
def other(platform: Platform, outputs: dict[str, dict[str, str]]) -> Tenant:
    """Another one of the same cell."""
    return Tenant(platform, outputs, "globex")


@pytest.fixture(scope="module")
def bus(platform: Platform) -> Bus:
    """Events of all that these tests send."""
    return Bus(platform)


def test_message_is_sent_and_answered_in_one_thread(platform: Platform, tenant: Tenant, bus: Bus) -> None:
    """Scanned, sent with SES's id, filed; the answer that refers to it joins; the bus has that it was sent and delivered."""
    file = OutgoingFile(filename="offer.txt", content_type="text/plain", data=b"Five euros.")
    begun = tenant.outbox.send(
        Outgoing(sender=SUPPORT, to=(ANNA,), subject="Offer", text="See the file.\n", attachments=(file,)),
        key="offer-1",
    )
    done = tenant.outbox.wait(begun.id, seconds=60)
    assert done is not None
    assert (done.state, done.reason) == (OutboxState.SENT, "")
    identifier = f"{done.ses_id}@{REGION}.amazonses.com"
    (digest,) = eventually(lambda: tenant.reader.by_message_id(identifier) or None)
    sent = tenant.reader.message(digest)
    assert sent is not None
    assert sent.summary.sent
    assert [one.filename for one in sent.content.attachments] == ["offer.txt"]
    answer = mail("answer").replace(b"Message-ID:", f"In-Reply-To: <{identifier}>\r\nMessage-ID:".encode())
    platform.emulator.receive(answer, ["support@post.acme.example"], REGION)
    (answered,) = eventually(lambda: tenant.reader.by_message_id("answer@example.net") or None)
    found = tenant.reader.message(answered)
    assert found is not None
    assert found.thread == sent.thread
    # As SES itself tells it.
    told = eventually(lambda: noted if len(noted := tenant.reader.sending_events(done.ses_id).items) > 1 else None)
    assert [one.kind for one in told] == [SendingEventKind.SEND, SendingEventKind.DELIVERY]
    (taken,) = [one for one in platform.emulator.sent(REGION) if one.message_id == done.ses_id]
    assert (taken.recipients, taken.tenant) == ((ANNA.address,), "acme")
    assert taken.configuration_set == tenant.made["ConfigurationSetName"]
    (event,) = bus.hears("MessageSent", outbox=begun.id)
    assert (
        event.items() >= {"tenant": "acme", "delivery": done.ses_id, "message": digest, "thread": sent.thread}.items()
    )
    for kind in ("Send", "Delivery"):
        bus.hears("MessageTracked", kind=kind, delivery=done.ses_id, outbox=begun.id, tenant="acme")


def test_sensitive_message_is_not_tracked(platform: Platform, tenant: Tenant) -> None:
    """No image and no link of SES's, where another message of the same tenant has both; its delivery is reported."""
    html = '<p>Your code: <a href="https://acme.example/code">4711</a></p>'
    for tracking in (False, True):
        begun = tenant.outbox.send(
            Outgoing(sender=SUPPORT, to=(ANNA,), subject="Code", html=html, tracking=tracking),
            key=f"code, tracking {tracking}",
        )
        done = tenant.outbox.wait(begun.id, seconds=60)
        assert done is not None
        (taken,) = [one for one in platform.emulator.sent(REGION) if one.message_id == done.ses_id]
        read = parse(taken.raw).html
        assert ("awstrack.me/I0/" in read, "awstrack.me/L0/" in read) == (tracking, tracking)
        assert taken.configuration_set == tenant.made["ConfigurationSetName"]
        assert platform.emulator.report(done.ses_id, "Open", REGION) == int(tracking)
        events = partial(tenant.reader.sending_events, done.ses_id)
        eventually(lambda: SendingEventKind.DELIVERY in {one.kind for one in events().items} or None)  # noqa: B023 - called at once


def test_malware_is_not_sent(tenant: Tenant, bus: Bus) -> None:
    """The message goes whole, or not at all; the bus has which file and which rule."""
    file = OutgoingFile(filename="offer.bin", content_type="application/octet-stream", data=PAYLOAD)
    begun = tenant.outbox.send(Outgoing(sender=SUPPORT, to=(ANNA,), text="See.\n", attachments=(file,)), key="offer-2")
    done = tenant.outbox.wait(begun.id, seconds=60)
    assert done is not None
    assert (done.state, done.reason) == (OutboxState.REFUSED, "scan")
    (event,) = bus.hears("MessageRefused", outbox=begun.id, tenant="acme", reason="scan")
    assert event["explanation"] == done.explanation
    assert event["explanation"].startswith("attachment 1: infected")


def test_what_the_policy_holds_is_said_to_be_held(tenant: Tenant) -> None:
    """The scanner's notice comes to the function by the rights that both have."""
    locked = encrypted(archive(b"secret"))
    file = OutgoingFile(filename="offer.zip", content_type="application/zip", data=locked)
    begun = tenant.outbox.send(Outgoing(sender=SUPPORT, to=(ANNA,), text="See.\n", attachments=(file,)), key="offer-3")
    done = tenant.outbox.wait(begun.id, seconds=60)
    assert done is not None
    assert (done.state, done.reason) == (OutboxState.HELD, "")


@pytest.mark.parametrize(
    "address", ["inbox@post.acme.example", "sales@post.acme.example", "support@post.globex.example"]
)
def test_undesignated_addresses_do_not_send(tenant: Tenant, address: str) -> None:
    """IAM refuses what the function may not."""
    begun = tenant.outbox.send(Outgoing(sender=Address(address), to=(ANNA,), text="x\n"), key=f"from {address}")
    done = tenant.outbox.wait(begun.id, seconds=60)
    assert done is not None
    assert done.state is OutboxState.REFUSED
    assert done.reason in {"AccessDenied", "AccessDeniedException"}


LINK = 'https://shop.example/?order=5&q="a|b\\c"'


def test_what_became_of_it_is_known_and_nothing_of_anybody(platform: Platform, tenant: Tenant, bus: Bus) -> None:
    """Every kind of event that SES documents, through the deployed rule, queue and function, to table and bus: event, time, link.

    What a person could be known by is in no item, no queue, no dead letter, no log and no event that others get.
    """
    ses_id = "0107019a-7f3e4b5c-000000"
    own = tenant.made["ConfigurationSetName"]
    for number, kind in enumerate(SendingEventKind):
        at = f"2026-11-23T10:00:{number:02}.125Z"
        detail = documented(kind, ses_id, own, at, LINK)
        assert platform.emulator.publish(DETAIL_TYPES[kind], detail, REGION) == 1
    eventually(lambda: len(tenant.reader.sending_events(ses_id).items) == len(SendingEventKind) or None)
    found = tenant.reader.sending_events(ses_id).items
    assert {one.kind for one in found} == set(SendingEventKind)
    assert {one.link for one in found} == {"", LINK}
    assert [one.at.microsecond for one in found if one.kind is SendingEventKind.OPEN] == [125_000]
    kept = json.dumps(
        [
            item
            for item in platform.client("dynamodb").scan(TableName=tenant.made["MessagesTableName"])["Items"]
            if item["pk"]["S"] == f"SENT#{ses_id}"
        ]
    )
    assert kept.count('"kind"') == len(SendingEventKind)
    told = bus.hears("MessageTracked", len(SendingEventKind), delivery=ses_id)
    assert {one["kind"] for one in told} == {kind.value for kind in SendingEventKind}
    assert {one["link"] for one in told if one["kind"] == "Click"} == {LINK}
    seen = [kept, bus.everything(), *waiting(platform), *logged(platform)]
    assert [word for word in PERSONAL for text in seen if word in text] == []


def test_event_ends_at_the_tenant_that_ses_named(platform: Platform, tenant: Tenant, other: Tenant) -> None:
    """A registry that names a tenant's table opens it to nobody: the table lets in no session for another configuration set.

    Tags that a sender may write change nothing: the event of a tenant's own set goes its own way.
    """
    ssm, ses = platform.client("ssm"), platform.client("sesv2")
    own = tenant.made["ConfigurationSetName"]
    entry = json.loads(ssm.get_parameter(Name=f"/email-cell-eu/configuration-sets/{own}")["Parameter"]["Value"])
    assert (entry["tenant"], entry["table"]) == ("acme", tenant.made["MessagesTableName"])
    ses.create_configuration_set(ConfigurationSetName="foreign")
    ses.create_configuration_set_event_destination(
        ConfigurationSetName="foreign",
        EventDestinationName="events",
        EventDestination={
            "Enabled": True,
            "MatchingEventTypes": ["OPEN"],
            "EventBridgeDestination": {"EventBusArn": f"arn:aws:events:{REGION}:000000000000:event-bus/default"},
        },
    )
    ssm.put_parameter(
        Name="/email-cell-eu/configuration-sets/foreign", Value=json.dumps({**entry, "tenant": "forged"}), Type="String"
    )
    first, second = "0107019a-aaaaaaaa-000000", "0107019a-bbbbbbbb-000000"
    forged, mine = (
        documented(SendingEventKind.OPEN, ses_id, of, "2026-11-23T10:00:00.125Z", LINK)
        for ses_id, of in ((first, "foreign"), (second, own))
    )
    forged["mail"]["tags"] |= {"configuration-set": [own], "tenant": ["acme"]}
    mine["mail"]["tags"] |= {"configuration-set": [other.made["ConfigurationSetName"]], "tenant": ["globex"]}
    for detail in (forged, mine):
        assert platform.emulator.publish(DETAIL_TYPES[SendingEventKind.OPEN], detail, REGION) == 1
    (refused, *_) = eventually(lambda: [one for one in logged(platform) if "tenant forged" in one] or None)
    assert "AccessDenied" in refused
    eventually(lambda: keys_of_events(platform, tenant, second) or None)
    assert keys_of_events(platform, other, second) == keys_of_events(platform, tenant, first) == []


def test_operators_see_what_became_of_it(platform: Platform, tenant: Tenant) -> None:
    """`email-stack messages --sent`."""
    config = ["--config", str(platform.write_config(TENANTS))]
    listed = platform.json("messages", "acme", "--sent", "0107019a-7f3e4b5c-000000", *config)["items"]
    assert {one["event"] for one in listed} == {kind.value for kind in SendingEventKind}
    shown = platform.email_stack("messages", "acme", "--sent", "0107019a-7f3e4b5c-000000", *config).stdout
    assert f"2026-11-23 10:00:09  Click  {LINK}" in shown
    assert tenant.outbox.progress("none") is None


BOUNCES = "bounce+7@simulator.amazonses.com"


def test_bounce_speaks_against_the_address(platform: Platform, tenant: Tenant, bus: Bus) -> None:
    """SES's own mailbox that bounces: the event names nobody, the outbox knows whom it was sent to, and a digest is kept."""
    begun = tenant.outbox.send(Outgoing(sender=SUPPORT, to=(Address(BOUNCES),), text="x\n"), key="bounce")
    done = tenant.outbox.wait(begun.id, seconds=60)
    assert done is not None
    assert done.state is OutboxState.SENT
    # The event may come before the outbox wrote down whom it went to: the queue brings it again after 90 seconds.
    found = eventually(lambda: tenant.reader.suppression(BOUNCES), seconds=150)
    assert found.bounced is not None
    assert (found.address, found.complained) == ("", None)
    (digest,) = tenant.reader.by_message_id(f"{done.ses_id}@{REGION}.amazonses.com")
    # Events come in any order; those of one millisecond stand in any.
    sent = eventually(
        lambda: one if (one := tenant.reader.message(digest)) is not None and len(one.sending_events) == 2 else None
    )
    assert {one.kind for one in sent.sending_events} == {SendingEventKind.SEND, SendingEventKind.BOUNCE}
    bus.hears("MessageTracked", kind="Bounce", delivery=done.ses_id, outbox=begun.id)
    assert "bounce+7" not in bus.everything()
    config = ["--config", str(platform.write_config(TENANTS))]
    asked = platform.email_stack("suppressions", "acme", "--address", BOUNCES, *config)
    assert (asked.returncode, asked.stdout.startswith(f"{BOUNCES}  bounced 20")) == (6, True)
    assert platform.email_stack("suppressions", "acme", "--address", ANNA.address, *config).stdout == "none\n"
    (listed,) = platform.json("suppressions", "acme", *config)["items"]
    assert (listed["digest"], listed["address"]) == (found.digest, "")


CARL = Address("Carl@example.net")
SENT, BOUNCED, DELIVERED = SendingEventKind.SEND, SendingEventKind.BOUNCE, SendingEventKind.DELIVERY


def test_whom_one_tenant_lost_the_other_reaches(platform: Platform, tenant: Tenant, other: Tenant) -> None:
    """A complaint against one is on its own lists alone: the other's first mail is delivered, and it learns of nothing.

    What SES does not send since the address is on its list is no new bounce; what is let go again is sent again.
    """
    assert tenant.told("carl-1", CARL)[0] == (DELIVERED, "")
    assert platform.emulator.report(tenant.last, "Complaint", REGION) == 1
    complained = eventually(lambda: tenant.reader.suppression(CARL.address), seconds=150)
    assert other.told("carl-2", CARL) == [(DELIVERED, ""), (SENT, "")]
    assert other.reader.suppressions().items == ()
    assert tenant.told("carl-3", CARL) == [(BOUNCED, "OnTenantSuppressionList"), (SENT, "")]
    assert tenant.reader.suppression(CARL.address) == complained
    assert complained.bounced is None

    config = ["--config", str(platform.write_config(TENANTS))]
    shown = platform.email_stack("suppressions", "acme", "--remove", "carl@EXAMPLE.net", *config).stdout
    assert shown.startswith("Carl@example.net  on SES's list: complaint\ncarl@EXAMPLE.net  noted: complained 20")
    assert "nothing was removed" in shown
    assert tenant.reader.suppression(CARL.address) is not None
    foreign = platform.json("suppressions", "globex", "--remove", CARL.address, "--yes", *config)
    assert foreign == {"ok": True, "removed": False, "ses": [], "noted": None}
    removed = platform.json("suppressions", "acme", "--remove", "carl@example.net", "--yes", *config)
    assert (removed["removed"], removed["ses"]) == (True, [{"address": CARL.address, "reason": "COMPLAINT"}])
    assert removed["noted"]["digest"] == complained.digest
    assert tenant.reader.suppression(CARL.address) is None
    assert tenant.told("carl-4", CARL) == [(DELIVERED, ""), (SENT, "")]


def test_operators_send_a_test(platform: Platform) -> None:
    """`email-stack send-test`: from the first address that may, with its name; not from another, and not to nobody."""
    config = ["--config", str(platform.write_config(TENANTS))]
    done = platform.json("send-test", "acme", "--to", "anna@example.net", *config)
    assert (done["ok"], done["state"], done["reason"]) == (True, "sent", "")
    shown = platform.email_stack("send-test", "acme", "--to", "anna@example.net", *config)
    assert (shown.returncode, "acme: sent; `email-stack messages acme --sent 0107" in shown.stdout) == (0, True)
    refused = platform.email_stack("send-test", "acme", "--to", "a", "--from", "inbox@post.acme.example", *config)
    assert refused.returncode == 1
    assert "inbox@post.acme.example may not send; use one of support@post.acme.example" in refused.stderr
    nobody = platform.email_stack("send-test", "acme", "--to", "nobody", *config)
    assert nobody.returncode == 1
    assert "to 1: must be an address" in nobody.stderr


def test_applications_ask_who_may_send_and_receive(platform: Platform, tenant: Tenant) -> None:
    """Each deployment writes the book; one that changes an address changes it there."""
    book = eventually(tenant.reader.address_book)
    assert [(one.address.partition("@")[0], one.name, one.sends, one.receives) for one in book.addresses] == [
        ("postmaster", "", False, True),
        ("abuse", "", False, True),
        ("support", "", True, True),
        ("inbox", "", False, True),
    ]
    named = [{"local_part": "support", "display_name": "Acme <Hilfe> ü"}, {"local_part": "news", "receive": False}]
    links = {"redirect_domain": f"links.{SUPPORT.address.partition('@')[2]}", "clicks": False}
    config = platform.write_config([{**TENANTS[0], "addresses": named, "tracking": links}])
    platform.json("deploy", "acme", "--yes", "--config", str(config))
    later = eventually(
        lambda: found if (found := tenant.reader.address_book()) and found.may_send("news@post.acme.example") else None
    )
    assert [(one.address.partition("@")[0], one.name) for one in later.senders] == [
        ("support", "Acme <Hilfe> ü"),
        ("news", ""),
    ]
    assert not later.may_receive("inbox@post.acme.example")
    assert book.written is not None
    assert later.written is not None
    assert book.written < later.written


def test_image_for_opens_is_the_tenants_own(platform: Platform, tenant: Tenant) -> None:
    """The redirect domain of the deployment before: the image for opens comes from it, and the tenant's zone has its record.

    Clicks are off with it: SES is not asked for them, leaves links alone, and tells of none.
    """
    name, own = tenant.made["ConfigurationSetName"], "links.post.acme.example"
    described = platform.client("sesv2").get_configuration_set(ConfigurationSetName=name)
    assert described["TrackingOptions"]["CustomRedirectDomain"] == own
    records = platform.client("route53").list_resource_record_sets(HostedZoneId=tenant.made["HostedZoneId"])
    (record,) = [one for one in records["ResourceRecordSets"] if one["Name"] == f"{own}."]
    assert (record["Type"], record["ResourceRecords"]) == ("CNAME", [{"Value": f"r.{REGION}.awstrack.me"}])
    begun = tenant.outbox.send(Outgoing(sender=SUPPORT, to=(ANNA,), text="https://acme.example/\n"), key="links")
    done = tenant.outbox.wait(begun.id, seconds=60)
    assert done is not None
    assert platform.emulator.report(done.ses_id, "Click", REGION, link="https://acme.example/") == 0
    assert platform.emulator.report(done.ses_id, "Open", REGION) == 1
    found = eventually(lambda: one if len(one := tenant.reader.sending_events(done.ses_id).items) == 3 else None)
    assert found[-1].kind is SendingEventKind.OPEN


def test_account_that_may_send_little(platform: Platform, tenant: Tenant) -> None:
    """At one a second, three messages at once are sent all the same; without anything left of the day, one waits and is refused."""
    ses = platform.client("sesv2")
    try:
        platform.emulator.limit_sending(REGION, per_second=1)
        begun = [
            tenant.outbox.send(
                Outgoing(sender=SUPPORT, to=(ANNA,), subject="Little", text=f"{number}\n"), key=f"l-{number}"
            )
            for number in range(3)
        ]
        done = [tenant.outbox.wait(one.id, seconds=90) for one in begun]
        assert [(one.state, one.reason) for one in done if one] == [(OutboxState.SENT, "")] * 3
        platform.emulator.limit_sending(REGION, per_day=ses.get_account()["SendQuota"]["SentLast24Hours"])
        late = tenant.outbox.send(
            Outgoing(sender=SUPPORT, to=(ANNA,), subject="None", text="None.\n"),
            key="none-left",
            deadline=datetime.now(UTC) + timedelta(seconds=14),
        )
        waiting = eventually(lambda: found if (found := tenant.outbox.progress(late.id)) and found.reason else None)
        assert (waiting.state, waiting.reason) == (OutboxState.QUEUED, "quota")
        asked = (
            "send-test",
            "acme",
            "--to",
            ANNA.address,
            "--wait",
            "10",
            "--config",
            str(platform.write_config(TENANTS)),
        )
        shown = platform.email_stack(*asked)
        assert (shown.returncode, "queued: waits for SES: quota: the account sent all " in shown.stdout) == (7, True)
        ended = tenant.outbox.wait(late.id, seconds=90)
        assert ended is not None
        assert (ended.state, ended.reason) == (OutboxState.REFUSED, "quota")
    finally:
        platform.emulator.limit_sending(REGION)
