"""Findings of a scan, for alerts and descriptions. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from mailroom.findings import Finding
from mailroom.scanning.verdicts import PartVerdict, Verdict, worst_first

__all__ = ["findings_of"]

_MOST_NAME: Final = 200


def findings_of(parts: Iterable[PartVerdict]) -> tuple[Finding, ...]:
    """Findings in parts, the worst first; file names are cut."""
    listed = [one for one in parts if one.verdict is not Verdict.CLEAN or one.risks]
    return tuple(
        Finding(
            filename=one.filename[:_MOST_NAME],
            verdict=one.verdict.value,
            signature=one.signature[:_MOST_NAME],
            risks=tuple(risk.value for risk in one.risks),
            path=one.path[:_MOST_NAME],
        )
        for one in worst_first(listed, lambda part: part.verdict)
    )
