"""Activates a receipt rule set: an account and region have one active set, which may be another party's.

CloudFormation cannot activate one (aws/aws-cdk#10321), so this module does, and compares before it sets.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_ses import SESClient

__all__ = ["ForeignRuleSetError", "activate", "deactivate"]


class ForeignRuleSetError(Exception):
    """Another party's rule set is active. Permanent: a retry meets the same set."""


def activate(ses: SESClient, rule_set_name: str, *, ours: Collection[str] = ()) -> None:
    """Activate `rule_set_name`, unless it is active.

    Args:
        ses: client of the region.
        rule_set_name: rule set to activate; it exists.
        ours: other rule sets that may be replaced, such as the one an update renames.

    Raises:
        ForeignRuleSetError: another set is active and not among `ours`; it stays active.

    Source: SES API reference, "SetActiveReceiptRuleSet". SES offers no compare-and-set: a set that another party activates
    between the two calls would still be replaced, and the check after it reports only the opposite race.
    """
    active = _active(ses)
    if active == rule_set_name:
        return
    if active is not None and active not in ours:
        raise ForeignRuleSetError(
            f'receipt rule set "{active}" is active here and not part of this deployment; move its rules and deactivate it, '
            f'or use another region, before "{rule_set_name}" can take its place'
        )
    ses.set_active_receipt_rule_set(RuleSetName=rule_set_name)
    now = _active(ses)
    if now != rule_set_name:
        raise ForeignRuleSetError(
            f'receipt rule set "{now}" was activated by another party while "{rule_set_name}" was'
        )


def deactivate(ses: SESClient, rule_set_name: str) -> bool:
    """Deactivate `rule_set_name`, if it is the active set; returns whether it was."""
    if _active(ses) != rule_set_name:
        return False
    ses.set_active_receipt_rule_set()
    return True


def _active(ses: SESClient) -> str | None:
    return ses.describe_active_receipt_rule_set().get("Metadata", {}).get("Name")
