"""Every form in which records are handed over, behind one function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from email_stack.handover.letter import render_letter
from email_stack.handover.markdown import markdown
from email_stack.handover.model import Format, HandOver, Language
from email_stack.handover.programs import dnscontrol, terraform
from email_stack.handover.tables import csv_table, json_document
from email_stack.handover.zone_files import bind, octodns

__all__ = ["Format", "HandOver", "Language", "render"]

_MACHINE: Final[dict[Format, Callable[[HandOver], str]]] = {
    Format.BIND: bind,
    Format.CSV: csv_table,
    Format.JSON: json_document,
    Format.TERRAFORM: terraform,
    Format.OCTODNS: octodns,
    Format.DNSCONTROL: dnscontrol,
}
_HUMAN: Final[dict[Format, Callable[[HandOver, Language], str]]] = {
    Format.MARKDOWN: markdown,
    Format.HTML: render_letter,
}


def render(hand_over: HandOver, form: Format, *, language: Language = "en") -> str:
    """The hand-over in one form; the same input gives the same text.

    Args:
        hand_over: what to hand over.
        form: which form.
        language: of Markdown, and what the letter shows first; the others are in English. Default: "en".
    """
    human = _HUMAN.get(form)
    return human(hand_over, language) if human is not None else _MACHINE[form](hand_over)
