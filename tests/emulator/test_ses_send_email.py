"""SES API v2's SendEmail: what is refused, and what is transmitted."""

from __future__ import annotations

import email
import re
import urllib.request
from datetime import UTC, datetime, timedelta
from email.policy import default
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from emulator import Emulator

from .conftest import REGION, Stacks, code_of
from .outgoing import message, send, sender, sent

ACCOUNT = "000000000000"
MESSAGE_ID = re.compile(r"0102[0-9a-f]{12}-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}-000000")


def refused(client: Any, raw: bytes, **more: Any) -> tuple[str, str]:
    """Code and text of SES's answer to a raw message."""
    with pytest.raises(ClientError) as caught:
        send(client, raw, **more)
    return code_of(caught), caught.value.response["Error"]["Message"]


def test_raw_message_is_transmitted_with_ses_own_fields(stacks: Stacks, emulator: Emulator) -> None:
    """Message-ID and Date are SES's, Bcc and fields meant for SES are gone, and the rest is as it was given."""
    domain, name, tenant = sender(stacks, tenant=True)
    raw = message(
        f"Acme <support@{domain}>",
        "Bcc: secret@example.net,\r\n other@example.net",
        "Message-ID: <own@acme.example>",
        "Date: Mon, 1 Jan 2001 00:00:00 +0000",
        "X-SES-MESSAGE-TAGS: campaign=7",
        "X-Folded: one\r\n two",
    )
    ses = stacks.client("sesv2")
    message_id = send(ses, raw, ConfigurationSetName=name, TenantName=tenant)
    assert MESSAGE_ID.fullmatch(message_id)
    found = sent(emulator, message_id)
    assert (found.sender, found.configuration_set, found.tenant) == (f"support@{domain}", name, tenant)
    assert found.recipients == ("anna@example.net", "secret@example.net", "other@example.net")
    read = email.message_from_bytes(found.raw)
    assert read["Message-ID"] == f"<{message_id}@{REGION}.amazonses.com>"
    assert datetime.now(UTC) - parsedate_to_datetime(read["Date"]) < timedelta(minutes=1)
    assert sorted(read.keys()) == ["Date", "From", "Message-ID", "Subject", "To", "X-Folded"]
    assert found.raw.endswith(b"X-Folded: one\r\n two\r\n\r\nHello\r\n")


def test_request_names_sender_and_recipients_before_the_header(stacks: Stacks, emulator: Emulator) -> None:
    """FromEmailAddress and Destination make the envelope; without them the header does."""
    domain, _, _ = sender(stacks)
    found = sent(
        emulator,
        send(
            stacks.client("sesv2"),
            message(f"a@{domain}"),
            FromEmailAddress=f"B <b@{domain}>",
            Destination={"ToAddresses": ["one@example.net"], "BccAddresses": ["Two <two@example.net>"]},
        ),
    )
    assert (found.sender, found.source) == (f"b@{domain}", f"B <b@{domain}>")
    assert found.recipients == ("one@example.net", "two@example.net")
    assert email.message_from_bytes(found.raw)["From"] == f"a@{domain}"


def test_lines_end_in_crlf(stacks: Stacks, emulator: Emulator) -> None:
    """As they travel, whatever they ended in."""
    domain, _, _ = sender(stacks)
    raw = message(f"a@{domain}").replace(b"\r\n", b"\n")
    found = sent(emulator, send(stacks.client("sesv2"), raw)).raw
    assert b"\n" not in found.replace(b"\r\n", b"")


