"""Classes of active content, and a tenant's reaction to each. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Final

__all__ = ["CLASSES", "OFF", "PRESETS", "STANDARD", "STRICT", "ActiveContent", "Reaction", "Risk", "risks_from"]


class Risk(StrEnum):
    """A class of active content."""

    PROGRAMS = "programs"
    """Programs and scripts, and files that Gmail or Outlook block by name."""
    MACROS = "macros"
    """Office documents with macros."""
    WEB_SCRIPTS = "web-scripts"
    """HTML and SVG files with script."""
    ONENOTE_FILES = "onenote-files"
    """OneNote sections with files in them."""
    PDF_ACTIONS = "pdf-actions"
    """PDF that starts programs or runs script."""
    UNAUTHENTICATED_SENDER = "unauthenticated-sender"
    """The message fails the DMARC policy of its author's domain; no content."""


CLASSES: Final = tuple(risk for risk in Risk if risk is not Risk.UNAUTHENTICATED_SENDER)
"""Classes of active content."""


class Reaction(StrEnum):
    """Reaction to a message with active content of a class."""

    DELIVER = "deliver"
    FLAG = "flag"
    """Delivered unchanged; readers get the class."""
    STRIP = "strip"
    HOLD = "hold"


_RANK: Final = tuple(Reaction)


@dataclass(frozen=True, kw_only=True, slots=True)
class ActiveContent:
    """A tenant's reaction to each class of active content. Defaults are the preset `standard`.

    Args:
        programs: for programs and scripts. Default: strip.
        macros: for office documents with macros. Default: flag.
        web_scripts: for HTML and SVG files with script; a message's own body does not count. Default: flag.
        onenote_files: for OneNote sections with files. Default: flag.
        pdf_actions: for PDF that starts programs or runs script. Default: flag.
    """

    programs: Reaction = Reaction.STRIP
    macros: Reaction = Reaction.FLAG
    web_scripts: Reaction = Reaction.FLAG
    onenote_files: Reaction = Reaction.FLAG
    pdf_actions: Reaction = Reaction.FLAG

    def on(self, risk: Risk) -> Reaction:
        """The reaction to one class."""
        reaction: Reaction = getattr(self, risk.value.replace("-", "_"), Reaction.DELIVER)
        return reaction

    def worst(self, risks: Iterable[Risk]) -> Reaction:
        """The strictest reaction to these classes; DELIVER for none."""
        return max((self.on(risk) for risk in risks), key=_RANK.index, default=Reaction.DELIVER)

    def noted(self, risks: Iterable[Risk]) -> tuple[Risk, ...]:
        """The classes to report, in order, without duplicates."""
        found = set(risks)
        return tuple(risk for risk in Risk if risk in found and self.on(risk) is not Reaction.DELIVER)


_NAMES: Final = tuple(one.name for one in fields(ActiveContent))

OFF: Final = ActiveContent(**dict.fromkeys(_NAMES, Reaction.DELIVER))
"""No class is detected."""
STANDARD: Final = ActiveContent()
"""Programs and scripts are stripped, the rest is flagged."""
STRICT: Final = ActiveContent(**dict.fromkeys(_NAMES, Reaction.STRIP))
"""All classes are stripped."""
PRESETS: Final = {"off": OFF, "standard": STANDARD, "strict": STRICT}


def risks_from(text: str) -> tuple[Risk, ...]:
    """The classes in a list of words, in their own order; unknown words are ignored."""
    words = set(text.split())
    return tuple(risk for risk in Risk if risk.value in words)
