"""Quotas of the account, and SES's switch: AWS's answers, with values of a test."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from emulator import Emulator, EmulatorError

from .conftest import REGION

ROLES = {"ServiceCode": "iam", "QuotaCode": "L-FE177D64"}
TENANTS = {"ServiceCode": "ses", "QuotaCode": "L-E7F21B4C"}


def test_quota_is_the_default_until_it_is_set(emulator: Emulator) -> None:
    """What all regions share is asked in us-east-1, and is not there elsewhere."""
    quotas = emulator.client("service-quotas", "us-east-1")
    assert quotas.get_service_quota(**ROLES)["Quota"]["Value"] == 1000
    emulator.limit("iam", "L-FE177D64", 1500, "us-east-1")
    assert quotas.get_service_quota(**ROLES)["Quota"]["Value"] == 1500
    assert quotas.get_aws_default_service_quota(**ROLES)["Quota"]["Value"] == 1000
    emulator.limit("iam", "L-FE177D64", 1000, "us-east-1")
    with pytest.raises(ClientError, match="NoSuchResourceException"):
        emulator.client("service-quotas", REGION).get_service_quota(**ROLES)


def test_some_quotas_have_a_default_only(emulator: Emulator) -> None:
    """As AWS keeps no value of an account's own for all of them."""
    quotas = emulator.client("service-quotas", REGION)
    with pytest.raises(ClientError, match="NoSuchResourceException"):
        quotas.get_service_quota(**TENANTS)
    assert quotas.get_aws_default_service_quota(**TENANTS)["Quota"]["Value"] == 10_000


def test_unknown_quota_is_refused(emulator: Emulator) -> None:
    """So that a test does not set what nobody asks for."""
    with pytest.raises(EmulatorError, match="no quota L-0 of iam"):
        emulator.limit("iam", "L-0", 1, REGION)


def test_limits_that_services_tell_themselves(emulator: Emulator) -> None:
    """Lambda's settings are a region's, Route 53's limit is the account's; both follow Service Quotas."""
    region = "eu-north-1"
    emulator.limit("lambda", "L-B99A9384", 10, region)
    emulator.limit("lambda", "L-2ACBD22F", 2, region)
    limits = emulator.client("lambda", region).get_account_settings()["AccountLimit"]
    assert (limits["ConcurrentExecutions"], limits["TotalCodeSize"]) == (10, 2 * 1024**3)
    assert emulator.client("lambda", REGION).get_account_settings()["AccountLimit"]["ConcurrentExecutions"] == 1000
    route53 = emulator.client("route53", region)
    before = route53.get_account_limit(Type="MAX_HOSTED_ZONES_BY_OWNER")
    made = route53.create_hosted_zone(Name="limits.example", CallerReference="limits")["HostedZone"]["Id"]
    after = route53.get_account_limit(Type="MAX_HOSTED_ZONES_BY_OWNER")
    route53.delete_hosted_zone(Id=made)
    assert (before["Limit"]["Value"], after["Count"] - before["Count"]) == (500, 1)


def test_sending_is_switched_by_region(emulator: Emulator) -> None:
    """Off and on again, and nowhere else."""
    ses = emulator.client("sesv2", "eu-north-1")
    ses.put_account_sending_attributes(SendingEnabled=False)
    assert ses.get_account()["SendingEnabled"] is False
    assert emulator.client("sesv2", REGION).get_account()["SendingEnabled"] is True
    ses.put_account_sending_attributes(SendingEnabled=True)
    assert ses.get_account()["SendingEnabled"] is True
