"""Sections of a tenant's settings as props, with the words of `tenants.yaml`. Pure: no CDK."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

__all__ = ["ALL_EVENTS", "Dns", "ReceivingTls", "Retention", "SuppressedAddresses", "Tracking"]

Dns = Literal["delegated", "self-managed"]
ReceivingTls = Literal["require", "optional"]
SuppressedAddresses = Literal["hashed", "plain"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Tracking:
    """Which events of outbound mail are recorded.

    Args:
        opens: whether to record opens; SES then adds a pixel to HTML. Default: True.
        clicks: whether to record clicks; SES then rewrites links. Default: True.
        redirect_domain: domain of the image for opens, below the subdomain. Not with `clicks`: https links would lead to this
            domain, with a certificate of Amazon's. SES accepts it for a verified identity only. Default: None, SES's own.
        suppressed_addresses: form of addresses with a bounce or complaint: "hashed" keeps a keyed digest, "plain" the address as
            well.
            Default: "hashed".
    """

    opens: bool = True
    clicks: bool = True
    redirect_domain: str | None = None
    suppressed_addresses: SuppressedAddresses = "hashed"


ALL_EVENTS: Final = Tracking()


@dataclass(frozen=True, kw_only=True, slots=True)
class Retention:
    """How long mail is kept, in whole days.

    Args:
        raw_days: mail in quarantine, held or not; also the minimum for verdicts. 1 to 3,650. Default: 90.
        messages_days: delivered mail, its messages, attachments and events. 1 to 36,500. Default: None, without limit.
    """

    raw_days: int = 90
    messages_days: int | None = None
