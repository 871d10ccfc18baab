"""Whether a message fails what its author's domain asks of receivers. Pure but for the question that it is given."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from mailroom.messages.dmarc import DmarcPolicy
from mailroom.messages.envelope import read_envelope
from mailroom.messages.mime import read_header

__all__ = ["fails_dmarc"]

_HEAD: Final = 64_000
"""Octets that hold the lines that SES writes in front."""


def fails_dmarc(raw: bytes, policy_of: Callable[[str], DmarcPolicy]) -> bool:
    """Whether SES found that a message fails DMARC, and the domain asks to quarantine or reject such mail.

    SES writes the failure into the header and tells of the policy elsewhere: so DNS is asked, about failed mail alone. Where DNS
    does not say, it counts as failed.

    Args:
        raw: the message as it lies in the bucket.
        policy_of: what the owner of a domain asks for.

    Source: SES developer guide, "Contents of notifications for Amazon SES email receiving", dmarcVerdict and dmarcPolicy.
    """
    envelope = read_envelope(read_header(raw[:_HEAD]))
    if envelope.verdicts.get("dmarc") != "fail":
        return False
    return not envelope.dmarc_domain or policy_of(envelope.dmarc_domain) is not DmarcPolicy.NONE
