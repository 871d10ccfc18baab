"""Delegation from a parent zone of ours: in the same account, and through a role as from another one."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.e2e.conftest import Platform

PARENT = "customers.example"


@pytest.fixture(scope="module")
def parent_zone(platform: Platform) -> str:
    """Id of a parent zone that exists before any tenant."""
    zone = platform.client("route53").create_hosted_zone(Name=PARENT, CallerReference="parent")
    return str(zone["HostedZone"]["Id"].split("/")[-1])


@pytest.fixture(scope="module")
def role_arn(platform: Platform, parent_zone: str) -> str:
    """A role that may write NS records into the parent zone, and nothing else.

    The emulator has one account, so this proves the way through the role, not that of a second account.
    """
    trust = [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}]
    write = [
        {
            "Effect": "Allow",
            "Action": "route53:ChangeResourceRecordSets",
            "Resource": f"arn:aws:route53:::hostedzone/{parent_zone}",
        },
    ]
    iam = platform.client("iam")
    role = iam.create_role(RoleName="delegation", AssumeRolePolicyDocument=_policy(trust))["Role"]
    iam.put_role_policy(RoleName="delegation", PolicyName="write", PolicyDocument=_policy(write))
    return str(role["Arn"])


def _policy(statements: list[dict[str, Any]]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def delegations(platform: Platform, zone_id: str) -> dict[str, set[str]]:
    """NS record sets below the parent's own, by name."""
    sets = platform.client("route53").list_resource_record_sets(HostedZoneId=zone_id)["ResourceRecordSets"]
    return {
        s["Name"].rstrip("."): {r["Value"].rstrip(".") for r in s["ResourceRecords"]}
        for s in sets
        if s["Type"] == "NS" and s["Name"].rstrip(".") != PARENT
    }


def test_parent_of_both_kinds_delegates(platform: Platform, parent_zone: str, role_arn: str) -> None:
    """Each subdomain's NS set in the parent is that of its zone."""
    parent = {"hosted_zone_id": parent_zone, "zone_name": PARENT}
    config = platform.write_config(
        [
            {"id": "near", "subdomain": f"near.{PARENT}", "parent_zone": parent},
            {"id": "far", "subdomain": f"far.{PARENT}", "parent_zone": {**parent, "delegation_role_arn": role_arn}},
        ]
    )
    outputs = platform.json("deploy", "--all", "--yes", "--config", str(config))["outputs"]
    assert delegations(platform, parent_zone) == {
        f"{tenant}.{PARENT}": set(outputs[f"Tenant-{tenant}"]["NameServers"].split(", ")) for tenant in ("near", "far")
    }


@pytest.mark.thorough
def test_a_parent_zone_that_is_dropped_holds_nothing_up(platform: Platform, parent_zone: str) -> None:
    """The tenant is deployed without it; what delegates is named, goes on, and goes with the tenant or by a command of its own."""
    parent = {"hosted_zone_id": parent_zone, "zone_name": PARENT}
    near = {"id": "near", "subdomain": f"near.{PARENT}", "parent_zone": parent}
    far = {"id": "far", "subdomain": f"far.{PARENT}"}
    before = delegations(platform, parent_zone)
    config = str(platform.write_config([near, far]))
    done = platform.email_stack("deploy", "far", "--yes", "--config", config)
    assert done.returncode == 0, done.stderr
    assert "Delegation-far is left behind" in " ".join(done.stderr.split())
    exported = {one["Name"] for one in platform.client("cloudformation").list_exports()["Exports"]}
    assert not {name for name in exported if name.startswith("Tenant-far")}
    shown = platform.json("destroy-delegation", "far", "--config", config)
    assert shown == {"ok": True, "applied": False, "stacks": ["Delegation-far"]}
    refused = platform.email_stack("destroy-delegation", "near", "--config", config)
    assert (refused.returncode, "is not deployed" in refused.stdout) == (0, True)
    assert delegations(platform, parent_zone) == before


def test_delegation_goes_before_the_zone(platform: Platform, parent_zone: str) -> None:
    """Destroying either tenant leaves nothing in the parent that points to a zone of its own."""
    config = str(platform.folder / "tenants.yaml")
    for tenant, stacks in (("far", ["Delegation-far", "Tenant-far"]), ("near", ["Tenant-near"])):
        done = platform.email_stack("destroy", tenant, "--yes", "--force", "--config", config)
        assert done.returncode == 0, done.stderr
        assert f"deleted {', '.join(stacks)}; this keeps its bucket, hosted zone and table" in done.stdout
        assert f"{tenant}.{PARENT}" not in delegations(platform, parent_zone)
