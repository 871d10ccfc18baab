"""SES's changes of a message for opens and clicks: an image at the end of the HTML, and links through SES. Pure.

Source: SES developer guide, "Amazon SES email sending metrics FAQs" (open and click tracking).
"""

from __future__ import annotations

import base64
import email
import quopri
import re
from collections.abc import Collection
from typing import Final
from urllib.parse import quote

__all__ = ["tracked"]

_LINK: Final = re.compile(r"""(<a\b[^>]*?\bhref=)(["'])(https?://[^"']*)\2""", re.IGNORECASE)
_END: Final = re.compile(r"</body\s*>|\Z", re.IGNORECASE)


def tracked(raw: bytes, message_id: str, region: str, kinds: Collection[str]) -> bytes:
    """The message with SES's changes for these kinds, "Open" and "Click". Parts without HTML stay unchanged."""
    for part in email.message_from_bytes(raw).walk() if kinds else ():
        if part.get_content_type() != "text/html" or part.get_content_disposition() == "attachment":
            continue
        encoding = str(part.get("Content-Transfer-Encoding", "")).strip().lower()
        data = part.get_payload(decode=True)
        assert isinstance(data, bytes)
        encoded = encoding in {"base64", "quoted-printable"}
        written = str(part.get_payload()).encode() if encoded else data
        charset = part.get_content_charset() or "utf-8"
        html = _followed(data.decode(charset, "replace"), message_id, region, kinds)
        changed = _encoded(html.encode(charset, "xmlcharrefreplace"), encoding)
        raw = raw.replace(b"\r\n\r\n" + written, b"\r\n\r\n" + changed, 1)
    return raw


def _followed(html: str, message_id: str, region: str, kinds: Collection[str]) -> str:
    host = f"https://r.{region}.awstrack.me"
    if "Click" in kinds:
        html = _LINK.sub(lambda link: f"{link[1]}{link[2]}{host}/L0/{quote(link[3], '')}/1/{message_id}{link[2]}", html)
    if "Open" in kinds:
        image = f'<img alt="" src="{host}/I0/{message_id}" style="display: none; width: 1px; height: 1px;">'
        html = _END.sub(lambda end: image + end[0], html, count=1)
    return html


def _encoded(data: bytes, encoding: str) -> bytes:
    lines = data.replace(b"\r\n", b"\n")
    if encoding == "base64":
        lines = base64.encodebytes(data)
    elif encoding == "quoted-printable":
        lines = quopri.encodestring(lines)
    return lines.replace(b"\n", b"\r\n")
