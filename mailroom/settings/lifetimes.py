"""Lifetimes and limits of an organisation's settings."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

__all__ = [
    "AUDIT_KEPT",
    "CHECK_DAILY",
    "CHECK_EVERY",
    "CLAIM_LIVES",
    "NAMES_OF_ONE_DOMAIN",
    "REST",
    "UNSEEN_FOR",
    "Limits",
    "Rate",
]

CLAIM_LIVES: Final = timedelta(days=14)
"""Life of a claim without proof."""
REST: Final = timedelta(days=30)
"""Rest of a name that its holder gave up: DNS that still leads to us must not serve another holder."""
UNSEEN_FOR: Final = timedelta(hours=72)
"""Time without a seen proof that suspends a domain."""
AUDIT_KEPT: Final = timedelta(days=365)
CHECK_EVERY: Final = timedelta(seconds=30)
"""Least time between two DNS checks of a domain; in between, the last answer is repeated."""
CHECK_DAILY: Final = timedelta(hours=20)
"""Least age of the last check for the daily run, which begins at a time that varies."""
NAMES_OF_ONE_DOMAIN: Final = 1_000
"""Names below one registered domain: they are one item of the table, of at most 400 KB."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rate:
    """At most `most` in each window of `seconds`."""

    name: str
    most: int
    seconds: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """Limits of one organisation.

    Args:
        domains: claims and domains together. Default: 100.
        pending: claims without proof at once. Default: 3, as each will cost a hosted zone.
        addresses: default 1,000.
        names_bytes: of the names of all addresses, as UTF-8. Default: 128 KiB, as one item of the table holds them.
        signatures: default 1,000.
        signature_bytes: of one, as UTF-8. Default: 64 KiB.
        signatures_bytes: of all together, as one answer holds them. Default: 4 MiB, of the 6 MB that Lambda answers.
        allowed_recipients: default 1,000.
        writes: default 60 a minute.
        checks: default 10 a minute.
        claims: default 5 a day.
    """

    domains: int = 100
    pending: int = 3
    addresses: int = 1_000
    names_bytes: int = 128 * 1024
    signatures: int = 1_000
    signature_bytes: int = 64 * 1024
    signatures_bytes: int = 4 * 1024 * 1024
    allowed_recipients: int = 1_000
    writes: Rate = Rate(name="writes", most=60, seconds=60)
    checks: Rate = Rate(name="checks", most=10, seconds=60)
    claims: Rate = Rate(name="claims", most=5, seconds=86_400)
