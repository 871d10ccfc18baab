"""The regions where SES receives mail. Pure."""

from __future__ import annotations

from typing import Final

__all__ = ["RECEIVING_REGIONS"]

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
