"""All forms of the setup instructions, behind one function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from email_stack.dns_setup.letter import render_letter
from email_stack.dns_setup.markdown import markdown
from email_stack.dns_setup.model import DnsSetup, Format, Language
from email_stack.dns_setup.programs import dnscontrol, terraform
from email_stack.dns_setup.tables import csv_table, json_document
from email_stack.dns_setup.zone_files import bind, octodns

__all__ = ["DnsSetup", "Format", "Language", "render"]

_MACHINE: Final[dict[Format, Callable[[DnsSetup], str]]] = {
    Format.BIND: bind,
    Format.CSV: csv_table,
    Format.JSON: json_document,
    Format.TERRAFORM: terraform,
    Format.OCTODNS: octodns,
    Format.DNSCONTROL: dnscontrol,
}
_HUMAN: Final[dict[Format, Callable[[DnsSetup, Language], str]]] = {
    Format.MARKDOWN: markdown,
    Format.HTML: render_letter,
}


def render(dns_setup: DnsSetup, form: Format, *, language: Language = "en") -> str:
    """The setup instructions in one form; the same input gives the same text.

    Args:
        dns_setup: the instructions.
        form: the form.
        language: of Markdown, and first language of the letter; other forms are in English. Default: "en".
    """
    human = _HUMAN.get(form)
    return human(dns_setup, language) if human is not None else _MACHINE[form](dns_setup)
