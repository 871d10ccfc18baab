"""Findings in parts of a message, as ASCII text for an object's metadata. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

__all__ = ["Finding", "findings_from", "findings_text"]

_MOST_OCTETS: Final = 1_200
"""Metadata of an object has room for 2 KB in all. S3 user guide, "Working with object metadata"."""
_MOST_NAME: Final = 100
_FIELDS: Final = ("path", "filename", "verdict", "signature", "risks")


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """A finding of the scanner in one part of a message.

    Args:
        filename: the sender's name for it, cut after 100 characters or more; "" without one. Hostile text.
        verdict: "infected", "encrypted", "over-limit", "error", or "clean" if only active content was found.
        signature: ClamAV's or the scanner's name for it; "" if only active content was found.
        risks: classes of active content in it.
        path: number of the MIME part, such as "2" or "1.2"; "" for the whole message. The text after a colon gives the place within
            the part.
    """

    filename: str
    verdict: str
    signature: str
    risks: tuple[str, ...] = ()
    path: str = ""


def findings_text(findings: Iterable[Finding]) -> str:
    """The first findings as text, as many as fit; "" for none."""
    text = ""
    listed: list[dict[str, Any]] = []
    for one in findings:
        listed.append(
            {
                "path": one.path[:_MOST_NAME],
                "filename": one.filename[:_MOST_NAME],
                "verdict": one.verdict,
                "signature": one.signature[:_MOST_NAME],
                "risks": list(one.risks),
            }
        )
        longer = json.dumps(listed, separators=(",", ":"))
        if len(longer) > _MOST_OCTETS:
            break
        text = longer
    return text


def findings_from(text: str) -> tuple[Finding, ...]:
    """The findings of a text by `findings_text`; none of another text."""
    try:
        listed: Any = json.loads(text) if text else []
    except (ValueError, RecursionError):
        return ()
    if not isinstance(listed, list) or not all(isinstance(one, dict) and set(_FIELDS) <= one.keys() for one in listed):
        return ()
    return tuple(
        Finding(
            filename=str(one["filename"]),
            verdict=str(one["verdict"]),
            signature=str(one["signature"]),
            risks=tuple(str(risk) for risk in one["risks"]) if isinstance(one["risks"], list) else (),
            path=str(one["path"]),
        )
        for one in listed
    )
