"""Where a cell can be."""

from __future__ import annotations

from typing import Final

__all__ = ["DOUBTFUL_REGIONS", "RECEIVING_REGIONS"]

RECEIVING_REGIONS: Final = (
    "af-south-1",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ca-central-1",
    "eu-central-1",
    "eu-north-1",
    "eu-south-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "il-central-1",
    "me-south-1",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
)
"""Regions where SES receives mail; it sends in more. AWS general reference, "Amazon SES endpoints", email receiving."""

DOUBTFUL_REGIONS: Final = {
    "me-south-1": "it was reported unable to serve customers from March to May 2026, and cfn-lint has no resource types for it; "
    "see the AWS Health Dashboard before a deployment, or use another region",
}
"""What is known against a region that SES lists; no reason to refuse it."""
