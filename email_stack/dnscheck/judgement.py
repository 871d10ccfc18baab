"""A verdict on one answer. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from email_stack.dnscheck.model import Status

__all__ = ["Judgement"]


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict on one answer.

    Args:
        status: what holds.
        fix: what to do, in one sentence; "" when nothing is to do.
        note: what is worth knowing beside the verdict; "" when nothing is.
        via: what stands between the name and what a receiver gets, in the order followed: CNAMEs, then terms of SPF.
    """

    status: Status
    fix: str = ""
    note: str = ""
    via: tuple[str, ...] = ()
