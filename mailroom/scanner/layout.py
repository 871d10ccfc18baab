"""Where things stand in a tenant's bucket."""

from __future__ import annotations

from typing import Final

__all__ = ["CLEAN_PREFIX", "RAW_PREFIX", "VERDICT_PREFIX"]

RAW_PREFIX: Final = "raw/"
"""Quarantine: SES writes here, and only the scanner reads."""

CLEAN_PREFIX: Final = "clean/"
"""Messages that were scanned: only the scanner writes here."""

VERDICT_PREFIX: Final = "verdicts/"
"""What was found in each, one JSON document a version: only the scanner writes here."""
