"""Statements for the policy of an imported key, which its owner writes. Pure: no CDK."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from constructs_lib.encryption import (
    ALARMS,
    EVENTS,
    NOTIFICATIONS,
    RECEIVING,
    Home,
    allow_logs,
    allow_roles,
    allow_service,
    allow_topics,
)

__all__ = ["needed_statements"]


def needed_statements(
    home: Home, *, scanner_role_arns: Sequence[str] = (), tables_role_arns: Sequence[str] = (), alarms: bool = False
) -> list[dict[str, Any]]:
    """Statements that an imported key needs, besides the one that lets the account's own policies decide.

    Args:
        home: partition, region and account of the key.
        scanner_role_arns: scanners of other stacks that work in a bucket with this key, and do not have it as their own.
            Default: none.
        tables_role_arns: roles of other stacks that write tables with this key, and do not have it as their own: those of
            `EngagementTracking` and `AddressBookWriter`. Default: none.
        alarms: whether CloudWatch's alarms tell a topic with this key. Default: False.

    Source: KMS developer guide, "Default key policy".
    """
    services = [RECEIVING, NOTIFICATIONS, EVENTS, *([ALARMS] if alarms else [])]
    roles = [
        allow_roles(role_arns, home, *through)
        for role_arns, through in ((scanner_role_arns, ("s3", "sns")), (tables_role_arns, ("dynamodb",)))
        if role_arns
    ]
    return [*(allow_service(service, home) for service in services), allow_topics(home), allow_logs(home), *roles]
