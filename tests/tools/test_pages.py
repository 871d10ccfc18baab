"""The pages of the API: each public name has its section, a docstring that is wrong fails the build, and nothing is fetched."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import constructs_lib
import mailroom
from email_stack.synthesis.toolchain import PROJECT_ROOT

pytestmark = pytest.mark.slow

SMALL = """
INHERIT: {config}
docs_dir: docs
site_dir: site
hooks: []
nav: [index.md]
not_in_nav: ""
plugins:
  mkdocstrings:
    handlers:
      python:
        paths: ["{folder}"]
"""
MODULE = '''
def add(number: int) -> int:
    """The number and one.

    Args:
        {name}: any.
    """
    return number + 1
'''


def build(config: Path, site: Path) -> subprocess.CompletedProcess[str]:
    """Make the site, as `make pages` does. `--quiet` would count no warnings."""
    command = [sys.executable, "-m", "mkdocs", "build", "--config-file", str(config), "--site-dir", str(site)]
    return subprocess.run(
        command,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's own."""
    folder = tmp_path_factory.mktemp("site")
    done = build(PROJECT_ROOT / "mkdocs.yml", folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.mark.parametrize("package", [mailroom, constructs_lib])
def test_every_public_name_has_its_section(site: Path, package: object) -> None:
    """And no other is there."""
    name = getattr(package, "__name__", "")
    page = (site / "api" / f"{name}.html").read_text(encoding="utf-8")
    assert set(re.findall(rf'<h2 id="{name}\.(\w+)"', page)) == set(dir(package))


def test_pages_fetch_nothing(site: Path) -> None:
    """No font, script or image comes from another place."""
    for page in (site / "index.html", site / "api" / "mailroom.html"):
        text = page.read_text(encoding="utf-8")
        assert re.findall(r'(?:src="|<link[^>]* href=")(?:https?:)?//[^"]*', text) == []


@pytest.mark.parametrize(("name", "code"), [("number", 0), ("numbr", 1)])
def test_docstring_that_names_no_argument_fails(tmp_path: Path, name: str, code: int) -> None:
    """A warning is an error."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "index.md").write_text("# Small\n\n::: small.add\n")
    (tmp_path / "small.py").write_text(MODULE.format(name=name))
    config = tmp_path / "mkdocs.yml"
    config.write_text(SMALL.format(config=PROJECT_ROOT / "mkdocs.yml", folder=tmp_path))
    done = build(config, tmp_path / "site")
    assert done.returncode == code, done.stdout + done.stderr
    assert ("numbr" in done.stderr) is bool(code)
