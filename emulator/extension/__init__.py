"""Additions to ministack for this project, made before it starts; one module a service."""

from __future__ import annotations

from emulator.extension import (
    account,
    cloudformation_events,
    cloudformation_updates,
    conflicts,
    custom_resources,
    dynamodb,
    eventbridge,
    iam,
    kms,
    lambda_code,
    lambda_forks,
    lambda_images,
    lambda_quotas,
    policy_sizes,
    route53,
    s3,
    s3_access_logs,
    service_models,
    ses_account,
    ses_authorization,
    ses_configuration_set,
    ses_events,
    ses_identity,
    ses_notifications,
    ses_quota,
    ses_receiving,
    ses_reputation,
    ses_sending,
    ses_storage,
    ses_suppression,
    ses_tenant,
    ses_verification,
    sns,
    upstream,
)

SERVICES = (
    account,
    cloudformation_events,
    cloudformation_updates,
    conflicts,
    custom_resources,
    dynamodb,
    eventbridge,
    iam,
    kms,
    lambda_code,
    lambda_forks,
    lambda_images,
    lambda_quotas,
    policy_sizes,
    route53,
    s3,
    s3_access_logs,
    service_models,
    ses_authorization,
    ses_configuration_set,
    ses_events,
    ses_identity,
    ses_quota,
    ses_receiving,
    ses_reputation,
    ses_sending,
    ses_account,
    ses_notifications,
    ses_storage,
    ses_suppression,
    ses_tenant,
    ses_verification,
    sns,
)


def install() -> None:
    """Register every handler, and replace API functions that are less strict than AWS's."""
    for module in SERVICES:
        module.install()


def serve() -> None:
    """Run ministack's own server until the process is stopped."""
    # In the https mode it would also listen on port 443.
    upstream.replace("app", "_port_is_bindable", lambda _original: lambda _host, _port: False)
    upstream.attribute("app", "main")()
