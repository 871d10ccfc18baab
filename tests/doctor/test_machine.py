"""This machine's tools: the project's own, and builders of images."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from email_stack.doctor import judge, machine
from email_stack.doctor.model import State
from email_stack.doctor.zones import read_servers
from email_stack.synthesis.toolchain import ToolchainError


def test_tools_of_this_checkout() -> None:
    """The CLI is the one that is pinned, and Node runs."""
    for read in (machine.cdk_version, machine.node_version):
        assert judge.tool(*read()).state is State.OK


def test_cdk_of_another_version(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What is installed is compared with what is locked."""
    (tmp_path / "node_modules/aws-cdk").mkdir(parents=True)
    (tmp_path / "node_modules/aws-cdk/package.json").write_text('{"version": "2.1.0"}')
    lock = {"packages": {"node_modules/aws-cdk": {"version": "2.2.0"}}}
    (tmp_path / "package-lock.json").write_text(json.dumps(lock))
    monkeypatch.setattr(machine, "PROJECT_ROOT", tmp_path)
    assert machine.cdk_version() == ("2.1.0", "2.2.0")
    assert judge.tool("2.1.0", "2.2.0").state is State.WRONG
    (tmp_path / "package-lock.json").unlink()
    with pytest.raises(ToolchainError, match=r"package-lock\.json: cannot be read"):
        machine.cdk_version()


@pytest.mark.parametrize("script", ["#!/bin/sh\nexit 3\n", "no program"])
def test_node_that_does_not_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, script: str) -> None:
    """It is said so, with what to do."""
    node = tmp_path / "node"
    node.write_text(script)
    node.chmod(0o755)
    monkeypatch.setattr(machine, "node_executable", lambda: node)
    with pytest.raises(ToolchainError, match=r'does not run, .*; run "make install"'):
        machine.node_version()


def test_builders_on_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Those that are on PATH, with the one that CDK_DOCKER names, by name or by path."""
    for name in ("podman", "own"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert (machine.builder(), machine.builders()) == ("docker", frozenset({"podman"}))
    monkeypatch.setenv("CDK_DOCKER", "own")
    assert (machine.builder(), machine.builders()) == ("own", frozenset({"own", "podman"}))
    monkeypatch.setenv("CDK_DOCKER", str(tmp_path / "own"))
    assert machine.builder() in machine.builders()


def test_no_resolver(monkeypatch: pytest.MonkeyPatch) -> None:
    """Is a reason for each domain, and ends nothing."""

    def none() -> None:
        raise ValueError("resolver: this machine's configuration names none")

    monkeypatch.setattr("email_stack.doctor.zones.system_resolvers", none)
    assert read_servers(["acme.example"], None) == {"acme.example": "resolver: this machine's configuration names none"}
