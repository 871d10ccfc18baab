"""Activation of the cell's rule set where somebody else's is active."""

from __future__ import annotations

from typing import Any

from tests.e2e.conftest import Platform


def active(platform: Platform) -> Any:
    """Name of the active rule set."""
    return platform.client("ses").describe_active_receipt_rule_set().get("Metadata", {}).get("Name")


def stack_status(platform: Platform) -> list[str]:
    """Status of the cell's stack, if there is one."""
    stacks = platform.client("cloudformation").describe_stacks()["Stacks"]
    return [stack["StackStatus"] for stack in stacks if stack["StackName"] == "Cell-eu"]


def test_foreign_active_set_fails_the_deployment_and_stays(platform: Platform) -> None:
    """The operator reads why; nothing of the other set is touched, not by the rollback either."""
    ses = platform.client("ses")
    ses.create_receipt_rule_set(RuleSetName="marketing")
    ses.set_active_receipt_rule_set(RuleSetName="marketing")
    config = platform.write_config([{"id": "acme", "subdomain": "post.acme.example"}])
    failed = platform.email_stack("deploy", "acme", "--yes", "--config", str(config))
    assert failed.returncode == 3
    assert "cdk deploy failed" in failed.stderr
    assert 'receipt rule set "marketing" is active here' in failed.stderr
    assert "Traceback" not in failed.stderr
    assert active(platform) == "marketing"
    assert stack_status(platform) in ([], ["ROLLBACK_COMPLETE"])


def test_freed_place_is_taken(platform: Platform) -> None:
    """Once the other set is deactivated, the same command succeeds."""
    platform.client("ses").set_active_receipt_rule_set()
    deploy = ("deploy", "acme", "--config", str(platform.folder / "tenants.yaml"))
    shown = platform.email_stack(*deploy)
    assert shown.returncode == 0
    assert "AWS::SES::ReceiptRule" in shown.stdout
    assert "nothing was changed: say --yes to deploy 2 stacks" in shown.stdout
    assert active(platform) is None
    done = platform.email_stack(*deploy, "--yes")
    assert done.returncode == 0, done.stderr
    assert "✅ Tenant-acme" in done.stderr
    assert "NameServers" in done.stdout
    assert active(platform) == "email-cell-eu"


def test_delete_leaves_a_set_that_took_its_place(platform: Platform) -> None:
    """A set that somebody activated in our place survives the deletion of the cell."""
    cloudformation = platform.client("cloudformation")
    platform.client("ses").set_active_receipt_rule_set(RuleSetName="marketing")
    for stack in ("Tenant-acme", "Cell-eu"):
        cloudformation.delete_stack(StackName=stack)
        cloudformation.get_waiter("stack_delete_complete").wait(
            StackName=stack, WaiterConfig={"Delay": 0.1, "MaxAttempts": 1200}
        )
    assert active(platform) == "marketing"
