"""AWS's quotas for an account: the defaults, and the fields of the config that replace them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pydantic import Field

from email_stack.config.values import Settings

__all__ = ["ACCOUNT_WIDE", "QUOTAS", "SPARE_RECEIPT_RULES", "Quota", "Quotas", "default_limit"]

SPARE_RECEIPT_RULES: Final = 2
"""Spare rules in each cell, for operators in an emergency: a block, a diversion."""

_MOST: Final = 1_000_000
_MOST_LOG_GROUPS: Final = 100_000_000


class Quotas(Settings):
    """AWS's quotas for the account and region of a cell. Write here what AWS has raised, or what is lower in a new account.

    Source: the "Quotas" pages of each service's guide; see `QUOTAS`.
    """

    receipt_rules: int = Field(
        default=200, ge=1, le=100_000, description="Receipt rules in the active rule set. Default: 200."
    )
    recipients_per_rule: int = Field(
        default=100,
        ge=1,
        le=500,
        description="Recipients of one receipt rule. AWS's pages say 500 or 100: the lower one is safe. Default: 100.",
    )
    event_rules: int | None = Field(
        default=None,
        ge=1,
        le=_MOST,
        description="EventBridge rules on the default bus. Default: 300; 100 in af-south-1 and eu-south-1.",
    )
    identities: int = Field(default=10_000, ge=1, le=_MOST, description="SES identities. Default: 10000.")
    configuration_sets: int = Field(
        default=10_000, ge=1, le=_MOST, description="SES configuration sets. Default: 10000."
    )
    ses_tenants: int = Field(default=10_000, ge=1, le=_MOST, description="SES tenants. Default: 10000.")
    hosted_zones: int = Field(
        default=500, ge=1, le=_MOST, description="Route 53 hosted zones of the account, in all regions. Default: 500."
    )
    buckets: int = Field(
        default=10_000, ge=1, le=_MOST, description="S3 buckets of the account, in all regions. Default: 10000."
    )
    stacks: int = Field(default=2000, ge=1, le=_MOST, description="CloudFormation stacks. Default: 2000.")
    iam_roles: int = Field(
        default=1000, ge=1, le=_MOST, description="IAM roles of the account, in all regions. Default: 1000."
    )
    alarms: int = Field(default=5000, ge=1, le=_MOST, description="CloudWatch alarms. Default: 5000.")
    tables: int = Field(default=2500, ge=1, le=_MOST, description="DynamoDB tables. Default: 2500.")
    code_storage_mib: int = Field(
        default=76_800,
        ge=1,
        le=100 * _MOST,
        description="MiB of zipped code of all Lambda functions. Default: 76800, which is 75 GiB.",
    )
    function_memory_mib: int = Field(
        default=3008,
        ge=128,
        le=10_240,
        description="MiB of memory of one Lambda function. Default: 3008, as in a new account; 10240 once AWS has raised it.",
    )
    concurrent_executions: int = Field(
        default=10,
        ge=1,
        le=_MOST,
        description="Lambda functions that run at once. Default: 10, as in a new account; most others have 1000.",
    )
    topics: int = Field(default=100_000, ge=1, le=_MOST, description="SNS topics. Default: 100000.")
    pending_subscriptions: int = Field(
        default=5000, ge=1, le=_MOST, description="SNS subscriptions without confirmation. Default: 5000."
    )
    state_machines: int = Field(
        default=100_000,
        ge=1,
        le=_MOST,
        description="Step Functions state machines. None is made any more: it is not looked at. Default: 100000.",
    )
    log_groups: int = Field(
        default=1_000_000, ge=1, le=_MOST_LOG_GROUPS, description="CloudWatch log groups. Default: 1000000."
    )
    http_apis: int = Field(
        default=600, ge=1, le=_MOST, description="Regional APIs of API Gateway, which HTTP APIs are. Default: 600."
    )
    api_domains: int = Field(
        default=120, ge=1, le=_MOST, description="Public custom domain names of API Gateway. Default: 120."
    )
    api_requests: int | None = Field(
        default=None,
        ge=1,
        le=_MOST,
        description="Requests a second to API Gateway. Default: 10000; 2500 in af-south-1, ap-southeast-3, eu-south-1 and "
        "il-central-1.",
    )
    kms_keys: int = Field(default=100_000, ge=1, le=_MOST, description="KMS keys of ours. Default: 100000.")


@dataclass(frozen=True, kw_only=True, slots=True)
class Quota:
    """One of `Quotas` that tenants use.

    Args:
        what: the counted resource, as messages call it.
        service: as the Service Quotas console lists it.
        account_wide: whether all regions of an account share it. Default: False, each region has its own.
        raisable: whether AWS raises it. Default: True.
        of_regions: defaults of regions that differ from the model's.
        setting: field of the cell that lowers the need. Default: there is none.
    """

    what: str
    service: str
    account_wide: bool = False
    raisable: bool = True
    of_regions: Mapping[str, int] | None = None
    setting: str = ""


_FEWER_API_REQUESTS: Final = 2500
_SES: Final = "Amazon Simple Email Service (SES)"

QUOTAS: Final[Mapping[str, Quota]] = {
    # SES developer guide, "Service quotas in Amazon SES".
    "receipt_rules": Quota(what="receipt rules", service=_SES, raisable=False),
    # EventBridge user guide, "Amazon EventBridge quotas": "af-south-1: 100, eu-south-1: 100, each of the others 300".
    "event_rules": Quota(
        what="EventBridge rules", service="Amazon EventBridge", of_regions={"af-south-1": 100, "eu-south-1": 100}
    ),
    "identities": Quota(what="SES identities", service=_SES),
    "configuration_sets": Quota(what="SES configuration sets", service=_SES, raisable=False),
    "ses_tenants": Quota(what="SES tenants", service=_SES),
    # Route 53 developer guide, "Quotas".
    "hosted_zones": Quota(what="hosted zones", service="Amazon Route 53", account_wide=True),
    # S3 user guide, "General purpose bucket quotas, limitations, and restrictions".
    "buckets": Quota(what="S3 buckets", service="Amazon Simple Storage Service (S3)", account_wide=True),
    # CloudFormation user guide, "Understand CloudFormation quotas".
    "stacks": Quota(what="stacks", service="AWS CloudFormation"),
    # IAM user guide, "IAM and AWS STS quotas".
    "iam_roles": Quota(what="IAM roles", service="AWS Identity and Access Management (IAM)", account_wide=True),
    # CloudWatch user guide, "CloudWatch service quotas"; the API's LimitExceededFault is about it.
    "alarms": Quota(what="CloudWatch alarms", service="Amazon CloudWatch"),
    # DynamoDB developer guide, "Quotas in Amazon DynamoDB".
    "tables": Quota(what="DynamoDB tables", service="Amazon DynamoDB"),
    # Lambda developer guide, "Lambda quotas": storage, and "New AWS accounts have reduced concurrency and memory quotas".
    "code_storage_mib": Quota(what="MiB of functions' code", service="AWS Lambda"),
    "function_memory_mib": Quota(
        what="MiB of memory for one function", service="AWS Lambda", setting="scanner.memory_mib"
    ),
    "concurrent_executions": Quota(
        what="concurrent executions", service="AWS Lambda", setting="scanner.max_concurrency"
    ),
    # AWS general reference, "Amazon Simple Notification Service endpoints and quotas".
    "topics": Quota(what="SNS topics", service="Amazon Simple Notification Service (SNS)"),
    "pending_subscriptions": Quota(
        what="SNS subscriptions to confirm", service="Amazon Simple Notification Service (SNS)"
    ),
    # CloudWatch Logs user guide, "CloudWatch Logs quotas".
    "log_groups": Quota(what="log groups", service="Amazon CloudWatch Logs"),
    # API Gateway developer guide, "Amazon API Gateway quotas" and "Quotas for configuring and running a REST API".
    "http_apis": Quota(what="regional APIs", service="Amazon API Gateway", raisable=False),
    "api_domains": Quota(what="custom domain names of APIs", service="Amazon API Gateway"),
    "api_requests": Quota(
        what="requests a second to APIs",
        service="Amazon API Gateway",
        of_regions=dict.fromkeys(("af-south-1", "ap-southeast-3", "eu-south-1", "il-central-1"), _FEWER_API_REQUESTS),
    ),
    # KMS developer guide, "Resource quotas".
    "kms_keys": Quota(what="KMS keys", service="AWS Key Management Service (AWS KMS)"),
}

ACCOUNT_WIDE: Final = tuple(name for name, quota in QUOTAS.items() if quota.account_wide)


def default_limit(name: str, region: str) -> int:
    """AWS's default of the quota in that region."""
    own = (QUOTAS[name].of_regions or {}).get(region)
    default = Quotas.model_fields[name].default
    return own if own is not None else _OF_MOST_REGIONS.get(name, default)


_OF_MOST_REGIONS: Final = {"event_rules": 300, "api_requests": 10_000}
"""Defaults that the model leaves open, since they depend on the region."""
