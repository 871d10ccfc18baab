"""No template holds what CloudFormation would replace while it deploys, whatever way it came there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import jsii
import pytest
from aws_cdk import aws_sns as sns
from constructs import IConstruct

from email_stack.config import Config
from email_stack.stacks import add_stacks
from email_stack.synthesis.app import project_context, synthesize
from email_stack.synthesis.dynamic_references import DynamicReferenceError, check_assembly, references_in
from email_stack.synthesis.sharding import Shard, run_in_shards
from email_stack.synthesis.toolchain import PROJECT_ROOT
from tests.stacks.conftest import CONFIG
from tests.templates import UNSTAGED, unchecked
from tests.validation import NO_VALIDATION

SECRET = "{{resolve:ssm:/platform/secret}}"

HELD: list[tuple[str, dict[str, Any], str]] = [
    ("a.b[1]", {"a": {"b": ["c", f"x {SECRET}"]}}, SECRET),
    ("a (a key)", {"a": {SECRET: 1}}, SECRET),
    ("a.Fn::Join[1][0]", {"a": {"Fn::Join": ["", [SECRET]]}}, SECRET),
    ("a", {"a": {"Fn::Join": ["", ["{{", "resolve:ssm:/x}}"]]}}, "{{resolve:ssm:/x}}"),
    ("a", {"a": {"Fn::Join": ["{re", ["{", "solve:ssm:/x}}"]]}}, "{{resolve:ssm:/x}}"),
    ("a", {"a": {"Fn::Join": ["", ["{", {"Ref": "AWS::NoValue"}, "{resolve:ssm:/x}}"]]}}, "{{resolve:ssm:/x}}"),
    ("a", {"a": {"Fn::Join": ["", ["{{res", {"Ref": "Rest"}]]}}, "{{res…"),
    ("a", {"a": {"Fn::Join": ["", ["{{", {"Fn::GetAtt": ["X", "Y"]}, ":ssm"]]}}, "{{…:ssm"),
    ("a", {"a": {"Fn::Join": ["", ["{", {"Fn::Join": ["", ["{RES", "olve:s"]]}]]}}, "{{RESolve:s"),
    ("a", {"a": {"Fn::Join": ["", ["{{", {"Fn::If": ["C", "x", "resolve:s"]}]]}}, "{{resolve:s"),
    ("a", {"a": {"Fn::Join": ["", ["{{", {"Fn::Select": [1, ["x", "resolve:s"]]}]]}}, "{{resolve:s"),
    (
        "a",
        {
            "a": {
                "Fn::Sub": "{${P}",
            },
            "Parameters": {"P": {"Default": "{resolve:s"}},
        },
        "{{resolve:s",
    ),
    ("a", {"a": {"Fn::Sub": ["{${x}${y}", {"x": "{", "y": "resolve:s"}]}}, "{{resolve:s"),
    ("a", {"a": {"Fn::Sub": "{{resolve${AWS::Region}"}}, "{{resolve…"),
    ("a", {"a": {"Fn::Join": ["", {"Fn::Split": [",", "{{,resolve:s"]}]}}, "{{resolve:s"),
    ("a", {"a": {"Fn::Join": ["", ["{", {"Fn::Select": [1, {"Fn::Split": ["|", "a|{resolve:s"]}]}]]}}, "{{resolve:s"),
    (
        "a",
        {
            "a": {"Fn::Join": ["", ["{", {"Fn::FindInMap": ["M", "x", "y"]}]]},
            "Mappings": {"M": {"x": {"y": "{resolve:s"}}},
        },
        "{{resolve:s",
    ),
    ("a.Fn::Sub", {"a": {"Fn::Sub": "{{resolve:${AWS::Region}"}}, "{{resolve:${AWS::Region}"),
]


@pytest.mark.parametrize(("path", "template", "text"), HELD)
def test_reference_is_found(path: str, template: dict[str, Any], text: str) -> None:
    """In values and keys, and where pieces make it only together; once, with its place and what stands there."""
    assert list(references_in(template)) == [(path, text)]


@pytest.mark.parametrize(
    "template",
    [
        {"a": "{{mustache}} ${b} {resolve:ssm:/x}", "b": [None, 1, True, {}]},
        {"a": {"Fn::Join": ["", ['{"b":{"', {"Ref": "X"}, '":{"resolve:":1}}}']]}},
        {"a": {"Fn::Sub": "{${!b}{resolve:"}},
        {"a": {"Fn::Join": ["", {"Fn::Split": [",", "{{,x"]}]}},
        {"a": {"Fn::Join": ["", {"Fn::Split": [",", {"Ref": "{{"}]}]}},
        {"a": {"Fn::If": ["C", "{{", "resolve:"]}},
    ],
)
def test_what_is_no_reference_is_left_alone(template: dict[str, Any]) -> None:
    """Braces alone, and pieces that never meet."""
    assert list(references_in(template)) == []


def test_pieces_without_end_take_linear_time() -> None:
    """Choices within choices are not all written out."""
    choice = {"Fn::If": ["C", "{", "{r"]}
    assert list(references_in({"a": {"Fn::Join": ["", [choice] * 500]}})) == []


def test_platform_writes_none(assembly: Path, example_assembly: Path) -> None:
    """Every template of the tests' tenants and of the example."""
    check_assembly(assembly)
    check_assembly(example_assembly)


