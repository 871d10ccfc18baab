"""What was found in parts of a message, as text of ASCII that metadata of an object can hold. Pure."""

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
    """What the scanner found in one part of a message.

    Args:
        filename: as the sender named it, cut after 100 characters or more; "" where it has no name. Hostile text.
        verdict: "infected", "encrypted", "over-limit", "error", or "clean" for active content alone.
        signature: what ClamAV or the scanner calls it; "" for active content alone.
        risks: classes of active content in it.
        path: number of the MIME part, such as "2" or "1.2"; "" for the message as a whole. What stands behind a colon tells where
            within the part.
    """

    filename: str
    verdict: str
    signature: str
    risks: tuple[str, ...] = ()
    path: str = ""


def findings_text(findings: Iterable[Finding]) -> str:
    """As many of them as fit, the first before the others; "" for none."""
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
    """The findings of such a text; none of another."""
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
