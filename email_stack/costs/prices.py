"""AWS's list prices in dollars: US East (N. Virginia), first tier, nothing free. Pure.

Each has its source page, below https://aws.amazon.com/.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

__all__ = ["HOURS", "MINUTES", "Price", "Unit", "memory_gb"]

HOURS: Final = 730
"""Hours of a month, as in AWS's own calculator."""
MINUTES: Final = HOURS * 60


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit with a price.

    Args:
        service: its name in tables.
        dollars: price of one.
        shown: number of units in the table of prices, and their name.
        page: source of the price.
    """

    service: str
    dollars: float
    shown: tuple[float, str]
    page: str


class Price(Enum):
    """The used prices."""

    API_REQUEST = Unit("API Gateway, an HTTP API", 1.00e-6, (1e6, "million requests"), "api-gateway/pricing")
    X86_SECOND = Unit("Lambda, x86", 0.0000166667, (1, "GB-second"), "lambda/pricing")
    ARM_SECOND = Unit("Lambda, arm64", 0.0000133334, (1, "GB-second"), "lambda/pricing")
    INVOCATION = Unit("Lambda", 0.20e-6, (1e6, "million requests"), "lambda/pricing")
    TMP_SECOND = Unit("Lambda, /tmp beyond 512 MB", 0.0000000309, (1, "GB-second"), "lambda/pricing")
    S3_WRITE = Unit("S3", 0.005e-3, (1e3, "thousand writes"), "s3/pricing")
    S3_READ = Unit("S3", 0.0004e-3, (1e3, "thousand reads"), "s3/pricing")
    S3_GB = Unit("S3", 0.023, (1, "GB-month"), "s3/pricing")
    SQS_REQUEST = Unit("SQS", 0.40e-6, (1e6, "million requests"), "sqs/pricing")
    SNS_PUBLISH = Unit("SNS", 0.50e-6, (1e6, "million publishes"), "sns/pricing")
    TABLE_WRITE = Unit("DynamoDB, on demand", 0.625e-6, (1e6, "million writes of 1 kB"), "dynamodb/pricing/on-demand")
    TABLE_READ = Unit("DynamoDB, on demand", 0.125e-6, (1e6, "million reads of 4 kB"), "dynamodb/pricing/on-demand")
    TABLE_GB = Unit("DynamoDB", 0.25, (1, "GB-month"), "dynamodb/pricing/on-demand")
    BACKUP_GB = Unit("DynamoDB, its backup", 0.20, (1, "GB-month"), "dynamodb/pricing/on-demand")
    EVENT = Unit("EventBridge, events of ours", 1.00e-6, (1e6, "million"), "eventbridge/pricing")
    ALARM = Unit("CloudWatch, metrics of an alarm", 0.10, (1, "month"), "cloudwatch/pricing")
    METRIC = Unit("CloudWatch, a metric of ours", 0.30, (1, "month"), "cloudwatch/pricing")
    ZONE = Unit("Route 53, the first 25 hosted zones", 0.50, (1, "month"), "route53/pricing")
    FURTHER_ZONE = Unit("Route 53, further hosted zones", 0.10, (1, "month"), "route53/pricing")
    KEY = Unit("KMS, a key", 1.00, (1, "month"), "kms/pricing")
    SES_TENANT = Unit("SES, a tenant", 0.005, (1, "month"), "ses/pricing")
    SES_MESSAGE = Unit("SES", 100e-6, (1e6, "million messages"), "ses/pricing")

    def of(self, number: float) -> float:
        """Cost of so many units."""
        return self.value.dollars * number


def memory_gb(properties: Mapping[str, Any]) -> float:
    """Memory of a function."""
    return float(properties.get("MemorySize", 128)) / 1024
