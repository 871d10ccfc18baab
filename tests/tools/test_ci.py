"""Commands of continuous integration, and its Pythons."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import yaml

from email_stack.synthesis.toolchain import PROJECT_ROOT

PROJECT: dict[str, Any] = tomllib.loads((PROJECT_ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_workflow_runs_on_the_oldest_python_and_on_that_of_lambda() -> None:
    """The functions' own Python is the newest that the project declares."""
    workflow = yaml.safe_load((PROJECT_ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8"))
    job = workflow["jobs"]["ci"]
    declared = [one.rpartition(" ")[2] for one in PROJECT["classifiers"] if re.search(r":: 3\.\d+$", one)]
    worker = (PROJECT_ROOT / "constructs_lib" / "worker.py").read_text(encoding="utf-8")
    oldest, newest = job["strategy"]["matrix"]["python"]
    assert PROJECT["requires-python"] == f">={oldest}"
    assert f'runtime="python{newest}"' in worker
    assert (declared[0], declared[-1]) == (oldest, newest)
    assert job["steps"][-1]["run"] == "bash .ci/run"
    assert workflow["permissions"] == {"contents": "read"}


def test_ci_runs_every_check() -> None:
    """Lint, types, pages of the API and tests, and the README names them."""
    commands = re.findall(r"^make (\w+)$", (PROJECT_ROOT / ".ci" / "run").read_text(encoding="utf-8"), re.MULTILINE)
    assert commands == ["lint", "types", "pages", "test"]
    readme = (PROJECT_ROOT / "README.md").read_text(encoding="utf-8")
    assert "`make lint`, `make types`, `make pages`, `make test`" in readme