def test_simple_message_is_built(stacks: Stacks, emulator: Emulator) -> None:
    """Text, HTML, headers and files become one message that names no blind copy."""
    domain, _, _ = sender(stacks)
    file = {"FileName": "a.bin", "RawContent": b"\x00\x01", "ContentType": "application/x-own"}
    simple = {
        "Subject": {"Data": "Grüße"},
        "Body": {"Text": {"Data": "plain"}, "Html": {"Data": "<p>rich</p>"}},
        "Headers": [{"Name": "X-Own", "Value": "1"}],
        "Attachments": [file],
    }
    message_id = stacks.client("sesv2").send_email(
        FromEmailAddress=f"a@{domain}",
        Destination={"ToAddresses": ["anna@example.net"], "BccAddresses": ["secret@example.net"]},
        ReplyToAddresses=["answers@example.net"],
        Content={"Simple": simple},
    )["MessageId"]
    found = sent(emulator, message_id)
    read = email.message_from_bytes(found.raw, policy=default)
    assert (read["Subject"], read["X-Own"], read["Reply-To"]) == ("Grüße", "1", "answers@example.net")
    kinds = [part.get_content_type() for part in read.walk() if not part.is_multipart()]
    assert kinds == ["text/plain", "text/html", "application/x-own"]
    assert b"secret@" not in found.raw
    assert found.recipients == ("anna@example.net", "secret@example.net")


def test_template_is_rendered(stacks: Stacks, emulator: Emulator) -> None:
    """A template's parts become the message; one that does not exist is refused."""
    domain, _, _ = sender(stacks)
    ses = stacks.client("sesv2")
    request = {"FromEmailAddress": f"a@{domain}", "Destination": {"ToAddresses": ["anna@example.net"]}}
    inline = {
        "TemplateContent": {"Subject": "Hi {{name}}", "Text": "Dear {{name}}"},
        "TemplateData": '{"name": "Anna"}',
    }
    found = sent(emulator, ses.send_email(Content={"Template": inline}, **request)["MessageId"])
    assert b"Subject: Hi Anna\r\n" in found.raw
    with pytest.raises(ClientError) as caught:
        ses.send_email(Content={"Template": {"TemplateName": "none", "TemplateData": "{}"}}, **request)
    assert code_of(caught) == "NotFoundException"


def test_configuration_set_of_the_identity_counts(stacks: Stacks, emulator: Emulator) -> None:
    """A message that names none is sent with the identity's; one that names one, with that; its header may."""
    domain, name, _ = sender(stacks)
    ses = stacks.client("sesv2")
    assert sent(emulator, send(ses, message(f"a@{domain}"))).configuration_set is None
    named = message(f"a@{domain}", f"X-SES-CONFIGURATION-SET: {name}")
    assert sent(emulator, send(ses, named)).configuration_set == name
    ses.put_email_identity_configuration_set_attributes(EmailIdentity=domain, ConfigurationSetName=name)
    assert sent(emulator, send(ses, message(f"a@sub.{domain}"))).configuration_set == name


@pytest.mark.parametrize(
    ("lines", "more", "text"),
    [
        ([], {"FromEmailAddress": "x@unverified.example"}, "region EU-WEST-1: x@unverified.example"),
        (["Sender: boss@unverified.example"], {}, "region EU-WEST-1: boss@unverified.example"),
        (["Return-Path: <back@unverified.example>"], {}, "region EU-WEST-1: back@unverified.example"),
    ],
)
def test_unverified_sender_is_refused(stacks: Stacks, lines: list[str], more: dict[str, Any], text: str) -> None:
    """From, Sender and Return-Path must be verified, whoever names them."""
    domain, _, _ = sender(stacks)
    code, told = refused(stacks.client("sesv2"), message(f"a@{domain}", *lines), **more)
    assert code == "MessageRejected"
    assert told.startswith("Email address is not verified.")
    assert told.endswith(text)


def test_header_of_another_sender_is_refused(stacks: Stacks) -> None:
    """A verified FromEmailAddress does not cover for the header."""
    domain, _, _ = sender(stacks)
    raw = message("ceo@unverified.example")
    assert refused(stacks.client("sesv2"), raw, FromEmailAddress=f"a@{domain}")[0] == "MessageRejected"


def test_what_does_not_exist_is_refused(stacks: Stacks) -> None:
    """Configuration set and SES tenant must be there."""
    domain, _, _ = sender(stacks)
    ses, raw = stacks.client("sesv2"), message(f"a@{domain}")
    absent = "Configuration set <none> does not exist."
    assert refused(ses, raw, ConfigurationSetName="none") == ("NotFoundException", absent)
    nobody = f"Tenant none for AwsAccountId {ACCOUNT} not found."
    assert refused(ses, raw, TenantName="none") == ("NotFoundException", nobody)


