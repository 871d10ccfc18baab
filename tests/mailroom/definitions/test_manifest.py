"""Manifests: what is written is read back, and nothing else is."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailroom.definitions.manifest import Manifest, ManifestError

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
GOOD: dict[str, Any] = {
    "files": {"daily.cld": "0" * 64},
    "signatures": 7,
    "created": NOW.isoformat(),
    "checked": NOW.isoformat(),
}


def test_reads_what_it_wrote() -> None:
    """And the version depends on the files alone."""
    made = Manifest(files={"main.cvd": "a" * 64, "daily.cld": "b" * 64}, signatures=2, created=NOW, checked=NOW)
    assert Manifest.from_json(made.to_json()) == made
    assert made.key("main.cvd") == f"sets/{made.version}/main.cvd"


@pytest.mark.parametrize(
    "change",
    [
        {"files": {}},
        {"files": {"../../etc/passwd": "0" * 64}},
        {"files": {"a/b.ndb": "0" * 64}},
        {"files": {"evil.sh": "0" * 64}},
        {"files": {"daily.cld": "0"}},
        {"files": {"daily.cld": 7}},
        {"files": 7},
        {"signatures": "many"},
        {"created": "yesterday"},
        {"checked": "2026-11-23T10:00:00"},
        {"checked": None},
    ],
)
def test_anything_else_is_refused(change: dict[str, Any]) -> None:
    """A name that leaves the folder, a digest that is none, a time without a zone."""
    with pytest.raises(ManifestError, match="manifest: "):
        Manifest.from_json(json.dumps({**GOOD, **change}))


@given(st.binary(max_size=100))
def test_noise_is_refused(data: bytes) -> None:
    """Any octets are a manifest error, never another."""
    with pytest.raises(ManifestError):
        Manifest.from_json(data)
