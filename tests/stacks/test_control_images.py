"""The images of a cell's settings API: their context, base, libraries and Dockerfile."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from constructs_lib.bundle import _DISTRIBUTIONS
from email_stack.stacks.control_code import DOCKERFILE, image_context
from email_stack.synthesis.toolchain import PROJECT_ROOT
from tests.stacks.test_control_stack import CONTROL, config_of

pytestmark = pytest.mark.slow


def test_images_have_all_of_the_project(tmp_path: Path) -> None:
    """What Python and the CDK need, one Dockerfile with both targets, and nothing that a run leaves behind."""
    config = config_of(tmp_path, f", control: {CONTROL}")
    folder = image_context(config, "eu")
    names = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert {
        "app.py",
        "cdk.json",
        "platform.json",
        DOCKERFILE,
        "email_stack/image/packages.sh",
        "email_stack/settings/requirements.lock",
        "email_stack/deploying/requirements.lock",
        "email_stack/settings/openapi.json",
        "mailroom/image/Dockerfile",
    } <= names
    assert not [one for one in names if "__pycache__" in one or one.endswith(".pyc")]
    assert image_context(config, "eu") == folder


def test_a_base_and_libraries_as_elsewhere() -> None:
    """The scanner's image stands on the same base; what a tenant's function is made of has one release in all locks."""
    bases = {
        next(line for line in (PROJECT_ROOT / name).read_text().splitlines() if line.startswith("ARG BASE="))
        for name in (DOCKERFILE, "mailroom/image/Dockerfile")
    }
    assert len(bases) == 1
    locks = [
        dict(re.findall(r"^([a-z0-9-]+)(?:\[[a-z,]+\])?==(\S+)", (PROJECT_ROOT / name).read_text(), re.MULTILINE))
        for name in ("requirements.lock", "email_stack/deploying/requirements.lock")
    ]
    for name in _DISTRIBUTIONS:
        assert locks[0][name] == locks[1][name], name


def test_linting_of_the_image() -> None:
    """hadolint has nothing to say."""
    command = [str(Path(sys.executable).with_name("hadolint")), str(PROJECT_ROOT / DOCKERFILE)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
