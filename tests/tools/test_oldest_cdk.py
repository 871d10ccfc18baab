"""The library works with the oldest release of the CDK that it takes; all other tests run with the newest, which is locked."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path

import pytest

from email_stack.synthesis.toolchain import PROJECT_ROOT
from tests.examples import example
from tests.validation import NO_VALIDATION

pytestmark = [pytest.mark.thorough, pytest.mark.slow, pytest.mark.servers, pytest.mark.timeout(600)]


def oldest() -> str:
    """The lower bound of the range, a minor release."""
    project = tomllib.loads((PROJECT_ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (cdk,) = [one for one in project["optional-dependencies"]["constructs"] if one.startswith("aws-cdk-lib")]
    found = re.fullmatch(r"aws-cdk-lib>=([0-9]+\.[0-9]+),<3", cdk)
    assert found is not None, cdk
    return found[1]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """That release alone, from the package index; all else is what the tests run with."""
    folder = tmp_path_factory.mktemp("oldest")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    release = f"aws-cdk-lib=={oldest()}.0"
    done = subprocess.run(
        # Nobody imports more than a few of its 300 modules: compiling all of them takes longer than all else here.
        [*command, "--no-compile", "--target", str(folder), release],
        capture_output=True,
        text=True,
        check=False,
        env=dict(os.environ),
    )
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.parametrize("page", ["docs/constructs.md"])
def test_documented_programs_synthesize(page: str, installed: Path, tmp_path: Path) -> None:
    """Word for word, with every construct that it names."""
    # The folder of the other packages comes last, through its own path: the older release goes before the locked one.
    paths = os.pathsep.join([str(installed), str(PROJECT_ROOT), sysconfig.get_path("purelib")])
    bare = {"PATH": "/nonexistent", "HOME": str(tmp_path), "PYTHONPATH": paths, **NO_VALIDATION}
    code = f"{example(page)}\nimport aws_cdk\nprint(aws_cdk.__file__)\n"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=bare, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().splitlines()[-1].startswith(str(installed))
