"""Sections of a tenant's settings that constructs take whole, with the words of `tenants.yaml`. Pure: no CDK."""

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
        opens: whether it is recorded that mail was opened. SES then puts a pixel into HTML. Default: True.
        clicks: whether it is recorded that links were followed. SES then rewrites links. Default: True.
        redirect_domain: domain below the subdomain that the image for opens comes from; not with `clicks`, whose links of https
            would lead to it, where the certificate is Amazon's. SES takes it once the identity is verified. Default: None, SES's
            own.
        suppressed_addresses: how addresses that bounced or complained are kept: "hashed" keeps a keyed digest, "plain" the address
            as well. Default: "hashed".
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
        raw_days: mail in quarantine, held or not; verdicts at the least. 1 to 3,650. Default: 90.
        messages_days: delivered mail, its messages, attachments and events. 1 to 36,500. Default: None, until somebody deletes
            them.
    """

    raw_days: int = 90
    messages_days: int | None = None
