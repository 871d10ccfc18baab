"""A tenant's quarantine, and the application that decides on what is held in it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace

from mailroom import (
    HeldMail,
    HeldMessage,
    MessageDiscarded,
    MessageHeld,
    MessageReleased,
)
from mailroom.scanning.events import RawObject, raw_objects
from mailroom.scanning.intake import Intake, Outcome
from tests.mailroom.scanning.conftest import Quarantine

FRONT = (
    b"Return-Path: <anna@example.net>\r\n"
    b"Received: from mx.example.net (mx.example.net [192.0.2.1]) by inbound-smtp.eu-central-1.amazonaws.com with SMTP id m1"
    b" for support@post.acme.example; Sat, 28 Nov 2026 12:00:00 +0000 (UTC)\r\n"
)
ENCRYPTED = (
    FRONT + b"From: =?utf-8?q?Anna_M=C3=BCller?= <anna@example.net>\r\nTo: <sales@elsewhere.example>\r\n"
    b"Subject: =?utf-8?q?Vertrag_f=C3=BCr_Sie?=\r\n"
    b"Content-Type: message/partial; id=x; number=1; total=2\r\n\r\nhalf of a secret\r\n"
)
Event = MessageHeld | MessageReleased | MessageDiscarded


@dataclass
class Desk:
    """A tenant's quarantine, what an application sees of it, and what others hear."""

    quarantine: Quarantine
    heard: list[Event] = field(default_factory=list)

    @property
    def intake(self) -> Intake:
        """The scanner's work; others hear of it."""
        return replace(self.quarantine.intake, publish=self.heard.append, pause=lambda _seconds: None)

    @property
    def held(self) -> HeldMail:
        """The application's `HeldMail`."""
        return HeldMail(s3=self.quarantine.s3, bucket=self.quarantine.bucket)

    def hold(self, raw: bytes = ENCRYPTED, key: str = "") -> tuple[RawObject, HeldMessage]:
        """A message that is held, and as the application sees it."""
        item = self.quarantine.put(raw, key)
        assert self.intake.take(item) is Outcome.HELD
        (seen,) = [one for one in self.held.messages().items if one.version == item.version]
        return item, seen

    def request(self, id: str, by: str = "AROAEXAMPLE:app") -> RawObject:
        """The application's request, as S3 tells the scanner of it."""
        key = f"raw/decisions/{id}"
        version = self.quarantine.s3.head_object(Bucket=self.quarantine.bucket, Key=key)["VersionId"]
        told = {
            "userIdentity": {"principalId": by},
            "s3": {"bucket": {"name": self.quarantine.bucket}, "object": {"key": key, "versionId": version}},
        }
        (found,) = raw_objects(json.dumps({"Records": [told]}))
        return found

    def forge(self, body: bytes, name: str = "0" * 32) -> RawObject:
        """Something below `raw/decisions/` that `HeldMail` does not write."""
        key = f"raw/decisions/{name}"
        self.quarantine.s3.put_object(Bucket=self.quarantine.bucket, Key=key, Body=body)
        return self.request(name)

    def left(self) -> list[str]:
        """All that is below `raw/`, `held/` and `clean/`."""
        return [key for prefix in ("raw/", "held/", "clean/") for key in self.quarantine.keys(prefix)]
