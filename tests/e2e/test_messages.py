"""Mail from the receipt rule to entities in the table, through scanner and structuring function, IAM enforced; in their order."""

from __future__ import annotations

from functools import partial
from typing import Any

import jsonschema
import pytest
from botocore.exceptions import ClientError

from emulator.definitions import publish
from mailroom.events.form import schema_of
from mailroom.events.inbound import MessageReceived
from mailroom.store import MessageReader, Objects, Table
from tests.e2e.bus import Bus
from tests.e2e.conftest import REGION, Platform
from tests.e2e.test_scanning import eventually
from tests.mailroom.clamav import MARKER, TEST_DEFINITIONS
from tests.mailroom.scanning.hiding import HARMLESS, HIDDEN, encoded, mixed
from tests.mailroom.store.conftest import everything, mail

TENANTS: list[dict[str, Any]] = [
    {
        "id": "acme",
        "subdomain": "post.acme.example",
        "addresses": ["support", "sales"],
        "removal": "destroy",
        "retention": {"messages_days": 30},
    },
    {"id": "globex", "subdomain": "post.globex.example", "dns": "self-managed", "catch_all": True},
]


class Mailroom:
    """Two deployed tenants, and what others hear of their mail."""

    def __init__(self, platform: Platform, outputs: dict[str, dict[str, str]]) -> None:
        self.platform = platform
        self.outputs = {name: outputs[f"Tenant-{name}"] for name in ("acme", "globex")}
        self.bus = Bus(platform)
        publish(platform.client("s3"), outputs["Cell-eu"]["DefinitionsBucketName"], TEST_DEFINITIONS)

    def receive(self, tenant: str, raw: bytes) -> str:
        """Mail to the tenant's support address; returns SES's id of it."""
        receipt = self.platform.emulator.receive(raw, [f"support@post.{tenant}.example"], REGION)
        (stored,) = receipt.objects
        return stored.key.removeprefix("raw/")

    def reader(self, tenant: str) -> MessageReader:
        """An application's reader."""
        made = self.outputs[tenant]
        return MessageReader(
            table=Table(client=self.platform.client("dynamodb"), name=made["MessagesTableName"]),
            objects=Objects(client=self.platform.client("s3"), bucket=made["BucketName"]),
        )

    def event_of(self, ses_id: str) -> dict[str, Any]:
        """The event of one delivery."""
        return self.bus.of_delivery(ses_id)


@pytest.fixture(scope="module")
def mailroom(platform: Platform) -> Mailroom:
    """Deployed, with definitions."""
    config = str(platform.write_config(TENANTS))
    return Mailroom(platform, platform.json("deploy", "--all", "--yes", "--config", config)["outputs"])


def test_mail_becomes_an_entity(mailroom: Mailroom) -> None:
    """With its attachment, its thread, and an event that others can rely on."""
    ses_id = mailroom.receive("acme", HARMLESS["attachment"])
    event = mailroom.event_of(ses_id)
    assert (event["source"], event["detail-type"]) == ("email-subdomains", "MessageReceived")
    jsonschema.validate(event["detail"], schema_of(MessageReceived), format_checker=jsonschema.FormatChecker())
    assert (event["detail"]["tenant"], event["detail"]["verdict"], event["detail"]["first"]) == ("acme", "clean", True)
    reader = mailroom.reader("acme")
    stored = reader.message(event["detail"]["message"])
    assert stored is not None
    assert stored.content.envelope.recipients == ("support@post.acme.example",)
    (attachment,) = stored.content.attachments
    body = reader.open_attachment(stored.content, attachment).read()
    assert (len(body), attachment.filename) == (attachment.size, "invoice.bin")
    assert [one.thread for one in reader.threads().items] == [stored.thread]
    (found,) = reader.by_address("support@post.acme.example").items
    assert found.digest == stored.summary.digest
    (delivery,) = stored.deliveries
    assert reader.open_source(delivery).read().endswith(HARMLESS["attachment"])


