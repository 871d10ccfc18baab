"""A clamd that knows one file, where a file begins with it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mailroom.scanning.clamd import Clamd
from tests.mailroom.clamav import EICAR_DEFINITIONS, RunningClamd, running_clamd


@pytest.fixture(scope="module")
def clamd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningClamd]:
    """It, scanning."""
    with running_clamd(tmp_path_factory.mktemp("clamd"), EICAR_DEFINITIONS) as running:
        yield running


@pytest.fixture
def engine(clamd: RunningClamd) -> Clamd:
    """Its client."""
    return clamd.client
