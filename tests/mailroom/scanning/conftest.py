"""One clamd a test file."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mailroom.scanning.clamd import Clamd
from tests.mailroom.clamav import RunningClamd, running_clamd


@pytest.fixture(scope="module")
def clamd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningClamd]:
    """A clamd that scans."""
    with running_clamd(tmp_path_factory.mktemp("clamd")) as running:
        yield running


@pytest.fixture
def engine(clamd: RunningClamd) -> Clamd:
    """Its client."""
    return clamd.client
