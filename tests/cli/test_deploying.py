"""An assembly in which one stack has another template."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from email_stack.cli.cdk import CdkRun
from email_stack.cli.deploying import with_template

OLD = "a" * 64
CODE = "b" * 64


def assembly(folder: Path, url: str) -> CdkRun:
    """An assembly of two stacks, as the CDK writes it."""
    folder.mkdir()
    manifest = {"artifacts": {"One": {"properties": {"stackTemplateAssetObjectUrl": url}}, "Two": {}}}
    files = {
        OLD: {"source": {"path": "One.template.json"}, "destinations": {"d": {"objectKey": f"{OLD}.json"}}},
        CODE: {"source": {"path": f"asset.{CODE}"}},
    }
    contents: dict[str, Any] = {
        "manifest.json": manifest,
        "One.assets.json": {"files": files},
        "One.template.json": {"Resources": {"A": {}}},
        "Two.template.json": {"Resources": {"B": {}}},
    }
    for name, content in contents.items():
        (folder / name).write_text(json.dumps(content))
    return CdkRun(verb="synth", stacks=["Two", "One"], config=Path("c"), tenants=["one"], assembly=folder)


def test_another_template_is_uploaded_under_its_own_hash(tmp_path: Path) -> None:
    """The CDK uploads nothing twice under one key; what was synthesized stays as it was, and other stacks are left out."""
    made = assembly(tmp_path / "cdk.out", f"s3://assets/{OLD}.json")
    before = {path.name: path.read_text() for path in (tmp_path / "cdk.out").iterdir()}
    run = with_template(made, "One", {"Resources": {"A": {}, "ü": {}}}, tmp_path / "other")
    assert {path.name: path.read_text() for path in (tmp_path / "cdk.out").iterdir()} == before
    assert (run.stacks, run.assembly) == (["One"], tmp_path / "other")
    written = (tmp_path / "other" / "One.template.json").read_bytes()
    assert json.loads(written) == {"Resources": {"A": {}, "ü": {}}}
    own = hashlib.sha256(written).hexdigest()
    after = {path.name: path.read_text() for path in (tmp_path / "other").iterdir()}
    assert after["manifest.json"] == before["manifest.json"].replace(OLD, own)
    assert after["One.assets.json"] == before["One.assets.json"].replace(OLD, own)
    assert after["Two.template.json"] == before["Two.template.json"]
    assert CODE in after["One.assets.json"]


def test_a_template_that_is_no_asset_is_not_replaced(tmp_path: Path) -> None:
    """Nobody would know where the CDK takes it from."""
    with pytest.raises(ValueError, match="the template of One is no asset"):
        with_template(assembly(tmp_path / "cdk.out", "https://x/One.json"), "One", {}, tmp_path / "other")