def test_what_was_flagged_is_told(platform: Platform, mailroom: Mailroom) -> None:
    """Active content that a tenant does not strip stands in the event, in the message and in what operators see."""
    page = b"<!DOCTYPE html><html><script>a()</script></html>"
    event = mailroom.event_of(mailroom.receive("acme", mixed(encoded(page, "form.html"))))
    assert (event["detail"]["verdict"], event["detail"]["risks"]) == ("clean", ["web-scripts"]), event["detail"]
    name = event["detail"]["message"]
    config = ("--config", str(platform.write_config(TENANTS)))
    (shown,) = platform.json("messages", "acme", "--message", name, *config)["messages"]
    assert [one["risks"] for one in shown["deliveries"]] == [["web-scripts"]]
    done = platform.email_stack("messages", "acme", "--message", name, *config)
    assert "risks: web-scripts" in done.stdout


def test_what_was_removed_is_in_no_entity(mailroom: Mailroom) -> None:
    """Of an infected message, the rest and a notice."""
    event = mailroom.event_of(mailroom.receive("acme", HIDDEN["attachment"]))
    assert event["detail"]["verdict"] == "infected"
    reader = mailroom.reader("acme")
    stored = reader.message(event["detail"]["message"])
    assert stored is not None
    assert [one.verdict for one in stored.deliveries] == ["infected"]
    (notice,) = stored.content.attachments
    assert notice.filename == "removed-attachment.txt"
    assert MARKER not in reader.open_attachment(stored.content, notice).read()


def test_conversation_out_of_order_and_twice(mailroom: Mailroom) -> None:
    """Answers before what they answer, and each delivery offered twice, are one thread of each message once."""
    names = {"c": ("a", "b"), "b": ("a",), "a": ()}
    ids = [
        mailroom.receive("globex", mail(name, *ancestors, minute=len(ancestors))) for name, ancestors in names.items()
    ]
    ids += [mailroom.receive("globex", mail("b", "a", minute=1))]
    for ses_id in ids:
        mailroom.event_of(ses_id)
    reader = mailroom.reader("globex")
    (thread,) = reader.threads().items
    shown = everything(reader.thread, thread.thread)
    assert [one.message_id.partition("@")[0] for one in shown] == ["a", "b", "c"]
    assert (thread.messages, thread.subject) == (3, "About a")
    (again,) = reader.by_message_id("b@example.net")
    stored = reader.message(again)
    assert stored is not None
    assert len(stored.deliveries) == 2


def test_tenants_share_nothing(mailroom: Mailroom) -> None:
    """The same message to another tenant joins none of the first one's threads."""
    mailroom.event_of(mailroom.receive("acme", mail("d", "a", minute=5)))
    assert {one.subject for one in mailroom.reader("acme").threads().items} >= {"Re: About d"}
    assert {one.subject for one in mailroom.reader("globex").threads().items} == {"About a"}


def test_operators_see_the_mail(platform: Platform, mailroom: Mailroom) -> None:
    """`email-stack messages`: threads, page by page; one thread as a tree; one message, by either of its names; one address."""
    config = ["--config", str(platform.write_config(TENANTS))]
    first = platform.json("messages", "acme", "--limit", "1", *config)
    second = platform.json("messages", "acme", "--limit", "100", "--after", first["next"], *config)
    listed = [*first["items"], *second["items"]]
    assert (len(first["items"]), second["next"]) == (1, "")
    assert [one["thread"] for one in listed] == [one.thread for one in mailroom.reader("acme").threads().items]
    (thread,) = platform.json("messages", "globex", *config)["items"]
    tree = platform.json("messages", "globex", "--thread", thread["thread"], *config)["messages"]
    assert [(one["subject"], one["depth"]) for one in tree] == [("About a", 0), ("Re: About b", 1), ("Re: About c", 2)]
    for name in ("<b@example.net>", "b@example.net", tree[1]["message"]):
        (shown,) = platform.json("messages", "globex", "--message", name, *config)["messages"]
        assert (shown["digest"], shown["thread"], shown["text"]) == (
            tree[1]["message"],
            thread["thread"],
            "This is b.\n",
        )
        assert len(shown["deliveries"]) == 2
    found = platform.json("messages", "globex", "--address", "anna@example.net", *config)["items"]
    assert [one["subject"] for one in found] == ["Re: About c", "Re: About b", "About a"]


