"""Source of each quota's value at AWS. Pure.

No API has the values of these quotas: receipt rules, SES identities, alarms, log groups, regional APIs of API Gateway, and memory
of functions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from email_stack.config.quotas import QUOTAS

__all__ = ["GLOBAL_REGION", "SOURCES", "QuotaSource"]

GLOBAL_REGION: Final = "us-east-1"
"""Region that answers for global quotas. Service Quotas user guide, "Viewing service quotas"."""


@dataclass(frozen=True, kw_only=True, slots=True)
class QuotaSource:
    """One quota as Service Quotas names it.

    Args:
        service: its service code.
        code: its quota code.
        title: its name in the console.
        console: the service's name in the console.
        what: what is counted.
        account_wide: whether all regions of an account share it. Default: False.
        raisable: whether AWS raises it. Default: True.
    """

    service: str
    code: str
    title: str
    console: str
    what: str
    account_wide: bool = False
    raisable: bool = True


def _source(name: str, service: str, code: str, title: str) -> QuotaSource:
    quota = QUOTAS[name]
    return QuotaSource(
        service=service,
        code=code,
        title=title,
        console=quota.service,
        what=quota.what,
        account_wide=quota.account_wide,
        raisable=quota.raisable,
    )


SOURCES: Final[Mapping[str, QuotaSource]] = {
    # AWS general reference, the "Service quotas" of each service: a quota's link there ends with its code.
    "iam_roles": _source("iam_roles", "iam", "L-FE177D64", "Roles per account"),
    "hosted_zones": _source("hosted_zones", "route53", "L-4EA4796A", "Hosted zones"),
    "buckets": _source("buckets", "s3", "L-DC2B2D3D", "General purpose buckets"),
    "stacks": _source("stacks", "cloudformation", "L-0485CB21", "Stack count"),
    "event_rules": _source("event_rules", "events", "L-244521F2", "Number of rules"),
    "concurrent_executions": QuotaSource(
        service="lambda",
        code="L-B99A9384",
        title="Concurrent executions",
        console="AWS Lambda",
        what="concurrent executions of functions",
    ),
    "code_storage_mib": _source("code_storage_mib", "lambda", "L-2ACBD22F", "Function and layer storage"),
    "api_requests": _source("api_requests", "apigateway", "L-8A5B8E43", "Throttle rate"),
    "api_domains": _source("api_domains", "apigateway", "L-A93447B8", "Public Custom Domain Names"),
    "tables": _source("tables", "dynamodb", "L-F98FE922", "Maximum number of tables"),
    "topics": _source("topics", "sns", "L-61103206", "Topics per Account"),
    "pending_subscriptions": _source("pending_subscriptions", "sns", "L-1A43D3DB", "Pending Subscriptions per Account"),
    "kms_keys": _source("kms_keys", "kms", "L-C2F1777E", "Customer Master Keys (CMKs)"),
    "configuration_sets": _source("configuration_sets", "ses", "L-10E24536", "Configuration set count"),
    "ses_tenants": _source("ses_tenants", "ses", "L-E7F21B4C", "Tenant count"),
}
"""The quotas of `Quotas` that AWS can be asked about, and the concurrency of functions."""
