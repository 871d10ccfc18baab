"""A verdict on one answer. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from email_stack.dnscheck.model import Status

__all__ = ["Judgement"]


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict on one answer.

    Args:
        status: the verdict.
        fix: the remedy, in one sentence; "" for none.
        note: a remark beside the verdict; "" for none.
        via: the steps from the name to the received value, in order: CNAMEs, then terms of SPF.
    """

    status: Status
    fix: str = ""
    note: str = ""
    via: tuple[str, ...] = ()
