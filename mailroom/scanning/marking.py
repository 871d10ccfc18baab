"""Adds noted active content to the parts of a scan's result. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from mailroom.scanning.active.risks import Risk
from mailroom.scanning.active.watch import Noted
from mailroom.scanning.verdicts import PartVerdict, Verdict

__all__ = ["marked"]

_ENGINE_SAYS: Final = "Heuristics.OLE2.ContainsMacros"
"""ClamAV's name for macros, including those of Excel 4."""


def marked(parts: Iterable[PartVerdict], noted: Iterable[Noted]) -> tuple[PartVerdict, ...]:
    """The parts with their risks; active content in no listed part becomes a further part.

    Args:
        parts: the scanned parts.
        noted: active content in the same message.
    """
    out = [_with(part, {Risk.MACROS}) if part.signature.startswith(_ENGINE_SAYS) else part for part in parts]
    exactly: dict[tuple[str, str], int] = {}
    by_name: dict[tuple[str, str], int] = {}
    for number, part in enumerate(out):
        exactly.setdefault((part.path, part.sha256), number)
        by_name.setdefault((part.path, part.filename), number)
    for one in noted:
        at = exactly.get((one.path, one.sha256), by_name.get((one.path, one.filename)))
        if at is not None and (not one.filename or out[at].filename in {"", one.filename}):
            out[at] = _with(replace(out[at], filename=one.filename or out[at].filename), one.risks)
            continue
        out.append(
            PartVerdict(
                path=one.path,
                filename=one.filename,
                verdict=Verdict.CLEAN,
                signature="",
                sha256=one.sha256,
                size=one.size,
                risks=one.risks,
            )
        )
    return tuple(out)


def _with(part: PartVerdict, risks: Iterable[Risk]) -> PartVerdict:
    found = {*part.risks, *risks}
    return replace(part, risks=tuple(risk for risk in Risk if risk in found))
