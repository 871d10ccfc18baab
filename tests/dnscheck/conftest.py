"""One small internet a test file."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.dnscheck.commands import right_config
from tests.nameservers import Internet

__all__ = ["internet", "right_config"]


@pytest.fixture(scope="module")
def internet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Internet]:
    """Name servers that run, with no customer's zone yet."""
    with Internet(tmp_path_factory.mktemp("internet")) as running:
        yield running
