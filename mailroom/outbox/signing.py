"""Appends the signature of a sender's address to its mail. Pure."""

from __future__ import annotations

import re
from html import escape
from typing import Final

from mailroom.messages.plain import text_of_html
from mailroom.store.run_time import Signature

__all__ = ["signed_html", "signed_text"]

MOST_CHARACTERS: Final = 64 * 1024
_BREAK: Final = re.compile(r"\r\n?|\n")
_END_OF_BODY: Final = re.compile(r"</body(?=[\s>])", re.IGNORECASE | re.ASCII)


def signed_text(text: str, signature: Signature) -> str:
    """The text with the signature below a line of two hyphens and a space. Source: RFC 3676 4.3."""
    said = signature.text or text_of_html(_safe(signature.html))
    return f"{text.rstrip()}\n\n-- \n{said.strip()}\n" if said.strip() else text


def signed_html(html: str, signature: Signature) -> str:
    """The HTML with the signature at the end of its body. The signature is sanitized first."""
    said = _safe(signature.html) or "<br>".join(escape(line) for line in _BREAK.split(signature.text.strip()))
    if not said:
        return html
    ends = [match.start() for match in _END_OF_BODY.finditer(html)]
    end = ends[-1] if ends else len(html)
    return f"{html[:end]}<br><div>{said}</div>{html[end:]}"


def _safe(html: str) -> str:
    """The HTML, sanitized again: another component writes it to the table."""
    if not html:
        return ""
    from mailroom.messages.html import safe_fragment  # noqa: PLC0415 - compiled: functions, which sign nothing, do not ship it

    return safe_fragment(html[:MOST_CHARACTERS])