def test_operators_read_the_mail(platform: Platform, mailroom: Mailroom) -> None:
    """The same for people, with what to ask next; a name that leads nowhere is told, and what would."""
    config = ["--config", str(platform.write_config(TENANTS))]

    def read(*arguments: str, code: int = 0) -> str:
        done = platform.email_stack("messages", "globex", *arguments, *config)
        assert done.returncode == code, f"{done.stdout}\n{done.stderr}"
        return done.stdout if code == 0 else done.stderr

    (thread,) = mailroom.reader("globex").threads().items
    listed = read()
    assert "2026-11-23 09:02  About a  3 messages\n  anna@example.net\n" in listed
    assert f"  thread {thread.thread}\n" in listed
    tree = read("--thread", thread.thread, "--limit", "2")
    assert "\n    2026-11-23 09:01  Anna <anna@example.net>  Re: About b\n      This is b.\n" in tree
    assert "\nmore: --after " in tree
    shown = read("--message", "c@example.net")
    assert f"thread  {thread.thread}\nFrom: Anna <anna@example.net>\nTo: support@post.acme.example\n" in shown
    assert shown.endswith("\nThis is c.\n\n")
    assert 'tenant "globex": has no message x; `email-stack messages globex --thread NAME`' in read(
        "--message", "x", code=1
    )
    assert 'tenant "globex": has no thread y; `email-stack messages globex` lists names' in read(
        "--thread", "y", code=1
    )
    assert "after must be the `next` of a page" in " ".join(read("--after", "x", code=2).split())
    assert "at most" in read("--thread", "y", "--message", "x", code=2)


def test_nobody_else_writes_attachments(platform: Platform, mailroom: Mailroom) -> None:
    """Not the account's administrator: what is opened as an attachment was in mail that was scanned."""
    s3 = platform.administrator("s3")
    for key in ("attachments/forged/1", "bodies/forged.json"):
        with pytest.raises(ClientError, match="AccessDenied"):
            s3.put_object(Bucket=mailroom.outputs["acme"]["BucketName"], Key=key, Body=b"not scanned")


def test_table_is_kept_as_it_should_be(platform: Platform, mailroom: Mailroom) -> None:
    """On demand, recoverable, encrypted; nobody's to delete unless the tenant's data may go; items expire."""
    dynamodb = platform.client("dynamodb")
    with pytest.raises(ClientError, match="AccessDenied"):
        platform.administrator("dynamodb").delete_table(TableName=mailroom.outputs["globex"]["MessagesTableName"])
    for tenant in ("acme", "globex"):
        name = mailroom.outputs[tenant]["MessagesTableName"]
        table = dynamodb.describe_table(TableName=name)["Table"]
        assert table["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
        assert table["SSEDescription"]["Status"] == "ENABLED"
        backups = dynamodb.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
        assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"
        assert dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]["AttributeName"] == "expires"
    items = dynamodb.scan(TableName=mailroom.outputs["acme"]["MessagesTableName"])["Items"]
    assert {item["pk"]["S"] for item in items if "expires" not in item} == {"ADDRESSES"}


def test_each_tenant_has_all_its_recipients(platform: Platform, mailroom: Mailroom) -> None:
    """One transaction to two addresses of one tenant, one of them only Bcc, and to a second tenant, by SES's notifications."""
    own = {
        "acme": ["support@post.acme.example", "sales@post.acme.example"],
        "globex": ["anybody@post.globex.example"],
    }
    receipt = platform.emulator.receive(mail("bcc"), [*own["acme"], *own["globex"]], REGION)
    assert (receipt.failures, len(receipt.objects)) == ((), 2)
    config = ("--config", str(platform.write_config(TENANTS)))
    for tenant, other in (("acme", "globex"), ("globex", "acme")):
        found = eventually(partial(_filed_for, mailroom.reader(tenant), own[tenant]))
        for address in own[tenant]:
            listed = platform.json("messages", tenant, "--address", address, *config)["items"]
            assert found in [one["message"] for one in listed]
        (whole,) = platform.json("messages", tenant, "--message", found, *config)["messages"]
        assert [sorted(one["recipients"]) for one in whole["deliveries"]] == [sorted(own[tenant])]
        # The header names support@ for everybody; the others are Bcc.
        assert not [one for one in own[other][-1:] if one in str(whole)]
    assert mailroom.bus.hears("MessageReceived", tenant="acme", delivery=receipt.message_id)
    assert "@" not in mailroom.bus.everything()


def _filed_for(reader: MessageReader, wanted: list[str]) -> str | None:
    """Digest of the message, once its delivery has these recipients."""
    for digest in reader.by_message_id("bcc@example.net"):
        stored = reader.message(digest)
        if stored is not None and {*stored.deliveries[0].recipients} == {*wanted}:
            return digest
    return None
