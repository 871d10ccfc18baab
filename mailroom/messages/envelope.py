"""SES's header lines in front of a message. Pure."""

from __future__ import annotations

import re
from typing import Final

from mailroom.messages.authentication import dmarc_domain
from mailroom.messages.dates import read_date
from mailroom.messages.mime import Header
from mailroom.messages.model import Envelope
from mailroom.received_line import recipient_in, ses_id_in

__all__ = ["FRONT_FIELDS", "read_envelope"]

FRONT_FIELDS: Final = frozenset(
    {
        "return-path",
        "received",
        "x-ses-spam-verdict",
        "x-ses-virus-verdict",
        "received-spf",
        "authentication-results",
        "x-ses-receipt",
        "x-ses-dkim-signature",
    }
)
"""Fields that SES writes."""

_RESULT: Final = re.compile(r"(?:^|;)\s*+(?P<method>spf|dkim|dmarc)\s*+=\s*+(?P<result>[a-z]++)", re.IGNORECASE)
_BRACKET: Final = re.compile(r"[()]|[^()]++")
# An unclosed one reaches to the end, so that its end is not searched again from each escaped quote in it.
_QUOTED: Final = re.compile(r'"[^"\\]*+(?:\\.?+[^"\\]*+)*(?:"|(?P<open>\Z))', re.DOTALL)


def read_envelope(header: Header) -> Envelope:
    """The envelope in SES's own lines.

    SES puts its lines in front of the message's: they begin the header, and end before the first field that SES does not write, or
    has written above. Without a Received field of SES among them, the message has none.

    Args:
        header: of the message in the bucket.

    Source: SES developer guide, "Email receiving concepts" (headers that SES adds); RFC 8601 for the results.
    """
    front: dict[str, str] = {}
    for name, value in header.fields:
        if name not in FRONT_FIELDS or name in front:
            break
        front[name] = value
    received = front.get("received", "")
    ses_id = ses_id_in(received)
    if not ses_id:
        return Envelope()
    verdicts = {
        kind: front[name].strip().lower()
        for kind, name in (("spam", "x-ses-spam-verdict"), ("virus", "x-ses-virus-verdict"))
        if front.get(name)
    }
    domain = ""
    results = front.get("authentication-results", "")
    if results.strip().lower().startswith("amazonses.com"):
        plain = _without_comments(_QUOTED.sub(lambda quoted: "" if quoted["open"] is None else quoted[0], results))
        verdicts |= _results(plain)
        domain = dmarc_domain(plain)
    recipient = recipient_in(received)
    return Envelope(
        sender=front.get("return-path", "").strip().strip("<>"),
        recipients=(recipient,) if recipient else (),
        ses_id=ses_id,
        received=read_date(received.rpartition(";")[2]),
        verdicts=verdicts,
        dmarc_domain=domain,
    )


def _results(plain: str) -> dict[str, str]:
    """The result of each method; of several DKIM signatures, the best.

    Quotes and comments are ignored: they have texts of the sender (its envelope address, its greeting). Of two results of one
    method, the worse one counts.
    """
    found: dict[str, str] = {}
    for match in _RESULT.finditer(plain):
        method, result = match["method"].lower(), match["result"].lower()
        if method not in found or (result == "pass") == (method == "dkim"):
            found[method] = result
    return found


def _without_comments(text: str) -> str:
    """The text without (nested) brackets and their contents; an unpaired bracket stays."""
    kept: list[str] = []
    opened: list[int] = []
    for piece in _BRACKET.findall(text):
        if piece == ")" and opened:
            del kept[opened.pop() :]
            continue
        if piece == "(":
            opened.append(len(kept))
        kept.append(piece)
    return "".join(kept)
