"""A tenant's store on the emulator."""

from __future__ import annotations

import pytest

from emulator import Emulator
from tests.emulators import shared_emulator
from tests.mailroom.store.conftest import Store, new_store


@pytest.fixture(scope="session")
def emulator(request: pytest.FixtureRequest) -> Emulator:
    """An emulator that looks at no policy, shared by all of tests/mailroom."""
    return shared_emulator(request)


@pytest.fixture
def store(emulator: Emulator) -> Store:
    """An empty store, its bucket versioned."""
    made = new_store(emulator)
    made.client("s3").put_bucket_versioning(Bucket=made.bucket, VersioningConfiguration={"Status": "Enabled"})
    return made
