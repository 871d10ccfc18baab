"""One scanned file, as commands show it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.text import Text

from email_stack.output.printable import escaped

if TYPE_CHECKING:
    from email_stack.operations.replay import Scanned

__all__ = ["outcome_line", "scan_document"]


def scan_document(name: str, scanned: Scanned) -> dict[str, Any]:
    """One scanned file for scripts."""
    return {
        "file": name,
        "verdict": scanned.result.verdict.value,
        "action": scanned.outcome.action.value,
        "reason": scanned.outcome.reason,
        "risks": [risk.value for risk in scanned.outcome.risks],
        "definitions": scanned.result.definitions,
        "parts": [part.document for part in scanned.result.parts],
    }


def outcome_line(name: str, scanned: Scanned) -> Text:
    """Its verdict and what happens to it, in one line."""
    reason = f" ({scanned.outcome.reason})" if scanned.outcome.reason else ""
    return Text.assemble(
        (escaped(name), "bold"), f": {scanned.result.verdict.value}, {scanned.outcome.action.value}{reason}"
    )
