"""The texts of the setup guide, independent of a language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from constructs_lib.records import Purpose
from email_stack.dnscheck.model import Status

__all__ = ["Texts"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Texts:
    """One language. `{...}` stands for a name or a number that is put in.

    Args:
        ui: headings, labels and buttons, by name.
        steps_delegated: steps for a delegation, in order.
        steps_self_managed: steps for records that the customer keeps, in order.
        purposes: the purpose of each record, in a few words.
        purpose_sentences: the same in a sentence or two.
        status_words: each verdict in a few words.
        status_fixes: the remedy of each status; "" for none.
        overall: a sentence on all records, for OK, PENDING and WRONG.
        ses_words: the state of a part of the identity, by SES's own word.
    """

    ui: Mapping[str, str]
    steps_delegated: tuple[str, ...]
    steps_self_managed: tuple[str, ...]
    purposes: Mapping[Purpose, str]
    purpose_sentences: Mapping[Purpose, str]
    status_words: Mapping[Status, str]
    status_fixes: Mapping[Status, str]
    overall: Mapping[Status, str]
    ses_words: Mapping[str, str]
