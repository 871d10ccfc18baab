"""Every change of a config, synthesized before and after, judged, and compared with what CloudFormation's schemas say."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
import yaml

from email_stack.config import Config, load
from email_stack.stacks import add_stacks, new_app
from email_stack.stacks.platform import _add_tenant
from email_stack.synthesis.app import project_context
from email_stack.transitions import fates, halfway, risks
from tests.templates import UNSTAGED, unchecked
from tests.transitions.changes import ELSEWHERE, Change, changes, keys
from tests.transitions.oracle import gone_or_replaced

pytestmark = pytest.mark.slow

HOLDING = {
    "AWS::DynamoDB::Table",
    "AWS::KMS::Key",
    "AWS::Route53::HostedZone",
    "AWS::S3::Bucket",
    "AWS::SES::EmailIdentity",
    "AWS::SES::ReceiptRuleSet",
}
"""Types of which one that goes is never passed over in silence."""


NOT_IN_A_TEMPLATE = {"cell.account", "cell.quotas", "tenant.parent_zone.zone_name", "tenant.tags"}
"""Keys of which a change may leave every template as it was."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder for configs and assemblies."""
    return tmp_path_factory.mktemp("changes")


CELL = {"region": "eu-central-1", "quotas": {"concurrent_executions": 13}}
TENANT = {"id": "acme", "subdomain": "post.acme.example", "addresses": ["support"]}


def synthesized(folder: Path, kind: str, settings: dict[str, Any]) -> dict[str, Any]:
    """The templates of the cell and the tenant with these settings, by stack name.

    A tenant's settings leave its cell as it is: it is made of the cell's alone.
    """
    if kind == "cell":
        return _platform(folder, json.dumps(settings))
    return {"Cell-eu": _platform(folder, "{}")["Cell-eu"], **_tenant(folder, json.dumps(settings))}


@cache
def _platform(folder: Path, cell: str) -> dict[str, Any]:
    config = _config(folder, json.loads(cell), {})
    return _templates(folder, lambda app: add_stacks(app, config, tenants=["acme"], cells=["eu"]))


@cache
def _tenant(folder: Path, tenant: str) -> dict[str, Any]:
    config = _config(folder, {}, json.loads(tenant))
    found = _templates(folder, lambda app: _add_tenant(app, config, config.tenant("acme"), cdk.Stack(app, "Cell-eu")))
    del found["Cell-eu"]
    return found


def _config(folder: Path, cell: dict[str, Any], tenant: dict[str, Any]) -> Config:
    said = {name: value for name, value in (TENANT | tenant).items() if value is not None}
    path = folder / "tenants.yaml"
    path.write_text(yaml.safe_dump({"cells": {"eu": CELL | cell}, "tenants": [said]}))
    return load(path)


def _templates(folder: Path, add: Callable[[cdk.App], None]) -> dict[str, Any]:
    outdir = folder / str(len(list(folder.iterdir())))
    with unchecked():
        app = new_app(outdir=outdir, context={**project_context(), **UNSTAGED})
    add(app)
    app.synth()
    return {
        file.name.removesuffix(".template.json"): json.loads(file.read_text(encoding="utf-8"))
        for file in outdir.glob("*.template.json")
    }


def test_every_key_has_its_changes() -> None:
    """A key that is added to the config is judged, or this fails."""
    changed = {change.key for change in changes()}
    assert keys() - ELSEWHERE <= changed
    assert not changed & ELSEWHERE
    assert len(changes()) > 80


@pytest.mark.parametrize("change", changes(), ids=str)
def test_change_is_judged(folder: Path, change: Change) -> None:
    """What is refused and told is what was expected; whatever holds data and does not stay, by the schemas, is named.

    Where `move` is said to know a way, there is something in between, which loses nothing, and after which nothing is lost.
    """
    kind = change.key.partition(".")[0]
    before = synthesized(folder, kind, change.before)
    after = synthesized(folder, kind, change.before | change.after)
    assert before != after or change.key in NOT_IN_A_TEMPLATE
    refused, told = set(), set()
    for stack in before.keys() & after.keys():
        found = risks(before[stack], after[stack])
        refused |= {one.kind for one in found if one.refused}
        told |= {one.kind for one in found if not one.refused}
        lost = gone_or_replaced(before[stack], after[stack])
        assert lost <= {name for name, fate in fates(before[stack], after[stack]).items() if fate != "stays"}
        between = halfway(before[stack], after[stack])
        assert (between is not None) == any(one.movable for one in found)
        if between is not None:
            assert not any(one.refused for one in risks(before[stack], between.template))
            assert not any(one.movable for one in risks(between.template, after[stack]))
        holding = {name for name in lost if before[stack]["Resources"][name]["Type"] in HOLDING}
        assert not holding or found, holding
    assert (refused, told) == (set(change.refused), set(change.told))
