"""Templates with a wider grant, or without a denial, fail the tests of the quarantine."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from tests.iam.deployed import Deployment
from tests.iam.quarantine import roles_that_may

pytestmark = pytest.mark.slow


def _widen_role(templates: dict[str, Any], statement: dict[str, Any]) -> None:
    """Give the mirror's role one statement more."""
    for resource in templates["Cell-eu"]["Resources"].values():
        if resource["Type"] == "AWS::IAM::Policy" and "DefinitionsRole" in str(resource["Properties"]["Roles"]):
            resource["Properties"]["PolicyDocument"]["Statement"].append(statement)


def _bucket_statements(templates: dict[str, Any]) -> list[dict[str, Any]]:
    (policy,) = [r for r in templates["Tenant-shortest"]["Resources"].values() if r["Type"] == "AWS::S3::BucketPolicy"]
    statements: list[dict[str, Any]] = policy["Properties"]["PolicyDocument"]["Statement"]
    return statements


def _grant_read(templates: dict[str, Any]) -> None:
    _widen_role(templates, {"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"})


def _grant_write(templates: dict[str, Any]) -> None:
    _widen_role(templates, {"Effect": "Allow", "Action": ["s3:PutObject"], "Resource": "arn:aws:s3:::*/clean/*"})


def _grant_all_but(templates: dict[str, Any]) -> None:
    _widen_role(templates, {"Effect": "Allow", "NotAction": "s3:DeleteObject", "Resource": "*"})


def _open_to_the_account(templates: dict[str, Any]) -> None:
    for statement in _bucket_statements(templates):
        if statement["Sid"] == "LetScannerTakeMail":
            statement["Principal"] = {"AWS": {"Fn::Join": ["", ["arn:aws:iam::", {"Ref": "AWS::AccountId"}, ":root"]]}}
            statement["Action"] = "s3:*"
    _grant_read(templates)


def _open_to_everybody(templates: dict[str, Any]) -> None:
    for statement in _bucket_statements(templates):
        if statement["Sid"] == "LetScannerDeliver":
            statement["Principal"] = "*"


@pytest.mark.parametrize(
    "widen",
    [_grant_read, _grant_write, _grant_all_but, _open_to_the_account, _open_to_everybody],
    ids=lambda f: f.__name__,
)
def test_a_wider_grant_is_found(templates: dict[str, Any], widen: Callable[[dict[str, Any]], None]) -> None:
    """Whoever adds one to a role or to a bucket's policy fails the test of the quarantine."""
    changed = copy.deepcopy(templates)
    widen(changed)
    assert roles_that_may(Deployment(changed), denials=False) != []


@pytest.mark.parametrize("sid", ["DenyReadingQuarantine", "DenyDelivering"])
def test_a_denial_that_is_gone_is_found(templates: dict[str, Any], sid: str) -> None:
    """Without it, a wide grant opens what it guarded; with it, it does not."""
    changed = copy.deepcopy(templates)
    _widen_role(changed, {"Effect": "Allow", "Action": "s3:*", "Resource": "*"})
    assert roles_that_may(Deployment(changed), denials=True) == []
    statements = _bucket_statements(changed)
    statements[:] = [statement for statement in statements if statement["Sid"] != sid]
    assert roles_that_may(Deployment(changed), denials=True) != []
