"""The lock files hold what the project asks for, in the form that any pip takes."""

from __future__ import annotations

import json
import re
import tomllib
from itertools import pairwise
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from email_stack.synthesis.toolchain import PROJECT_ROOT

PROJECT: dict[str, Any] = tomllib.loads((PROJECT_ROOT / "pyproject.toml").read_text())
OWN = re.compile(rf"{PROJECT['project']['name']}\[")
"""An extra that holds another one."""

LOCKS = {
    "requirements.lock": [
        *PROJECT["project"]["dependencies"],
        *(one for extra in PROJECT["project"]["optional-dependencies"].values() for one in extra if not OWN.match(one)),
        *PROJECT["dependency-groups"]["dev"],
    ],
    "mailroom/image/requirements.lock": PROJECT["dependency-groups"]["image"],
    "email_stack/settings/requirements.lock": PROJECT["dependency-groups"]["api"],
    "email_stack/deploying/requirements.lock": [
        *PROJECT["dependency-groups"]["api"],
        *(one for one in PROJECT["dependency-groups"]["synthesis"] if isinstance(one, str)),
    ],
    "benchmarks/requirements.lock": PROJECT["dependency-groups"]["replies"],
}
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
MACHINES = [("linux", "x86_64"), ("linux", "aarch64"), ("darwin", "arm64"), ("darwin", "x86_64")]


def locked(lock: str) -> list[Requirement]:
    """pip's reading of a lock."""
    lines = re.findall(r"^([A-Za-z0-9].*==.*) \\$", (PROJECT_ROOT / lock).read_text(), re.MULTILINE)
    return [Requirement(line) for line in lines]


@pytest.mark.parametrize("lock", LOCKS)
@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize(("system", "machine"), MACHINES)
def test_every_environment_has_what_is_asked_for(lock: str, python: str, system: str, machine: str) -> None:
    """One version of each, which fits, with the extras."""
    environment = {
        "python_version": python,
        "python_full_version": f"{python}.0",
        "sys_platform": system,
        "platform_machine": machine,
    }
    there: dict[str, Requirement] = {}
    for one in locked(lock):
        if one.marker is None or one.marker.evaluate(environment):
            assert canonicalize_name(one.name) not in there
            there[canonicalize_name(one.name)] = one
    for asked in map(Requirement, LOCKS[lock]):
        if asked.marker is None or asked.marker.evaluate(environment):
            found = there[canonicalize_name(asked.name)]
            (version,) = found.specifier
            assert asked.specifier.contains(version.version), asked
            assert asked.extras <= found.extras, asked


@pytest.mark.parametrize("lock", LOCKS)
def test_every_package_has_its_hashes(lock: str) -> None:
    """What is fetched is what was locked, from wherever it comes."""
    lines = [line for line in (PROJECT_ROOT / lock).read_text().splitlines() if not line.lstrip().startswith("#")]
    names = [line for line in lines if not line.startswith(" ")]
    assert len(names) == len(locked(lock))
    for line, following in pairwise([*lines, ""]):
        assert line in names or re.fullmatch(r"    --hash=sha256:[0-9a-f]{64}( \\)?", line)
        assert following.startswith("    --hash=") is line.endswith("\\")


@pytest.mark.parametrize("lock", [*LOCKS, "package-lock.json"])
def test_no_registry_is_named(lock: str) -> None:
    """Any mirror serves."""
    text = (PROJECT_ROOT / lock).read_text()
    assert "--index-url" not in text
    assert '"resolved"' not in text
    assert re.findall(r"https?://[^/\"]*(?:registry|pypi|npmjs)[^/\"]*", text) == []


def test_cdk_cli_is_the_one_that_is_asked_for() -> None:
    """package-lock.json follows package.json: the CLI must match the library."""
    npm = json.loads((PROJECT_ROOT / "package-lock.json").read_text())["packages"]
    for name, asked in json.loads((PROJECT_ROOT / "package.json").read_text())["dependencies"].items():
        assert npm[f"node_modules/{name}"]["version"] == asked
