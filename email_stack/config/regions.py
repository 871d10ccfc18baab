"""The regions of cells."""

from __future__ import annotations

from typing import Final

from constructs_lib.regions import RECEIVING_REGIONS

__all__ = ["DOUBTFUL_REGIONS", "RECEIVING_REGIONS"]

DOUBTFUL_REGIONS: Final = {
    "me-south-1": "it was reported unable to serve customers from March to May 2026, and cfn-lint has no resource types for it; "
    "see the AWS Health Dashboard before a deployment, or use another region",
}
"""Doubts about regions that SES lists. The config may still name them."""
