"""Reads `tenants.yaml` into checked tenants and cells. It imports no CDK and calls no service, so it takes a moment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from email_stack.config.capacity import QuotaUsage, quota_usage
from email_stack.config.loading import load
from email_stack.config.models import Cell, Config, Quotas, Tenant
from email_stack.config.problems import ConfigError, Problem
from email_stack.config.regions import RECEIVING_REGIONS
from email_stack.config.sections import Address, Dmarc, ParentZone, Portal, Retention, Scanning, Tracking

if TYPE_CHECKING:
    from email_stack.config.schema import json_schema

__all__ = [
    "RECEIVING_REGIONS",
    "Address",
    "Cell",
    "Config",
    "ConfigError",
    "Dmarc",
    "ParentZone",
    "Portal",
    "Problem",
    "QuotaUsage",
    "Quotas",
    "Retention",
    "Scanning",
    "Tenant",
    "Tracking",
    "json_schema",
    "load",
    "quota_usage",
]


def __getattr__(name: str) -> Any:
    if name != "json_schema":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    # Loaded on first use: only editors need it, and `python -m email_stack.config.schema` must be the first to import it.
    from email_stack.config.schema import json_schema  # noqa: PLC0415

    return json_schema
