"""Checks a message against the DMARC policy of its author's domain. Pure but for the given look-up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from mailroom.messages.dmarc import DmarcPolicy
from mailroom.messages.envelope import read_envelope
from mailroom.messages.mime import read_header

__all__ = ["fails_dmarc"]

_HEAD: Final = 64_000
"""Bytes at the beginning of a message that hold SES's lines."""


def fails_dmarc(raw: bytes, policy_of: Callable[[str], DmarcPolicy]) -> bool:
    """Whether a message fails DMARC by SES's verdict, and its domain asks to quarantine or reject such mail.

    SES writes the failure into the header, but not the policy: so DNS is asked, for failed mail only. Without an answer of DNS the
    message counts as failed.

    Args:
        raw: the message in the bucket.
        policy_of: looks up the DMARC policy of a domain.

    Source: SES developer guide, "Contents of notifications for Amazon SES email receiving", dmarcVerdict and dmarcPolicy.
    """
    envelope = read_envelope(read_header(raw[:_HEAD]))
    if envelope.verdicts.get("dmarc") != "fail":
        return False
    return not envelope.dmarc_domain or policy_of(envelope.dmarc_domain) is not DmarcPolicy.NONE
