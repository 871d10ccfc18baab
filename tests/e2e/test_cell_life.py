"""A cell whose config says that its access logs go with it, from deployment to removal; the tests run in their order."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import WaiterError

from email_stack.cli.commands.destroy_cell import _EXPORTS
from tests.e2e.conftest import REGION, Platform

TENANT: dict[str, Any] = {
    "id": "globex",
    "subdomain": "tickets.globex.example",
    "dns": "self-managed",
    "live": False,
    "removal": "destroy",
}
CELLS = {"eu": {"region": REGION, "removal": "destroy"}}


@pytest.fixture(scope="module")
def outputs(platform: Platform) -> dict[str, dict[str, str]]:
    """A cell and one tenant deployed; what the stacks put out."""
    config = platform.write_config([TENANT], CELLS)
    return platform.json("deploy", "--all", "--yes", "--config", str(config))["outputs"]  # type: ignore[no-any-return]


def config_of(platform: Platform) -> str:
    """Path of the config."""
    return str(platform.folder / "tenants.yaml")


def buckets(platform: Platform) -> set[str]:
    """Names of all buckets."""
    return {one["Name"] for one in platform.client("s3").list_buckets()["Buckets"]}


def write_access_logs(platform: Platform, bucket: str) -> None:
    """Use a bucket until S3 has written an access log of it."""
    for _ in range(10):
        platform.client("s3").list_objects_v2(Bucket=bucket)


def test_shown_before_it_is_done(platform: Platform, outputs: dict[str, dict[str, str]]) -> None:
    """Without --yes nothing is deleted."""
    shown = platform.json("destroy-cell", "eu", "--config", config_of(platform))
    assert shown == {"ok": True, "applied": False, "stacks": ["Cell-eu"], "removal": "destroy"}
    text = platform.email_stack("destroy-cell", "eu", "--config", config_of(platform))
    assert "would delete Cell-eu; deletes its access logs" in text.stdout


def test_refused_while_a_tenant_uses_it(platform: Platform, outputs: dict[str, dict[str, str]]) -> None:
    """Nothing is emptied then: the logs are the tenant's as well."""
    logs = outputs["Cell-eu"]["AccessLogsBucketName"]
    write_access_logs(platform, outputs["Tenant-globex"]["BucketName"])
    refused = platform.email_stack("destroy-cell", "eu", "--yes", "--config", config_of(platform))
    assert refused.returncode == 5
    assert 'cell "eu" is used by 1 stack, Tenant-globex among them; destroy its tenants first' in refused.stderr
    assert platform.client("s3").list_objects_v2(Bucket=logs)["KeyCount"] > 0
    assert {key.split("Output")[0] for key in outputs["Cell-eu"]} >= set(_EXPORTS)


def test_cloudformation_alone_cannot_delete_it(platform: Platform, outputs: dict[str, dict[str, str]]) -> None:
    """A bucket with access logs is not empty."""
    platform.json("destroy", "globex", "--yes", "--config", config_of(platform))
    cloudformation = platform.client("cloudformation")
    cloudformation.delete_stack(StackName="Cell-eu")
    with pytest.raises(WaiterError, match="DELETE_FAILED"):
        cloudformation.get_waiter("stack_delete_complete").wait(
            StackName="Cell-eu", WaiterConfig={"Delay": 0.1, "MaxAttempts": 1200}
        )
    assert outputs["Cell-eu"]["AccessLogsBucketName"] in buckets(platform)


def test_deleted_with_its_access_logs(platform: Platform, outputs: dict[str, dict[str, str]]) -> None:
    """Also where CloudFormation has failed before; the definitions stay."""
    made = outputs["Cell-eu"]
    done = platform.json("destroy-cell", "eu", "--yes", "--config", config_of(platform))
    assert (done["ok"], done["applied"], done["stacks"], done["removal"]) == (True, True, ["Cell-eu"], "destroy")
    assert done["versions_deleted"] >= 1
    left = buckets(platform)
    assert made["AccessLogsBucketName"] not in left
    assert made["DefinitionsBucketName"] in left
    assert platform.client("ses").list_receipt_rule_sets()["RuleSets"] == []


def test_the_second_time_nothing_is_there(platform: Platform, outputs: dict[str, dict[str, str]]) -> None:
    """That is what is told, and no failure."""
    again = platform.json("destroy-cell", "eu", "--yes", "--config", config_of(platform))
    nothing = {"stacks": [], "removal": "destroy", "versions_deleted": 0, "reason": "not deployed"}
    assert again == {"ok": True, "applied": False, **nothing}
    text = platform.email_stack("destroy-cell", "eu", "--yes", "--config", config_of(platform))
    assert (text.returncode, text.stdout) == (0, "eu: is not deployed, nothing was deleted\n")
    unknown = platform.email_stack("destroy-cell", "us", "--yes", "--config", config_of(platform))
    assert unknown.returncode == 1