def test_tenant_must_hold_what_is_used(stacks: Stacks) -> None:
    """The identity and the configuration set, both, of this tenant; the answer names each that it does not hold."""
    domain, name, tenant = sender(stacks, tenant=True)
    other_domain, other_name, _ = sender(stacks, tenant=True)
    ses = stacks.client("sesv2")
    own = f"arn:aws:ses:{REGION}:{ACCOUNT}"

    def answer(author: str, configuration_set: str) -> tuple[str, str]:
        return refused(ses, message(f"a@{author}"), ConfigurationSetName=configuration_set, TenantName=tenant)

    text = "Tenant not associated with resources [{}]."
    denied = "AccessDeniedException"
    assert answer(other_domain, name) == (denied, text.format(f"{own}:identity/{other_domain}"))
    assert answer(domain, other_name) == (denied, text.format(f"{own}:configuration-set/{other_name}"))
    both = f"{own}:identity/{other_domain}, {own}:configuration-set/{other_name}"
    assert answer(other_domain, other_name) == (denied, text.format(both))


def test_paused_configuration_set_sends_nothing(stacks: Stacks) -> None:
    """Until sending is enabled again."""
    domain, name, _ = sender(stacks, SendingOptions={"SendingEnabled": False})
    ses, raw = stacks.client("sesv2"), message(f"a@{domain}")
    assert refused(ses, raw, ConfigurationSetName=name)[0] == "SendingPausedException"
    ses.put_configuration_set_sending_options(ConfigurationSetName=name, SendingEnabled=True)
    send(ses, raw, ConfigurationSetName=name)


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (message("", body=""), "Missing required header 'From'."),
        (message("a@{domain}", to=""), "Missing required header 'To'."),
        (b"From: a@{domain}\r\nTo: anna@example.net", "one blank line"),
        (message("a@{domain}", "Subject: again"), "Duplicate header 'Subject'."),
        (message("a@{domain}", to="anna"), "Missing final '@domain'"),
        (message("a@{domain}", to=", ".join(f"u{n}@example.net" for n in range(51))), "Recipient count exceeds 50."),
        (message("a@{domain}", body="x" * 41 * 1024 * 1024), "more than 41943040 bytes"),
    ],
    ids=["no sender", "no recipient", "no body", "twice", "no domain", "51 recipients", "41 MB"],
)
def test_bad_message_is_refused(stacks: Stacks, raw: bytes, text: str) -> None:
    """With BadRequestException and the reason."""
    domain, _, _ = sender(stacks)
    code, told = refused(stacks.client("sesv2"), raw.replace(b"{domain}", domain.encode()))
    assert code == "BadRequestException"
    assert text in told


def test_content_of_no_kind_is_refused(stacks: Stacks) -> None:
    """A request has one kind of content."""
    with pytest.raises(ClientError, match="exactly one of Simple, Raw and Template"):
        stacks.client("sesv2").send_email(Content={})


def test_fifty_recipients_are_taken(stacks: Stacks, emulator: Emulator) -> None:
    """The most that SES takes."""
    domain, _, _ = sender(stacks)
    to = ", ".join(f"u{number}@example.net" for number in range(50))
    assert len(sent(emulator, send(stacks.client("sesv2"), message(f"a@{domain}", to=to))).recipients) == 50


def test_reset_forgets_what_was_sent() -> None:
    """As ministack's own stores are emptied."""
    with Emulator() as running:
        ses = running.client("sesv2", REGION)
        ses.create_email_identity(EmailIdentity="acme.example")
        send(ses, message("a@acme.example"))
        assert len(running.sent(REGION)) == 1
        assert running.sent("eu-central-1") == []
        request = urllib.request.Request(f"{running.endpoint_url}/_ministack/reset", method="POST")
        urllib.request.urlopen(request).close()
        assert running.sent(REGION) == []
