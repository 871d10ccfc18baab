"""Stores of the emulator's, and an outbox on one."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from mailroom.outbox import Outbox
from tests.mailroom.store.conftest import Store, emulator, store

__all__ = ["NOW", "emulator", "outbox", "outbox_of", "store"]

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)


@pytest.fixture
def outbox(store: Store) -> Outbox:
    """An empty outbox; its clock stands still."""
    store.client("s3").put_bucket_versioning(Bucket=store.bucket, VersioningConfiguration={"Status": "Enabled"})
    return outbox_of(store)


def outbox_of(store: Store) -> Outbox:
    """The outbox of a store."""
    return Outbox(table=store.writer().table, s3=store.client("s3"), bucket=store.bucket, clock=lambda: NOW)
