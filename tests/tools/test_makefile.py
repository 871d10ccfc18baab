"""Commands of the Makefile's targets."""

from __future__ import annotations

import subprocess
import tomllib

import pytest

from email_stack.synthesis.toolchain import PROJECT_ROOT


def commands(target: str, *variables: str) -> list[str]:
    """Commands that make would run, without installations before."""
    command = [
        "make",
        "--dry-run",
        "--no-print-directory",
        "--old-file=install",
        "--old-file=debian",
        target,
        *variables,
    ]
    done = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True, check=True)
    lines = [line.removeprefix("tests/tmpdir.sh ") for line in done.stdout.splitlines()]
    return [line for line in lines if line.startswith(".venv/bin/")]


def test_whole_suite_is_judged_by_its_coverage() -> None:
    """All of it, by what pyproject.toml demands."""
    run, report = commands("test")
    assert "--cov" in run.split()
    assert report.strip() == ".venv/bin/coverage report"
    settings = tomllib.loads((PROJECT_ROOT / "pyproject.toml").read_text())
    assert settings["tool"]["coverage"]["report"]["fail_under"] >= 90


def test_part_of_the_suite_is_not() -> None:
    """A part covers a part; pytest-cov would judge too."""
    run, report = commands("test", "ARGS=-k dns")
    assert run.endswith("--cov-fail-under=0 -k dns")
    assert report == ".venv/bin/coverage report --fail-under=0"


@pytest.mark.parametrize(
    "tool", ["ruff check", "ruff format --check", "lint-imports", "mypy", "pytest -q -n 2 --offline"]
)
def test_check_is_lint_types_and_quick_tests(tool: str) -> None:
    """All that a commit needs."""
    assert [line for line in commands("check") if line.startswith(f".venv/bin/{tool}")] != []
