"""Recipients of a message of `compose`, and its form at the recipients. Pure."""

from __future__ import annotations

import re
from typing import Final

from mailroom.messages.addresses import addresses
from mailroom.messages.mime import read_header
from mailroom.messages.words import ignore_problem

__all__ = ["recipients_in", "transmitted"]

_OWN_ID: Final = re.compile(rb"^Message-ID:[^\r\n]*+(?:\r?\n[ \t][^\r\n]*+)*\r?\n", re.IGNORECASE | re.MULTILINE)
_BCC: Final = re.compile(rb"^Bcc:[^\r\n]*+(?:\r?\n[ \t][^\r\n]*+)*\r?\n", re.IGNORECASE | re.MULTILINE)


def recipients_in(raw: bytes) -> tuple[str, ...]:
    """All recipients of a message of `compose`, including hidden ones."""
    header = read_header(raw.partition(b"\r\n\r\n")[0])
    fields = [value for name in ("to", "cc", "bcc") for value in header.every(name)]
    return tuple(dict.fromkeys(box.address for value in fields for box in addresses(value, ignore_problem)))


def transmitted(raw: bytes, ses_id: str, region: str) -> bytes:
    """The message as recipients get it: with SES's Message-ID, which answers refer to, and without Bcc.

    Source: SES developer guide, "Amazon SES header fields".
    """
    header, between, body = raw.partition(b"\r\n\r\n")
    host = "email" if region == "us-east-1" else region
    own = f"Message-ID: <{ses_id}@{host}.amazonses.com>\r\n".encode()
    kept = _BCC.sub(b"", _OWN_ID.sub(b"", header + b"\r\n"))
    return own + kept + between.removeprefix(b"\r\n") + body
