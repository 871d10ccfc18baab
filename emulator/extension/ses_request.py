"""A request of SES API v2's SendEmail: sender, recipients and content, from its parameters and the message's header.

Source: SES API v2 reference, "SendEmail"; SES developer guide, "Using the Amazon SES API to send raw email" and "Specifying a
configuration set when you send email".
"""

from __future__ import annotations

import json
from base64 import b64decode
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import getaddresses, parseaddr
from functools import cached_property
from typing import Any, Final

from emulator import sending
from emulator.extension import upstream

V2 = "services.ses_v2"
PATH = "/v2/email/outbound-emails"
KINDS: Final = ("Simple", "Raw", "Template")
TO, CC, BCC = ("ToAddresses", "CcAddresses", "BccAddresses")


@dataclass(frozen=True)
class Outgoing:
    """A request. `data` is its body."""

    data: dict[str, Any]

    @classmethod
    def of(cls, body: bytes) -> Outgoing:
        """The request with this body; a body that is no JSON object is an empty request."""
        try:
            data = json.loads(body or b"{}")
        except ValueError:
            data = {}
        return cls(data if isinstance(data, dict) else {})

    @cached_property
    def kinds(self) -> list[str]:
        """The given kinds of content."""
        content = self.data.get("Content") or {}
        return [kind for kind in KINDS if content.get(kind)]

    @property
    def is_raw(self) -> bool:
        """Whether the request has a raw message."""
        return self.kinds == ["Raw"]

    @cached_property
    def raw(self) -> bytes:
        """The raw message."""
        return b64decode(self.data["Content"]["Raw"].get("Data") or "") if self.is_raw else b""

    @cached_property
    def header(self) -> list[tuple[str, str]]:
        """Names, in lower case, and values of the raw message's header."""
        return [(name.lower(), value) for name, value in sending.header_fields(self.raw)] if self.is_raw else []

    def values(self, *names: str) -> list[str]:
        """Values of header fields, in the order of `names`."""
        return [value for wanted in names for name, value in self.header if name == wanted]

    @property
    def source(self) -> str:
        """The sender in its original form; empty without one."""
        return str(self.data.get("FromEmailAddress") or next(iter(self.values("from")), ""))

    @property
    def sender(self) -> str:
        """The sender's address."""
        return parseaddr(self.source)[1]

    @property
    def feedback_address(self) -> str:
        """The address for bounces; empty without one."""
        given = self.data.get("FeedbackForwardingEmailAddress") or next(iter(self.values("return-path")), "")
        return parseaddr(str(given))[1]

    @property
    def senders(self) -> list[str]:
        """Every address that must be verified. SES developer guide, "Verified identities"."""
        written = getaddresses([self.source, *self.values("from", "sender")])
        return list(dict.fromkeys(address for _, address in [*written, ("", self.feedback_address)] if address))

    @property
    def recipients(self) -> list[str]:
        """Addresses of the envelope: the request's when it names any, else the header's."""
        destination = self.data.get("Destination") or {}
        named = [one for key in (TO, CC, BCC) for one in destination.get(key) or []]
        return [address for _, address in getaddresses(named or self.values("to", "cc", "bcc"))]

    @property
    def identity(self) -> str:
        """The sending identity: the address if it is one, else the nearest domain that is one, else the address."""
        known = {name.lower(): str(name) for name in upstream.attribute(V2, "_identities")}
        address = self.sender.lower()
        labels = address.rpartition("@")[2].split(".")
        names = [address, *(".".join(labels[start:]) for start in range(len(labels)))]
        return next((known[name] for name in names if name in known), self.sender)

    @property
    def identity_arn(self) -> str:
        """ARN of the identity."""
        return _arn(f"identity/{self.identity}")

    @property
    def configuration_set(self) -> str | None:
        """The configuration set: the request's, the header's, or the identity's own."""
        record = upstream.attribute(V2, "_identities").get(self.identity) or {}
        named = self.data.get("ConfigurationSetName") or next(iter(self.values("x-ses-configuration-set")), "")
        return named or record.get("ConfigurationSetName") or None

    @property
    def resource_arns(self) -> list[str]:
        """ARNs of the identity, and of the configuration set if there is one."""
        name = self.configuration_set
        return [self.identity_arn, *([_arn(f"configuration-set/{name}")] if name else [])]

    @property
    def tenant(self) -> str | None:
        """The SES tenant that it is sent for."""
        return self.data.get("TenantName") or next(iter(self.values("x-ses-tenant")), None)

    @property
    def tags(self) -> dict[str, list[str]]:
        """The request's own tags, and the header's."""
        found = {tag["Name"]: [tag["Value"]] for tag in self.data.get("EmailTags") or []}
        for value in self.values("x-ses-message-tags"):
            pairs = (pair.partition("=") for pair in value.split(","))
            found |= {name.strip(): [text.strip()] for name, equals, text in pairs if equals}
        return found

    @property
    def untracked(self) -> tuple[str, ...]:
        """Kinds of events that the request turns off. SES developer guide, "Using configuration overrides"."""
        said = (self.data.get("ConfigurationOverrides") or {}).get("Tracking") or {}
        return tuple(kind for kind in ("Open", "Click") if said.get(f"{kind}TrackingEnabled") == "DISABLED")

    def built(self, subject: str, text: str, html: str) -> bytes:
        """SES's message of the parts. Blind copies are in the envelope alone."""
        simple = (self.data.get("Content") or {}).get("Simple") or {}
        destination = self.data.get("Destination") or {}
        message = EmailMessage(policy=SMTP)
        message["From"] = self.source
        for name, addresses in (
            ("To", destination.get(TO)),
            ("Cc", destination.get(CC)),
            ("Reply-To", self.data.get("ReplyToAddresses")),
        ):
            if addresses:
                message[name] = ", ".join(addresses)
        message["Subject"] = subject
        for header in simple.get("Headers") or []:
            message[header["Name"]] = header["Value"]
        if text or not html:
            message.set_content(text)
        if html:
            add = message.add_alternative if text else message.set_content
            add(html, subtype="html")
        for file in simple.get("Attachments") or []:
            main, _, sub = (file.get("ContentType") or "application/octet-stream").partition("/")
            message.add_attachment(b64decode(file["RawContent"]), maintype=main, subtype=sub, filename=file["FileName"])
        return message.as_bytes()


def _arn(resource: str) -> str:
    return f"arn:aws:ses:{upstream.region()}:{upstream.account()}:{resource}"
