"""Manifests: what is written is read back, and nothing else is."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailroom.definitions.manifest import Manifest, ManifestError, is_definitions

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
    "name",
    ["main-63.cvd.sign", "daily-27780.cvd.sign", "bytecode-339.cvd.sign", "daily.cvd.sign", "daily-27781.cld.sign"],
)
def test_signature_files_belong_to_a_set(name: str) -> None:
    """ClamAV 1.5 checks an official database with the file beside it, named after database and version."""
    made = Manifest(files={"main.cvd": "a" * 64, name: "b" * 64}, signatures=2, created=NOW, checked=NOW)
    assert Manifest.from_json(made.to_json()) == made


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
        {"files": {"certs/clamav.crt": "0" * 64}},
        {"files": {"clamav.crt": "0" * 64}},
        {"files": {"own-1.ndb.sign": "0" * 64}},
        {"files": {"daily-27780.cdiff.sign": "0" * 64}},
        {"files": {"main-63.cvd.sign.sign": "0" * 64}},
        {"files": {".sign": "0" * 64}},
        {"files": {"freshclam.dat": "0" * 64}},
        {"signatures": "many"},
        {"signatures": float("inf")},
        {"created": "yesterday"},
        {"checked": "2026-11-23T10:00:00"},
        {"checked": None},
    ],
)
def test_anything_else_is_refused(change: dict[str, Any]) -> None:
    """A name that leaves the folder, a digest that is none, a time without a zone."""
    with pytest.raises(ManifestError, match="manifest: "):
        Manifest.from_json(json.dumps({**GOOD, **change}))


@pytest.mark.parametrize("text", ["[" * 100_000, '{"files":' * 100_000, "1" * 5000, "[]", '"files"', "null", ""])
def test_hostile_documents_are_refused(text: str) -> None:
    """Nested too deep, too long a number, or another kind of document: a manifest error, never another."""
    with pytest.raises(ManifestError, match="manifest: "):
        Manifest.from_json(text)


_TEXT = json.dumps(GOOD)


@given(
    start=st.integers(0, len(_TEXT)),
    removed=st.integers(0, len(_TEXT)),
    inserted=st.text('0123456789-:+.{}[]"eINn \\', max_size=12),
)
def test_damaged_document_is_a_manifest_or_refused(start: int, removed: int, inserted: str) -> None:
    """A piece cut out, replaced or put in: what is still a manifest can be published again, with names that are file names."""
    try:
        made = Manifest.from_json(_TEXT[:start] + inserted + _TEXT[start + removed :])
    except ManifestError:
        return
    assert Manifest.from_json(made.to_json()) == made
    assert all(is_definitions(name) and "/" not in name for name in made.files)


@given(st.binary(max_size=100))
def test_noise_is_refused(data: bytes) -> None:
    """Any octets are a manifest error, never another."""
    with pytest.raises(ManifestError):
        Manifest.from_json(data)
