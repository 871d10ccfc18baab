"""Syntheses of commands are quick."""

from __future__ import annotations

import os

import pytest

from tests.validation import NO_VALIDATION


@pytest.fixture
def quick_synthesis(monkeypatch: pytest.MonkeyPatch) -> None:
    """The app runs without the CDK's check of templates, and unmeasured: `tests/stacks` has both."""
    for name, value in NO_VALIDATION.items():
        monkeypatch.setenv(name, value)
    for name in [name for name in os.environ if name.startswith("COVERAGE_")]:
        monkeypatch.delenv(name)