def test_nested_assemblies_and_nested_stacks_are_checked(tmp_path: Path) -> None:
    """A stage's stacks are deployed by the CLI, a nested stack's template is an asset."""
    app = cdk.App(outdir=str(tmp_path), tree_metadata=False, builtin_cloud_formation_validation=False)
    staged = cdk.Stack(cdk.Stage(app, "Stage"), "Staged")
    sns.Topic(staged, "Topic", display_name=SECRET)
    outer = cdk.Stack(app, "Outer")
    sns.Topic(cdk.NestedStack(outer, "Inner"), "Topic", display_name=SECRET)
    app.synth()
    with pytest.raises(DynamicReferenceError) as raised:
        check_assembly(tmp_path)
    inner, stage = sorted(str(raised.value).splitlines())
    assert inner.startswith('stack "OuterInner')
    assert stage.startswith('stack "Stage-Staged": Resources.Topic')


def synthesize_hostile(shard: Shard) -> None:
    """As `synthesize`, with what an aspect of somebody's might add past every check of constructs and config."""

    class Adds:
        def visit(self, node: IConstruct) -> None:
            if isinstance(node, cdk.Stack) and node.node.try_find_child("Note") is None:
                cdk.CfnOutput(node, "Note", value=SECRET)

    def add(app: cdk.App, config: Config, **chosen: Any) -> None:
        add_stacks(app, config, **chosen)
        cdk.Aspects.of(app).add(jsii.implements(cdk.IAspect)(Adds)())

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("email_stack.stacks.add_stacks", add)
        synthesize(shard)


@pytest.mark.slow
def test_synthesis_refuses_it(config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names stack, place and value; there is no manifest, so that nothing can be deployed. In shards as well."""
    context = {**project_context(), **UNSTAGED}
    shard = Shard(config=config, tenants=("shortest",), cells=(), outdir=tmp_path, context=context)
    with pytest.raises(DynamicReferenceError) as raised, unchecked():
        synthesize_hostile(shard)
    assert str(raised.value).splitlines() == [
        f'stack "{stack}": Outputs.Note.Value must hold no dynamic reference, which CloudFormation resolves with the rights of '
        f'the user that deploys, got "{SECRET}"; remove it from the stack\'s sources'
        for stack in ("Cell-eu", "Tenant-shortest")
    ]
    assert not (tmp_path / "manifest.json").exists()
    for name, value in NO_VALIDATION.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(DynamicReferenceError, match="Tenant-shortest"):
        run_in_shards(synthesize_hostile, [shard], tmp_path / "joined")
    assert not (tmp_path / "joined" / "manifest.json").exists()


MAIN = f"""
import runpy, sys
sys.path.insert(0, {str(PROJECT_ROOT)!r})
from email_stack.synthesis import app
from tests.stacks.test_dynamic_references import synthesize_hostile
app.synthesize = synthesize_hostile
runpy.run_path({str(PROJECT_ROOT / "app.py")!r}, run_name="__main__")
"""


@pytest.mark.slow
def test_app_ends_with_the_problem(tmp_path: Path) -> None:
    """What the CDK CLI runs exits with 1 and says what is wrong, without a stack trace."""
    context = {**project_context(), **UNSTAGED, "config": str(CONFIG), "tenant": "shortest"}
    environment = {**os.environ, "CDK_OUTDIR": str(tmp_path), "CDK_CONTEXT_JSON": json.dumps(context), **NO_VALIDATION}
    command = [sys.executable, "-c", MAIN]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith('stack "Cell-eu": Outputs.Note.Value must hold no dynamic reference')
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "manifest.json").exists()
